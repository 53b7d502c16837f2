"""A study while it runs, read off its plan and its store; nothing is written."""

from __future__ import annotations

import collections
import datetime
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.api.linking import left_of, records_of
from benchmark.api.planning import PlannedStudy, comparable
from benchmark.api.stages import is_staged, order_of, rule_of, stages
from benchmark.errors import RequestError
from benchmark.plan.cost import total

if TYPE_CHECKING:
    from http.server import ThreadingHTTPServer

    import pandas as pd

    from benchmark.judge import Judgement
    from benchmark.publish.live import Failure, Provisional, State
    from benchmark.records.store import Store

__all__ = ["Live", "watch"]

_RATE_OVER = 180.0
"""Seconds that the rate is taken over."""
_SHOWN = 200
"""Rows of failures and verdicts that are shown."""
_ROLES = ("candidate", "baseline", "aa", "control", "reference")
_PEEKING = (
    "Provisional, on {n} of {all} data sets. Who looks at these numbers and stops when they please finds "
    "effects that are not there: the intervals hold at the end alone. With protocol.stop=sequential they "
    "hold at any time."
)
_ANYTIME = (
    "Provisional, on the data sets that are complete, and valid whenever you look: the intervals are those "
    "of a confidence sequence (protocol.stop=sequential)."
)
_SPLIT = "None before the end: this study selects on one half of the data sets and confirms on the other."


def watch(planned: PlannedStudy, *, host: str = "127.0.0.1", port: int = 8765) -> ThreadingHTTPServer:
    """A server of the study's live page, bound and not yet serving (``serve_forever``).

    Raises
    ------
    RequestError
        When the address cannot be used.
    """
    from benchmark.publish.live import serve

    return serve(Live(planned), host, port)


