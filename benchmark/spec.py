"""The nouns of Swapbench as frozen dataclasses: values without behaviour beyond their own arithmetic.

Standard library only, so that every layer may import it. ``docs/design.md`` gives each noun its one
meaning; the docstrings here give each field its unit.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = [
    "FAMILIES",
    "PARAMETER_ROLES",
    "SETTINGS",
    "SLOTS",
    "STATUSES",
    "TASK_TYPES",
    "Arm",
    "Budget",
    "Cell",
    "Choice",
    "Component",
    "Dataset",
    "InputSpec",
    "Limits",
    "Pipeline",
    "Protocol",
    "Range",
    "Record",
    "Seeds",
    "Split",
    "Splitting",
    "Study",
    "Suite",
    "Task",
    "Trial",
    "Tuning",
]

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "neural": ("preprocessor", "architecture", "activation", "loss", "optimizer", "schedule"),
    "boosting": ("preprocessor", "booster", "weak_learner"),
    "estimator": ("preprocessor", "estimator"),
}
"""Which slots a pipeline of each family fills, in the order in which they act on the data."""

SLOTS: tuple[str, ...] = tuple(dict.fromkeys(slot for slots in FAMILIES.values() for slot in slots))
TASK_TYPES = ("binary", "multiclass", "regression")
SETTINGS = ("default", "tuned")
STATUSES = ("ok", "failed", "diverged", "timeout", "out_of_memory", "crashed", "incompatible")
PARAMETER_ROLES = ("embedding", "hidden", "output", "norm", "bias")
"""What an architecture that gives ``roles`` may call a parameter.

``hidden`` is a matrix between two hidden representations; ``embedding`` is whatever first meets the
input (lookup tables and input projections alike); ``norm`` is any elementwise scale.
"""

Role = Literal["candidate", "baseline", "aa", "control", "reference"]


@dataclass(frozen=True, slots=True)
class Range:
    """An interval of a search space, both ends included."""

    low: float
    high: float
    log: bool = False
    """Uniform in the logarithm."""
    integer: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """A finite set of values of a search space, in the order of the file."""

    choices: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Component:
    """One swappable part: what fills a slot."""

    slot: str
    name: str
    make: Mapping[str, Any]
    """``_target_`` and constructor arguments, resolved: plain values and nested ``_target_`` mappings."""
    space: Mapping[str, Range | Choice] = field(default_factory=dict)
    """Search space by the path of an argument inside ``make`` (``lr``, ``base.lr``)."""
    needs: tuple[str, ...] = ()
    """What must be there: ``package:NAME``, ``gpu``, ``modality:NAME``, ``task:TYPE``, or a word of the
    slot's contract (:data:`benchmark.slots.NEEDS`)."""
    gives: tuple[str, ...] = ()
    """What it offers to the components beside it (an architecture: ``roles``)."""
    fills: tuple[str, ...] = ()
    """Every slot it fills; its own slot alone unless the file says more."""
    source: Mapping[str, str] = field(default_factory=dict)
    """Where it comes from: ``paper``, ``code``, ``space``, ``note``."""
    file: str = ""
    """The file, dotted path or ``file.py:Class`` it was read from; for messages, never in a key."""
    trusted: bool = False
    """Typed by a person on the command line, so its code may come from anywhere."""
    code: str = ""
    """Digest of the source, or package and version, of everything ``make`` names."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A whole system: every slot of its family filled."""

    name: str
    family: str
    components: Mapping[str, Component]
    """By slot, in the family's order. A component that fills two slots stands under both."""

    def swap(self, component: Component) -> Pipeline:
        """The same pipeline with every slot that ``component`` fills given to it."""
        filled = {slot: component for slot in component.fills}
        return dataclasses.replace(self, components={**self.components, **filled})


@dataclass(frozen=True, slots=True)
class Dataset:
    """A card: where data comes from and what is to be predicted."""

    name: str
    source: str
    """``bundled`` (ships inside an installed library) or ``file``."""
    target: str
    location: str
    """What the source looks up: ``sklearn.wine`` or a path, relative to the card."""
    origin: str
    """Tasks of one origin are one unit of evidence; the card's own name unless it says otherwise."""
    task_type: str | None = None
    """One of TASK_TYPES; inferred from the target when the card does not say."""
    metric: str | None = None
    modality: str = "tabular"
    categorical: tuple[str, ...] = ()
    """Columns that are categories although they are written as numbers; text columns always are."""
    ignore: tuple[str, ...] = ()
    """Columns that the task must not see (identifiers, leaks)."""
    about: Mapping[str, str] = field(default_factory=dict)
    """``description``, ``licence``, ``citation``, ``url``: for people."""
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
    n_classes: int
    """0 for regression."""
    fingerprint: str
    """SHA-256 over columns, values, target and task type; names of files and tasks are not in it."""


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What an architecture is told about its input."""

    n_numeric: int
    cardinalities: tuple[int, ...] = ()
    """Number of codes of each categorical column; code 0 means missing or not seen in training."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Row numbers of one (repeat, fold), the same for every arm."""

    repeat: int
    fold: int
    train: Sequence[int]
    validation: Sequence[int]
    test: Sequence[int]
    digest: str
    """SHA-256 over the three index arrays."""


