"""What a booster, a weak learner or an estimator promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from benchmark.checks.check import Rule, expect
from benchmark.checks.subject import SEEDS, Place, Subject, component_named, task_named
from benchmark.execute.fitting import assemble
from benchmark.execute.fitting.prepared import owned
from benchmark.plan.compatibility import incompatibility

__all__ = [
    "LEARNER",
    "WEAK_LEARNER",
    "fits_values",
    "gives_a_tree_shape",
    "gives_something_to_boost",
    "heeds_row_weights",
    "leaves_its_input_alone",
    "looks_at_the_validation_rows",
    "predictions_have_the_contracts_shape",
    "says_the_same_from_shared_bins",
    "survives_cloning",
    "uses_its_weak_learner",
]

SHAPE = ("num_leaves", "min_samples_leaf", "max_depth", "feature_fraction")


@dataclass(eq=False)
class _Table:
    """The preprocessed parts of a place, and a learner to fit on them."""

    place: Place
    train: Any
    validation: Any
    y: np.ndarray
    y_validation: np.ndarray
    learner: Any
    watched: _Watched = field(init=False)

    @classmethod
    def at(cls, place: Place) -> _Table:
        make, data, split = assemble.makers(place.pipeline), place.data, place.split
        preprocessor = make["preprocessor"]()
        train = preprocessor.fit_transform(data.inputs(split.train), data.y[split.train])
        validation = preprocessor.transform(data.inputs(split.validation))
        learner = assemble.learner(place.pipeline, make, place.task.task_type, SEEDS.weights)
        return cls(place, train, validation, data.y[split.train], data.y[split.validation], learner)

    @property
    def slot(self) -> str:
        return "booster" if "booster" in self.place.pipeline.components else "estimator"

    def fit(self, learner: Any, **extra: Any) -> Any:
        """The learner, fitted on copies of the training rows."""
        self.watched = _Watched((owned(self.validation), self.y_validation.copy()))
        if assemble.asks(self.place.pipeline, self.slot, "validation"):
            extra["validation"] = self.watched
        learner.fit(owned(self.train), self.y.copy(), **extra)
        return learner

    def binned(self, learner: Any) -> Any:
        """The rows in the learner's own form."""
        extra = {}
        if assemble.asks(self.place.pipeline, self.slot, "validation"):
            extra["validation"] = (owned(self.validation), self.y_validation.copy())
        return learner.bin(owned(self.train), self.y.copy(), **extra)

    def said(self, learner: Any) -> np.ndarray:
        """Probabilities, or values, of the validation rows."""
        predict = learner.predict_proba if self.place.task.n_classes else learner.predict
        return np.asarray(predict(owned(self.validation)))


class _Watched(tuple[Any, ...]):
    """A pair that remembers whether anybody looked into it."""

    looked = False

    def __iter__(self) -> Iterator[Any]:
        self.looked = True
        return super().__iter__()

    def __getitem__(self, key: Any) -> Any:
        self.looked = True
        return super().__getitem__(key)


def predictions_have_the_contracts_shape(subject: Subject) -> None:
    """Probabilities of ``classes_`` that sum to 1, or a value for each row (and step of a forecast)."""
    table = _Table.at(subject.place)
    learner, task = table.fit(table.learner), table.place.task
    said = table.said(learner)
    if not task.n_classes:
        expect(said.shape == table.y_validation.shape, f"shape {table.y_validation.shape}", said.shape)
    else:
        classes = np.asarray(learner.classes_)
        expect(set(classes) <= set(range(task.n_classes)), f"codes below {task.n_classes}", classes)
        expect(said.shape[-1] == len(classes), f"{len(classes)} columns", said.shape)
        expect(np.allclose(said.sum(axis=-1), 1, atol=1e-5), "sums of 1", said.sum(axis=-1))
    expect(np.isfinite(said).all(), "finite predictions")


def leaves_its_input_alone(subject: Subject) -> None:
    """Fitting and predicting change nothing of what it is passed."""
    table = _Table.at(subject.place)
    X, y = owned(table.train), table.y.copy()
    extra = {}
    if assemble.asks(table.place.pipeline, table.slot, "validation"):
        extra["validation"] = (owned(table.validation), table.y_validation.copy())
    learner = table.learner.fit(X, y, **extra)
    learner.predict(X)
    expect(_same(X, table.train), "the table as it was", "another one")
    expect(np.array_equal(y, table.y), "the target as it was", "another one")


def survives_cloning(subject: Subject) -> None:
    """A clone takes the same parameters, and fitted on the same rows says the same."""
    table = _Table.at(subject.place)
    again = clone(table.fit(table.learner))
    said = [table.said(learner) for learner in (table.learner, table.fit(again))]
    expect(
        np.array_equal(said[0], said[1]),
        "the same from a clone",
        f"{np.abs(said[0] - said[1]).max():.3g} apart",
    )


def heeds_row_weights(subject: Subject) -> None:
    """Rows that weigh a hundredth teach it less."""
    table = _Table.at(subject.place)
    first = table.y if table.y.ndim == 1 else table.y[:, 0]
    weights = np.where(first > np.median(first), 0.01, 1.0)
    weights = weights / weights.mean() if weights.std() else np.linspace(0.01, 2, len(first))
    even = table.said(table.fit(clone(table.learner), sample_weight=np.ones(len(weights))))
    for other in (weights, np.full(len(weights), np.nan)):
        try:
            uneven = table.said(table.fit(clone(table.learner), sample_weight=other))
        except ValueError:
            return  # whoever refuses weights that are no numbers has looked at them
        if even.shape != uneven.shape or not np.allclose(even, uneven):
            return
    expect(False, "other predictions from other weights, at least from such as are no numbers", "the same")


