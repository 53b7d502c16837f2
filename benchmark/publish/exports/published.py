"""What every export is a function of: a finished study and what it was judged to show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from benchmark.judge import Judgement
    from benchmark.plan.grid import Plan
    from benchmark.publish.bundle import Bundle
    from benchmark.report import About
    from benchmark.report.tables import Table

__all__ = ["Published", "HeldOut"]


class HeldOut(NamedTuple):
    """The test rows of one split of data that is on this machine."""

    numbers: np.ndarray
    """Row numbers in the task's data, sorted."""
    truth: np.ndarray
    """Class codes or values of these rows."""
    classes: tuple[str, ...]
    """Label of every class code; empty where values are predicted."""


@dataclass(frozen=True, eq=False)
class Published:
    """A finished study, judged."""

    bundle: Bundle
    """Its records as they were computed, predictions, claims, environments."""
    plan: Plan
    records: pd.DataFrame
    """The records that were judged: folds pooled where the metric asks for it."""
    judgement: Judgement
    about: About
    test_rows: Mapping[tuple[str, int, int], HeldOut]
    """By task, repeat and fold, where the data is on this machine and is that of the study."""
    tables: Sequence[Table] = ()
    """Those of its report."""
