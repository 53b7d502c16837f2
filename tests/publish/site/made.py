"""Studies of any size, with any names: errors are drawn, everything else is judged as ever."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from benchmark.judge import judge
from benchmark.publish.site import Past, Shown
from benchmark.report import About
from benchmark.spec import Task

TYPES = ("binary", "multiclass", "regression")


def drawn(
    name: str,
    arms: Sequence[str],
    tasks: Sequence[str],
    hosts: Sequence[str],
    settings: Sequence[str],
    folds: int,
    seed: int,
) -> pd.DataFrame:
    """Records of a study; the first arm is its baseline."""
    rng = np.random.default_rng(seed)
    gains = np.r_[0.0, rng.normal(0, 0.15, len(arms) - 1)]
    rows: list[dict[str, Any]] = []
    for setting, host, task in itertools.product(settings, hosts, tasks):
        level = rng.uniform(0.1, 0.5)
        errors = level * np.exp(gains[:, None] + rng.normal(0, 0.1, (len(arms), folds)))
        place = f"{tasks.index(task):04x}{hosts.index(host)}{settings.index(setting)}"
        rows += [
            {
                "key": f"{place}{arm:04x}{fold:02x}",
                "study": name,
                "role": "candidate" if arm else "baseline",
                "slot": "optimizer",
                "component": arms[arm],
                "host": host,
                "base_host": host,
                "task": task,
                "origin": task,
                "repeat": 0,
                "fold": fold,
                "seed": 0,
                "setting": setting,
                "replicate": 0,
                "control": "",
                "status": "ok",
                "reason": "",
                "metric": "rmse",
                "error": errors[arm, fold],
                "score": 1 - errors[arm, fold],
                "featureless_error": 2.0,
                "fit_seconds": rng.uniform(0.1, 2),
                "predict_seconds": 0.01,
                "peak_memory_mb": 100.0,
                "chosen": "{}",
            }
            for arm, fold in itertools.product(range(len(arms)), range(folds))
        ]
    return pd.DataFrame(rows)


def made(
    candidates: Sequence[str],
    tasks: Sequence[str],
    *,
    hosts: Sequence[str] = ("mlp",),
    settings: Sequence[str] = ("tuned",),
    baseline: str = "base",
    name: str = "made",
    folds: int = 1,
    seed: int = 0,
    **further: Any,
) -> Shown:
    """A study in which each candidate has an effect of its own and tasks have theirs."""
    records = drawn(name, [baseline, *candidates], tasks, hosts, settings, folds, seed)
    judgement = judge(records, candidates=list(candidates), baselines=[baseline])
    return Shown(
        name,
        About(name, "Which of them helps?", "optimizer", (("Budget", "the same"),)),
        judgement,
        records,
        {
            task: Task(
                task,
                task,
                "tabular" if at % 4 else "image",
                TYPES[at % 3],
                "rmse",
                10 ** (2 + at % 4),
                5,
                2,
                "0" * 64,
            )
            for at, task in enumerate(tasks)
        },
        **further,
    )


def past(at: str, verdict: str, candidate: str = "radam") -> Past:
    """A report of one comparison."""
    said = {"candidate": candidate, "baseline": "base", "setting": "tuned", "verdict": verdict}
    return Past(at, [{**said, "effect": {"mean": 0.01}}])
