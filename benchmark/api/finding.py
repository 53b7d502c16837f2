"""Everything that was noticed about a study or a table: flags on its results, its controls, its data."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from benchmark.findings import Finding, worst_first

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from benchmark.judge import Judgement

__all__ = ["findings_of"]


def findings_of(
    records: pd.DataFrame,
    judgement: Judgement,
    edges: pd.DataFrame,
    prediction: Callable[[str], np.ndarray | None],
    suspected: Iterable[Finding],
) -> tuple[Finding, ...]:
    """What is to be known before a study's verdicts are believed, the worst first.

    Parameters
    ----------
    prediction
        From a record's key to its test predictions, or None where they were not kept.
    suspected
        What was found on the data.
    """
    return worst_first(
        (
            *(found for control in judgement.controls if (found := control.finding()) is not None),
            *_flags(records, judgement, edges, prediction),
            *suspected,
        )
    )


def _flags(
    records: pd.DataFrame,
    judgement: Judgement,
    edges: pd.DataFrame,
    prediction: Callable[[str], np.ndarray | None],
) -> tuple[Finding, ...]:
    from benchmark.judge.flags import raised

    return raised(_with_predictions(records, judgement, prediction), judgement, edges=edges)


def _with_predictions(
    records: pd.DataFrame, judgement: Judgement, prediction: Callable[[str], np.ndarray | None]
) -> pd.DataFrame:
    """The records with ``prediction``, a digest of the predictions of arms that make the same errors."""
    alike = {
        name for c in judgement.comparisons if "identical" in c.flags for name in (c.candidate, c.baseline)
    }
    if not alike:
        return records
    keys = records["key"].where(records["component"].isin(alike) & (records["status"] == "ok"))
    return records.assign(prediction=keys.map(lambda key: _digest(prediction(key)), na_action="ignore"))


def _digest(predicted: np.ndarray | None) -> str | None:
    """What tells the predictions of a record from others; None where none were kept."""
    return None if predicted is None else hashlib.sha256(predicted.tobytes()).hexdigest()
