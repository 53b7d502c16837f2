"""Data made by a formula, whose best possible score is known: classics of the literature.

Every generator is seeded and draws from ``numpy.random.RandomState``, whose streams are frozen (NEP 19); what
goes through a logarithm or a sine is rounded to ``DIGITS`` decimals, since those differ between machines in
their last bits.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import inspect
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.data.generated.images import counting, gratings, path, shapes
from benchmark.data.generated.sequences import ASK, NOISE, adding, parity, selective_copying
from benchmark.data.generated.tables import friedman1, friedman2, friedman3, hastie_10_2
from benchmark.data.raw import Raw
from benchmark.errors import RequestError, nearest
from benchmark.spec import Dataset

__all__ = [
    "ASK",
    "GENERATORS",
    "LEAST",
    "NOISE",
    "adding",
    "counting",
    "friedman1",
    "friedman2",
    "friedman3",
    "gratings",
    "hastie_10_2",
    "parity",
    "path",
    "read",
    "selective_copying",
    "shapes",
    "stamp",
]

LEAST: Mapping[str, float] = {
    "n_rows": 10,
    "n_features": 5,
    "noise": 0.0,
    "shortest": 2,
    "longest": 2,
    "length": 1,
    "remembered": 1,
    "letters": 2,
    "seed": 0,
}
"""The smallest value of every option, of the type that the option has."""


def read(dataset: Dataset) -> Raw:
    """What the generator at the card's location makes of the card's options.

    Raises
    ------
    RequestError
        When there is no such generator or option, or an option is out of range.
    """
    where = dataset.file or dataset.name
    if dataset.location not in GENERATORS:
        hint = nearest(dataset.location, GENERATORS)
        raise RequestError(f"{where}: location: there is no generator '{dataset.location}'; {hint}")
    generator = GENERATORS[dataset.location]
    for name, value in dataset.options.items():
        _check_option(name, value, inspect.signature(generator).parameters, where)
    try:
        return generator(**dataset.options)
    except ValueError as error:
        raise RequestError(f"{where}: options: {error}") from error


def stamp(dataset: Dataset) -> str:
    """Digest of this folder's sources, and the version of the library that holds some of the formulas."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    code = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    return f"{code} {importlib.metadata.version('scikit-learn')} {dataset.location}"


def _check_option(name: str, value: Any, known: Iterable[str], where: str) -> None:
    if name not in known:
        raise RequestError(f"{where}: options: there is no option '{name}'; {nearest(name, known)}")
    least = LEAST[name]
    kinds = int if isinstance(least, int) else (int, float)
    if not isinstance(value, kinds) or isinstance(value, bool) or not least <= value < np.inf:
        kind = "a whole number" if kinds is int else "a number"
        raise RequestError(f"{where}: options.{name}: expected {kind} from {least:g}, got {value!r}")


GENERATORS: Mapping[str, Callable[..., Raw]] = {
    generator.__name__: generator
    for generator in (
        friedman1,
        friedman2,
        friedman3,
        hastie_10_2,
        adding,
        selective_copying,
        parity,
        shapes,
        gratings,
        counting,
        path,
    )
}
"""By the card's ``location``; the arguments are the card's ``options``."""
