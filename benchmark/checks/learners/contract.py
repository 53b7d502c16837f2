"""What a booster or an estimator promises where the harness calls it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from benchmark.checks.check import Rule, expect
from benchmark.checks.learners.table import Table
from benchmark.checks.subject import Place, Subject, component_named
from benchmark.plan.compatibility import incompatibility

__all__ = [
    "RULES",
    "heeds_row_weights",
    "leaves_its_input_alone",
    "looks_at_the_validation_rows",
    "predictions_have_the_contracts_shape",
    "says_the_same_from_shared_bins",
    "survives_cloning",
    "uses_its_weak_learner",
]


def predictions_have_the_contracts_shape(subject: Subject) -> None:
    """Probabilities of ``classes_`` that sum to 1, or a value for each row (and step of a forecast).

    The harness reads them as that and scores what it reads; numbers of another kind are scored all the same,
    as something that they are not.
    """
    table, n_classes = Table.of(subject), subject.place.task.n_classes
    learner = table.fitted()
    said, y = table.said(learner), table.asked.y
    if not n_classes:
        expect(said.shape == y.shape, f"shape {y.shape}", said.shape)
    else:
        classes = np.asarray(learner.classes_)
        expect(set(classes) <= set(range(n_classes)), f"codes below {n_classes}", classes)
        expect(said.shape[-1] == len(classes), f"{len(classes)} columns", said.shape)
        sums = said.sum(axis=-1)
        expect(np.allclose(sums, 1, atol=1e-5), "sums of 1", f"from {sums.min():.3g} to {sums.max():.3g}")
    expect(np.isfinite(said).all(), "finite predictions", f"{np.count_nonzero(~np.isfinite(said))} others")


def leaves_its_input_alone(subject: Subject) -> None:
    """Fitting and predicting change nothing of what it is passed.

    Arms of a study share their data: what one of them writes into it, the next one is trained on.
    """
    table = Table.of(subject)
    train, asked = table.train.copy(), table.asked.copy()
    extra = {"validation": (asked.X, asked.y)} if table.validates else {}
    table.learner().fit(train.X, train.y, **extra).predict(train.X)
    for rows, kept in ((train, table.train), (asked, table.asked)):
        expect(_same(rows.X, kept.X), "the rows as they were", "others")
        expect(np.array_equal(rows.y, kept.y), "the targets as they were", "others")


def survives_cloning(subject: Subject) -> None:
    """A clone takes the same parameters, and fitted on the same rows says the same.

    Tuning sets parameters and boosters copy their weak learners through scikit-learn's ``clone``. An argument
    that ``__init__`` changes or does not store is lost on the way, and something else is tuned than is run.
    """
    table = Table.of(subject)
    learner = table.fitted()
    said = [table.said(one) for one in (learner, table.fit(clone(learner)))]
    apart = (
        f"{np.abs(said[0] - said[1]).max():.3g} apart" if said[0].shape == said[1].shape else "another shape"
    )
    expect(np.array_equal(said[0], said[1]), "the same from a clone", apart)


def heeds_row_weights(subject: Subject) -> None:
    """Rows that weigh a hundredth teach it less.

    Where it says that it takes weights, a weighted task is given to it. A learner that ignores them answers
    another question than those beside it.
    """
    table = Table.of(subject)
    if not table.weighs:
        return
    y = table.train.y if table.train.y.ndim == 1 else table.train.y[:, 0]
    weights = np.where(y > np.median(y), 0.01, 1.0)
    weights = weights / weights.mean() if weights.std() else np.linspace(0.01, 2, len(y))
    even = table.said(table.fitted(sample_weight=np.ones(len(weights))))
    for other in (weights, np.full(len(weights), np.nan)):
        try:
            uneven = table.said(table.fitted(sample_weight=other))
        except ValueError:
            return  # whoever refuses weights that are no numbers has looked at them
        if even.shape != uneven.shape or not np.allclose(even, uneven):
            return
    expect(False, "other predictions from other weights, at least from such as are no numbers", "the same")


def looks_at_the_validation_rows(subject: Subject) -> None:
    """It reads the validation rows that it asks for.

    Whoever asks for them stops early by them. One that does not look runs to its last round and overfits,
    and its patience, which is tuned, does nothing.
    """
    table = Table.of(subject)
    table.fitted()
    expect(table.watched.looked, "a look into validation", "none")


def says_the_same_from_shared_bins(subject: Subject) -> None:
    """Fitted on what ``bin`` made for another, and again on the same, it says what it says alone.

    Bins are shared between fits to save time. Where they change what comes out, a result depends on which
    arms ran beside it.
    """
    table = Table.of(subject)
    alone = table.said(table.fitted())
    bins = table.binned(table.learner())
    for _ in range(2):
        shared = table.said(table.fitted(binned=bins))
        expect(np.array_equal(alone, shared), "the same bits as alone", "others")


def uses_its_weak_learner(subject: Subject) -> None:
    """Another weak learner makes another prediction.

    A booster that grows something of its own makes all weak learners look alike, and a study of them compares
    copies.
    """
    table = Table.of(subject)
    first = table.said(table.fitted())
    tried = []
    for place in _with_other_weak_learners(subject):
        tried.append(place.pipeline.components["weak_learner"].name)
        table = Table.at(place)
        if not np.array_equal(first, table.said(table.fitted())):
            return
    expect(not tried, f"a prediction that depends on the weak learner ({', '.join(tried)})", "one for all")


def _with_other_weak_learners(subject: Subject) -> Iterator[Place]:
    """The same place with other weak learners that the booster can use."""
    place = subject.place
    for name in subject.catalog.names("weak_learner"):
        other = place.pipeline.swap(component_named(subject.catalog, "weak_learner", name))
        changed = name != place.pipeline.components["weak_learner"].name
        if changed and incompatibility(other, place.task, "cpu") is None:
            yield Place(other, place.data, place.task, place.split)


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, pd.DataFrame):
        return bool(first.equals(second))
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(first, second, strict=True))


def _says(word: str) -> Callable[[Subject], bool]:
    return lambda subject: subject.says(word)


_CALLS = ("shares_no_state", "predictions_have_the_contracts_shape")
"""What breaks one of these, breaks much else."""
RULES = (
    Rule(predictions_have_the_contracts_shape, look="predict_proba"),
    Rule(leaves_its_input_alone, look="fit", causes=_CALLS),
    Rule(survives_cloning, look="__init__", causes=(*_CALLS, "its_seed_alone_decides")),
    Rule(heeds_row_weights, applies=_says("weights"), look="fit", causes=_CALLS),
    Rule(looks_at_the_validation_rows, applies=_says("validation"), look="fit", causes=_CALLS),
    Rule(says_the_same_from_shared_bins, applies=_says("binned"), look="bin", causes=_CALLS),
    Rule(
        uses_its_weak_learner,
        applies=lambda subject: subject.component.slot == "booster",
        slow=True,
        look="fit",
        causes=_CALLS,
    ),
)
"""For boosters and estimators."""