class Live:
    """Reads the state of a study, each time anew."""

    def __init__(self, planned: PlannedStudy) -> None:
        self._planned = planned
        self._cells = _cells(planned)
        self._fits = total(planned.plan, {}).fits
        self._seen: collections.deque[tuple[float, int]] = collections.deque()

    def __call__(self) -> State:
        """The state now."""
        from benchmark.records.store import open_store

        results = self._planned.resolved.results_dir
        if not (results / "store.sqlite").is_file():
            return self._state(None, self._fits, running=False, finished=False)
        with open_store(results, write=False) as store:
            left = left_of(self._planned.plan, store)
            finished = not left or (is_staged(self._planned.study) and self._has_all_it_needs(store))
            return self._state(store, left, running=_is_running(results), finished=finished)

    def _has_all_it_needs(self, store: Store) -> bool:
        """Whether nothing of the stages is missing that a study did not do without."""
        try:
            return not any(left_of(stage.plan, store) for stage in stages(self._planned, store))
        except RequestError:  # what a stage follows from is another question's as yet
            return False

    def _state(self, store: Store | None, left: int, *, running: bool, finished: bool) -> State:
        from benchmark.publish.live import Arm, State

        planned, cells = self._planned, self._cells
        records = _none() if store is None else self._records(store)
        done = self._fits - left
        staged = is_staged(planned.study)
        status = "running" if running else "stopped" if done else "not begun"
        status = "finished" if finished else status
        rate = self._rate(done)
        verdicts, said = self._verdicts(records, store, status == "finished")
        counts = records.groupby(["role", "component"], observed=True)
        facts = {name: part for name, part in counts}
        every = cells.groupby(["role", "component"], sort=False).size()
        arms = []
        for (role, name), n in sorted(every.items(), key=lambda item: _ROLES.index(item[0][0])):
            part = facts.get((role, name), records.iloc[:0])
            mean = part.loc[part["status"] == "ok", "fit_seconds"].astype(float).mean()
            bad = int((part["status"] != "ok").sum())
            arms.append(
                Arm(str(name), str(role), len(part), int(n), bad, None if mean != mean else float(mean))
            )
        there = records["task"].value_counts()
        tasks = [
            (str(name), int(there.get(name, 0)), int(n))
            for name, n in cells["task"].value_counts(sort=False).items()
        ]
        return State(
            study=planned.name,
            question=planned.study.question,
            status=status,
            at=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            done=done,
            planned=self._fits,
            at_most=staged,
            failures=int((records["status"] != "ok").sum()),
            per_minute=rate,
            seconds_left=60 * left / rate if rate and left and status == "running" else None,
            arms=arms,
            tasks=sorted(tasks),
            verdicts=verdicts,
            verdicts_said=said,
            anytime=planned.study.protocol.stop == "sequential",
            failed=_failures(records),
        )

    def _records(self, store: Store) -> pd.DataFrame:
        """What is there of what the plan asks for now, whatever a study of this name asked before."""
        records = records_of(self._planned, store)
        return records[records["key"].isin(self._cells["key"])]

    def _rate(self, done: int) -> float | None:
        """Fits a minute since this was first asked, or over the last minutes."""
        now = time.monotonic()
        self._seen.append((now, done))
        while now - self._seen[0][0] > _RATE_OVER:
            self._seen.popleft()
        since, before = self._seen[0]
        return 60 * (done - before) / (now - since) if now - since > 1 and done > before else None

    def _verdicts(
        self, records: pd.DataFrame, store: Store | None, finished: bool
    ) -> tuple[Sequence[Provisional], str]:
        """What can be said so far, and what it may be used for."""
        from benchmark.publish.live import Provisional
        from benchmark.report.words import interval, percent, verdict_of

        protocol = self._planned.study.protocol
        if finished:
            said = "Nothing is missing. `swapbench report` judges it; these are the same numbers."
        elif protocol.confirm == "split":
            return (), _SPLIT
        if protocol.confirm == "split":
            return (
                (),
                "Nothing is missing. `swapbench report` says what was selected and whether it is confirmed.",
            )
        complete = self._complete(records)
        every = self._cells["origin"].nunique()
        if not finished:
            n = complete["origin"].nunique()
            said = _ANYTIME if protocol.stop == "sequential" else _PEEKING.format(n=n, all=every)
        nothing = "None yet: no data set is complete for all arms."
        if complete.empty or store is None:
            return (), nothing
        try:
            judgement = self._judged(complete)
        except RequestError:
            return (), nothing
        return [
            Provisional(
                c.candidate,
                c.baseline,
                c.setting,
                verdict_of(c),
                percent(c.effect.mean),
                interval(c.effect.ci_verdict),
                c.n["origins"],
            )
            for c in judgement.comparisons[:_SHOWN]
        ], said

    def _complete(self, records: pd.DataFrame) -> pd.DataFrame:
        """The records on data sets that are complete: of all arms, or where each stops for itself, of one."""
        place = ["origin", "role", "component"]
        there = records.groupby(place, observed=True).size()
        asked = self._cells.groupby(place, sort=False).size()
        whole = (there.reindex(asked.index, fill_value=0) == asked).rename("whole").reset_index()
        counted_in = whole[
            whole["role"].isin(["candidate", "baseline", "aa"]) | (whole["component"] == "featureless")
        ]
        if self._planned.study.protocol.stop == "sequential":
            ground = counted_in[counted_in["role"] != "candidate"].groupby("origin")["whole"].all()
            kept = counted_in[counted_in["whole"] & counted_in["origin"].map(ground)]
            if not ground.all():
                return records.iloc[:0]
            return records.merge(kept[place], on=place, how="inner")
        complete = counted_in.groupby("origin")["whole"].all()
        return records[records["origin"].isin(complete.index[complete])]

    def _judged(self, records: pd.DataFrame) -> Judgement:
        from benchmark.judge import judge

        planned, protocol = self._planned, self._planned.study.protocol
        begun = set(records.loc[records["role"] == "candidate", "component"])
        rule = rule_of(planned) | {"candidates": [name for name in comparable(planned.plan) if name in begun]}
        staged: dict[str, Any] = {}
        if protocol.stop == "sequential":
            staged = {"order": order_of(planned), "sequence": protocol.sequence}
        return judge(records, **rule, **staged, board=False)


def _cells(planned: PlannedStudy) -> pd.DataFrame:
    """Every cell of the plan: role, component, task, origin, key."""
    import pandas as pd

    rows = [
        (row.arm.role, row.arm.component, row.job.task.name, row.job.task.origin, key)
        for row in planned.plan.rows
        for _, key in row.cells()
    ]
    return pd.DataFrame(rows, columns=["role", "component", "task", "origin", "key"])


def _none() -> pd.DataFrame:
    import pandas as pd

    from benchmark.records.schema import RECORD_COLUMNS

    return pd.DataFrame({name: [] for name in RECORD_COLUMNS})


def _is_running(results: Path) -> bool:
    """Whether some driver is at the store."""
    from benchmark.records.leases import is_driven

    return is_driven(results)


def _failures(records: pd.DataFrame) -> list[Failure]:
    """What failed, alike failures together, the most frequent first."""
    from benchmark.publish.live import Failure

    bad = records[records["status"] != "ok"]
    found = [
        Failure(
            str(status), str(component), str(host), str(reason), len(part), sorted(set(part["task"].map(str)))
        )
        for (status, component, host, reason), part in bad.groupby(
            ["status", "component", "host", "reason"], observed=True
        )
    ]
    return sorted(found, key=lambda one: (-one.fits, one.component))[:_SHOWN]
