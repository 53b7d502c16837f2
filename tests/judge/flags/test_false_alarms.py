"""A healthy study carries no error: no flag that is one, and no control that fails.

What is found in a search space (``best_at_the_edge``) is a warning at most, and looked at nowhere here; what
is found in data (``plan.suspects``) is tried on the bundled data sets, in tests/plan.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.judge import judge
from benchmark.judge.flags import raised
from benchmark.spec import CONTROLS
from tests.judge.flags.studies import healthy, with_controls

STUDIES = 200
AT_MOST = 0.02


def alarmed(numbers: range) -> list[tuple[int, str, str]]:
    """The studies with an error, and which: what a study's records can say; its data are looked at apart."""
    found = []
    for number in numbers:
        records = with_controls(healthy(number), number)
        judgement = judge(records, board=False, controls=CONTROLS)
        findings = [*raised(records, judgement), *(one.finding() for one in judgement.controls)]
        found += [(number, one.name, one.seen) for one in findings if one and one.severity == "error"]
    return found


def test_few_healthy_studies_carry_an_error() -> None:
    assert alarmed(range(STUDIES, STUDIES + 10)) == []


@pytest.mark.all
def test_at_most_two_in_a_hundred_healthy_studies_carry_an_error() -> None:
    found = alarmed(range(STUDIES))
    assert len({number for number, *_ in found}) <= AT_MOST * STUDIES, found


PUBLISHED = 40
CLASSICAL = ("LogReg", "LinearRegression", "knn", "svm", "xgboost", "catboost", "RandomForest", "lightgbm")


def published(board: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    """Records of a study drawn from a published board of errors: a pair of learners beside classical ones."""
    classical = [name for name in CLASSICAL if name in board]
    references = list(draw.choice(classical, int(draw.integers(2, 6)), replace=False))
    others = [name for name in board if name not in (*references, "dummy")]
    pair = list(draw.choice(others, 2, replace=False))
    tasks = board[[*pair, *references, "dummy"]].dropna()
    tasks = tasks.iloc[draw.choice(len(tasks), int(draw.integers(5, 21)), replace=False)]
    roles = dict(zip(pair, ("candidate", "baseline"), strict=True))
    parts = [
        pd.DataFrame({"task": tasks.index, "error": tasks[name].to_numpy(), "component": name})
        .assign(role=roles.get(name, "reference"), featureless_error=tasks["dummy"].to_numpy())
        .assign(host="h" if name in roles else "", n_test=1000.0)
        for name in (*pair, *references)
    ]
    return pd.concat(parts, ignore_index=True).assign(status="ok", seed=0, fold=0, setting="tuned")


@pytest.mark.all
@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["cls_bin", "cls_multi", "regression"])
def test_published_results_carry_no_error(name: str, shared: Path) -> None:
    board = pd.read_csv(shared / "ground_truth" / f"talent_{name}_mean.csv", index_col=0)
    board = board if name == "regression" else 1 - board
    board = board.replace([np.inf, -np.inf], np.nan)
    draw = np.random.default_rng(17)
    found = []
    for _ in range(PUBLISHED):
        records = published(board, draw)
        told = raised(records, judge(records, board=False))
        found += [(one.name, one.subject, one.seen) for one in told if one.severity == "error"]
    assert len(found) <= AT_MOST * PUBLISHED, found
