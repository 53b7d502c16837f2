"""Checks a bundle without running any of its code: what follows from what, computed again."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.api.planning import PlannedStudy
from benchmark.errors import RequestError
from benchmark.findings import read_finding

if TYPE_CHECKING:
    from benchmark.publish.bundle import Bundle, Files
    from benchmark.publish.document import Document
    from benchmark.publish.mismatch import Mismatch, Unverifiable
    from benchmark.publish.verify.scores import Truths
    from benchmark.spec import SplitFacts, Task

__all__ = ["Verification", "opened_bundle", "planned_of", "verify"]


@dataclass(frozen=True)
class Verification:
    """What was found of a bundle."""

    place: Path
    name: str
    """Of the study; empty where the checksums do not hold."""
    mismatches: tuple[Mismatch, ...]
    confirmed: tuple[str, ...] = ()
    """What was computed again and came out the same, in words."""
    unverifiable: tuple[Unverifiable, ...] = ()
    """What nothing in the bundle or on this machine contradicts or supports."""
    signature: str = ""
    """Whose it is, in words; empty without one."""

    @property
    def holds(self) -> bool:
        """Whether nothing contradicts the bundle."""
        return not self.mismatches

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "schema": 1,
            "bundle": str(self.place),
            "study": self.name,
            "holds": self.holds,
            "mismatches": [dataclasses.asdict(one) for one in self.mismatches],
            "confirmed": list(self.confirmed),
            "unverifiable": [dataclasses.asdict(one) for one in self.unverifiable],
            "signature": self.signature,
        }


@dataclass
class _Data:
    """What this machine has of a study's data."""

    tasks: dict[str, Task] = field(default_factory=dict)
    splits: dict[str, tuple[SplitFacts, ...]] = field(default_factory=dict)
    truths: dict[tuple[str, int, int], Any] = field(default_factory=dict)


def verify(place: Path, *, signers: Path | None = None) -> Verification:
    """Everything that the files of a bundle say, held against each other and against data that is here.

    Where a checksum does not hold nothing further is looked at: nobody knows then what was published.

    Parameters
    ----------
    signers
        A file of ssh's ``allowed_signers`` that the signature must be by.

    Raises
    ------
    RequestError
        When this is no bundle, or one that no author's `swapbench bundle` writes.
    """
    from benchmark.publish import layout
    from benchmark.publish.archive import opened
    from benchmark.publish.checksums import check
    from benchmark.publish.signature import checked

    files = opened(place)
    if broken := tuple(check(files)):
        return Verification(place, "", broken)
    signature = ""
    if layout.SIGNATURE in files or signers is not None:
        signature = checked(files[layout.CHECKSUMS], files.get(layout.SIGNATURE), signers)
    return dataclasses.replace(_verified(place, files), signature=signature)


def opened_bundle(place: Path) -> Bundle:
    """A bundle whose checksums hold.

    Raises
    ------
    RequestError
        When it is no bundle, or a checksum does not hold.
    """
    from benchmark.publish.archive import opened
    from benchmark.publish.bundle import Bundle
    from benchmark.publish.checksums import check

    files = opened(place)
    if broken := next(iter(check(files)), None):
        raise RequestError(f"{place}: {broken}; `swapbench verify` names everything")
    return Bundle.of(files)


def planned_of(document: Document) -> PlannedStudy:
    """The study of a bundle as if it had been planned here; nothing of it can be run."""
    from benchmark.load.study import ResolvedStudy

    resolved = ResolvedStudy(
        study=document.study,
        components=document.components,
        hosts=document.hosts,
        references=document.references,
        datasets=document.datasets,
        sizes=(),
        missing=document.missing,
        digest=document.digest,
        named=True,
        executor="serial",
        options={},
        workers=1,
        device=document.environment.device,
        results_dir=Path(),
        trust=(),
        config_dirs=(),
    )
    return PlannedStudy(
        resolved,
        document.plan(),
        document.name,
        {},
        document.splits,
        document.unavailable,
        document.environment,
    )


def _verified(place: Path, files: Files) -> Verification:
    from benchmark.execute.settings import settings_of
    from benchmark.publish import verify as checks
    from benchmark.publish.bundle import Bundle

    bundle = Bundle.of(files)
    planned = planned_of(bundle.document)
    data = _Data()
    for name in bundle.document.tasks:
        _look_for(name, bundle.document, data)
    truths: Truths = {**bundle.labels, **data.truths}
    counted = {"scores": 0, "settings": 0}

    def count(what: str) -> Any:
        return lambda number: counted.__setitem__(what, counted[what] + number)

    needed = planned.plan
    mismatches = [
        *checks.check_cells(bundle, planned.plan, needed),
        *checks.check_code(bundle),
        *checks.check_environments(bundle),
        *checks.check_data(bundle, data.tasks, data.splits),
        *checks.check_labels(bundle, data.truths),
        *checks.check_predictions(bundle),
        *checks.check_scores(bundle, truths, count("scores")),
        *checks.check_choice(bundle, needed, settings_of, count("settings")),
    ]
    judged = "" if mismatches else _judge(bundle, planned, truths, files, mismatches)
    return Verification(
        place,
        bundle.document.name,
        tuple(mismatches),
        tuple(_confirmed(bundle, counted, data, judged)),
        tuple(_unverifiable(bundle, data, judged)),
    )
