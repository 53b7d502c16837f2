"""What in a task's data would make results too good to be true: its target among the features, and the like.

Everything is looked at over all rows, test rows too: what is found is said of the data, and goes into no
model. Large tables are looked at in a sample of their rows, the same at every call.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmark.findings import Finding, Severity, nested
from benchmark.plan.leaks import Leak
from benchmark.spec import CLASSIFICATION, Task

__all__ = ["SUSPECTS", "suspects"]

Array = npt.NDArray[Any]
Codes = npt.NDArray[np.int64]

SAMPLE = 5000
"""Rows that are looked at where there are more."""
SURPRISE = 30 * math.log(2)
"""Logarithm of the number of ways to arrange a target from which on no column equals it by chance."""
BINS, RARE, FOLDS = 64, 5, 5
"""Most bins of a number; values of a category in fewer rows than this are one; of a cross-validation."""
LEFT, LEFT_WRONG, LEFT_VARIANCE, MINORITY = 0.1, 0.03, 0.05, 20
"""What a column that predicts alone leaves at most of the featureless error, of the rows, of the variance of
numbers; and rows that the featureless predictor has to get wrong."""
IDENTIFIED = 50
"""Rows from which on it is no accident that all values of a column differ."""
COPIED, FEW_KINDS = 0.05, 0.5
"""Share of test rows that are copies from which on it matters; different rows by rows, below which copies
are no wonder."""
SHOWN = 3
"""Columns that are named."""


@dataclass(frozen=True)
class _Said:
    """What all findings of one name say alike."""

    severity: Severity
    why: str
    advice: str


_SAID: Mapping[str, _Said] = {
    "target_among_features": _Said(
        "error",
        "Who looks at that column knows the answer: arms differ in how soon they find it, in nothing else.",
        "Leave the column out ('ignore: [{columns}]' in the card of the data), or the task.",
    ),
    "one_feature_predicts": _Said(
        "warning",
        "What one column gives away is often known only after the outcome; if not, arms can hardly differ.",
        "Ask whether it is known before the outcome; if not, 'ignore: [{columns}]' in the card of the data.",
    ),
    "duplicates_across_the_split": _Said(
        "warning",
        "A model that remembers rows is tested on what it remembers, and looks better than on new ones.",
        "Drop the copies, or keep them on one side: 'groups:' in the card of the data, and a split by group.",
    ),
    "groups_across_the_split": _Said(
        "warning",
        "Rows of one group are alike: a model that recognises the group is tested on what it has seen.",
        "Split by group: protocol.splits.scheme=group.",
    ),
    "tested_before_trained": _Said(
        "warning",
        "Whoever predicts does not know the future: what was learned from it does not help on new rows.",
        "Split by time: protocol.splits.scheme=temporal.",
    ),
    "constant_or_id_column": _Said(
        "note",
        "A constant teaches nothing, and a name of rows can only be learned by heart.",
        "'ignore: [{columns}]' in the card of the data leaves it out.",
    ),
}
"""By the name of a finding."""

SUSPECTS = tuple(_SAID)
"""Names of the findings."""

_CAUSES = {"one_feature_predicts": ("target_among_features",)}
_OF_LEAK = {
    "identical": "duplicates_across_the_split",
    "group": "groups_across_the_split",
    "time": "tested_before_trained",
}


def suspects(task: Task, X: Any, y: Array, rows: Codes, leaks: Sequence[Leak]) -> tuple[Finding, ...]:
    """What is suspicious about a task, each with the columns it rests on; empty where nothing is.

    Parameters
    ----------
    task
        Whose data it is.
    X
        A table of numbers and categories ``(n_rows, n_features)``; nothing else is looked into.
    y
        Class codes or values ``(n_rows,)``.
    rows
        A digest of each row's inputs ``(n_rows,)``.
    leaks
        What :func:`~benchmark.plan.leaks.leaks` says of its splits.
    """
    found = [] if not isinstance(X, pd.DataFrame) or y.ndim != 1 else [*_columns(task, X, y)]
    kinds = len(np.unique(rows)) / len(rows)
    return nested([*found, *(_leak(task, leak, kinds) for leak in leaks)], _CAUSES)


def _finding(task: Task, name: str, seen: str, columns: Sequence[str] = (), **changed: Any) -> Finding:
    said = _SAID[name]
    severity = changed.get("severity", said.severity)
    return Finding(
        name, severity, task.name, seen, why=said.why, advice=said.advice.format(columns=", ".join(columns))
    )


def _leak(task: Task, leak: Leak, kinds: float) -> Finding:
    """``kinds``: different rows by rows; where they are few, copies come with the columns."""
    slight = leak.kind == "identical" and (leak.share < COPIED or kinds < FEW_KINDS)
    return _finding(task, _OF_LEAK[leak.kind], str(leak), severity="note" if slight else "warning")


def _columns(task: Task, X: pd.DataFrame, y: Array) -> Iterator[Finding]:
    """The findings on single columns, one of each name."""
    order, is_class = np.random.default_rng(0).permutation(len(X))[:SAMPLE], task.task_type in CLASSIFICATION
    part, target = X.iloc[order], y[order]
    wholes = {str(name): X.iloc[:, place] for place, name in enumerate(X.columns)}
    sampled = {str(name): _numbers(part.iloc[:, place]) for place, name in enumerate(X.columns)}
    copies = {
        name: how
        for name, values in sampled.items()
        if _copy(values, target, is_class) and (how := _copy(_numbers(wholes[name]), y, is_class))
    }
    if copies:
        yield _finding(task, "target_among_features", _listed(copies), [*copies])
    if base := _featureless(target, is_class):
        left = {
            name: _error_alone(values, target, is_class, category=_is_category(wholes[name])) / base
            for name, values in sampled.items()
        }
        most = min(LEFT, LEFT_WRONG * len(target) / base) if is_class else LEFT_VARIANCE
        telling = [name for name in sorted(left, key=left.__getitem__) if left[name] <= most]
        if telling:
            said = {name: _alone(left[name], base, len(target), is_class) for name in telling}
            yield _finding(task, "one_feature_predicts", _listed(said), telling)
    if useless := {name: how for name, values in sampled.items() if (how := _useless(wholes[name], values))}:
        yield _finding(task, "constant_or_id_column", _listed(useless), [*useless])


def _listed(said: Mapping[str, str]) -> str:
    shown = [f"column '{name}' {what}" for name, what in list(said.items())[:SHOWN]]
    more = f"; and {len(said) - SHOWN} columns more" if len(said) > SHOWN else ""
    return "; ".join(shown) + more


def _alone(left: float, base: float, n_rows: int, is_class: bool) -> str:
    if is_class:
        wrong, without = left * base / n_rows, base / n_rows
        told = f"alone gets {wrong:.2%} of the rows wrong, no column at all {without:.2%}"
    else:
        told = f"alone explains {1 - left:.2%} of the variance of the target's ranks"
    return f"{told} (cross-validated on {n_rows} rows)"


def _is_category(column: pd.Series) -> bool:
    return isinstance(column.dtype, pd.CategoricalDtype)


def _numbers(column: pd.Series) -> npt.NDArray[np.float64]:
    """The values as numbers, NaN where they are missing; of a category its codes."""
    if not _is_category(column):
        numbers: npt.NDArray[np.float64] = column.to_numpy(np.float64)
        return numbers
    codes: npt.NDArray[np.float64] = column.cat.codes.to_numpy(np.float64)
    return np.where(codes < 0, np.nan, codes)


def _coded(values: Array) -> Codes:
    """Codes from 0 in the order of the values, all missing ones the last."""
    codes: Codes = np.unique(values, return_inverse=True)[1].astype(np.int64)
    return codes


def _surprising(codes: Codes) -> bool:
    """Whether there are so many arrangements of these codes that no two columns agree by chance."""
    counts = np.bincount(codes)
    ways = math.lgamma(len(codes) + 1) - sum(math.lgamma(count + 1) for count in counts.tolist())
    return ways >= SURPRISE


def _copy(values: npt.NDArray[np.float64], y: Array, is_class: bool) -> str:
    """In what way the column is the target, in words; empty where it is not.

    Missing values may be one of the target's, or tell nothing where they are no more than half.
    """
    there, every = ~np.isnan(values), np.ones(len(y), bool)
    parts = [every] if there.all() else [every, there] if 2 * there.sum() >= len(y) else []
    for rows in parts:
        some, target = _coded(values[rows]), _coded(y[rows])
        n_rows, n_values = len(target), int(some.max()) + 1
        how = ""
        if (is_class or 2 * n_values <= n_rows) and _one_to_one(some, target):
            how = f"has a value of its own for each of the target's {n_values}, in all {n_rows} rows"
        elif not is_class and there[rows].all() and _monotone(values[rows], some, y[rows], target):
            how = f"orders all {n_rows} rows as the target does: it is a copy of it, in other units"
        if how and _surprising(target):
            return how
    return ""


def _one_to_one(some: Codes, others: Codes) -> bool:
    n_some, n_others = int(some.max()) + 1, int(others.max()) + 1
    return n_some == n_others == len(np.unique(some * n_others + others))


def _monotone(values: Array, some: Codes, y: Array, target: Codes) -> bool:
    """Whether one orders the rows as the other does, ties with ties; or both are on a line, as good as."""
    if np.array_equal(some, target) or np.array_equal(some.max() - some, target):
        return True
    if not np.isfinite(values).all():
        return False
    deviations = values - values.mean(), y - y.mean()
    scale = math.sqrt(float((deviations[0] ** 2).sum()) * float((deviations[1] ** 2).sum()))
    return scale > 0 and abs(float(deviations[0] @ deviations[1])) > (1 - 1e-12) * scale


def _featureless(y: Array, is_class: bool) -> float:
    """What no column at all gets wrong: rows, or squared deviations of ranks; 0 where there is too little."""
    if is_class:
        wrong = len(y) - int(np.bincount(y).max())
        return float(wrong) if wrong >= MINORITY else 0.0
    ranks = _ranks(y)
    return float(((ranks - ranks.mean()) ** 2).sum()) if len(y) >= MINORITY else 0.0


def _ranks(y: Array) -> npt.NDArray[np.float64]:
    """Ranks, the mean of them where values are equal: nothing hangs on a few large values."""
    _, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    ranks: npt.NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[codes]
    return ranks


def _error_alone(values: Array, y: Array, is_class: bool, *, category: bool) -> float:
    """As :func:`_featureless`, of the best guess by bins of one column, each fold guessed from the others."""
    bins, fold = _bins(values, category), np.arange(len(y)) % FOLDS
    cell, n_cells = bins * FOLDS + fold, (int(bins.max()) + 1) * FOLDS
    if is_class:
        n_classes = int(y.max()) + 1
        counts = np.bincount(cell * n_classes + y, minlength=n_cells * n_classes)
        counts = counts.reshape(-1, FOLDS, n_classes)
        others = counts.sum(1, keepdims=True) - counts
        overall = counts.sum((0, 1)) / (len(y) + 1)  # what a bin does not know, all rows decide
        guess = (others + overall).argmax(2)[..., None]
        return float(len(y) - np.take_along_axis(counts, guess, 2).sum())
    ranks = _ranks(y)
    n, total = (np.bincount(cell, weights, n_cells).reshape(-1, FOLDS) for weights in (None, ranks))
    squares = float((ranks**2).sum())
    n_others, total_others = n.sum(1, keepdims=True) - n, total.sum(1, keepdims=True) - total
    guess = np.where(n_others > 0, total_others / np.maximum(n_others, 1), ranks.mean())
    return squares - float((2 * guess * total - n * guess**2).sum())


def _bins(values: Array, category: bool) -> Codes:
    """Bins of about equally many rows, equal values in one; of a category its values, rare ones in one."""
    codes = _coded(values)
    counts = np.bincount(codes)
    if category:
        return _coded(np.where(counts < RARE, -1, np.arange(len(counts)))[codes])
    if len(counts) <= BINS:
        return codes
    before = np.cumsum(counts) - counts
    return _coded((before * BINS // len(codes))[codes])


def _useless(column: pd.Series, sample: Array) -> str:
    """Whether a column is constant or names its rows, in words; empty where it does neither."""
    if len(np.unique(sample)) == 1 and column.nunique(dropna=False) == 1:
        return "has one value only"
    whole = _is_category(column) or bool((sample == np.round(sample)).all())
    if not whole or len(column) < IDENTIFIED or len(np.unique(sample)) < len(sample):
        return ""
    return f"has {len(column)} values in {len(column)} rows, like a name" if column.is_unique else ""
