"""What a run leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Record", "Trial"]


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
    """Trained together with others: its share, every moment divided among those still training."""
    stacked: int = 0
    """Fits that trained together with this one, itself counted; 0: alone."""


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
    """Primary error, at least 0, smaller is better; None also where the test rows do not define the metric,
    which is then computed over all folds of the repeat."""
    score: float | None = None
    """The primary metric in its own direction."""
    validation_error: float | None = None
    train_error: float | None = None
    """Primary error on at most 1,000 training rows, of the model that was kept; None also where they do not
    define the metric."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """Every further metric in its own direction."""
    test_errors: int | None = None
    """Misclassified test rows; None where no classes are predicted."""
    n_train: int = 0
    n_test: int = 0
    steps: int = 0
    """Passes of the budget up to the model that was kept: a step of most optimizers is one, of SAM two; 0
    outside the neural family."""
    fit_seconds: float = 0.0
    """Trained together with others: its share, every moment divided among those still training."""
    predict_seconds: float = 0.0
    peak_memory_mb: float = 0.0
    """Highest resident memory of the worker while the cell ran."""
    peak_gpu_memory_mb: float = 0.0
    """Highest memory allocated on the GPU while the cell ran, in MiB; 0 on the CPU."""
    stacked: int = 0
    """Fits that trained together with this one, itself counted; 0: alone."""
    trials: int = 0
    """Settings tried before this one was chosen; 0 for the default setting."""
    setting: Mapping[str, Any] = field(default_factory=dict)
    """The hyperparameters used, by ``slot.argument``; empty for the default."""
    provenance: str = ""
    """Digest of the machine, packages and commit it was computed with."""
