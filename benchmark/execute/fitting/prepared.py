"""The parts of a split as a learner takes them: preprocessed by what the training rows teach."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from pandas.api.extensions import ExtensionDtype

from benchmark.data import TaskData
from benchmark.execute.limits import charge
from benchmark.spec import Component, Split

__all__ = ["Prepared", "owned", "prepare"]


@dataclass(frozen=True, eq=False)
class Prepared:
    """The three parts of a split after preprocessing, and what that took; fits share them."""

    train: Any
    validation: Any
    test: Any
    fit_seconds: float
    """Fitting on the training rows; transforming those and the validation rows."""
    test_seconds: float
    shared_columns: bool
    """Some columns are of pandas' own types, whose values a shallow copy shares."""
    size: float
    """Bytes in memory; infinite where that is not known."""
    _made: list[tuple[Any, Any, float]] = field(default_factory=list)
    """At most one: what a learner made of the parts before its fit, under its name, and the seconds."""

    def owned(self, part: Any) -> Any:
        """One of the parts, for a learner that may write into it, so that no other fit sees it."""
        return _copied(part, deep=self.shared_columns)

    def some(self, places: npt.NDArray[np.int64]) -> Any:
        """The training rows at these places, for a learner that may write into them."""
        if len(places) == len(self.train):
            return self.owned(self.train)
        if isinstance(self.train, pd.DataFrame):
            return self.train.iloc[places]
        if isinstance(self.train, list):
            return copy.deepcopy([self.train[place] for place in places])
        return self.train[places]

    def once(self, at: Any, make: Callable[[], Any]) -> tuple[Any, float]:
        """What ``make`` makes of the parts, and the seconds that it took an earlier fit; 0 where it is new.

        Only the last is kept, while no fit uses other parts. What it took counts against the limit of every
        fit that takes it.

        Parameters
        ----------
        at
            Everything besides the parts that it depends on, to be compared.
        """
        if self._made and self._made[0][0] == at:
            _, made, seconds = self._made[0]
            charge(seconds)
            return made, seconds
        self._made.clear()
        started = time.perf_counter()
        made = make()
        self._made.append((at, made, time.perf_counter() - started))
        return made, 0.0

    def forget_made(self) -> None:
        """Let go of what :meth:`once` keeps."""
        self._made.clear()


_KEPT_BYTES = 2**24
"""What is kept of earlier fits, beside what the last one used, takes no more than this."""
_OVERHEAD_BYTES = 2**14
"""What a few rows take, however few."""

_kept: dict[tuple[TaskData, str], Prepared] = {}
"""What the latest fits used, by its data and what was made of that; what the last one used is at the end."""


def prepare(
    data: TaskData,
    split: Split,
    component: Component,
    make: Callable[[], Any],
    *,
    form: str = "",
    convert: Callable[[Any], Any] = lambda inputs: inputs,
) -> Prepared:
    """The split's parts, preprocessed and converted.

    Kept from one fit to the next, since the trials and seeds of a job mostly share them, and arms on the same
    split may; what they took counts in every fit's time, and against its limit, all the same. What is large
    is let go before the next is made, and no part of it is held in two forms, so that it is in memory once.

    Parameters
    ----------
    data, split
        The arrays, and which rows are for what.
    component, make
        The preprocessor, and its class with the arguments bound.
    form, convert
        A name for what ``convert`` makes of a part, and how.
    """
    at = data, repr((component.make, component.code, split.digest, form))
    if _kept and (last := next(reversed(_kept))) != at:
        _kept[last].forget_made()
    parts = _kept.pop(at, None)
    if parts is None:
        while sum(kept.size for kept in _kept.values()) > _KEPT_BYTES:
            del _kept[next(iter(_kept))]
        parts = _prepared(data, split, make, convert)
    else:
        charge(parts.fit_seconds + parts.test_seconds)
    _kept[at] = parts
    return parts


def owned(part: Any) -> Any:
    """A part that a learner may write into, so that no other fit sees it."""
    return _copied(part, deep=_shares_columns(part))


def _copied(part: Any, *, deep: bool) -> Any:
    return part.copy(deep=deep) if isinstance(part, pd.DataFrame) else copy.deepcopy(part)


def _shares_columns(part: Any) -> bool:
    """Whether a shallow copy would share what is written into it.

    Pandas copies a table's numbers only where they are written to, and gives its arrays out read-only; but
    what is written into an array of its own types, categories say, would pass through.
    """
    return isinstance(part, pd.DataFrame) and any(isinstance(kind, ExtensionDtype) for kind in part.dtypes)


def _prepared(
    data: TaskData, split: Split, make: Callable[[], Any], convert: Callable[[Any], Any]
) -> Prepared:
    raw = data.inputs(split.train)
    started = time.perf_counter()
    fitted = make()
    train = convert(fitted.fit_transform(raw, data.y[split.train]))
    del raw
    validation = convert(fitted.transform(data.inputs(split.validation)))
    between = time.perf_counter()
    test = convert(fitted.transform(data.inputs(split.test)))
    seconds = between - started, time.perf_counter() - between
    parts = train, validation, test
    size = _OVERHEAD_BYTES + sum(map(_size, parts))
    return Prepared(*parts, *seconds, any(map(_shares_columns, parts)), size)


def _size(part: Any) -> float:
    """Bytes that a part of a known form takes in memory."""
    if isinstance(part, pd.DataFrame):
        return int(part.memory_usage(deep=True).sum()) if _shares_columns(part) else 8 * part.size
    if isinstance(part, torch.Tensor) or (isinstance(part, np.ndarray) and part.dtype != object):
        return int(part.nbytes)
    if isinstance(part, list):
        return sum(map(_size, part))
    if is_dataclass(part):  # rows of tensors
        parts = (getattr(part, each.name) for each in fields(part))
        return sum(_size(each) for each in parts if each is not None)
    return math.inf
