"""Where the time of a process and of a run goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmark import api
from benchmark.execute.peak import Peak
from benchmark.execute.profile import (
    DRIVER_PHASES,
    STEP_PHASES,
    Profile,
    Training,
    begin,
    book_steps,
    carried,
    part,
    phase,
    take,
    tally,
)
from benchmark.report.profile import waited


@pytest.fixture(autouse=True)
def _say_nothing_afterwards() -> Iterator[None]:
    yield
    begin(time.time(), reporting=False)


def test_every_second_belongs_to_one_phase() -> None:
    take()
    started = time.perf_counter()
    with phase("fit"):
        time.sleep(0.03)
        with phase("evaluate"):
            time.sleep(0.02)
        time.sleep(0.01)
    time.sleep(0.02)
    passed, spent = time.perf_counter() - started, take()
    assert {"fit", "evaluate", "rest"} == set(spent)
    assert spent["fit"] > spent["evaluate"] >= 0.02
    assert sum(spent.values()) == pytest.approx(passed, abs=0.001)


def test_a_phase_ends_with_an_exception() -> None:
    with pytest.raises(KeyError), phase("fit"), phase("predict"):
        raise KeyError
    take()
    time.sleep(0.01)
    assert set(take()) == {"rest"}


def test_a_phase_costs_next_to_nothing() -> None:
    fastest = min(_passes(200) for _ in range(20))
    take()
    assert fastest / 200 < 5e-6


def _passes(count: int) -> float:
    started = time.perf_counter()
    for _ in range(count):
        with phase("fit"):
            pass
    return time.perf_counter() - started


def test_a_worker_tells_of_its_start_once_and_of_the_rest_since() -> None:
    begin(time.time() - 2, reporting=True)
    with phase("fit"):
        time.sleep(0.01)
    first, second = carried(), carried()
    assert first["start"] == pytest.approx(2, abs=0.5) and first["fit"] >= 0.01
    assert set(second) == {"rest"} and second["rest"] < 0.01


def test_the_slowest_fits_are_remembered_by_what_they_took_themselves() -> None:
    profile = Profile(workers=2)
    for number in range(9):
        profile.note(f"k{number}", {"fit": float(number), "score": 0.5, "wait": 100.0})
    profile.note("nothing said", {})
    assert profile.slowest == [(8.5, "k8"), (7.5, "k7"), (6.5, "k6"), (5.5, "k5"), (4.5, "k4")]
    assert (profile.spent["fit"], profile.spent["wait"]) == (36.0, 900.0)
    profile.note("k9", {"store": 1.0})
    profile.add_own({"rest": 5.0, "judge": 2.0})
    assert profile.own == {"store": 1.0, "judge": 2.0}


def test_the_parts_of_a_step_travel_with_what_was_counted() -> None:
    begin(time.time(), reporting=True)
    book_steps(Peak(flops=1e9, call_seconds=1e-3))
    with phase("fit"), part("step"):
        tally(rows=8, flop=100.0, calls=5)
        with part("forward"):
            time.sleep(0.02)
    told = carried()
    found = Training.of(told)
    assert (found.steps, found.rows, found.flop, found.calls) == (1, 8, 100.0, 5)
    assert found.forward >= 0.02 > found.step > 0 == found.backward
    assert found.calling == pytest.approx(5e-3) and found.possible == pytest.approx(1e9 * found.seconds)
    assert not {"steps", "possible"} & {*carried()}
    profile = Profile(workers=1)
    profile.note("k", told)
    profile.note("another", {"fit": 1.0})
    assert profile.trained == {"k": found} and "rows" not in profile.spent
    assert sum(profile.trained.values(), Training()) == found and found + found == Training(
        *(2 * getattr(found, name) for name in found.__dataclass_fields__)
    )
    assert profile.slowest[1][0] == pytest.approx(sum(told.get(name, 0) for name in ("fit", *STEP_PHASES)))


def test_a_device_is_waited_for_at_both_ends_of_a_part() -> None:
    waits: list[str] = []
    begin(time.time(), reporting=True)
    book_steps(Peak(1e9, 1e-6), lambda: waits.append("waited"))
    with part("step"), part("forward"):
        assert len(waits) == 2
    assert len(waits) == 4


@pytest.mark.parametrize("executor", ["serial", "processes"])
def test_the_phases_of_a_study_are_its_wall_time(executor: str, tmp_path: Path) -> None:
    overrides = ["study=demo", "tasks=[iris]", "hosts=[mlp]", "candidates=[radam]", "references=[linear]"]
    protocol = ["protocol=quick", "protocol.budget.amount=40", "protocol.tuning.trials=3"]
    running = [f"executor={executor}", "workers=1", f"results_dir={tmp_path}"]
    planned = api.plan_study([*overrides, *protocol, *running])
    progress = api.run(planned, quiet=True, profile=True)
    found = progress.profile
    assert found is not None and found.workers == 1 and not progress.left
    # Of a worker process the time between its last outcome and its end is in no phase.
    assert sum(found.spent.values()) + found.own["store"] * (executor == "serial") == pytest.approx(
        found.seconds, rel=0.05, abs=0.25
    )
    assert sum(found.spent[name] for name in ("fit", *STEP_PHASES)) > found.spent["score"] > 0
    assert not set(found.spent) & set(DRIVER_PHASES) and set(found.own) <= set(DRIVER_PHASES)
    assert waited(found.spent, 1, found.seconds) < 0.3 * found.seconds
    api.write_report(planned)
    said = api.profiled(planned, progress)
    assert "radam in mlp on iris, split 0." in said or "adamw in mlp on iris, split 0." in said
    assert "judging" in said and "planning" in said
    trained = said[said.index("\ntraining  ") :]
    assert "GFLOP/s" in trained and "  adamw in mlp " in trained and "  radam in mlp " in trained
    assert "linear" not in trained


def test_who_did_not_ask_is_told_nothing(tmp_path: Path) -> None:
    planned = api.plan_study(["study=demo", "tasks=[iris]", "executor=serial", f"results_dir={tmp_path}"])
    with pytest.raises(ValueError, match="profile=True"):
        api.profiled(planned, api.run(planned, budget_seconds=0.01, quiet=True))
