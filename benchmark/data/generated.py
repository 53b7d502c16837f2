"""Data made by a formula, whose best possible score is known: classics of the literature.

Every generator is seeded and draws from ``numpy.random.RandomState``, whose streams are frozen (NEP 19); what
goes through a logarithm or a sine is rounded to ``DIGITS`` decimals, since those differ between machines in
their last bits.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import inspect
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmark.data.raw import Raw
from benchmark.errors import RequestError, nearest
from benchmark.spec import Dataset

__all__ = [
    "ASK",
    "GENERATORS",
    "LEAST",
    "NOISE",
    "adding",
    "friedman1",
    "friedman2",
    "friedman3",
    "hastie_10_2",
    "parity",
    "read",
    "selective_copying",
    "stamp",
]

Array = npt.NDArray[Any]

DIGITS = 6
INSIDE = 9.34
"""The median of a chi-squared variable of ten degrees of freedom, as the book rounds it."""
LETTERS = "abcdefghijklmnopqrstuvwxyz"
NOISE, ASK = ".", "?"
"""What selective copying puts between the letters, and where it asks for them."""

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
    """Digest of this module's source, and the version of the library that holds some of the formulas."""
    code = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    return f"{code} {importlib.metadata.version('scikit-learn')} {dataset.location}"


def _check_option(name: str, value: Any, known: Iterable[str], where: str) -> None:
    if name not in known:
        raise RequestError(f"{where}: options: there is no option '{name}'; {nearest(name, known)}")
    least = LEAST[name]
    kinds = int if isinstance(least, int) else (int, float)
    if not isinstance(value, kinds) or isinstance(value, bool) or not least <= value < np.inf:
        kind = "a whole number" if kinds is int else "a number"
        raise RequestError(f"{where}: options.{name}: expected {kind} from {least:g}, got {value!r}")


def friedman1(n_rows: int = 1000, n_features: int = 10, noise: float = 1.0, seed: int = 0) -> Raw:
    """Regression, y = 10 sin(pi x1 x2) + 20 (x3 - 1/2)^2 + 10 x4 + 5 x5 + noise; the other features are idle.

    Friedman (1991), Annals of Statistics 19; features are uniform on [0, 1).
    """
    return _friedman(1, n_rows, n_features=n_features, noise=noise, random_state=seed)


def friedman2(n_rows: int = 1000, noise: float = 125.0, seed: int = 0) -> Raw:
    """Regression, y = sqrt(x1^2 + (x2 x3 - 1 / (x2 x4))^2) + noise, the impedance of a circuit.

    Friedman (1991), Annals of Statistics 19; noise of 125 is a third of the signal's deviation.
    """
    return _friedman(2, n_rows, noise=noise, random_state=seed)


def friedman3(n_rows: int = 1000, noise: float = 0.1, seed: int = 0) -> Raw:
    """Regression, y = arctan((x2 x3 - 1 / (x2 x4)) / x1) + noise, the phase angle of a circuit.

    Friedman (1991), Annals of Statistics 19; noise of 0.1 is a third of the signal's deviation.
    """
    return _friedman(3, n_rows, noise=noise, random_state=seed)


def hastie_10_2(n_rows: int = 12000, seed: int = 0) -> Raw:
    """Two classes, 1 where the squares of ten standard normal features add up to more than 9.34, else -1.

    Hastie, Tibshirani and Friedman (2009), The Elements of Statistical Learning, equation 10.2.
    """
    # Rounded before they are classed, so that the rule holds for the features as they are handed on.
    X = np.random.RandomState(seed).standard_normal((n_rows, 10)).round(DIGITS)
    return _table(X, np.where((X**2).sum(axis=1) > INSIDE, 1, -1))


