"""What a run does before its first fit grows with what is left to do, and hardly with what is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmark.api import plan_study
from benchmark.api.linking import left_of, link
from benchmark.api.planning import PlannedStudy
from benchmark.execute.engine import missing_jobs
from benchmark.records.store import Store, open_store
from benchmark.spec import Record, Trial

Seconds = Callable[[Callable[[], object]], float]


@pytest.fixture
def study(lab: Any) -> Callable[[int], PlannedStudy]:
    """A small study of so many seeds."""
    few = ("candidates=[radam]", "tasks=[iris]", "protocol.aa=0")
    return lambda seeds: plan_study([*lab.tiny, *few, f"protocol.seeds={seeds}", f"name=s{seeds}"])


def fill(store: Store, study: PlannedStudy, folds: int) -> None:
    """Keep everything of the first folds, as if it had been run."""
    link(study, store, study.plan.rows)
    for job in (job for job in study.plan.jobs() if job.fold < folds):
        rows: list[Trial | Record] = [Trial(trial.key, trial.number, {}, "ok") for trial in job.trials]
        rows += [Record(cell.key, "ok", fit_seconds=2.0) for cell in job.cells]
        store.put([(row, None, "") for row in rows], "")


def steps(store: Store, work: Callable[[], object]) -> int:
    """Hundreds of instructions that SQLite executes: a time that no busy machine changes."""
    count = 0

    def passed() -> None:
        nonlocal count
        count += 1

    store._db.set_progress_handler(passed, 100)
    work()
    store._db.set_progress_handler(None, 0)
    return count


def test_what_a_run_reads_first_stays_linear(
    study: Callable[[int], PlannedStudy], tmp_path: Path, seconds: Seconds
) -> None:
    found: dict[str, list[float]] = {"keys": [], "times": [], "link": [], "missing": [], "left": []}
    for seeds in (8, 128):
        planned = study(seeds)
        with open_store(tmp_path / str(seeds), write=True) as store:
            fill(store, planned, folds=1)
            changes = store._db.total_changes
            found["link"].append(steps(store, lambda: link(planned, store, planned.plan.rows)))  # noqa: B023
            assert store._db.total_changes == changes
            found["keys"].append(steps(store, store.record_keys))
            found["times"].append(steps(store, store.fit_seconds))
            found["missing"].append(seconds(lambda: missing_jobs(planned.plan, store)))  # noqa: B023
            found["left"].append(seconds(lambda: left_of(planned.plan, store)))  # noqa: B023
            assert {job.fold for job, _ in missing_jobs(planned.plan, store)} == {1}
            assert set(store.fit_seconds().values()) == {2.0}
    few, many = zip(*found.values(), strict=True)
    ratios = {name: more / less for name, less, more in zip(found, few, many, strict=True)}
    assert ratios["link"] == ratios["times"] == 1  # they do not depend on how much is kept
    assert all(ratios[name] < 64 for name in ("keys", "missing", "left"))  # sixteen, were they exactly linear
