"""A report as files: built beside its place, then put there in one step."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from benchmark.errors import RequestError
from benchmark.judge import Judgement
from benchmark.records.schema import RECORD_COLUMNS, TRIAL_COLUMNS
from benchmark.report import figures, tables
from benchmark.report.about import About
from benchmark.report.claims import claims_json, claims_text
from benchmark.report.page import render
from benchmark.report.sections import Material, every
from benchmark.report.sections.history import metrics_of
from benchmark.spec import Task

__all__ = ["drawings_of", "tables_of", "verdict_json", "write"]

_SCRATCH = ".report-"
"""How folders begin in which a report is built."""


def write(
    folder: Path,
    *,
    about: About,
    judgement: Judgement,
    records: pd.DataFrame,
    tasks: Sequence[Task] = (),
    trials: pd.DataFrame | None = None,
    refused: pd.DataFrame | None = None,
    edges: pd.DataFrame | None = None,
    ledger: pd.DataFrame | None = None,
    provenance: Sequence[Mapping[str, Any]] = (),
    sources: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    further: Mapping[str, Any] = MappingProxyType({}),
) -> Path:
    """The path of ``folder/report/index.html``, written with everything beside it.

    The report is built in a hidden folder beside its place and then exchanged for the one that was there, so
    an interruption leaves the old one or the new one. What is not given is left out with its heading.

    Parameters
    ----------
    folder : Path
        The study's folder; made where it does not exist.
    about : About
        The question and its rules in words; ``about_study`` has them for a study.
    records, trials : pandas.DataFrame
        As for ``judge``, a column ``traceback`` is shown where it is there; columns of ``records.schema``.
    tasks : sequence of Task
        Facts and notes about the data.
    refused : pandas.DataFrame, optional
        Combinations that could not be run: component, host, task, reason.
    edges : pandas.DataFrame, optional
        What ``judge.search.edges`` found.
    ledger : pandas.DataFrame, optional
        Every variant that the store has seen: slot, component, variant, first_seen, studies, baseline,
        setting, origins, effect, verdict.
    provenance : sequence of mapping
        One entry per environment that computed records: machine, packages, commit.
    sources : mapping
        Where components come from (paper, code), by component.
    further : mapping
        What verdict.json says beside the judgement, as plain values.

    Raises
    ------
    RequestError
        When the judgement compares nothing, and sets nothing side by side.
    """
    _check_compared(about, judgement)
    material = Material(about, judgement, records, tasks, trials, refused, edges, ledger, provenance, sources)
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / "report"
    with _scratch(folder) as scratch:
        _fill(scratch / "report", material, further)
        if place.exists():
            place.rename(scratch / "before")
        (scratch / "report").rename(place)
    return place / "index.html"


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A hidden folder to build in, alone: another run that reports the same study waits."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        for left in folder.glob(f"{_SCRATCH}*"):  # of a run that was killed
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=folder) as scratch:
            yield Path(scratch)
    finally:
        os.close(handle)


def _check_compared(about: About, judgement: Judgement) -> None:
    if not judgement.comparisons and judgement.board is None:
        name = f"{about.kind.lower()} '{about.name}'"
        raise RequestError(f"{name}: no candidate was compared, nothing to report")


def tables_of(
    about: About,
    judgement: Judgement,
    records: pd.DataFrame,
    *,
    tasks: Sequence[Task],
    trials: pd.DataFrame,
    edges: pd.DataFrame,
    provenance: Sequence[Mapping[str, Any]],
) -> list[tables.Table]:
    """The tables of a study's report alone; arguments as of :func:`write`."""
    material = Material(about, judgement, records, tasks, trials, None, edges, None, provenance, {})
    with figures.style():
        return [table for section in every(material) for table in section.tables()]


def drawings_of(
    about: About, judgement: Judgement, records: pd.DataFrame, trials: pd.DataFrame
) -> list[figures.Drawing]:
    """The figures of a study's report alone; arguments as of :func:`write`."""
    material = Material(about, judgement, records, (), trials, None, None, None, (), {})
    with figures.style():
        return [drawing for section in every(material) for drawing in section.drawings()]


def _fill(report: Path, material: Material, further: Mapping[str, Any]) -> None:
    for name in ("figures", "tables"):
        (report / name).mkdir(parents=True)
    with figures.style():
        sections = every(material)
        drawn = {
            drawing.name: figures.save(drawing, report / "figures")
            for section in sections
            for drawing in section.drawings()
        }
    for section in sections:
        for table in section.tables():
            tables.save(table, report / "tables")
    _write_verdict(report / "verdict.json", material, further)
    _write_claims(report / "claims.json", material)
    _in_schema_order(material.records, RECORD_COLUMNS).to_parquet(report / "records.parquet", index=False)
    if material.trials is not None:
        _in_schema_order(material.trials, TRIAL_COLUMNS).to_parquet(report / "trials.parquet", index=False)
    (report / "index.html").write_text(render(material, sections, drawn), encoding="utf-8")


def verdict_json(about: About, judgement: Judgement, records: pd.DataFrame) -> dict[str, Any]:
    """``verdict.json`` as plain values."""
    metric = ", ".join(metrics_of(records))
    return judgement.to_json(study=about.name, slot=about.slot, metric=metric)


def _write_verdict(path: Path, material: Material, further: Mapping[str, Any]) -> None:
    verdict = {**verdict_json(material.about, material.judgement, material.records), **further}
    path.write_text(json.dumps(verdict, indent=1, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")


def _write_claims(path: Path, m: Material) -> None:
    claims = claims_json(m.about, m.judgement, m.records, m.tasks, m.provenance)
    path.write_text(claims_text(claims), encoding="utf-8")


def _in_schema_order(table: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    known = [name for name in columns if name in table.columns]
    further = sorted(set(table.columns) - set(known))
    return table[known + further]
