"""Tables made up for one question each: constant columns, new categories, gaps, how later rows are scaled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmark.checks.check import Rule, expect
from benchmark.checks.preprocessors.data import takes_tables
from benchmark.checks.rows import alike
from benchmark.checks.subject import Subject

__all__ = [
    "RULES",
    "copes_with_constant_columns",
    "copes_with_missing_values",
    "copes_with_unseen_categories",
    "does_not_leak_the_target",
    "treats_later_rows_alike",
]

CORRELATION = 0.4
"""Of 200 rows' random targets with a column: chance stays under it, a leak is near 1."""


def copes_with_constant_columns(subject: Subject) -> None:
    """A column that is constant in the training rows, or empty there, gives finite numbers.

    Its deviation is zero. What divides by it makes NaN or infinity of a column, and every network that is fed
    with it diverges; in some folds of real tables there are such columns.
    """
    train, test = _halves(_table())
    for value in (7.0, 0.1, np.nan):  # a mean of 0.1 over many rows is not 0.1 in floats
        first, later = train.assign(same=value), test.assign(same=value)
        later.loc[later.index[:3], "same"] = 8.0
        _finite(subject, first, later, f"a column that is {value} in every training row")


def copes_with_unseen_categories(subject: Subject) -> None:
    """A category that training never saw gives finite numbers in the columns of fit, and code 0.

    There is one in some test fold of most tables with categories. It must neither stop a study nor be taken
    for a category that training knew.
    """
    train, test = _halves(_table())
    kinds = pd.CategoricalDtype(["a", "b", "c", "new"])
    train = train.assign(kind=train["kind"].astype(kinds))
    unseen = test.assign(kind=pd.Categorical(["new"] * len(test), dtype=kinds))
    fitted = subject.make()
    _finite(subject, train, unseen, "categories that training never saw", fitted)
    missing = test.assign(kind=pd.Categorical([None] * len(test), dtype=kinds))
    for rows, what in ((unseen, "training never saw"), (missing, "is missing")):
        codes = np.unique(fitted.transform(rows).select_dtypes("int"))
        expect(not codes.any(), f"code 0 for a category that {what}", codes)


def copes_with_missing_values(subject: Subject) -> None:
    """What is missing in later rows alone gives finite numbers, or NaN where it says so.

    A column without a gap in the training rows may have its first one in a test row.
    """
    train, test = _halves(_table())
    gaps = test.assign(number=np.nan)
    gaps["kind"] = gaps["kind"].where(np.arange(len(gaps)) % 2 == 0)
    _finite(subject, train, gaps, "gaps in columns that had none in training")


def treats_later_rows_alike(subject: Subject) -> str | None:
    """The training rows, transformed once more, have the columns and the scale that fitting gave them.

    A learner is trained on what ``fit_transform`` gives and tested on what ``transform`` gives. Where only
    one of the two scales, fills or encodes, every test row is a stranger.
    """
    train, _ = _halves(_table())
    y = train["number"].to_numpy() + 2.0 * train["kind"].cat.codes.to_numpy()
    fitted = subject.make()
    first, again = fitted.fit_transform(train.copy(), y), fitted.transform(train.copy())
    expect(list(again.columns) == list(first.columns), f"columns {list(first.columns)}", list(again.columns))
    expect(list(again.dtypes) == list(first.dtypes), f"types {list(first.dtypes)}", list(again.dtypes))
    numbers, later = first.to_numpy(float), again.to_numpy(float)
    spread = np.maximum(np.nanstd(numbers, axis=0), 1e-6)
    moved = np.abs(np.nanmean(later, axis=0) - np.nanmean(numbers, axis=0)) / spread
    scaled = np.nanstd(later, axis=0) / spread
    off = [*np.flatnonzero((moved > 0.5) | ((spread > 1e-6) & ((scaled > 2) | (scaled < 0.5))))]
    said = ", ".join(
        f"{first.columns[place]}: {moved[place]:.2g} off, {scaled[place]:.2g} times as wide" for place in off
    )
    expect(not off, "the means and deviations that fitting gave", said)
    if alike(first, again):
        return None
    others = [
        name for name, a, b in zip(first.columns, numbers.T, later.T, strict=True) if not np.allclose(a, b)
    ]
    return f"training rows are given other numbers than later ones in {', '.join(map(str, others))}"


def does_not_leak_the_target(subject: Subject) -> None:
    """Training rows, each of a category of its own, do not tell their random targets.

    An encoder that looks at a row's own target gives it away: the learner is perfect in training, and at
    chance in the test. Means of the target have to be taken over other rows, fold by fold.
    """
    random = np.random.default_rng(0)
    X = pd.DataFrame({"row": pd.Categorical([f"row {number}" for number in range(200)])})
    X["noise"] = random.normal(size=200)
    for y in (random.normal(size=200), random.integers(0, 2, 200)):
        out = subject.make().fit_transform(X.copy(), y).to_numpy(float)
        codes = out[:, [column for column in range(out.shape[1]) if out[:, column].std() > 0]]
        correlations = np.abs(np.corrcoef(codes.T, y)[-1, :-1])
        largest = float(correlations.max(initial=0))
        expect(largest < CORRELATION, f"correlations under {CORRELATION} with the target", f"{largest:.2f}")


def _table() -> pd.DataFrame:
    """A number and a category, without gaps."""
    random = np.random.default_rng(2)
    table = pd.DataFrame({"number": random.normal(50, 9, 240)})
    table["kind"] = pd.Categorical(random.choice(["a", "b", "c"], 240))
    return table


def _halves(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    return table.iloc[:200], table.iloc[200:]


def _finite(subject: Subject, train: pd.DataFrame, test: pd.DataFrame, what: str, fitted: Any = None) -> None:
    """Fit and transform, and look for what is no number; NaN may stay where it says that it leaves some."""
    fitted = subject.make() if fitted is None else fitted
    first = fitted.fit_transform(train.copy(), train["number"].to_numpy())
    for out in (first, fitted.transform(test.copy())):
        expect(
            list(out.columns) == list(first.columns),
            f"columns {list(first.columns)} of {what}",
            list(out.columns),
        )
        numbers = out.to_numpy(float)
        bad = np.isinf(numbers) if subject.says("missing") else ~np.isfinite(numbers)
        named = ", ".join(map(str, out.columns[bad.any(axis=0)]))
        expect(not bad.any(), f"finite numbers of {what}", f"{np.count_nonzero(bad)} others, in {named}")


_BEFORE = ("shares_no_state", "forgets_what_it_transformed", "learns_from_the_rows_of_fit_alone")
"""Promises of every preprocessor: what breaks one of them breaks these too."""
_UNLIKE = (*_BEFORE, "treats_later_rows_alike")
RULES = (
    Rule(treats_later_rows_alike, applies=takes_tables, look="transform", causes=_BEFORE),
    Rule(copes_with_constant_columns, applies=takes_tables, look="transform", causes=_UNLIKE),
    Rule(copes_with_unseen_categories, applies=takes_tables, look="transform", causes=_UNLIKE),
    Rule(copes_with_missing_values, applies=takes_tables, look="transform", causes=_UNLIKE),
    Rule(does_not_leak_the_target, applies=takes_tables, look="fit_transform"),
)
"""For preprocessors that take tables."""
