"""A folder through which a driver and elements far away pass jobs and outcomes; both sides see its files.

Jobs lie in a queue, and an element that has nothing to do takes the next one. Whatever happens is one rename
or one new file, so it has happened or it has not, whoever dies meanwhile::

    terms.pickle                    what every element must be told once
    jobs/NUMBER.pickle  .json       a job with what was done of it; the keys of its units that are to be run
    waiting/TICKET                  jobs to be taken; an empty file, whose name says everything
    taken/ELEMENT/TICKET            jobs that an element is at
    outcomes/TICKET.ELEMENT.COUNT   what came together, until the driver has kept it
    kept/…                          the same files afterwards, until their job is complete
    errors/ELEMENT.json             what no component is to blame for
    closed                          there will be no more jobs

Jobs are pickled, by us and for us, in a folder that nobody else may enter. Outcomes are JSON and ``.npy``.
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.execute.cell import Done, Outcome, unfinished
from benchmark.plan.grid import Job
from benchmark.spec import Record, Trial

__all__ = ["Assignment", "Complaint", "Spool", "Ticket", "from_bytes", "to_bytes"]

_FOLDERS = ("jobs", "waiting", "taken", "outcomes", "kept", "errors")
_ROWS = {"Record": Record, "Trial": Trial}


@dataclass(frozen=True, order=True)
class Ticket:
    """A job's place in the queue."""

    number: int
    """Jobs are taken in this order."""
    turn: int = 0
    """How often it was taken and put back."""
    losses: int = 0
    """Its last turns that ended without a single outcome."""

    @property
    def name(self) -> str:
        """What a file of this ticket is called; names sort as tickets do."""
        return f"{self.number:08d}.{self.turn:04d}.{self.losses:02d}"

    @classmethod
    def of(cls, name: str) -> Ticket:
        """The ticket whose name a file's name begins with."""
        return cls(*(int(part) for part in name.split(".")[:3]))


@dataclass(frozen=True)
class Assignment:
    """A job that an element has taken, with everything that is done of it by now."""

    ticket: Ticket
    job: Job
    done: Done


@dataclass(frozen=True)
class Complaint:
    """What ended an element and no component is to blame for."""

    node: str
    is_request: bool
    """Whether one line says it all."""
    text: str


class Spool:
    """One driver's folder. The first half of its methods is for the driver, the second for elements."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(cls, folder: Path, terms: bytes) -> Spool:
        """A new, empty one, which nobody else may look into; ``terms`` are what every element is told."""
        folder.mkdir(mode=0o700, parents=True)
        for name in _FOLDERS:
            (folder / name).mkdir()
        _write(folder / "terms.pickle", terms)
        return cls(folder)

    def add(self, number: int, job: Job, done: Done) -> set[str]:
        """Hand out a job; gives the keys of the units that are to be run."""
        units = unfinished(job, done)
        _write(self.folder / "jobs" / f"{number:08d}.json", json.dumps(units).encode())
        _write(self.folder / "jobs" / f"{number:08d}.pickle", pickle.dumps((job, dict(done))))
        (self.folder / "waiting" / Ticket(number).name).touch()
        return set(units)

    def units_to_come(self) -> dict[int, set[str]]:
        """Keys of the units whose rows the driver has not kept, by the number of their job."""
        files = (self.folder / "jobs").glob("*.json")
        units = {int(file.stem): set(json.loads(file.read_text(encoding="utf-8"))) for file in files}
        for name in _names(self.folder / "kept"):
            rows = {outcome.row.key for outcome in from_bytes(self._bytes_of(name))}
            units.get(Ticket.of(name).number, rows).difference_update(rows)
        return units

    def waiting(self) -> list[Ticket]:
        """What nobody has taken, in order."""
        return [Ticket.of(name) for name in _names(self.folder / "waiting")]

    def taken(self) -> dict[str, list[Ticket]]:
        """What every element has taken and the driver has not found complete."""
        elements = _names(self.folder / "taken")
        return {
            element: [Ticket.of(n) for n in _names(self.folder / "taken" / element)] for element in elements
        }

    def withdraw(self, ticket: Ticket) -> bool:
        """Take a waiting job out of the queue; False when an element was faster."""
        return _unlink(self.folder / "waiting" / ticket.name)

    def put_back(self, element: str, tickets: Iterable[Ticket]) -> None:
        """Put what an element had taken and will not finish into the queue again."""
        given = {Ticket.of(name) for name in self._outcome_names()}
        for ticket in tickets:
            losses = 0 if ticket in given else ticket.losses + 1
            again = Ticket(ticket.number, ticket.turn + 1, losses)
            _rename(self.folder / "taken" / element / ticket.name, self.folder / "waiting" / again.name)

    def collect(self) -> Iterator[tuple[str, int, list[Outcome]]]:
        """What the driver has not kept: a name for :meth:`keep`, the job's number, and outcomes."""
        for name in _names(self.folder / "outcomes"):
            try:
                outcomes = from_bytes((self.folder / "outcomes" / name).read_bytes())
            except zipfile.BadZipFile:  # its node lost power: as if it had never been written
                _unlink(self.folder / "outcomes" / name)
                continue
            yield name, Ticket.of(name).number, outcomes

    def keep(self, name: str) -> None:
        """Say that what was collected by this name is in the store."""
        (self.folder / "outcomes" / name).replace(self.folder / "kept" / name)

    def forget(self, number: int) -> None:
        """Remove everything about a job that is complete."""
        for pattern in ("waiting", "taken/*", "kept", "jobs"):
            for file in self.folder.glob(f"{pattern}/{number:08d}.*"):
                _unlink(file)

    def complaints(self) -> list[Complaint]:
        """What ended elements, no component being to blame; each is given once."""
        files = sorted((self.folder / "errors").glob("*.json"))
        said = [Complaint(**json.loads(file.read_text(encoding="utf-8"))) for file in files]
        for file in files:
            _unlink(file)
        return said

    def close(self) -> None:
        """Tell elements that there will be no more jobs."""
        (self.folder / "closed").touch()

    def reopen(self) -> None:
        """Take :meth:`close` back."""
        _unlink(self.folder / "closed")

    @property
    def is_closed(self) -> bool:
        """Whether there will be no more jobs; also when the folder is gone."""
        return (self.folder / "closed").exists() or not self.folder.exists()

    def dissolve(self) -> bool:
        """Remove the folder; False where it holds what is not in the store, or a file that is still open."""
        if _names(self.folder / "outcomes"):
            return False
        try:
            shutil.rmtree(self.folder)
        except OSError:  # NFS keeps an open file under another name: the next driver tries again
            return False
        return True

    @property
    def terms(self) -> bytes:
        """What every element is told, pickled."""
        return (self.folder / "terms.pickle").read_bytes()

    def take(self, element: str) -> Assignment | None:
        """The next job that has something left to do; None when there is none."""
        mine = self.folder / "taken" / element
        mine.mkdir(exist_ok=True)
        for name in _names(self.folder / "waiting"):
            if not _rename(self.folder / "waiting" / name, mine / name):
                continue
            ticket = Ticket.of(name)
            try:
                job, done = pickle.loads((self.folder / "jobs" / f"{ticket.number:08d}.pickle").read_bytes())
                done |= self._rows(ticket.number)
            except FileNotFoundError:  # complete since
                _unlink(mine / name)
                continue
            if unfinished(job, done):
                return Assignment(ticket, job, done)
        return None

    def put(self, ticket: Ticket, element: str, count: int, outcomes: Sequence[Outcome]) -> None:
        """Give the driver what came together of a job; ``count`` tells what one element gives apart."""
        _write(self.folder / "outcomes" / f"{ticket.name}.{element}.{count:06d}", to_bytes(outcomes))

    def complain(self, element: str, complaint: Complaint) -> None:
        """Tell the driver what no component is to blame for."""
        text = json.dumps(dataclasses.asdict(complaint))
        _write(self.folder / "errors" / f"{element}.json", text.encode())

    def _rows(self, number: int) -> dict[str, Trial | Record]:
        """The rows that a job has left here so far."""
        rows: dict[str, Trial | Record] = {}
        for name in self._outcome_names():
            if Ticket.of(name).number == number:
                rows |= {outcome.row.key: outcome.row for outcome in from_bytes(self._bytes_of(name))}
        return rows

    def _outcome_names(self) -> list[str]:
        """New ones first: the driver may move a file from there to the others meanwhile."""
        return [*_names(self.folder / "outcomes"), *_names(self.folder / "kept")]

    def _bytes_of(self, name: str) -> bytes:
        try:
            return (self.folder / "outcomes" / name).read_bytes()
        except FileNotFoundError:
            return (self.folder / "kept" / name).read_bytes()


