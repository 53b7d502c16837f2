"""The nouns of Swapbench as frozen dataclasses: values without behaviour beyond their own arithmetic.

Standard library only, so that every layer may import it. ``docs/design.md`` gives each noun its one
meaning; the docstrings give each field its unit.
"""

from __future__ import annotations

from benchmark.spec.parts import Choice, Component, InputSpec, Pipeline, Range
from benchmark.spec.results import Record, Trial
from benchmark.spec.study import Arm, Budget, Cell, Limits, Protocol, Seeds, Splitting, Study, Tuning
from benchmark.spec.tasks import Dataset, OwnSplit, Split, SplitBasis, SplitFacts, Suite, Task
from benchmark.spec.words import (
    CLASSIFICATION,
    CONTROLS,
    FAMILIES,
    FORMS,
    MODALITIES,
    PARAMETER_ROLES,
    SCHEMES,
    SETTINGS,
    SLOTS,
    STATUSES,
    TASK_TYPES,
)

__all__ = [
    "CLASSIFICATION",
    "CONTROLS",
    "FAMILIES",
    "FORMS",
    "MODALITIES",
    "PARAMETER_ROLES",
    "SCHEMES",
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
    "OwnSplit",
    "Pipeline",
    "Protocol",
    "Range",
    "Record",
    "Seeds",
    "Split",
    "SplitBasis",
    "SplitFacts",
    "Splitting",
    "Study",
    "Suite",
    "Task",
    "Trial",
    "Tuning",
]
