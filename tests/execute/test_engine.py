"""What the engine leases, and how it waits for another driver of the same store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from benchmark.execute.engine import Context, Progress, execute
from benchmark.plan.grid import Job, Plan, Row
from benchmark.records.store import Item, Store, open_store
from benchmark.spec import Arm, Study


@pytest.fixture
def drivers(tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """One store, opened by two drivers."""
    with open_store(tmp_path, write=True) as one, open_store(tmp_path, write=True) as other:
        yield one, other


def until_budget(store: Store, *jobs: Job) -> Progress:
    """A run that ends when something has come, or when it has waited for another driver."""
    protocol = jobs[0].protocol
    study = Study("a", "", ("estimator",), (), ("linear",), ("linear",), (), ("iris",), "", protocol)
    rows = tuple(Row(Arm("linear", "baseline"), "estimator", "linear", job, "") for job in jobs)
    return execute(
        [Plan(study, {}, rows, ())],
        store,
        executor="serial",
        context=Context(1, (), ()),
        provenance="",
        cost=lambda _: 0.0,
        budget_seconds=0.0,
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
