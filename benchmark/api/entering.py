"""Components that somebody enters: examined, run in a small study, judged beside that study's baselines."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.errors import RequestError

if TYPE_CHECKING:
    from benchmark.api.planning import PlannedStudy
    from benchmark.api.reporting import Report
    from benchmark.catalog import Catalog
    from benchmark.checks import Examination
    from benchmark.judge import Comparison
    from benchmark.spec import Component

__all__ = ["Entry", "enter", "entrance"]

_SMALL = ("protocol=quick", "suite=bundled_small")
_FOLDER = "results_dir=results/entering"
_RUNNING = ("executor", "workers", "device", "results_dir", "trust")
"""Keys of overrides that say where and how to run, whatever the question."""


@dataclass(frozen=True)
class Entry:
    """One component that was entered, and how far it came."""

    examination: Examination
    planned: PlannedStudy | None = None
    """The study that it ran in."""
    shipped: str = ""
    """The name of the shipped study that this one is cut from."""
    arms: int = 0
    """Candidates and baselines of the shipped study."""
    report: Report | None = None
    """What was found; None where it did not come to a verdict."""
    refused: str = ""
    """Why it was not run to a verdict, in one line."""
    overrides: tuple[str, ...] = field(default=(), repr=False)
    """Those that somebody typed."""

    @property
    def component(self) -> Component:
        """What was entered."""
        return self.examination.component

    @property
    def errors(self) -> int:
        """What the doctor calls a bug until proven otherwise."""
        return sum(finding.severity == "error" for finding in self.examination.findings)

    @property
    def failed(self) -> bool:
        """Whether the check found errors, fits failed, or there is no verdict."""
        return self.report is None or self.errors > 0 or self.report.failures > 0

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """The component against each baseline, in every setting."""
        every = () if self.report is None else self.report.judgement.comparisons
        return tuple(found for found in every if found.candidate == self.component.name)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        planned, report = self.planned, self.report
        return {
            "provisional": True,
            "check": self.examination.to_json(),
            "study": None if planned is None else planned.name,
            "shipped_study": self.shipped,
            "suite": None if planned is None else planned.study.suite,
            "tasks": [] if planned is None else list(planned.study.tasks),
            "overrides": [] if planned is None else list(planned.asked),
            "refused": self.refused,
            "failures": None if report is None else report.failures,
            "comparisons": [found.to_json() for found in self.comparisons],
            "failed": self.failed,
        }


def enter(
    entries: Sequence[str],
    overrides: Sequence[str] = (),
    config_dirs: Sequence[Path] = (),
    *,
    seconds: float = 60.0,
) -> Iterator[Entry]:
    """What becomes of every component: it is examined, run in a small study, and judged; each as it is done.

    The study is the shipped one of its slot (:func:`entrance`) with the component for a candidate, alone. All
    names are looked up, and all overrides read, before anything runs. What has been computed is not computed
    again.

    Parameters
    ----------
    entries
        As for ``examined``, or the path of a component's YAML.
    overrides
        Of the study; they come last.
    seconds
        For the check of each component.

    Raises
    ------
    RequestError
        When an entry or an override stands for nothing, or no shipped study varies the slot.
    """
    from benchmark.api.examining import looked_up
    from benchmark.api.planning import members_of
    from benchmark.catalog import open_catalog
    from benchmark.resolve.compose import key_of
    from benchmark.resolve.study import question_digest, resolve_machine

    keys = {key_of(item) for item in overrides}
    if "candidates" in keys:
        raise RequestError("candidates: what is entered is the candidate, alone; leave the override out")
    names, folders = _by_name(entries, config_dirs)
    catalog = open_catalog(folders)
    running = [item for item in overrides if key_of(item).partition(".")[0] in _RUNNING[:-2]]
    trusting = [item for item in overrides if key_of(item) == "trust"]
    trusted = resolve_machine(catalog, [*running, *trusting]).trust
    parts = looked_up(names, folders, trusted=trusted)
    for slot in dict.fromkeys(part.slot for part in parts):
        typed = [item for item in overrides if not key_of(item).startswith("components.")]
        shipped = [] if "study" in keys else [f"study={entrance(open_catalog(), slot)[0][0]}"]
        question_digest(open_catalog(folders), [*shipped, *typed], members_of)
    return (
        _entered(name, part, overrides, folders, trusted=trusted, seconds=seconds)
        for name, part in zip(names, parts, strict=True)
    )


def entrance(catalog: Catalog, slot: str) -> list[tuple[str, int]]:
    """The studies that vary one slot, with their arms (candidates and baselines); those with most come first.

    Of studies with as many the first in the alphabet comes first.

    Raises
    ------
    RequestError
        When there is none.
    """
    documents = {name: catalog.document("study", name) for name in catalog.names("study")}
    arms = {
        name: len(document["candidates"]) + len(document["baselines"])
        for name, document in documents.items()
        if document.get("slot") == slot
    }
    if not arms:
        raise RequestError(f"no shipped study varies the slot {slot}, so nothing of it can be entered")
    return sorted(arms.items(), key=lambda item: -item[1])


def _by_name(entries: Sequence[str], config_dirs: Sequence[Path]) -> tuple[list[str], list[Path]]:
    """Entries with ``slot/name`` for the path of a YAML, and the folders that have them all."""
    from benchmark.catalog import open_catalog

    names, folders = [], list(config_dirs)
    for entry in entries:
        if not entry.endswith((".yaml", ".yml")):
            names.append(entry)
            continue
        file = Path(entry).resolve()
        if not file.is_file():
            raise RequestError(f"'{entry}': there is no such file")
        if file.suffix != ".yaml" or len(file.parents) < 3 or file.parents[1].name != "components":
            raise RequestError(f"'{entry}': a component's file is components/SLOT/NAME.yaml")
        if file.parents[2] not in {root.resolve() for root in open_catalog(folders).roots}:
            folders.append(file.parents[2])
        names.append(f"{file.parent.name}/{file.stem}")
    return names, folders


def _entered(
    name: str,
    part: Component,
    overrides: Sequence[str],
    config_dirs: Sequence[Path],
    *,
    trusted: Sequence[str],
    seconds: float,
) -> Entry:
    from benchmark.api.reporting import write_report
    from benchmark.api.running import run
    from benchmark.checks import examine

    entry = Entry(examine(part, config_dirs, trusted=trusted, seconds=seconds), overrides=tuple(overrides))
    if entry.errors:
        return dataclasses.replace(entry, refused="not run: the check found errors")
    try:
        entry = _planned(entry, name, overrides, config_dirs)
        assert entry.planned is not None
        progress = run(entry.planned)
        if progress.left:
            return dataclasses.replace(entry, refused=f"not finished: {progress.left} fits are left")
        return dataclasses.replace(entry, report=write_report(entry.planned))
    except RequestError as error:
        return dataclasses.replace(entry, refused=str(error))


def _planned(entry: Entry, name: str, overrides: Sequence[str], config_dirs: Sequence[Path]) -> Entry:
    """The entry with the first study in which it can run: on the small suite, else on the study's own.

    Raises
    ------
    RequestError
        Why it cannot run in the largest of them.
    """
    from benchmark.api.planning import plan_study
    from benchmark.catalog import open_catalog
    from benchmark.resolve.compose import as_override, key_of, study_name

    part, keys, shipped = entry.component, {key_of(item) for item in overrides}, open_catalog()
    studies = dict(entrance(shipped, part.slot))
    wanted = [study_name(overrides)] if "study" in keys else list(studies)
    if "baselines" not in keys and (own := _baseline_of(shipped, wanted, part)):
        raise RequestError(
            f"{part.slot} {part.name} is the baseline of the study {own}: it is entered in none"
        )
    suites = [()] if keys & {"suite", "tasks"} else [_SMALL[1:], ()]
    reasons: list[RequestError] = []
    for suite, study in ((suite, study) for suite in suites for study in wanted):
        ours = [f"study={study}", _SMALL[0], *suite, _FOLDER, f"name={_folder_of(part, overrides)}"]
        ours = [item for item in ours if key_of(item) not in keys]
        candidate = part.name if part.file.endswith(".yaml") else name
        try:
            planned = plan_study([*ours, f"candidates=[{as_override(candidate)}]", *overrides], config_dirs)
        except RequestError as error:
            reasons.append(error)
            continue
        return dataclasses.replace(entry, planned=planned, shipped=study, arms=studies.get(study, 0))
    raise reasons[0]


def _baseline_of(catalog: Catalog, studies: Sequence[str], part: Component) -> str:
    """The study of which a component is a baseline; empty where it is of none."""
    known = (name for name in studies if name in catalog.files["study"])
    return next((name for name in known if part.name in catalog.document("study", name)["baselines"]), "")


def _folder_of(part: Component, overrides: Sequence[str]) -> str:
    """A folder for the component; another one for every other question that overrides make of it."""
    from benchmark.report.words import slugs
    from benchmark.resolve.compose import key_of

    asked = [item for item in overrides if key_of(item).partition(".")[0] not in _RUNNING]
    digest = f"-{hashlib.sha256(repr(asked).encode()).hexdigest()[:8]}" if asked else ""
    return f"entering-{part.slot}-{slugs([part.name])[part.name]}{digest}"
