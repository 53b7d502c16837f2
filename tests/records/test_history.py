"""The history of a store: what every report judged can be read again at its date."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from benchmark.api import plan_study, run, write_report
from benchmark.errors import RequestError
from benchmark.publish.around import Side
from benchmark.publish.differences import differences, lines
from benchmark.records.database import writing
from benchmark.records.history import moment
from benchmark.records.store import Place, Store, open_store
from benchmark.spec import Cell, Record

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An open store with the records a and b."""
    with open_store(tmp_path / "results", write=True) as opened:
        opened.put_provenance("p", {"cpu": "x"})
        opened.put([(Record(key, "ok", error=0.5), None, "") for key in "ab"], "p")
        yield opened


def link(store: Store, *keys: str) -> None:
    places: Sequence[Place] = [
        Place("candidate", "optimizer", Cell("radam", "mlp", "iris", 0, fold, 0, "default"), "iris", key)
        for fold, key in enumerate(keys)
    ]
    store.link("s", repr(keys), places, [])


def dated(store: Store, *dates: str) -> None:
    """As if the notes had been made at these times."""
    with writing(store._db):
        for number, date in enumerate(dates, 1):
            store._db.execute("UPDATE history SET at = ? WHERE note = ?", (date, number))


def test_a_note_says_what_was_judged_and_is_not_made_twice(store: Store) -> None:
    assert store.history("s") == []
    link(store, "a")
    assert store.note_report("s", {"verdict": "HELPS", "volatile": {"n": 1}}, {"study": {"seed": 0}})
    assert not store.note_report("s", {"verdict": "HELPS", "volatile": {"n": 2}}, {})
    (note,) = store.history("s")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", note.at)
    assert note.verdict == {"verdict": "HELPS", "volatile": {"n": 1}} and note.facts["study"] == {"seed": 0}
    assert store.note_report("s", {"verdict": "HARMS"}, {})
    link(store, "b")
    assert store.note_report("s", {"verdict": "HARMS"}, {})
    assert store.note_report("another", {"verdict": "HARMS"}, {})
    assert [note.verdict["verdict"] for note in store.history("s")] == ["HELPS", "HARMS", "HARMS"]


def test_records_are_read_as_they_were_at_a_date(store: Store) -> None:
    for keys in (("a",), ("b",), ("b", "a")):
        link(store, *keys)
        store.note_report("s", {}, {})
    dated(store, "2026-11-18T12:00:00Z", "2026-11-20T23:59:59Z", "2026-11-21T00:00:00Z")

    def read(at: str | None) -> list[str]:
        return list(store.record_table("s", at=at)["key"])

    assert read("2026-11-19") == read("2026-11-18") == read("2026-11-20T08:00Z") == ["a"]
    assert read("2026-11-20") == read("2026-11-20T20:59:59-03:00") == ["b"]
    assert read(None) == read("2027-01-01") == ["b", "a"]
    assert store.trial_table("s", at="2026-11-20").empty
    assert store.provenance("s", at="2026-11-20") == [{"digest": "p", "cpu": "x"}]
    with pytest.raises(RequestError, match="s@2026-11-17: its first report was at 2026-11-18T12:00:00Z"):
        read("2026-11-17")
    with pytest.raises(RequestError, match="t@2026-11-17: no report of it was written here"):
        store.note_at("t", "2026-11-17")


@pytest.mark.parametrize("when", ["", "yesterday", "2026-13-01", "2026-11-20; DROP TABLE history", "\x1b[2J"])
def test_what_is_no_date_is_refused_in_a_line(when: str) -> None:
    with pytest.raises(RequestError, match="expected a date such as") as caught:
        moment(when)
    assert str(caught.value).isprintable()


def test_what_a_report_judged_is_not_forgotten(tmp_path: Path, store: Store) -> None:
    link(store, "a")
    store.note_report("s", {}, {})
    link(store, "b")  # never reported
    link(store, "a", "b")
    store.close()
    with open_store(tmp_path / "results", write=True) as alone:
        assert alone.record_table("s", at="9999-01-01")["key"].tolist() == ["a"]
        assert alone._db.execute("SELECT count(*) FROM links").fetchone() == (2,)
        assert alone.record_table("s")["key"].tolist() == ["a", "b"]


NOTING = """
import itertools, sys
from pathlib import Path

from benchmark.records.store import open_store

with open_store(Path(sys.argv[1]), write=True) as store:
    print("open", flush=True)
    sys.stdin.readline()
    for n in itertools.count() if sys.argv[2] == "on" else range(50):
        store.note_report("s", {"n": n if sys.argv[2] == "on" else 0, "text": "x" * 10_000}, {})
        print(n, flush=True)
"""


def noting(folder: Path, how: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", NOTING, str(folder), how],
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stdout.readline() == "open\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_several_that_note_the_same_at_once_leave_one_note(store: Store) -> None:
    link(store, "a")
    processes = [noting(store.folder, "same") for _ in range(3)]
    for process in processes:
        go(process)
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    (note,) = store.history("s")
    assert len(note.links) == 1


def test_a_killed_driver_leaves_whole_notes(store: Store) -> None:
    link(store, "a")
    process = noting(store.folder, "on")
    go(process)
    assert process.stdout is not None
    for _ in range(20):
        process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    acknowledged = 19 + len(process.stdout.read().split())
    process.wait()
    notes = store.history("s")
    assert [note.verdict["n"] for note in notes] == [*range(len(notes))] and len(notes) > acknowledged
    assert all(len(note.links) == 1 and len(note.verdict["text"]) == 10_000 for note in notes)


OWN = """
import torch


class Own(torch.optim.SGD):
    def __init__(self, params, lr=RATE):
        super().__init__(params, lr=lr)
"""
TINY = (
    "study=optimizers",
    "name=own",
    "protocol=quick",
    "executor=serial",
    "candidates=[own.py:Own]",
    "tasks=[iris,wine]",
    "hosts=[mlp]",
    "references=[featureless]",
    "protocol.splits.folds=2",
    "protocol.tuning.trials=1",
    "protocol.budget.amount=20",
    "protocol.budget.evaluations=2",
)


def reported() -> None:
    planned = plan_study(TINY)
    run(planned, quiet=True)
    write_report(planned)


def side(store: Store, number: int) -> Side:
    note = store.history("own")[number]
    return Side(
        name=f"own@{note.at}",
        records=store.record_table("own", at=note.at),
        verdict=note.verdict,
        environment=store.provenance("own", at=note.at),
        **note.facts,
    )


def test_two_reports_between_which_a_component_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for rate in ("0.1", "0.1", "1e-9"):
        (tmp_path / "own.py").write_text(OWN.replace("RATE", rate), encoding="utf-8")
        reported()
    with open_store(tmp_path / "results", write=True) as store:
        assert len(store.history("own")) == 2, "the second report said nothing new"
        dated(store, "2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z")
        before, after = side(store, 0), side(store, 1)
    assert not differences(before, before)
    assert "volatile" in before.verdict["comparisons"][0]
    found = differences(before, after)
    inside = [one for one in found.around if one.kind != "harness"]  # an edit of the checkout meanwhile
    assert {one.what.partition(":")[0] for one in inside} == {"optimizer.Own"}
    assert {group.component for group in found.cells.groups} == {"Own"}
    assert found.cells.counts["error"] > 0 and found.cells.counts["same"] > 0
    assert found.verdicts and all(turn.causes[0] == "new code: optimizer.Own" for turn in found.verdicts)
    assert any("new code: optimizer.Own" in line for line in lines(found))
