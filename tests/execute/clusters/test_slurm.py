"""What lies in a spool, what a driver makes of it, and what is refused, without a cluster."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from benchmark.errors import RequestError
from benchmark.execute.cell import Outcome, unfinished
from benchmark.execute.clusters.slurm.desk import left_behind, open_desk
from benchmark.execute.clusters.slurm.element import terms
from benchmark.execute.clusters.slurm.scheduler import Elements
from benchmark.execute.clusters.slurm.spool import Complaint, Spool, Ticket, from_bytes, to_bytes
from benchmark.execute.engine import Context
from benchmark.execute.executors.slurm import Slurm
from benchmark.plan.grid import Job
from benchmark.spec import Record, Trial

text = st.text(st.characters(codec="utf-8"), max_size=20)
number = st.floats(allow_nan=True, allow_infinity=True)
settings = st.dictionaries(text, st.one_of(number, st.integers(), st.booleans(), text), max_size=3)
trials = st.builds(
    Trial, key=text, number=st.integers(0, 99), setting=settings, status=text, validation_error=number
)
records = st.builds(
    Record,
    key=text,
    status=text,
    error=st.one_of(st.none(), number),
    scores=st.dictionaries(text, number, max_size=2),
    setting=settings,
)
predictions = arrays.arrays(
    st.sampled_from([np.float32, np.float64, np.int64]), arrays.array_shapes(max_dims=3, max_side=4)
)
outcomes = st.builds(
    Outcome,
    row=st.one_of(trials, records),
    prediction=st.one_of(st.none(), predictions),
    prediction_of=text,
    spent=st.dictionaries(text, number, max_size=2),
    machine=settings,
)


@given(st.lists(outcomes, max_size=3))
def test_outcomes_come_back_as_they_went(given: list[Outcome]) -> None:
    back = from_bytes(to_bytes(given))
    assert len(back) == len(given)
    for here, there in zip(given, back, strict=True):
        assert repr(here.row) == repr(there.row)  # as text, since NaN is not itself
        assert here.prediction_of == there.prediction_of
        assert repr(here.spent) == repr(there.spent)
        assert repr(here.machine) == repr(there.machine)
        assert (here.prediction is None) == (there.prediction is None)
        if here.prediction is not None and there.prediction is not None:
            assert here.prediction.dtype == there.prediction.dtype
            np.testing.assert_array_equal(here.prediction, there.prediction)


def test_nothing_is_read_of_a_torn_file_and_its_units_are_open_again(spool: Spool, job: Job) -> None:
    spool.add(1, job, {})
    taken = spool.take("1_0")
    assert taken is not None
    spool.put(taken.ticket, "1_0", 0, [outcome("a")])
    (file,) = (spool.folder / "outcomes").iterdir()
    whole = file.read_bytes()
    for size in (0, 10, len(whole) - 1):
        with pytest.raises(zipfile.BadZipFile):
            from_bytes(whole[:size])
    file.write_bytes(whole[:10])
    assert list(spool.collect()) == []
    assert spool.units_to_come() == {1: {"a", "b"}}


@given(st.lists(st.builds(Ticket, *[st.integers(0, 99)] * 3), max_size=5))
def test_names_sort_as_tickets_do_and_give_them_back(tickets: list[Ticket]) -> None:
    assert sorted(ticket.name for ticket in tickets) == [ticket.name for ticket in sorted(tickets)]
    assert [Ticket.of(f"{ticket.name}.7_0.000001") for ticket in tickets] == tickets


@pytest.fixture
def job(job_of: Callable[..., Job]) -> Job:
    """Two cells of a bundled task."""
    return job_of("a", "b")


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool.create(tmp_path / "spool", b"terms")


def outcome(key: str) -> Outcome:
    return Outcome(Record(key, "ok"), np.zeros(2))


def test_nobody_else_may_look_into_a_spool(spool: Spool) -> None:
    assert spool.folder.stat().st_mode & 0o777 == 0o700


def test_a_job_goes_through_the_queue_once(spool: Spool, job: Job) -> None:
    assert spool.add(1, job, {}) == {"a", "b"}
    spool.add(2, job, {"a": Record("a", "ok")})
    assert [ticket.number for ticket in spool.waiting()] == [1, 2]
    first, second = spool.take("1_0"), spool.take("1_1")
    assert first is not None and second is not None
    assert (first.job, unfinished(first.job, first.done)) == (job, ["a", "b"])
    assert unfinished(second.job, second.done) == ["b"]
    assert spool.take("1_0") is None
    assert spool.taken() == {"1_0": [first.ticket], "1_1": [second.ticket]}

    spool.put(first.ticket, "1_0", 0, [outcome("a")])
    ((name, of, came),) = spool.collect()
    assert (of, [one.row.key for one in came]) == (1, ["a"])
    spool.keep(name)
    assert list(spool.collect()) == []
    assert spool.units_to_come() == {1: {"b"}, 2: {"b"}}
    spool.forget(1)
    assert spool.units_to_come() == {2: {"b"}}
    assert spool.taken() == {"1_0": [], "1_1": [second.ticket]}


@pytest.mark.parametrize("kept", [False, True])
def test_what_is_put_back_goes_on_where_it_was_and_losses_without_progress_are_counted(
    spool: Spool, job: Job, kept: bool
) -> None:
    spool.add(1, job, {})
    for losses in range(3):
        taken = spool.take(f"{losses}_0")
        assert taken is not None and taken.ticket == Ticket(1, losses, losses)
        spool.put_back(f"{losses}_0", [taken.ticket])
    taken = spool.take("4_0")
    assert taken is not None
    spool.put(taken.ticket, "4_0", 0, [outcome("a")])
    if kept:
        for name, _, _ in spool.collect():
            spool.keep(name)
    spool.put_back("4_0", [taken.ticket])
    taken = spool.take("5_0")
    assert taken is not None and taken.ticket == Ticket(1, 4, 0)
    assert unfinished(taken.job, taken.done) == ["b"]


def test_what_is_put_back_by_two_is_there_once(spool: Spool, job: Job) -> None:
    spool.add(1, job, {})
    taken = spool.take("1_0")
    assert taken is not None
    spool.put_back("1_0", [taken.ticket])
    spool.put_back("1_0", [taken.ticket])
    assert [ticket.number for ticket in spool.waiting()] == [1]


def test_what_is_complete_is_not_taken(spool: Spool, job: Job) -> None:
    spool.add(1, job, {})
    taken = spool.take("1_0")
    assert taken is not None
    spool.put(taken.ticket, "1_0", 0, [outcome("a"), outcome("b")])
    spool.put_back("1_0", [taken.ticket])
    assert spool.take("1_1") is None


def test_complaints_are_given_once(spool: Spool) -> None:
    complaint = Complaint("node7", True, "no such file: \u00e4")
    spool.complain("1_0", complaint)
    assert spool.complaints() == [complaint]
    assert spool.complaints() == []


def _take_all(folder: Path, element: str, numbers: Any) -> None:
    while (taken := Spool(folder).take(element)) is not None:
        numbers.put(taken.ticket.number)


def test_elements_that_take_at_the_same_time_never_take_the_same(spool: Spool, job: Job) -> None:
    for n in range(60):
        spool.add(n, job, {})
    fork = multiprocessing.get_context("fork")
    numbers = fork.Queue()
    takers = [fork.Process(target=_take_all, args=(spool.folder, f"1_{n}", numbers)) for n in range(3)]
    for taker in takers:
        taker.start()
    assert sorted(numbers.get(timeout=30) for _ in range(60)) == list(range(60))
    for taker in takers:
        taker.join()
    assert numbers.empty()


def _die_with_a_desk(folder: Path, job: Job) -> None:
    desk = open_desk(folder, folder, Elements(), b"terms")
    desk.hand_out(job, {})
    desk.hand_out(job, {})
    assert desk.spool.take("1_0") is not None
    os._exit(0)


def test_what_a_dead_driver_left_is_taken_over_once_without_what_nobody_had_taken(
    tmp_path: Path, job: Job
) -> None:
    fork = multiprocessing.get_context("fork")
    driver = fork.Process(target=_die_with_a_desk, args=(tmp_path, job))
    driver.start()
    driver.join()
    alive = open_desk(tmp_path, tmp_path, Elements(), b"terms")
    (desk,) = left_behind(tmp_path, Elements())
    assert desk.spool.folder != alive.spool.folder
    assert list(left_behind(tmp_path, Elements())) == []
    assert desk.spool.waiting() == []
    assert (desk.jobs, desk.at_work_elsewhere()) == (0, {"a", "b"})
    desk.spool.put(desk.spool.taken()["1_0"][0], "1_0", 0, [outcome("a"), outcome("b")])
    assert [[one.row.key for one in some] for some in desk.collect()] == [["a", "b"]]
    assert desk.known.keys() == {"a", "b"}
    assert desk.at_work_elsewhere() == set()


def test_elements_are_told_the_same_by_two_drivers_of_one_kind() -> None:
    assert terms(Context(2, (), ())) == terms(Context(2, (), ()))
    assert terms(Context(2, (), ())) != terms(Context(3, (), ()))
    context, installed = pickle.loads(terms(Context(2, ("mine",), ())))
    assert context.config_dirs == ("mine",)
    assert installed["Python"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"partion": "gpu"}, r"executor: unknown key 'partion'; did you mean 'partition'\?"),
        ({"cpus": 0}, "executor.cpus=0: expected a number above 0"),
        ({"gpus": -1}, "executor.gpus=-1: expected"),
        ({"time": "long"}, "executor: time: expected a whole number, got 'long'"),
    ],
)
def test_a_wrong_option_is_refused_in_one_line(options: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=said):
        Slurm(Context(1, (), (), options=options, folder=tmp_path))


def test_a_machine_without_a_cluster_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RequestError, match="there is no command sbatch here"):
        Slurm(Context(1, (), (), folder=tmp_path))


@pytest.mark.parametrize(("workers", "at_once"), [(None, 8), (1, 1), (4, 1), (5, 2), (64, 16)])
def test_workers_say_how_many_elements_there_are(workers: int | None, at_once: int) -> None:
    assert Elements(workers=workers, cpus=4).at_once == at_once
