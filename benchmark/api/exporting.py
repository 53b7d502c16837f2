"""Exports a finished study: to a paper, to OpenML, to whoever reads Croissant."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.errors import RequestError
from benchmark.publish.layout import STUDY

if TYPE_CHECKING:
    from benchmark.api.planning import PlannedStudy
    from benchmark.publish.bundle import Bundle
    from benchmark.publish.exports.published import Published

__all__ = ["Exported", "export", "is_bundle", "published_study"]

_MARK = "README.md"
_TITLE = b"# Exports of a Swapbench study"


@dataclass(frozen=True)
class Exported:
    """Exports that were written."""

    place: Path
    study: str
    files: int
    bytes: int
    without_run: Mapping[str, str]
    """Tasks of which there is no OpenML run, with the reason."""


def is_bundle(word: str) -> bool:
    """Whether a word of the command line means a bundle rather than a study."""
    place = Path(word)
    return "=" not in word and (place.is_file() or (place / STUDY).is_file())


def export(study: PlannedStudy | Path, out: Path) -> Exported:
    """Write a study in every form into a folder, in place of earlier exports.

    Parameters
    ----------
    study
        One whose records are all in the store; or the place of a bundle.

    Raises
    ------
    RequestError
        When records are missing, the bundle is none, or something else than exports is in ``out``.
    """
    from benchmark.api.verifying import in_order
    from benchmark.publish.archive import put
    from benchmark.publish.exports.files import exported

    _check(out)
    bundle = _bundle(study)
    if isinstance(study, Path):
        with in_order(study):
            files, without_run = exported(published_study(bundle))
    else:
        files, without_run = exported(published_study(bundle))
    put(files, out)
    return Exported(out, bundle.document.name, len(files), sum(map(len, files.values())), without_run)


def _bundle(study: PlannedStudy | Path) -> Bundle:
    from benchmark.api.bundling import made_of
    from benchmark.api.reporting import write_report
    from benchmark.api.verifying import opened_bundle

    if isinstance(study, Path):
        return opened_bundle(study)
    return made_of(study, write_report(study).page.parent)


def published_study(bundle: Bundle) -> Published:
    """The study of a bundle, judged again, with what this machine has of its data."""
    from benchmark.api.here import data_here
    from benchmark.api.verifying import judged_bundle, planned_of
    from benchmark.publish.exports.published import Published
    from benchmark.report.files import tables_of

    data = data_here(bundle.document)
    planned = planned_of(bundle.document, data.cards)
    found = judged_bundle(bundle, planned, {**bundle.labels, **data.truths})
    tables = tables_of(
        found.about,
        found.judgement,
        found.records,
        tasks=list(planned.plan.tasks.values()),
        trials=bundle.trials,
        edges=found.edges,
        provenance=bundle.environments,
    )
    return Published(
        bundle, planned.plan, found.records, found.judgement, found.about, data.test_rows, tuple(tables)
    )


def _check(out: Path) -> None:
    """Refuse to take the place of anything but exports."""
    if not os.path.lexists(out) or (out.is_dir() and not any(out.iterdir())):
        return
    mark = out / _MARK
    if not (out.is_dir() and mark.is_file() and mark.read_bytes().startswith(_TITLE)):
        raise RequestError(f"--out {out}: is there already, and holds no exports")
