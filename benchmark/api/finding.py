"""Everything that was noticed about a study or a table: flags on its results, its controls, its data."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from benchmark.findings import Finding, worst_first

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.api.planning import PlannedStudy
    from benchmark.judge import Judgement
    from benchmark.records.store import Store

__all__ = ["findings_of"]


def findings_of(
    planned: PlannedStudy,
    store: Store,
    records: pd.DataFrame,
    judgement: Judgement,
    edges: pd.DataFrame,
) -> tuple[Finding, ...]:
    """What is to be known before a study's verdicts are believed, the worst first."""
    from benchmark.api.suspecting import suspected

    return worst_first(
        (
            *(found for control in judgement.controls if (found := control.finding()) is not None),
            *_flags(store, records, judgement, edges),
            *suspected(planned),
        )
    )


def _flags(
    store: Store, records: pd.DataFrame, judgement: Judgement, edges: pd.DataFrame
) -> tuple[Finding, ...]:
    from benchmark.judge.flags import raised

    return raised(_with_predictions(store, records, judgement), judgement, edges=edges)


def _with_predictions(store: Store, records: pd.DataFrame, judgement: Judgement) -> pd.DataFrame:
    """The records with ``prediction``, a digest of the predictions of arms that make the same errors."""
    alike = {
        name for c in judgement.comparisons if "identical" in c.flags for name in (c.candidate, c.baseline)
    }
    if not alike:
        return records
    keys = records["key"].where(records["component"].isin(alike) & (records["status"] == "ok"))
    return records.assign(prediction=keys.map(lambda key: _digest(store, key), na_action="ignore"))


def _digest(store: Store, key: str) -> str | None:
    """What tells the predictions of a record from others; None where none were kept."""
    predicted = store.prediction(key)
    return None if predicted is None else hashlib.sha256(predicted.tobytes()).hexdigest()
