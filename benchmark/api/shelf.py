"""The records of a bundle where a study's stages expect a store: what was needed follows from them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from benchmark.api.planning import PlannedStudy
from benchmark.api.stages import is_staged, stages
from benchmark.plan.grid import Plan, Row

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from benchmark.publish.bundle import Bundle
    from benchmark.records.store import Place, Store

__all__ = ["needed_of"]


class _Shelf:
    """The part of a store that stages read, over a bundle; what is linked is what they have asked for."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._linked: set[str] = set()

    def link(
        self, _study: str, _digest: str, places: Iterable[Place], *_trials: Any, **_further: Any
    ) -> None:
        self._linked |= {place.key for place in places}

    def note_variants(self, *_variants: Any) -> None:
        """The ledger is the author's."""

    def record_table(self, _study: str) -> pd.DataFrame:
        records = self._bundle.records
        return records[records["key"].isin(self._linked)].reset_index(drop=True)

    def prediction(self, key: str) -> np.ndarray | None:
        return self._bundle.predictions.get(key)


def needed_of(planned: PlannedStudy, bundle: Bundle) -> Plan:
    """The part of a study's plan of which there must be records: all, unless it stops early or confirms.

    Raises
    ------
    RequestError
        Where the records do not allow to say what came next.
    """
    from benchmark.api.linking import link

    if not is_staged(planned.study):
        return planned.plan
    shelf = cast("Store", _Shelf(bundle))
    rows: list[Row] = []
    for stage in stages(planned, shelf):
        link(planned, shelf, stage.plan.rows, further=bool(rows))
        rows += stage.plan.rows
    return dataclasses.replace(planned.plan, rows=tuple(rows))
