"""What came to no result, and what could not run."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmark.report.sections.material import Material, Part, Section
from benchmark.report.tables import Table
from benchmark.report.words import counted

__all__ = [
    "control_failure_sentence",
    "failed",
    "failure_sentence",
    "failures",
    "failures_table",
    "refused",
    "refused_table",
    "tracebacks",
]


def failures(material: Material) -> Section:
    """Cells that came to no result, with the ends of their tracebacks."""
    parts = [Part(tables=(failures_table(material.records),)), *tracebacks(material.records)]
    return Section("failures", "Failures", parts)


def refused(material: Material) -> Section:
    """Combinations of the plan that could not run."""
    table = None if material.refused is None else refused_table(material.refused)
    return Section("refused", "Not run", (Part(tables=(table,)),))


def failed(records: pd.DataFrame) -> pd.DataFrame:
    """The rows without a result, as the judge counts them: component, role, host, task, status, reason."""
    told = {"role": "", "host": "", "status": "ok", "reason": ""}
    columns = {name: records.get(name, pd.Series(said, records.index)) for name, said in told.items()}
    rows = records[["component", "task"]].assign(**columns).fillna(told)
    missing = ~np.isfinite(pd.to_numeric(records["error"]).to_numpy(dtype=float))
    rows.loc[missing & (rows["status"] == "ok"), "status"] = "no error"
    return rows[rows["status"] != "ok"]


def failures_table(records: pd.DataFrame) -> Table | None:
    """One row per component, status and reason, the most frequent first; None where all is well."""
    rows = failed(records)
    if rows.empty:
        return None
    groups = rows.groupby(["component", "role", "status", "reason"], dropna=False, sort=True)
    frame = groups.agg(
        cells=("status", "size"), tasks=("task", _listed), hosts=("host", _listed)
    ).reset_index()
    frame = frame.sort_values("cells", ascending=False, kind="stable", ignore_index=True)
    return Table("failures", "Cells that came to no result.", frame, prose=("reason", "tasks", "hosts"))


def refused_table(refused: pd.DataFrame) -> Table | None:
    """One row per host and reason, with components and tasks; None where nothing was refused."""
    if refused.empty:
        return None
    places = refused.groupby(["component", "host", "reason"], dropna=False, sort=True)
    tasks = places.agg(combinations=("task", "size"), tasks=("task", _listed)).reset_index()
    groups = tasks.groupby(["host", "reason", "tasks"], dropna=False, sort=True)
    frame = groups.agg(components=("component", _listed), combinations=("combinations", "sum")).reset_index()
    frame = frame[["components", "host", "reason", "combinations", "tasks"]]
    frame = frame.sort_values("combinations", ascending=False, kind="stable", ignore_index=True)
    caption = "Combinations of the plan that cannot run, with the reason. No number above counts them."
    return Table("not-run", caption, frame, prose=("components", "reason", "tasks"))


def _listed(names: pd.Series, most: int = 12) -> str:
    every = sorted({str(name) for name in names.dropna()} - {""})
    rest = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + rest


def tracebacks(records: pd.DataFrame, lines: int = 15, most: int = 8) -> list[Part]:
    """The end of one traceback per component and reason, folded, where the records carry any."""
    if "traceback" not in records.columns:
        return []
    told = records[records["traceback"].fillna("").astype("str") != ""]
    firsts = told.drop_duplicates(["component", "reason"]).head(most)
    return [
        Part(
            text="\n".join(str(row.traceback).splitlines()[-lines:]),
            fold=f"{row.component} in {row.host or 'its own pipeline'} on {row.task}: {row.reason}",
        )
        for row in firsts.itertuples()
    ]


def failure_sentence(records: pd.DataFrame) -> str:
    """How many cells came to no result, by component; empty where all did. Controls are none of them."""
    arms = records[~_is_control(records)]
    return _told(failed(arms), f"of {len(arms)}")


def control_failure_sentence(records: pd.DataFrame) -> str:
    """The same of the cells of controls, which no verdict counts."""
    controls = records[_is_control(records)]
    return _told(failed(controls), f"of {len(controls)} of the controls")


def _is_control(records: pd.DataFrame) -> pd.Series:
    return records.get("role", pd.Series("", records.index)).astype("str") == "control"


def _told(rows: pd.DataFrame, of: str) -> str:
    if rows.empty:
        return ""
    counts = rows["component"].value_counts()
    names = ", ".join(
        f"{name} {count}" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )
    return f"{counted(len(rows), 'cell')} {of} came to no result ({names})."
