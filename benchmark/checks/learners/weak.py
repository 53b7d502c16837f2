"""What a weak learner promises to the boosters that fit it or read its shape."""

from __future__ import annotations

import numpy as np
from sklearn.base import clone
from sklearn.utils import get_tags

from benchmark.checks.check import Rule, expect
from benchmark.checks.learners.contract import heeds_row_weights
from benchmark.checks.learners.table import numbers_of, trains_itself
from benchmark.checks.subject import Subject

__all__ = [
    "RULES",
    "fits_several_columns_at_once",
    "fits_values",
    "gives_a_tree_shape",
    "gives_something_to_boost",
]

SHAPE = ("num_leaves", "min_samples_leaf", "max_depth", "feature_fraction")


def gives_something_to_boost(subject: Subject) -> None:
    """It ``gives`` a ``regressor``, a ``tree_shape`` or both.

    A booster takes one or the other; without either no pipeline takes this weak learner.
    """
    expect(subject.says("regressor", "tree_shape"), "gives: [regressor], [tree_shape] or both", "neither")


def fits_values(subject: Subject) -> None:
    """A regressor that can be cloned; fitted on a table it says a value a row, better than the mean.

    Boosters of every kind, for classes too, fit it to numbers: residuals, responses, indicators. One that
    does not fit numbers boosts nothing.
    """
    train, test = numbers_of(subject)
    X, y = train.X, train.y
    learner = clone(subject.make(seed=1))
    kept = X.copy(), y.copy()
    said = np.asarray(learner.fit(X, y).predict(test.X))
    expect(said.shape == test.y.shape, f"shape {test.y.shape}", said.shape)
    expect(X.equals(kept[0]) and np.array_equal(y, kept[1]), "its input as it was", "another one")
    error, of_mean = (np.mean((test.y - guess) ** 2) for guess in (said, y.mean()))
    expect(error < of_mean, f"a squared error under {of_mean:.3f}, that of the mean", f"{error:.3f}")
    again = clone(learner).fit(X, y).predict(test.X)
    expect(np.array_equal(said, again), "the same from a clone", f"{np.abs(said - again).max():.3g} apart")


def fits_several_columns_at_once(subject: Subject) -> None:
    """Where scikit-learn's tags say that it takes several targets, it says a value for each.

    Boosters fit the indicators of all classes at once to a weak learner that says so, and one weak learner
    for each class to others.
    """
    learner = subject.make(seed=1)
    if get_tags(learner).target_tags.multi_output:
        train, test = numbers_of(subject)
        said = np.asarray(learner.fit(train.X, np.column_stack([train.y, -train.y])).predict(test.X))
        expect(said.shape == (len(test.y), 2), f"shape {(len(test.y), 2)}", said.shape)
        turned = np.corrcoef(said[:, 0], said[:, 1])[0, 1]
        expect(
            turned < 0,
            "the second column, which is the first one's negative, to fall with it",
            f"{turned:.2f}",
        )


def gives_a_tree_shape(subject: Subject) -> None:
    """Whole numbers of leaves, rows and levels, and a share of the columns.

    The libraries that grow their own trees read these four and nothing else of it.
    """
    learner = subject.make(seed=1)
    leaves, rows, depth, share = (getattr(learner, name, None) for name in SHAPE)
    for name, value in zip(SHAPE[:3], (leaves, rows, depth), strict=True):
        expect(isinstance(value, int), f"a whole number as {name}", repr(value))
    expect(leaves >= 2 and rows >= 1 and (depth == -1 or depth >= 1), "a tree", (leaves, rows, depth))  # type: ignore[operator]
    expect(isinstance(share, (int, float)) and 0 < share <= 1, "a feature_fraction in (0, 1]", share)


RULES = (
    Rule(gives_something_to_boost, look="yaml"),
    Rule(fits_values, applies=trains_itself, look="fit", causes=("its_seed_alone_decides",)),
    Rule(fits_several_columns_at_once, applies=trains_itself, look="predict", causes=("fits_values",)),
    Rule(heeds_row_weights, applies=trains_itself, look="fit"),
    Rule(gives_a_tree_shape, applies=lambda subject: subject.says("tree_shape"), look="__init__"),
)
