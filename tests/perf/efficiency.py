"""How much of two cores a real study uses."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmark.api import plan_study, run
from benchmark.execute.profile import STEP_PHASES
from tests.perf import networks
from tests.perf.measure import RUNS, Row

__all__ = ["rows"]

LEAST = 95.0
STEPS, FOLDS = 80, 3
FITTING = ("preprocess", "fit", "count", *STEP_PHASES, "evaluate", "predict")
"""The phases of a profile that are the work itself; each second of a worker is in one phase only."""
OTHER = ("start", "load", "split", "propose", "import", "score", "send", "wait", "rest")


def rows(quick: bool) -> Iterator[Row]:
    """The seconds of all fits, each alone on the machine, as a share of twice the wall time with two workers.

    The wall time is everything from the call to the last record; workers import while the study is planned,
    as in ``swapbench run``. The same share of the fits' own seconds under the two workers says how much of
    what is missing is ours. How much the machine takes, two busy cores being slower, is seen in a plain
    script too: what it takes alone, as a share of what two of them take at once.
    """
    runs = 1 if quick else RUNS
    shares, inside, scripts = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(runs):
            _, alone = _run(Path(folder, f"serial{number}"), "serial")
            wall, together = _run(Path(folder, f"processes{number}"), "processes")
            shares.append(100 * alone / (2 * wall))
            inside.append(100 * together / (2 * wall))
            scripts.append(_scripts(Path(folder, f"scripts{number}")))
    yield Row("share of two cores: fits alone / (2 × wall)", "%", tuple(shares), least=LEAST)
    yield Row("the same with the fits' seconds as they were under both workers", "%", tuple(inside))
    yield Row("a plain script alone / two of them at once, a thread each", "%", tuple(scripts))


def _run(folder: Path, executor: str) -> tuple[float, float]:
    """Seconds of wall time, and of all fits together."""
    planned = plan_study(
        [
            *("study=optimizers", "name=efficiency", "baselines=[adamw]", "candidates=[radam,muon]"),
            *("hosts=[mlp,resnet]", "tasks=[digits,wine,diabetes]", "references=[lightgbm,random_forest]"),
            *(
                "protocol=quick",
                f"protocol.splits.folds={FOLDS}",
                "protocol.aa=0",
                f"protocol.budget.amount={STEPS}",
            ),
            *("protocol.budget.patience=99", "protocol.stacking=off", "device=cpu"),
            *(f"executor={executor}", "workers=2", f"results_dir={folder}"),
        ],
        ahead=True,
    )
    started = time.perf_counter()
    done = run(planned, quiet=True, profile=True)
    seconds = time.perf_counter() - started
    assert done.profile is not None and done.profile.spent.keys() <= {*FITTING, *OTHER}
    return seconds, sum(done.profile.spent[phase] for phase in FITTING)


def _scripts(folder: Path) -> float:
    """The seconds of the plain script alone, as a percentage of those of two at once."""
    planned = plan_study([*networks.study(folder, 64), "protocol.seeds=3"])
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(networks.SCRIPT), str(networks.asked(folder, planned, 64))]

    def at_once(count: int) -> float:
        pinned = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        running = [
            subprocess.Popen(command, env=pinned, stdout=subprocess.PIPE, text=True) for _ in range(count)
        ]
        said = [json.loads(script.communicate()[0]) for script in running]
        return statistics.mean(float(one["seconds"]) for one in said)

    return 100 * at_once(1) / at_once(2)