def looks_at_the_validation_rows(subject: Subject) -> None:
    """It reads the validation rows that it asks for."""
    table = _Table.at(subject.place)
    table.fit(table.learner)
    expect(table.watched.looked, "a look into validation", "none")


def says_the_same_from_shared_bins(subject: Subject) -> None:
    """Fitted on what ``bin`` made for another, and again on the same, it says what it says alone."""
    table = _Table.at(subject.place)
    alone = table.said(table.fit(table.learner))
    bins = table.binned(clone(table.learner))
    for _ in range(2):
        shared = table.said(table.fit(clone(table.learner), binned=bins))
        expect(np.array_equal(alone, shared), "the same bits as alone", "others")


def uses_its_weak_learner(subject: Subject) -> None:
    """Another weak learner makes another prediction."""
    table = _Table.at(subject.place)
    first = table.said(table.fit(table.learner))
    tried = []
    for place in _with_other_weak_learners(subject):
        tried.append(place.pipeline.components["weak_learner"].name)
        table = _Table.at(place)
        if not np.array_equal(first, table.said(table.fit(table.learner))):
            return
    expect(not tried, f"a prediction that depends on the weak learner ({', '.join(tried)})", "one for all")


def gives_something_to_boost(subject: Subject) -> None:
    """It ``gives`` a ``regressor``, a ``tree_shape`` or both."""
    expect(subject.says("regressor", "tree_shape"), "gives: [regressor], [tree_shape] or both", "neither")


def fits_values(subject: Subject) -> None:
    """A regressor that can be cloned; fitted on a table it says a value a row, better than the mean."""
    X, y, X_test, y_test = _values(subject)
    learner = clone(subject.make(seed=1))
    kept = X.copy(), y.copy()
    said = np.asarray(learner.fit(X, y).predict(X_test))
    expect(said.shape == y_test.shape, f"shape {y_test.shape}", said.shape)
    expect(X.equals(kept[0]) and np.array_equal(y, kept[1]), "its input as it was", "another one")
    error, of_mean = (np.mean((y_test - guess) ** 2) for guess in (said, y.mean()))
    expect(error < of_mean, f"a squared error under {of_mean:.3f}", f"{error:.3f}")
    again = clone(learner).fit(X, y).predict(X_test)
    expect(np.array_equal(said, again), "the same from a clone", f"{np.abs(said - again).max():.3g} apart")


def gives_a_tree_shape(subject: Subject) -> None:
    """Whole numbers of leaves, rows and levels, and a share of the columns."""
    learner = subject.make(seed=1)
    leaves, rows, depth, share = (getattr(learner, name, None) for name in SHAPE)
    for name, value in zip(SHAPE[:3], (leaves, rows, depth), strict=True):
        expect(isinstance(value, int), f"a whole number as {name}", repr(value))
    expect(leaves >= 2 and rows >= 1 and (depth == -1 or depth >= 1), "a tree", (leaves, rows, depth))  # type: ignore[operator]
    expect(isinstance(share, (int, float)) and 0 < share <= 1, "a feature_fraction in (0, 1]", share)


def _with_other_weak_learners(subject: Subject) -> Iterator[Place]:
    """The same place with other weak learners that the booster can use."""
    place = subject.place
    for name in subject.catalog.names("weak_learner"):
        other = place.pipeline.swap(component_named(subject.catalog, "weak_learner", name))
        changed = name != place.pipeline.components["weak_learner"].name
        if changed and incompatibility(other, place.task, "cpu") is None:
            yield Place(other, place.data, place.task, place.split)


def _values(subject: Subject) -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame, np.ndarray]:
    """Training and test rows of a real regression task, as numbers."""
    data, _, split = task_named(subject.catalog, "diabetes", None)
    assert isinstance(data.X, pd.DataFrame)
    table = data.X.select_dtypes("number")
    scaled = (table - table.mean()) / table.std()
    y = (data.y - data.y.mean()) / data.y.std()
    return scaled.iloc[split.train], y[split.train], scaled.iloc[split.test], y[split.test]


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, pd.DataFrame):
        return bool(first.equals(second))
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def _says(word: str) -> Callable[[Subject], bool]:
    return lambda subject: subject.says(word)


LEARNER = (
    Rule(predictions_have_the_contracts_shape),
    Rule(leaves_its_input_alone),
    Rule(survives_cloning),
    Rule(heeds_row_weights, applies=_says("weights")),
    Rule(looks_at_the_validation_rows, applies=_says("validation")),
    Rule(says_the_same_from_shared_bins, applies=_says("binned")),
    Rule(uses_its_weak_learner, applies=lambda subject: subject.component.slot == "booster", slow=True),
)
"""For boosters and estimators."""
WEAK_LEARNER = (
    Rule(gives_something_to_boost),
    Rule(fits_values, applies=_says("regressor")),
    Rule(gives_a_tree_shape, applies=_says("tree_shape")),
)
