"""A bundle of ten thousand cells is checked while one waits."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from benchmark.api import bundle, plan_study, run, verify

STUDY = (
    "study=estimators",
    "candidates=[knn,featureless]",
    "baselines=[linear]",
    "hosts=[linear,knn]",
    "references=[]",
    "tasks=[anes96,breast_cancer,diabetes,engel,iris,modechoice,star98,wine]",
    "protocol=quick",
    "protocol.splits.folds=10",
    "protocol.splits.repeats=4",
    "protocol.seeds=2",
    "protocol.tuning.trials=2",
    "workers=2",
)


@pytest.mark.all
def test_ten_thousand_cells_verify_in_under_twenty_seconds(tmp_path: Path) -> None:
    planned = plan_study([*STUDY, f"results_dir={tmp_path}"], ahead=True)
    assert sum(len(row.job.cells) for row in planned.plan.rows) > 10_000
    run(planned, quiet=True)
    place = bundle(planned, tmp_path / "large.zip").place
    started = time.process_time()
    found = verify(place)
    assert found.holds, [str(one) for one in found.mismatches[:5]]
    assert time.process_time() - started < 20
