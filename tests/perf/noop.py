"""What a cell costs before a component does anything, its record kept, beside other ways to run many."""

from __future__ import annotations

import contextlib
import functools
import io
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import joblib

from benchmark.api import plan_study, run
from benchmark.records.store import Store
from tests.perf.measure import RUNS, Row, beside

__all__ = ["rows"]

HERE = Path(__file__).parent
BUDGET_MS, BUDGET_S = 0.5, 5.0


def rows(quick: bool) -> Iterator[Row]:
    """Milliseconds of wall time that each further cell costs, here and in the rivals.

    What starts once (processes, imports) is left out: ours counts from the first record on, of a rival a run
    of few is taken off a run of many. What it takes in all, that start included, is a row of its own.
    """
    runs, arms, repeats = (1, 3, 3) if quick else (RUNS, 9, 9)
    studies = ((50, arms, 1), (5, 9, repeats))
    for seeds, of_arms, of_repeats in studies:
        taken = [_cells(seeds, of_arms, of_repeats) for _ in range(runs)]
        what = f"executor=processes, 2 workers, {2 * seeds} cells a job"
        yield Row(f"a further no-op cell, {what}", "ms", tuple(one for one, _ in taken), most=BUDGET_MS)
        yield Row(f"10,000 no-op cells in all, {what}", "s", tuple(all_ for _, all_ in taken), most=BUDGET_S)
    few, many = (5, 15) if quick else (10, 60)
    for rival, work in (
        ("benchopt, a no-op solver", _benchopt),
        ("Hydra multirun, a no-op job", _hydra),
        ("joblib, 2 workers, no record kept", _joblib),
    ):
        scale = 100 if work is _joblib else 1
        theirs = functools.partial(_marginal, work, scale * few, scale * many)
        work(few)
        yield beside(
            "a further no-op cell", lambda: _cells(50, arms, 1)[0], rival, theirs, runs=runs, warm=False
        )


def _cells(seeds: int, arms: int, repeats: int) -> tuple[float, float]:
    """Milliseconds of a further cell once records come, and seconds of 10,000 in all, from the call on.

    Each of two tasks and five folds has, by arm and repeat, two trials and ``2 * seeds`` cells, all fitted
    but the featureless predictor's tuned cells, one in twenty (in a quick look, one in eight).
    """
    kept: list[tuple[float, int]] = []
    put = Store.put

    def noting(store: Store, rows: Sequence[Any], provenance: str) -> None:
        put(store, rows, provenance)
        kept.append((time.perf_counter(), len(rows)))

    with tempfile.TemporaryDirectory() as folder, mock.patch.object(Store, "put", noting):
        planned = plan_study(
            [
                *("study=estimators", "name=nothing", "baselines=[nothing]", "candidates=[nothing_else]"),
                *("hosts=[nothing]", "tasks=[iris,wine]", "references=[]", "executor=processes", "workers=2"),
                *("protocol.tuning.trials=2", f"protocol.aa={arms - 2}", f"protocol.seeds={seeds}"),
                *("protocol.controls=[]", "protocol.splits.folds=5", f"protocol.splits.repeats={repeats}"),
                f"results_dir={folder}",
            ],
            [HERE / "catalog"],
            ahead=True,
        )
        started = time.perf_counter()
        run(planned, quiet=True)
    (first, _), (last, _) = kept[0], kept[-1]
    further = (last - first) / sum(count for _, count in kept[1:])
    return 1000 * further, first - started + 10_000 * further


def _marginal(work: Callable[[int], float], few: int, many: int) -> float:
    """Milliseconds of each further run."""
    return 1000 * (work(many) - work(few)) / (many - few)


def _benchopt(n: int) -> float:
    """With one worker, which is faster here than with two."""
    from benchopt import run_benchmark

    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(HERE / "rivals" / "benchopt", Path(folder, "nothing"))
        solver = f"nothing[number=[{','.join(map(str, range(n)))}]]"
        started = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            run_benchmark(
                Path(folder, "nothing"),
                solver_names=[solver],
                n_repetitions=1,
                n_jobs=1,
                plot_result=False,
                html=False,
                display=False,
                show_progress=False,
            )
        return time.perf_counter() - started


def _hydra(n: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        job = [sys.executable, str(HERE / "rivals" / "hydra_job.py"), "--multirun", f"+number=range(0,{n})"]
        started = time.perf_counter()
        subprocess.run([*job, f"hydra.sweep.dir={folder}"], check=True, cwd=folder, stdout=subprocess.DEVNULL)
        return time.perf_counter() - started


def _joblib(n: int) -> float:
    started = time.perf_counter()
    joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(number) for number in range(n))
    return time.perf_counter() - started
