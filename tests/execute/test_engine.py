"""What the engine leases, how it waits for another driver of the same store, and how it stops."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmark.execute.cell import Outcome
from benchmark.execute.clusters.slurm.desk import SPOOL, finished_meanwhile, open_desk
from benchmark.execute.clusters.slurm.scheduler import Elements
from benchmark.execute.engine import Context, Progress, execute
from benchmark.plan.grid import Job, Plan, Row
from benchmark.records.store import Item, Store, open_store
from benchmark.spec import Arm, Record, Study

HERE = {"cpu": "ours", "python": "3"}


@pytest.fixture
def drivers(tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """One store, opened by two drivers."""
    with open_store(tmp_path, write=True) as one, open_store(tmp_path, write=True) as other:
        yield one, other


def until_budget(store: Store, *jobs: Job, executor: str = "serial", budget: float = 0.0) -> Progress:
    """A run that ends when something has come, or when it has waited for another driver."""
    protocol = jobs[0].protocol
    study = Study("a", "", ("estimator",), (), ("linear",), ("linear",), (), ("iris",), "", protocol)
    rows = tuple(Row(Arm("linear", "baseline"), "estimator", "linear", job, "") for job in jobs)
    return execute(
        [Plan(study, {}, rows, ())],
        store,
        executor=executor,
        context=Context(1, (), (), folder=store.folder),
        known=HERE,
        cost=lambda _: 0.0,
        finished=finished_meanwhile(store.folder),
        budget_seconds=budget,
        quiet=True,
    )


def test_what_runs_stays_leased_when_a_job_that_shares_it_cannot_run(
    drivers: tuple[Store, Store], job_of: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, other = drivers
    other.leases.claim(["theirs"])
    free, put = list[set[str]](), Store.put

    def watched(store: Store, items: Sequence[Item], provenance: str) -> None:
        free.append(other.leases.claim(["own", "shared", "rest"]))
        put(store, items, provenance)

    monkeypatch.setattr(Store, "put", watched)
    until_budget(ours, job_of("theirs", "shared", "rest"), job_of("own", "shared"))
    assert free == [{"rest"}]
    assert ours.record_keys() == {"own"}


def test_a_budget_ends_while_another_driver_computes_everything(
    drivers: tuple[Store, Store], job_of: Callable[..., Job]
) -> None:
    ours, other = drivers
    other.leases.claim(["theirs"])
    assert until_budget(ours, job_of("theirs")).stopped == "budget"


def test_a_budget_ends_a_fit_that_goes_on_and_on(
    drivers: tuple[Store, Store], make_job: Callable[..., Job]
) -> None:
    ours, _ = drivers
    started = time.monotonic()
    progress = until_budget(ours, make_job("hang_in_c"), executor="processes", budget=1.0)
    assert (progress.executed, progress.stopped) == (0, "budget")
    assert time.monotonic() - started < 20
    assert ours.record_keys() == set()


def test_a_driver_that_waits_looks_ever_more_rarely_and_still_keeps_its_budget(
    drivers: tuple[Store, Store], job_of: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, other = drivers
    other.leases.claim(["theirs"])
    looks, read = [], Store.record_keys

    def watched(store: Store) -> set[str]:
        looks.append(time.monotonic())
        return read(store)

    monkeypatch.setattr(Store, "record_keys", watched)
    monkeypatch.setattr("benchmark.execute.engine._LOOK_AGAIN_SECONDS", (0.05, 60.0))
    monkeypatch.setattr("benchmark.execute.engine.HEARTBEAT_SECONDS", 0.05)
    started = time.monotonic()
    assert until_budget(ours, job_of("theirs"), budget=2.0).stopped == "budget"
    assert time.monotonic() - started < 4
    assert 3 <= len(looks) <= 7


def _die_after_a_part(results: Path, job: Job, outcome: Outcome) -> None:
    (results / SPOOL).mkdir()
    desk = open_desk(results / SPOOL, results / SPOOL, Elements(), b"terms")
    desk.hand_out(job, {})
    assert (taken := desk.spool.take("1_0")) is not None
    desk.spool.put(taken.ticket, "1_0", 0, [outcome])
    os._exit(0)


def test_whoever_goes_on_collects_what_a_dead_slurm_driver_s_elements_have_finished(
    tmp_path: Path, job_of: Callable[..., Job]
) -> None:
    job, there = job_of("a", "b"), {"cpu": "theirs"}
    outcome = Outcome(Record("a", "ok", reason="computed there"), machine=there)
    fork = multiprocessing.get_context("fork")
    driver = fork.Process(target=_die_after_a_part, args=(tmp_path, job, outcome))
    driver.start()
    driver.join()
    assert driver.exitcode == 0
    for _ in range(2):  # the second time there is nothing to collect, nor to compute
        with open_store(tmp_path, write=True) as store:
            until_budget(store, job, budget=60.0)
            kept = store.records("ab")
            facts = {digest: _facts(store, digest) for digest in {row.provenance for row in kept.values()}}
    assert kept["a"].reason == "computed there"
    assert kept["b"].status == "ok"
    assert [facts[kept[key].provenance] for key in "ab"] == [{**HERE, **there}, HERE]


def _facts(store: Store, digest: str) -> Any:
    query = "SELECT facts FROM provenance WHERE digest = ?"
    return json.loads(store._db.execute(query, (digest,)).fetchone()[0])
