"""The parts of a split as a learner takes them: preprocessed by what the training rows teach."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
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
    _made: list[tuple[Any, Any, float]] = field(default_factory=list)
    """At most one: what a learner made of the parts before its fit, under its name, and the seconds."""

    def owned(self, part: Any) -> Any:
        """One of the parts, for a learner that may write into it, so that no other fit sees it."""
        return _copied(part, deep=self.shared_columns)

    def once(self, at: Any, make: Callable[[], Any]) -> tuple[Any, float]:
        """What ``make`` makes of the parts, and the seconds that it took an earlier fit; 0 where it is new.

        Only the last is kept. What it took counts against the limit of every fit that takes it.

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


_last: list[tuple[TaskData, str, Prepared]] = []
"""At most one: what the last fit used, with the data that it came from."""


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

    Kept from one fit to the next, since the trials and seeds of a job mostly share them; what they took
    counts in every fit's time, and against its limit, all the same. One is let go before the next is made,
    and no part is held in two forms, so that a large table is in memory once.

    Parameters
    ----------
    data, split
        The arrays, and which rows are for what.
    component, make
        The preprocessor, and its class with the arguments bound.
    form, convert
        A name for what ``convert`` makes of a part, and how.
    """
    at = repr((component.make, component.code, split.digest, form))
    if not _last or _last[0][0] is not data or _last[0][1] != at:
        _last.clear()
        _last.append((data, at, _prepared(data, split, make, convert)))
    else:
        charge(_last[0][2].fit_seconds + _last[0][2].test_seconds)
    return _last[0][2]


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
    return Prepared(train, validation, test, *seconds, any(map(_shares_columns, (train, validation, test))))
