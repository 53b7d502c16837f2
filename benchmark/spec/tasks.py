"""Data, tasks, and which rows are for what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Dataset", "OwnSplit", "Split", "SplitBasis", "SplitFacts", "Suite", "Task"]


Rows = Any
"""An integer array, one number a row; a type of numpy's, which this package does not import."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A card: where data comes from and what is to be predicted."""

    name: str
    source: str
    """``bundled`` (ships inside an installed library), ``file``, ``openml`` or ``generated``."""
    location: str
    """What the source looks up: ``sklearn.wine``, a path relative to the card, the number of an OpenML task
    (``test/613`` on the test server), a generator."""
    target: str = ""
    """The column to predict; empty where the source itself says it (OpenML, images, generators, a text)."""
    origin: str = ""
    """Tasks of one origin are one unit of evidence. Empty: what the source calls the data."""
    task_type: str | None = None
    """One of TASK_TYPES; inferred from the target when the card does not say."""
    metric: str | None = None
    modality: str = "tabular"
    """One of MODALITIES."""
    categorical: tuple[str, ...] = ()
    """Columns that are categories although they are written as numbers; text columns always are."""
    numeric: tuple[str, ...] = ()
    """Columns that are numbers, and features, whatever would be inferred of them."""
    ignore: tuple[str, ...] = ()
    """Columns that the task must not see (identifiers, leaks)."""
    groups: str | None = None
    """Column whose equal values stay on one side of every split; no feature unless typed above."""
    time: str | None = None
    """Column by which rows are ordered: training comes before testing; no feature unless typed above."""
    weights: str | None = None
    """Column of row weights, used in training and in every metric; never a feature."""
    split: str | None = None
    """Column that says ``train``, ``validation`` or ``test``; never a feature."""
    test: str | None = None
    """Second file, of the test rows, beside ``location`` (a train/test pair)."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of a generator; ``context``, ``horizon`` and ``season`` of a forecasting task, in steps;
    ``length`` of the blocks of a language task, in characters; ``channels`` of images, the axis: ``first`` or
    ``last``."""
    rows: int | None = None
    """A nested, stratified subsample of this many rows; None: all."""
    about: Mapping[str, str] = field(default_factory=dict)
    """``description``, ``licence``, ``citation``, ``url``, ``evidence`` (the document that states an id),
    ``known`` (the best possible score of generated data): for people."""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """What planning knows of the data: facts, no arrays."""

    name: str
    origin: str
    modality: str
    task_type: str
    metric: str
    n_rows: int
    n_features: int
    """Columns of a table; numbers of an image; channels of a sequence; 1 for text."""
    n_classes: int
    """0 where values are predicted."""
    fingerprint: str
    """SHA-256 over inputs, target and task type; names of files and tasks are not in it."""
    horizon: int = 0
    """Steps ahead that are predicted together; 0 outside forecasting."""
    weighted: bool = False
    """Rows carry weights."""
    missing: bool = False
    """Some number of its table, or of the table that its rows make, is missing."""
    generated: bool = False
    """Made by a formula, not measured."""
    scheme: str = ""
    """How the rows were split, in words (``kfold``; ``own, 2 of 10``); filled in by planning."""
    notes: tuple[str, ...] = ()
    """What was inferred or found about the data, one line each, for people."""

    @property
    def n_outputs(self) -> int:
        """Numbers predicted for a row (for a position of it, in a language task)."""
        return self.n_classes or self.horizon or 1


@dataclass(frozen=True, slots=True, eq=False)
class OwnSplit:
    """One split that comes with the data: OpenML's, a column's, a second file's. Row numbers, sorted."""

    repeat: int
    fold: int
    train: Rows
    test: Rows
    validation: Rows = ()
    """Empty: drawn from the training rows."""


@dataclass(frozen=True, slots=True, eq=False)
class SplitBasis:
    """What splitting may look at, row by row."""

    classes: Rows
    """Class codes ``(n_rows,)``; all 0 where values or sequences of tokens are predicted."""
    rows: Rows
    """Digest (uint64) of each row's inputs ``(n_rows,)``: equal rows, equal digests."""
    groups: Rows | None = None
    """Codes ``(n_rows,)``; rows of one group stay together."""
    time: Rows | None = None
    """Ranks ``(n_rows,)``; equal times, equal ranks."""
    gap: int = 0
    """Rows between training and later parts whose targets would overlap; they are left out."""
    own: tuple[OwnSplit, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Row numbers of one (repeat, fold), the same for every arm."""

    repeat: int
    fold: int
    train: Rows
    validation: Rows
    test: Rows
    digest: str
    """SHA-256 over the three index arrays."""

    @property
    def facts(self) -> SplitFacts:
        """The split without its rows."""
        sizes = len(self.train), len(self.validation), len(self.test)
        return SplitFacts(self.repeat, self.fold, self.digest, *sizes)


@dataclass(frozen=True, slots=True)
class SplitFacts:
    """What a plan needs to know of a split."""

    repeat: int
    fold: int
    digest: str
    """That of the split."""
    n_train: int
    n_validation: int
    n_test: int


@dataclass(frozen=True, slots=True)
class Suite:
    """A named list of tasks."""

    name: str
    tasks: tuple[str, ...] = ()
    openml: int | None = None
    """Number of the OpenML suite whose members these are; ``tasks`` is then empty until it is fetched."""
    about: Mapping[str, str] = field(default_factory=dict)
    file: str = ""
