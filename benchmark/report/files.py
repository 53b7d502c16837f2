"""A report as files: built beside its place, then put there in one step."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.errors import RequestError
from benchmark.judge import Comparison, Judgement
from benchmark.records.schema import RECORD_COLUMNS, TRIAL_COLUMNS
from benchmark.report import factors, facts, figures, tables, tuning
from benchmark.report.figures import Drawing
from benchmark.report.page import Contents, render
from benchmark.report.tables import Table
from benchmark.report.words import counted, slugs
from benchmark.spec import Study, Task

__all__ = ["write"]


def write(
    folder: Path,
    *,
    study: Study,
    tasks: Sequence[Task],
    records: pd.DataFrame,
    trials: pd.DataFrame,
    judgement: Judgement,
    refused: pd.DataFrame,
    edges: pd.DataFrame,
    provenance: Sequence[Mapping[str, Any]],
    sources: Mapping[str, Mapping[str, str]],
) -> Path:
    """The path of ``folder/report/index.html``, written with everything beside it.

    The report is built in a hidden folder beside its place and then exchanged for the one that was
    there, so an interruption leaves the old report or the new one, never a part.

    Parameters
    ----------
    folder : Path
        The study's folder; made where it does not exist.
    study, tasks : Study, sequence of Task
        The question and its protocol; facts and notes about the data.
    records, trials : pandas.DataFrame
        Columns of ``records.schema``; a column ``traceback`` of the records is shown where it is there.
    judgement : Judgement
        What ``judge`` made of the records.
    refused, edges : pandas.DataFrame
        Combinations that could not be run: component, host, task, reason; what ``judge.edges`` found.
    provenance : sequence of mapping
        One entry per environment that computed records: machine, packages, commit.
    sources : mapping
        Where components come from (paper, code), by component.

    Raises
    ------
    RequestError
        When the judgement compares nothing.
    """
    if not judgement.comparisons:
        raise RequestError(f"study '{study.name}': no candidate was compared, nothing to report")
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / "report"
    with tempfile.TemporaryDirectory(prefix=".report-", dir=folder) as scratch:
        report = Path(scratch) / "report"
        sampler = study.protocol.tuning.sampler
        drawn = _draw(report / "figures", records, trials, judgement, sampler)
        made = {**_about(tasks), **_tables(records, judgement, refused), **_tuning(records, edges)}
        _save_tables(report / "tables", made)
        metrics = tuple(sorted(set(records["metric"].dropna()) - {""}))
        _write_verdict(report / "verdict.json", study, judgement, ", ".join(metrics))
        _in_schema_order(records, RECORD_COLUMNS).to_parquet(report / "records.parquet", index=False)
        _in_schema_order(trials, TRIAL_COLUMNS).to_parquet(report / "trials.parquet", index=False)
        contents = Contents(study, metrics, records, judgement, edges, provenance, sources, *drawn, made)
        (report / "index.html").write_text(render(contents), encoding="utf-8")
        if place.exists():
            place.rename(Path(scratch) / "before")
        report.rename(place)
    return place / "index.html"


def _save_tables(folder: Path, made: Mapping[str, Table | None]) -> None:
    folder.mkdir()
    for table in filter(None, made.values()):
        tables.save(table, folder)


def _draw(
    folder: Path, records: pd.DataFrame, trials: pd.DataFrame, judgement: Judgement, sampler: str
) -> tuple[dict[str, Drawing | None], list[tuple[Comparison, list[Drawing]]], dict[str, str]]:
    """The figures that stand alone, those of each candidate, and the inline SVG of all by name."""
    folder.mkdir(parents=True)
    with figures.style():
        drawings, evidence = _drawings(records, trials, judgement, sampler), _evidence(judgement)
        every = [d for d in drawings.values() if d] + [d for _, pair in evidence for d in pair]
        return drawings, evidence, {drawing.name: figures.save(drawing, folder) for drawing in every}


def _leading(judgement: Judgement) -> list[Comparison]:
    """The comparisons of the first setting: tuned wherever anything was tuned."""
    return [c for c in judgement.comparisons if c.setting == judgement.comparisons[0].setting]


def _drawings(
    records: pd.DataFrame, trials: pd.DataFrame, judgement: Judgement, sampler: str
) -> dict[str, Drawing | None]:
    leading = _leading(judgement)
    first = leading[0]
    n = f"{_n(first)}."
    about = f"{_n(first)}; {_interval_kind(first)}."
    floors = [floor.effects for (_, setting), floor in judgement.aa.items() if setting == first.setting]
    curves = figures.budget_curves(trials, records, first.baseline, sampler)
    stands = figures.reference_effects(judgement.references, first.baseline)
    scaling = [one for one in judgement.scaling if one.setting == first.setting]
    together = [one for one in judgement.interactions if one.setting == first.setting]
    return {
        "overview": figures.overview(leading, about),
        "scale_rows": figures.scaling(scaling, "rows", judgement.rope),
        "scale_width": figures.scaling(scaling, "width", judgement.rope),
        "interaction": figures.interaction(together[0], judgement.rope) if together else None,
        "settings": figures.settings(judgement.comparisons, about),
        "budget": figures.budget(curves, first.baseline, n, sampler),
        "cost": figures.cost(leading, about),
        "references": figures.references(stands, first.baseline, n),
        "floor": figures.floor(pd.concat(floors, ignore_index=True), leading, n),
    }


def _n(c: Comparison) -> str:
    n = c.n
    return (
        f"n = {counted(n['origins'], 'independent data set')}, {counted(n['hosts'], 'host')} "
        f"({c.host_effects}), {counted(n['splits'], 'split')} × {counted(n['seeds'], 'seed')}"
    )


def _interval_kind(c: Comparison) -> str:
    over = "data sets and hosts, two-way cluster" if c.host_effects == "random" else "independent data sets"
    family = f", simultaneous over {counted(c.family, 'comparison')}" if c.family > 1 else ""
    return f"t interval over {over}, alpha {1 - c.level:.3g}{family}"


def _evidence(judgement: Judgement) -> list[tuple[Comparison, list[Drawing]]]:
    leading = _leading(judgement)
    several = len({c.baseline for c in leading}) > 1
    pairs = [f"{c.candidate} vs {c.baseline}" if several else c.candidate for c in leading]
    stems = slugs(pairs)
    return [
        (c, [figures.forest(c, f"forest-{stems[pair]}"), figures.heatmap(c, f"heatmap-{stems[pair]}")])
        for c, pair in zip(leading, pairs, strict=True)
    ]


def _about(tasks: Sequence[Task]) -> dict[str, Table | None]:
    return {"tasks": facts.data_table(tasks), "notes": facts.notes_table(tasks)}


def _tables(records: pd.DataFrame, judgement: Judgement, refused: pd.DataFrame) -> dict[str, Table | None]:
    comparisons = judgement.comparisons
    return {
        "verdicts": facts.verdict_table(comparisons),
        "effects": facts.effects_table(comparisons),
        "hosts": facts.hosts_table(comparisons),
        "scale": factors.scale_table(judgement),
        "main": factors.main_table(judgement),
        "interaction": factors.interaction_table(judgement),
        "robustness": facts.robustness_table(comparisons),
        "cost": facts.costs(comparisons),
        "references": facts.reference_table(judgement),
        "aa": facts.aa_table(judgement),
        "failures": facts.failures_table(records),
        "refused": facts.refused_table(refused),
    }


def _tuning(records: pd.DataFrame, edges: pd.DataFrame) -> dict[str, Table | None]:
    return {"edges": tuning.edge_table(edges), "noise": tuning.noise_table(records)}


def _write_verdict(path: Path, study: Study, judgement: Judgement, metric: str) -> None:
    verdict = judgement.to_json(study=study.name, slot=study.slot, metric=metric)
    path.write_text(json.dumps(verdict, indent=1, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")


def _in_schema_order(table: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    known = [name for name in columns if name in table.columns]
    further = sorted(set(table.columns) - set(known))
    return table[known + further]