def adding(n_rows: int = 2000, shortest: int = 20, longest: int = 22, seed: int = 0) -> Raw:
    """Regression of sequences: the sum of the two values that are marked, one in each half.

    Channels are a value, uniform on [0, 1), and a mark, 0 or 1. Hochreiter and Schmidhuber (1997), Neural
    Computation 9, experiment 4; range and halves as in Arjovsky, Shah and Bengio (2016), arXiv:1511.06464.
    """
    draw = np.random.RandomState(seed)
    rows, sums = [], []
    for length in _lengths(draw, n_rows, shortest, longest):
        values = draw.random_sample(length).astype(np.float32)
        half = length // 2
        marked = [draw.randint(0, half, dtype=np.int64), draw.randint(half, length, dtype=np.int64)]
        marks = np.zeros(length, np.float32)
        marks[marked] = 1
        rows.append(np.column_stack([values, marks]))
        sums.append(values[marked].sum(dtype=np.float64))
    return Raw(rows, np.array(sums), task_type="regression")


def selective_copying(
    n_rows: int = 2000,
    length: int = 28,
    remembered: int = 4,
    letters: int = 4,
    seed: int = 0,
) -> Raw:
    """Language: the letters that stood somewhere among noise, in their order, asked for at the end.

    A row is ``length`` characters, all noise but ``remembered`` letters, and as many questions; only at these
    is anything asked. Gu and Dao (2023), arXiv:2312.00752, section 4.1.1.
    """
    if remembered > length:
        raise ValueError(f"remembered: {remembered} letters do not fit into a length of {length}")
    if letters > len(LETTERS):
        raise ValueError(f"letters: there are {len(LETTERS)} letters, not {letters}")
    draw = np.random.RandomState(seed)
    # The places of the smallest of random numbers: a draw without replacement in every row.
    places = np.sort(draw.random_sample((n_rows, length)).argsort(axis=1, kind="stable")[:, :remembered])
    codes = draw.randint(0, letters, (n_rows, remembered), dtype=np.int64)
    characters = np.full((n_rows, length + remembered), NOISE)
    characters[:, length:] = ASK
    np.put_along_axis(characters, places, np.array(list(LETTERS))[codes], axis=1)
    asked = np.full(characters.shape, -1, np.int64)
    asked[:, length:] = codes
    texts = ["".join(row) for row in characters]
    return Raw(texts, asked, task_type="language", classes=tuple(LETTERS[:letters]))


def parity(n_rows: int = 2000, shortest: int = 2, longest: int = 16, seed: int = 0) -> Raw:
    """Two classes of different sequences of bits: whether the number of ones is odd or even.

    Minsky and Papert (1969), Perceptrons.
    """
    most = (2 ** (longest + 1) - 2**shortest) // 2
    if n_rows > most and shortest <= longest:
        raise ValueError(
            f"n_rows: at most {most} rows of {shortest} to {longest} bits are drawn, not {n_rows}"
        )
    draw = np.random.RandomState(seed)
    # Drawn until all differ: there are so few short ones that they would be on both sides of every split.
    rows: dict[bytes, Array] = {}
    while len(rows) < n_rows:
        (length,) = _lengths(draw, 1, shortest, longest)
        bits = draw.randint(0, 2, (length, 1), dtype=np.int64)
        rows.setdefault(bits.tobytes(), bits)
    odd = np.array([int(bits.sum()) % 2 for bits in rows.values()])
    return Raw(
        [bits.astype(np.float32) for bits in rows.values()],
        np.where(odd, "odd", "even"),
        task_type="binary",
    )


def _friedman(number: int, n_rows: int, **options: Any) -> Raw:
    # Imported here, since it takes more than a second.
    make = getattr(importlib.import_module("sklearn.datasets"), f"make_friedman{number}")
    X, y = make(n_rows, **options)
    return _table(X, y.round(DIGITS))


def _table(X: Array, y: Array) -> Raw:
    """A table with the features ``x1``, ``x2`` … and the target ``y``."""
    frame = pd.DataFrame(X, columns=[f"x{number}" for number in range(1, X.shape[1] + 1)])
    return Raw(frame.assign(y=y), "y", declared=True)


def _lengths(draw: np.random.RandomState, n_rows: int, shortest: int, longest: int) -> Array:
    if shortest > longest:
        raise ValueError(f"shortest: {shortest} is more than longest, {longest}")
    return draw.randint(shortest, longest + 1, n_rows, dtype=np.int64)


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
    )
}
"""By the card's ``location``; the arguments are the card's ``options``."""
