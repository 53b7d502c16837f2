"""Cells that do whatever code can do, and kills at any moment: each leaves one record, the right one."""

from __future__ import annotations

import contextlib
import functools
import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from benchmark.api import plan_study
from benchmark.plan.grid import Job
from tests.chaos.components.estimator.chaotic import STATUS, kind_of
from tests.chaos.conftest import HERE

RETRIES = 2
"""Also the most workers that are killed in the life of one driver, which is what counts tries: so no cell
can be killed so often that it is given up."""


def overrides(candidates: str, folds: int, seeds: int) -> list[str]:
    """Five tasks with so many splits and seeds; beside the candidates there are three arms."""
    return [
        *(f"candidates={candidates}", "protocol.aa=1", f"protocol.seeds={seeds}"),
        *(
            "tasks=[iris,wine,engel,modechoice,star98]",
            f"protocol.splits.folds={folds}",
            "protocol.tuning.trials=1",
        ),
        *("protocol.limits.seconds=1.5", "protocol.limits.memory_mb=120"),
        *("protocol.tuning.trials=1", f"protocol.limits.retries={RETRIES}"),
    ]


def kinds(run: Any) -> dict[str, str]:
    """What every cell of the study is in for, by key."""
    planned = plan_study([*run.overrides, f"results_dir={run.results}"], [HERE])
    return {
        cell.key: kind_of(cell.seeds.weights % 2**31, salt_of(job))
        for job in planned.plan.jobs()
        for cell in job.cells
    }


def salt_of(job: Job) -> int:
    return int(job.pipeline.components["estimator"].make.get("salt", 0))


@pytest.mark.timeout(1800)  # minutes, on a machine that does nothing else
@pytest.mark.parametrize(
    ("candidates", "folds", "seeds", "cells", "kills"),
    [
        ("[chaos_two]", 2, 1, 80, 2),
        pytest.param("[chaos_one,chaos_two]", 5, 2, 500, 20, marks=pytest.mark.all),
    ],
)
def test_every_cell_leaves_one_record_whatever_happens(
    chaos: Callable[..., Any], candidates: str, folds: int, seeds: int, cells: int, kills: int
) -> None:
    calm = chaos("calm", *overrides(candidates, folds, seeds))
    code, out, error = calm.run()
    assert code == 1, out + error  # some cells failed
    assert "Traceback" not in error
    assert calm.living() == []
    assert calm.leftovers() == []
    found, expected = calm.kept(), kinds(calm)
    assert len(found) == cells
    assert cells < 500 or set(expected.values()) == set(STATUS)
    assert wrong(found, expected) == {}

    fired = chaos("fired", *overrides(candidates, folds, seeds))
    under_fire(fired, kills, cells)
    assert fired.living() == []
    assert fired.leftovers() == []
    assert wrong(fired.kept(), expected) == {}
    assert fired.kept() == found
    assert fired.verdict() == calm.verdict()


def wrong(found: dict[str, str], kinds: dict[str, str]) -> Counter[tuple[str, str]]:
    """Kinds and what became of them, where that is not as it should be."""
    said = ((kind, found.get(key, "nothing")) for key, kind in kinds.items())
    return Counter((kind, status) for kind, status in said if status != STATUS[kind])


def under_fire(run: Any, kills: int, cells: int) -> None:
    """Run a study whose driver is killed so often, and in whose every life some workers are."""
    dice = random.Random(0)
    for _ in range(kills):
        process, began = run.start(), time.monotonic()
        if dice.random() < 0.3:  # while it starts, perhaps
            moment = functools.partial(passed, began + dice.uniform(0.2, 5))
        else:
            rows = len(run.kept()) + dice.randint(1, max(1, 2 * cells // kills))
            moment = functools.partial(reached, run, rows)
        live(process, moment, dice)
        time.sleep(dice.uniform(0, 0.3))
        process.kill()
        process.communicate()
    process = run.start()
    live(process, lambda: False, dice)
    out, error = process.communicate()
    assert process.returncode == 1, out + error
    assert "Traceback" not in error


def passed(moment: float) -> bool:
    return time.monotonic() > moment


def reached(run: Any, rows: int) -> bool:
    return len(run.kept()) >= rows


def live(process: subprocess.Popen[str], over: Callable[[], bool], dice: random.Random) -> None:
    """Kill some of a run's processes until it is over."""
    shots = 0
    while process.poll() is None and not over():
        time.sleep(0.02)
        if shots < RETRIES and dice.random() < 0.02 and (victims := mortals(process)):
            with contextlib.suppress(psutil.NoSuchProcess):
                dice.choice(victims).kill()
                shots += 1


def mortals(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Workers, what they started, and the server that forks them.

    Guards are spared: nobody else knows the daemons that a component has left.
    """
    try:
        driver = psutil.Process(process.pid)
        guards = [guard for server in driver.children() for guard in server.children()]
        return [one for one in driver.children(recursive=True) if one not in guards]
    except psutil.NoSuchProcess:
        return []
