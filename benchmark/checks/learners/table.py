"""Rows to try a booster, a weak learner or an estimator on, passed as its slot passes them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import has_fit_parameter

from benchmark.checks.rows import taken
from benchmark.checks.subject import SEEDS, Place, Subject, task_named
from benchmark.execute.fitting import assemble
from benchmark.execute.fitting.prepared import owned
from benchmark.spec import TASK_TYPES

__all__ = [
    "CLASSES",
    "ROWS_EACH",
    "SEED",
    "Rows",
    "Table",
    "clusters",
    "fits_are_slow",
    "numbers_of",
    "overlapping",
    "simplest",
    "takes_tables",
    "task_types",
    "trains_itself",
]

CLASSES = ("binary", "multiclass")
"""Task types whose learners tell one class for each row."""
SEED = SEEDS.weights
ROWS_EACH = 40
"""Training rows of a cluster: enough for trees that want twenty in a leaf."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Inputs in one of the forms of the slots' contract, and their targets."""

    X: Any
    y: np.ndarray

    def take(self, numbers: np.ndarray) -> Rows:
        """Some of them."""
        return Rows(taken(self.X, numbers), self.y[numbers])

    def copy(self) -> Rows:
        """Rows that may be written into."""
        return Rows(owned(self.X), self.y.copy())


@dataclass(eq=False)
class Table:
    """Rows to fit a learner on and rows to ask it about, each time copies of them."""

    task_type: str
    train: Rows
    asked: Rows
    """Passed as validation rows too, where the learner asks for some."""
    make: Callable[[int], Any]
    """A fresh learner of a seed."""
    validates: bool = False
    """It asks for validation rows."""
    weighs: bool = False
    """Its ``fit`` takes weights."""
    watched: _Watched = field(init=False)
    """The validation rows of the last fit."""

    @classmethod
    def at(cls, place: Place) -> Table:
        """The preprocessed parts of a place, for the learner that trains itself there."""
        make, data, split = assemble.makers(place.pipeline), place.data, place.split
        preprocessor = make["preprocessor"]()
        y = data.y[split.train]
        train = Rows(preprocessor.fit_transform(data.inputs(split.train), y), y)
        asked = Rows(preprocessor.transform(data.inputs(split.validation)), data.y[split.validation])
        return cls._of(place, place.task.task_type, train, asked)

    @classmethod
    def of(cls, subject: Subject) -> Table:
        """Of a booster or an estimator at its place; of a weak learner on numbers, as boosters pass them."""
        if subject.component.slot != "weak_learner":
            return cls.at(subject.place)
        train, test = numbers_of(subject)
        X, X_test = (rows.X.to_numpy(np.float64) for rows in (train, test))
        return cls._of_weak(subject, Rows(X, train.y), Rows(X_test, test.y))

    @classmethod
    def made_up(cls, subject: Subject, task_type: str, train: Rows, asked: Rows) -> Table:
        """Rows of one's own, tables of numbers, for a task of another type than its place has.

        Codes are values where the task asks for values.
        """
        if task_type not in CLASSES:
            train, asked = (Rows(rows.X, rows.y.astype(np.float64)) for rows in (train, asked))
        if subject.component.slot == "weak_learner":
            return cls._of_weak(subject, Rows(train.X.to_numpy(), train.y), Rows(asked.X.to_numpy(), asked.y))
        return cls._of(subject.place, task_type, train, asked)

    @classmethod
    def _of(cls, place: Place, task_type: str, train: Rows, asked: Rows) -> Table:
        pipeline, make = place.pipeline, assemble.makers(place.pipeline)
        slot = "booster" if "booster" in pipeline.components else "estimator"
        validates, weighs = (assemble.asks(pipeline, slot, need) for need in ("validation", "weights"))
        fresh = lambda seed: assemble.learner(pipeline, make, task_type, seed)  # noqa: E731
        return cls(task_type, train, asked, fresh, validates, weighs)

    @classmethod
    def _of_weak(cls, subject: Subject, train: Rows, asked: Rows) -> Table:
        make = subject.make
        weighs = has_fit_parameter(make(seed=SEED), "sample_weight")
        return cls("regression", train, asked, lambda seed: make(seed=seed), weighs=weighs)

    @property
    def classifies(self) -> bool:
        """It gives probabilities; else values."""
        return self.task_type in (*CLASSES, "language")

    def learner(self, seed: int = SEED) -> Any:
        """A fresh one."""
        return self.make(seed)

    def fitted(self, seed: int = SEED, **extra: Any) -> Any:
        """A fresh one, fitted."""
        return self.fit(self.learner(seed), **extra)

    def fit(self, learner: Any, rows: Rows | None = None, **extra: Any) -> Any:
        """A learner after its ``fit`` on some rows, the training rows if none are given."""
        train, asked = (rows or self.train).copy(), self.asked.copy()
        self.watched = _Watched((asked.X, asked.y))
        if self.validates:
            extra["validation"] = self.watched
        learner.fit(train.X, train.y, **extra)
        return learner

    def binned(self, learner: Any) -> Any:
        """The training rows in the learner's own form."""
        train, asked = self.train.copy(), self.asked.copy()
        extra = {"validation": (asked.X, asked.y)} if self.validates else {}
        return learner.bin(train.X, train.y, **extra)

    def said(self, learner: Any, X: Any = None) -> np.ndarray:
        """Probabilities, or values, of the rows that it is asked about if no others are given."""
        predict = learner.predict_proba if self.classifies else learner.predict
        return np.asarray(predict(owned(self.asked.X if X is None else X)))

    def with_rows(self, train: Rows, asked: Rows | None = None) -> Table:
        """The same learner on other rows."""
        return dataclasses.replace(self, train=train, asked=asked or self.asked)


