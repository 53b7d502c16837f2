"""What the pages of components, tasks and cells are made of, as rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from benchmark.judge import Comparison
from benchmark.publish.site.shown import Names, Shown
from benchmark.report.words import number, percent

__all__ = ["SPLIT_COLUMNS", "cell_frame", "effect_rows", "split_rows", "task_rows"]

SPLIT_COLUMNS = (
    "role",
    "component",
    "setting",
    "task",
    "host",
    "repeat",
    "fold",
    "seed",
    "status",
    "reason",
    "metric",
    "error",
    "score",
    "fit_seconds",
    "predict_seconds",
    "chosen",
    "key",
)
"""Of the records, in the files of cells."""
_BLOCK = ["setting", "task", "host", "repeat", "fold", "seed"]


def cell_frame(study: Shown, arms: Iterable[str]) -> pd.DataFrame:
    """The records of some arms, split by split, as they are downloaded."""
    records = study.records
    ours = records[
        records["component"].isin(list(arms))
        & records["role"].isin(["candidate", "baseline"])
        & (records["replicate"] == 0)
    ]
    return ours[list(SPLIT_COLUMNS)].sort_values(["role", "component", *_BLOCK], kind="stable")


def effect_rows(c: Comparison, names: Names) -> list[dict[str, Any]]:
    """The effects of a comparison by task and host, the best first."""
    ordered = c.effects.sort_values(["effect", "task", "host"], ascending=[False, True, True], kind="stable")
    return [
        {
            "task": str(row["task"]),
            "page": names.task(str(row["task"])),
            "host": str(row["host"]),
            "effect": float(row["effect"]),
            "effect_said": percent(row["effect"]),
            "candidate": number(row["error_candidate"]),
            "baseline": number(row["error_baseline"]),
            "floor": percent(row["floor"]).removeprefix("+"),
            "outcome": str(row["outcome"]),
            "blocks": int(row["blocks"]),
        }
        for row in ordered.to_dict("records")
    ]


def split_rows(study: Shown, c: Comparison) -> list[dict[str, Any]]:
    """Every block of a comparison: both errors, split by split and seed by seed."""
    frame = cell_frame(study, (c.candidate, c.baseline))
    frame = frame[frame["setting"] == c.setting]
    ours, theirs = (frame[frame["component"] == name] for name in (c.candidate, c.baseline))
    theirs = theirs.rename(columns={"error": "error_baseline", "status": "status_baseline"})
    both = ours.merge(theirs[[*_BLOCK, "error_baseline", "status_baseline"]], on=_BLOCK)
    return [
        {
            **{name: row[name] for name in ("task", "host", "repeat", "fold", "seed")},
            "candidate": _outcome(row["error"], row["status"]),
            "baseline": _outcome(row["error_baseline"], row["status_baseline"]),
            "key": str(row["key"])[:12],
        }
        for row in both.to_dict("records")
    ]


def task_rows(studies: Sequence[Shown], task: str, names: Names) -> list[dict[str, Any]]:
    """The mean error of every arm and reference on a task, by study, host and setting."""
    rows = []
    for study in studies:
        records = study.records
        ours = records[
            (records["task"] == task)
            & records["role"].isin(["candidate", "baseline", "reference"])
            & (records["replicate"] == 0)
        ]
        ok = ours.assign(failed=ours["status"] != "ok")
        by = ["setting", "host", "role", "component"]
        means = ok.groupby(by, observed=True).agg(
            error=("error", "mean"), cells=("error", "size"), failed=("failed", "sum")
        )
        for (setting, host, role, component), row in means.sort_values(
            ["error"], kind="stable", na_position="last"
        ).iterrows():
            rows.append(
                {
                    "study": study,
                    "setting": setting,
                    "host": host,
                    "role": role,
                    "component": component,
                    "page": "" if role == "reference" else names.component(study.about.slot, component),
                    "error": None if pd.isna(row["error"]) else float(row["error"]),
                    "error_said": number(row["error"]),
                    "cells": int(row["cells"]),
                    "failed": int(row["failed"]),
                }
            )
    return rows


def _outcome(error: float, status: str) -> str:
    return number(error) if status == "ok" else str(status)
