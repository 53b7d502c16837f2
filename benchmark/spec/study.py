"""A study and everything that is fixed before it is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Arm", "Budget", "Cell", "Limits", "Protocol", "Seeds", "Splitting", "Study", "Tuning"]


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
    """How a task is split. Of a task's own splits the first ``repeats`` times ``folds`` are used."""

    scheme: str = "auto"
    """One of SCHEMES. ``auto``: the task's own; else ``group`` where it has groups, ``temporal`` where it has
    a time, ``kfold`` otherwise."""
    repeats: int = 1
    folds: int = 5
    test: float = 0.2
    """Share of the rows that ``holdout`` tests on."""
    validation: float = 0.2
    """Share of the training part that is held back for early stopping and selection."""
    stratify: bool = True
    """Spread the classes evenly over the parts, where there are classes."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """How hyperparameters are chosen, the same for every arm."""

    trials: int = 8
    """Settings tried in one tuning study; trial 0 is the default setting."""
    sampler: str = "sobol"
    """``sobol``, ``random`` or ``tpe``."""
    what: str = "slot"
    """``slot`` (the varied component), ``host`` (the rest) or ``joint``."""
    repeats: int = 1
    """Tuning studies per (component, host, task, split), each with seeds of its own; the tuned cell of seed s
    takes its setting from study s modulo ``repeats``."""


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
    """Wall seconds; None: as long as it takes."""
    memory_mb: float | None = None
    """MiB of memory of its own, children included, beyond what its worker held before; None: all there is."""
    retries: int = 2
    """How often a fit is tried again whose worker died of anything but a limit."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """Splits, seeds, tuning, budgets and the decision rule: fixed before the study is run."""

    splits: Splitting = Splitting()
    seeds: int = 3
    aa: int = 2
    """A/A arms: the baseline again, with other seeds and its own tuning."""
    controls: tuple[str, ...] = ()
    """What the study checks itself with, out of CONTROLS."""
    tuning: Tuning = Tuning()
    budget: Budget = Budget()
    limits: Limits = Limits()
    stacking: str = "auto"
    """Whether networks of one shape, the trials and seeds of one job, train together as one batched network:
    ``auto`` (where it is known to be faster), ``on`` (wherever it can be done) or ``off``."""
    precision: str = "float32"
    """What networks compute in: ``float32``, or ``bfloat16`` or ``float16`` mixed with float32 weights."""
    rope: float = 0.01
    """Largest relative effect that counts as none (δ)."""
    level: float = 0.95
    host_effects: str = "auto"
    """``fixed``, ``random``, or ``auto``: random from four hosts on."""
    stop: str = "never"
    """``never``, or ``sequential``: data sets are run one after the other, and a candidate only until its
    verdict is settled."""
    sequence: str = "bounded"
    """What ``stop: sequential`` reads its verdicts off: the confidence sequence that asks for nothing but
    bounded effects (``bounded``), or the one for effects taken as normal (``normal``)."""
    confirm: str = "none"
    """``none``, or ``split``: candidates are selected on one half of the data sets, and the selected one is
    judged on the other."""


@dataclass(frozen=True, slots=True)
class Study:
    """One question, fixed before it is run. Names only: code may improve, the question may not move."""

    name: str
    question: str
    slots: tuple[str, ...]
    """What is varied: one slot, or two for their interaction, and arms are then called ``radam+cosine``."""
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
    primary: str = ""
    """The candidate that the study is about first; empty: the first that can be compared."""

    @property
    def slot(self) -> str:
        """The slot, or both joined by ``+``."""
        return "+".join(self.slots)


Role = Literal["candidate", "baseline", "aa", "control", "reference"]


@dataclass(frozen=True, slots=True)
class Arm:
    """One component of the study's slot (or, as a reference, one whole pipeline) and its role."""

    component: str
    role: Role
    replicate: int = 0
    """0 except in A/A arms."""
    control: str = ""
    """Which of CONTROLS a baseline is run as; empty in every arm but controls."""


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
    control: str = ""
    """As in its arm."""
    tuning: int = 0
    """The tuning study that its setting comes from, as ``seed`` says; 0 for the default setting."""