class _Watched(tuple[Any, ...]):
    """A pair that remembers whether anybody looked into it."""

    looked = False

    def __iter__(self) -> Iterator[Any]:
        self.looked = True
        return super().__iter__()

    def __getitem__(self, key: Any) -> Any:
        self.looked = True
        return super().__getitem__(key)


def task_types(subject: Subject) -> list[str]:
    """The types of tasks over tables of numbers that a booster or an estimator takes, classes first."""
    forms = {form for form in subject.named("input") if form != "missing"}
    if forms and "table" not in forms:
        return []
    named = subject.named("task") or TASK_TYPES
    return [kind for kind in (*CLASSES, "regression") if kind in named]


def trains_itself(subject: Subject) -> bool:
    """Whether it has a ``fit``, which no part of a network has, nor a weak learner that is only a shape."""
    return subject.component.slot in ("booster", "estimator") or subject.says("regressor")


def takes_tables(subject: Subject) -> bool:
    """Whether it is fitted on tables of numbers, for classes or for values."""
    return trains_itself(subject) and bool(task_types(subject))


def fits_are_slow(subject: Subject) -> bool:
    """Whether two or three fits take more than about a second: those of a weak learner do not."""
    return subject.component.slot != "weak_learner"


def clusters(codes: Sequence[int], distance: float) -> tuple[Rows, Rows]:
    """Training rows and others, tables of three columns.

    There is a cluster for each code, apart in two of the columns; the first row has the first code.
    """
    parts = []
    for seed, rows_each in ((0, ROWS_EACH), (1, ROWS_EACH // 2)):
        random = np.random.default_rng(seed)
        number = np.append(0, 1 + random.permutation(len(codes) * rows_each - 1)) % len(codes)
        at = distance * np.column_stack([number, number % 2, np.zeros(len(number))])
        X = pd.DataFrame(at + random.normal(size=at.shape), columns=["a", "b", "c"])
        parts.append(Rows(X, np.array(codes)[number]))
    return parts[0], parts[1]


def simplest(subject: Subject) -> tuple[str, tuple[int, int]]:
    """A type of task over tables that it takes, and codes for it."""
    return ("regression" if subject.component.slot == "weak_learner" else task_types(subject)[0]), (0, 1)


def overlapping(subject: Subject) -> Table:
    """Clusters of 0 and 1 that no learner can tell apart for sure, and that are soon learned."""
    task_type, codes = simplest(subject)
    return Table.made_up(subject, task_type, *clusters(codes, distance=1.0))


def numbers_of(subject: Subject) -> tuple[Rows, Rows]:
    """Training and test rows of a real regression task, its numbers and its target standardised."""
    data, _, split = task_named(subject.catalog, "diabetes", None)
    assert isinstance(data.X, pd.DataFrame)
    table = data.X.select_dtypes("number")
    scaled = (table - table.mean()) / table.std()
    y = (data.y - data.y.mean()) / data.y.std()
    train, test = (Rows(scaled.iloc[part], y[part]) for part in (split.train, split.test))
    return train, test
