"""Tables of records, made by formula: no model is trained here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

Table = Callable[..., pd.DataFrame]

GROUND_TRUTH = Path(__file__).parents[2].parent / "shared" / "ground_truth"


def make_table(
    gains: Mapping[str, float],
    *,
    tasks: int = 8,
    hosts: int = 2,
    seeds: int = 3,
    folds: int = 2,
    aa: int = 1,
    noise: float = 0.01,
    settings: tuple[str, ...] = ("tuned",),
    root: int = 0,
) -> pd.DataFrame:
    """Records of the baseline ``base``, its A/A arms, and candidates whose error is (1 − gain) of it."""
    arms = [("base", "baseline", 0, 0.0), *(("base", "aa", r + 1, 0.0) for r in range(aa))]
    arms += [(name, "candidate", 0, gain) for name, gain in gains.items()]
    grid = pd.MultiIndex.from_product(
        [settings, range(tasks), range(hosts), range(folds), range(seeds)],
        names=["setting", "task", "host", "fold", "seed"],
    ).to_frame(index=False)
    parts = []
    for number, (name, role, replicate, gain) in enumerate(arms):
        wobble = np.random.default_rng([root, number]).normal(0, noise, len(grid))
        error = (0.1 + 0.02 * grid["task"]) * (1 - gain) * np.abs(1 + wobble)
        parts.append(
            grid.assign(component=name, role=role, replicate=replicate, error=error, fit_seconds=1.0 + number)
        )
    table = pd.concat(parts, ignore_index=True)
    table["task"] = "t" + table["task"].astype(str)
    table["host"] = "h" + table["host"].astype(str)
    return table.assign(
        origin=table["task"],
        repeat=0,
        status="ok",
        featureless_error=0.5,
        test_errors=30,
        n_train=80,
        n_test=20,
        peak_memory_mb=64.0,
    )


@pytest.fixture(scope="session")
def table() -> Table:
    return make_table


@pytest.fixture
def ground_truth() -> Path:
    if not GROUND_TRUTH.is_dir():
        pytest.skip("the folder shared/ground_truth is not beside the repository")
    return GROUND_TRUTH