@dataclass(frozen=True, slots=True)
class Seeds:
    """Separate streams of randomness of one fit, each below 2**63; the same for every arm of a block."""

    weights: int
    """Initial weights; the one seed of learners that take only one."""
    order: int
    """Order of the training rows."""
    dropout: int
    """Everything random while training."""

    def streams(self) -> tuple[int, int, int]:
        """All three, in the order of the fields."""
        return self.weights, self.order, self.dropout


@dataclass(frozen=True, slots=True)
class Splitting:
    """How a task without splits of its own is split: repeated k-fold, stratified by class."""

    repeats: int = 1
    folds: int = 5
    validation: float = 0.2
    """Share of the training part that is held back for early stopping and selection."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """How hyperparameters are chosen, the same for every arm."""

    trials: int = 8
    """Settings tried per (component, host, task, split); trial 0 is the default setting."""
    sampler: str = "sobol"
    what: str = "slot"
    """``slot`` (the varied component), ``host`` (the rest) or ``joint``."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How long a network may train, the same for every arm."""

    unit: str = "epochs"
    """``epochs``, ``steps`` or ``seconds`` (then results depend on the machine)."""
    amount: float = 50
    batch_size: int = 128
    evaluations: int = 20
    """How often the validation part is scored in the whole budget, at most once an epoch."""
    patience: int = 8
    """Evaluations without a better validation error before training stops."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one fit may use before it is ended and recorded."""

    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Protocol:
    """Splits, seeds, tuning, budgets and the decision rule: fixed before the study is run."""

    splits: Splitting = Splitting()
    seeds: int = 3
    aa: int = 2
    """A/A arms: the baseline again, with other seeds and its own tuning."""
    tuning: Tuning = Tuning()
    budget: Budget = Budget()
    limits: Limits = Limits()
    rope: float = 0.01
    """Largest relative effect that counts as none (δ)."""
    level: float = 0.95
    host_effects: str = "auto"
    """``fixed``, ``random``, or ``auto``: random from four hosts on."""


@dataclass(frozen=True, slots=True)
class Suite:
    """A named list of tasks."""

    name: str
    tasks: tuple[str, ...]
    about: Mapping[str, str] = field(default_factory=dict)
    file: str = ""


@dataclass(frozen=True, slots=True)
class Study:
    """One question, fixed before it is run. Names only: code may improve, the question may not move."""

    name: str
    question: str
    slot: str
    candidates: tuple[str, ...]
    baselines: tuple[str, ...]
    hosts: tuple[str, ...]
    references: tuple[str, ...]
    tasks: tuple[str, ...]
    suite: str
    """The suite the tasks came from; empty where they were named one by one."""
    protocol: Protocol
    metric: str | None = None
    """Overrides the tasks' own metric."""
    seed: int = 0
    """The root from which every seed of the study is derived."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One component of the study's slot (or, as a reference, one whole pipeline) and its role."""

    component: str
    role: Role
    replicate: int = 0
    """0 except in A/A arms."""


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """The coordinate of one record: pure data."""

    component: str
    host: str
    """Empty for references, which are whole pipelines."""
    task: str
    repeat: int
    fold: int
    seed: int
    setting: str
    replicate: int = 0


@dataclass(frozen=True, slots=True)
class Trial:
    """One hyperparameter setting tried while tuning."""

    key: str
    number: int
    """0 is the default setting."""
    setting: Mapping[str, Any]
    """Values by ``slot.argument``; empty for the default."""
    status: str
    reason: str = ""
    validation_error: float | None = None
    """All that selection reads."""
    error: float | None = None
    """Test error, for the budget curve; selection never reads it."""
    fit_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Record:
    """What one cell leaves, whether it went well or not; independent of any study's names."""

    key: str
    status: str
    reason: str = ""
    """One line; empty when the status is ok and there is nothing to remark."""
    traceback: str = ""
    metric: str = ""
    error: float | None = None
    """Primary error, at least 0, smaller is better."""
    score: float | None = None
    """The primary metric in its own direction."""
    validation_error: float | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    """Every further metric in its own direction."""
    test_errors: int | None = None
    """Misclassified test rows; None for regression."""
    n_train: int = 0
    n_test: int = 0
    steps: int = 0
    """Optimizer steps up to the model that was kept; 0 outside the neural family."""
    fit_seconds: float = 0.0
    predict_seconds: float = 0.0
    peak_memory_mb: float = 0.0
    """Highest resident memory of the worker while the cell ran."""
    trials: int = 0
    """Settings tried before this one was chosen; 0 for the default setting."""
    setting: Mapping[str, Any] = field(default_factory=dict)
    """The hyperparameters used, by ``slot.argument``; empty for the default."""
    provenance: str = ""
    """Digest of the machine, packages and commit it was computed with."""
