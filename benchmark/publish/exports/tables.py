"""Tables that a paper has beside those of the report: results by data set, search spaces, host pipelines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from benchmark.plan.keys import default_of
from benchmark.publish.exports.published import Published
from benchmark.report.tables import Table, csv, latex, markdown
from benchmark.report.words import NONE, number
from benchmark.spec import Choice, Range

__all__ = ["table_files"]

_PARTS = {"claims-shown"}
"""Tables of the page that are a part of another."""


def table_files(published: Published) -> dict[str, bytes]:
    """Every table as CSV, LaTeX and Markdown; an arm that failed somewhere has its mean over the rest."""
    made = (_results(published), _spaces(published), _pipelines(published))
    tables = [table for table in published.tables if table.name not in _PARTS]
    found = {table.name: table for table in (*tables, *made) if len(table.frame)}
    return {
        f"tables/{name}.{ending}": text.encode()
        for name, table in sorted(found.items())
        for ending, text in (("csv", csv(table.frame)), ("md", markdown(table)), ("tex", latex(table)))
    }


def _results(published: Published) -> Table:
    """Mean score and its spread by data set, host and arm, in the setting of the verdicts."""
    records, setting = published.records, published.judgement.comparisons[0].setting
    roles = ["baseline", "candidate", "reference"]
    shown = records[records["role"].isin(roles) & (records["replicate"] == 0)]
    settings = shown.groupby(["component", "host"])["setting"].transform(
        lambda found: setting if setting in set(found) else found.iloc[0]
    )
    shown = shown[shown["setting"] == settings].assign(score=pd.to_numeric(shown["score"]).astype(float))
    by = ["task", "metric", "host", "role", "component"]
    groups = shown.groupby(by, sort=True)["score"]
    frame = groups.agg(mean="mean", std="std", fits="size", ok="count").reset_index()
    frame["role"] = pd.Categorical(frame["role"], roles)
    frame = frame.sort_values(["task", "role", "host", "component"], kind="stable", ignore_index=True)
    frame["role"] = frame["role"].astype(str)
    caption = (
        f"Mean score, {setting} where an arm can be tuned, and its standard deviation over splits and seeds "
        "together, which says nothing of other data sets; ok: fits without failure, of which the mean is."
    )
    return Table("results", caption, frame, {"mean": number, "std": lambda value: number(value, 2)})


def _spaces(published: Published) -> Table:
    """Every hyperparameter that was searched, its range and its default, by arm and host."""
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    tried = published.bundle.document.study.protocol.tuning.trials > 1
    for row in published.plan.rows if tried else ():
        if row.arm.role == "aa" or row.arm.control:
            continue
        default = default_of(row.job.pipeline, row.job.space)
        for argument, dimension in sorted(row.job.space.items()):
            at = {"component": row.arm.component, "host": row.host, "argument": argument}
            rows[*at.values(),] = {**at, "searched": _range(dimension), "default": _value(default[argument])}
    caption = "Hyperparameters that were searched; the default setting is always tried first."
    columns = ["component", "host", "argument", "searched", "default"]
    return Table("spaces", caption, pd.DataFrame(list(rows.values()), columns=columns))


def _range(dimension: Range | Choice) -> str:
    if isinstance(dimension, Choice):
        return ", ".join(_value(one) for one in dimension.choices)
    kind = [*(["whole numbers"] if dimension.integer else []), *(["log scale"] if dimension.log else [])]
    told = f" ({', '.join(kind)})" if kind else ""
    return f"{dimension.low:g} to {dimension.high:g}{told}"


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else NONE if value is None else str(value)


def _pipelines(published: Published) -> Table:
    """What every host pipeline and reference consists of, beside the part that is varied."""
    document = published.bundle.document
    varied = set(document.study.slots)
    return Table(
        "pipelines",
        "Parts of the host pipelines and of the references, and where they come from.",
        pd.DataFrame(
            list(_parts(published, varied)), columns=["pipeline", "kind", "slot", "component", "source"]
        ),
        prose=("source",),
    )


def _parts(published: Published, varied: set[str]) -> Iterator[tuple[str, str, str, str, str]]:
    document = published.bundle.document
    for kind, pipelines in (("host", document.hosts), ("reference", document.references)):
        for name, pipeline in pipelines.items():
            for slot, part in pipeline.components.items():
                own = kind == "host" and slot in varied
                source = part.source.get("paper") or part.source.get("code", NONE)
                yield name, kind, slot, *(("varied", NONE) if own else (part.name, source))