def to_bytes(outcomes: Sequence[Outcome]) -> bytes:
    """Outcomes as a zip file of JSON and ``.npy``, whose checksums tell a torn file."""
    listed, buffer = [], io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for number, outcome in enumerate(outcomes):
            listed.append(
                {
                    "kind": type(outcome.row).__name__,
                    "row": dataclasses.asdict(outcome.row),
                    "prediction_of": outcome.prediction_of,
                    "spent": dict(outcome.spent),
                    "machine": dict(outcome.machine),
                }
            )
            if outcome.prediction is not None:
                with file.open(f"{number}.npy", "w") as member:
                    np.save(member, outcome.prediction, allow_pickle=False)
        file.writestr("outcomes.json", json.dumps(listed))
    return buffer.getvalue()


def from_bytes(data: bytes) -> list[Outcome]:
    """What :func:`to_bytes` was given.

    Raises
    ------
    zipfile.BadZipFile
        When the bytes are not all there.
    """
    outcomes = []
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        arrays = {name for name in file.namelist() if name.endswith(".npy")}
        for number, item in enumerate(json.loads(file.read("outcomes.json"))):
            name, prediction = f"{number}.npy", None
            if name in arrays:
                prediction = np.load(io.BytesIO(file.read(name)), allow_pickle=False)
            row = _ROWS[item["kind"]](**item["row"])
            outcomes.append(Outcome(row, prediction, item["prediction_of"], item["spent"], item["machine"]))
    return outcomes


def _names(folder: Path) -> list[str]:
    """What lies in a folder, in order, without what is still being written."""
    return sorted(name for name in os.listdir(folder) if not name.startswith("."))


def _write(file: Path, data: bytes) -> None:
    """Write a file that nobody sees before it is whole."""
    beside = file.with_name(f".{file.name}")
    beside.write_bytes(data)
    beside.replace(file)


def _rename(source: Path, target: Path) -> bool:
    """Whether the file was there to be renamed, by us."""
    try:
        source.rename(target)
    except FileNotFoundError:
        return target.exists()  # NFS may have done it and lost the answer
    return True


def _unlink(file: Path) -> bool:
    """Whether the file was there to be removed, by us."""
    try:
        file.unlink()
    except FileNotFoundError:
        return False
    return True
