"""What a card's ``options`` may say to a modality."""

from __future__ import annotations

from collections.abc import Iterable

from benchmark.errors import RequestError, nearest
from benchmark.spec import Dataset

__all__ = ["check_options", "whole_number"]


def check_options(dataset: Dataset, known: Iterable[str], where: str) -> None:
    """Refuse an option that is not among ``known``; a generator's are its own affair.

    Raises
    ------
    RequestError
        Names the option and the nearest that there is.
    """
    if dataset.source == "generated":
        return
    for name in dataset.options:
        if name not in known:
            hint = nearest(name, known) if known else "this task takes none"
            raise RequestError(f"{where}: options: there is no option '{name}'; {hint}")


def whole_number(dataset: Dataset, name: str, where: str) -> int | None:
    """The option ``name``, None where the card does not say it.

    Raises
    ------
    RequestError
        When it is not a whole number from 1.
    """
    value = dataset.options.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise RequestError(f"{where}: options.{name}: expected a whole number from 1, got {value!r}")
    return value
