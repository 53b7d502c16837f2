"""Nights as they pass: what is missing runs, what was planted is told once on its night, and nothing else."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.nights.world import World

ARM = 60
"""Fits of one arm: on six tasks and two splits of them a trial, and two seeds of two settings."""
LIBRARY = "new library version: packages.toylib"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def size(world: World) -> int:
    """Records in the store."""
    with sqlite3.connect(f"file:{world.folder / 'results' / 'store.sqlite'}?mode=ro", uri=True) as db:
        found: int = db.execute("SELECT count(*) FROM records").fetchone()[0]
    return found


def kill_in_the_middle(world: World) -> None:
    """Begin a night, and kill it once it has computed something of what is missing."""
    before, process = size(world), world.start()
    deadline = time.monotonic() + 120
    while size(world) == before and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL and before < size(world)


def test_a_few_nights(world: World) -> None:
    first = world.night()
    assert first.code == 0, first.err
    assert first.told() == {"new": ["good", "alike"]} and first.of()["executed"] == 5 * ARM
    again = world.night()
    assert (again.code, again.of()["status"], again.of()["executed"], again.told()) == (0, "same", 0, {})
    world.upgrade("1.1", share=0.5)
    world.enter("late", share=0.2)
    short = world.night("--budget", "0.01s")
    assert (short.code, short.of()["status"], short.told()) == (1, "unfinished", {})
    assert (world.folder / "site" / "studies").is_dir()  # as it was
    third = world.night()
    told = third.told()
    assert third.code == 4 and told["drifts"] == [("steady", "regression")] and told["new"] == ["late"]
    assert third.of()["drifts"][0]["causes"] == [LIBRARY] and short.of()["executed"] > 0
    assert short.of()["executed"] + third.of()["executed"] == 3 * ARM
    assert "steady regression" in third.out.splitlines()[-1]
    page = (world.folder / "site" / "nights.html").read_text()
    assert page.count("<section") == 4 and page.count("<strong>Regression") == 2  # default and tuned
    world.enter("late", share=0.2, fault="raise ValueError('no')")
    kill_in_the_middle(world)
    fourth = world.night()
    assert fourth.code == 4 and fourth.told()["failing"] == ["late"] and "drifts" not in fourth.told()
    assert fourth.told()["changed"] == ["late"] and fourth.of()["executed"] < ARM


class Planted(NamedTuple):
    """What happens before a night, the fits that are missing then, and what is to be told of it."""

    happens: Callable[[World], object]
    missing: int
    told: dict[str, Any]


def broken(world: World) -> None:
    (world.catalog / "components" / "estimator" / "late.yaml").write_text("make: [")


REGRESSION, IMPROVEMENT = ([("steady", kind)] for kind in ("regression", "improvement"))
MONTH = {
    1: Planted(lambda w: w, 5 * ARM, {"new": ["good", "alike"]}),
    3: Planted(lambda w: w.enter("late", share=0.2), ARM, {"new": ["late"]}),
    # Other random numbers alone.
    5: Planted(lambda w: w.upgrade("1.1", share=0.3, salt=1), 2 * ARM, {}),
    7: Planted(
        lambda w: w.upgrade("1.2", share=0.6),
        2 * ARM,
        {"drifts": REGRESSION, "flipped": ["alike"], "causes": [LIBRARY]},
    ),
    9: Planted(
        lambda w: w.upgrade("1.3", share=0.3),
        2 * ARM,
        {"drifts": IMPROVEMENT, "flipped": ["alike"], "causes": [LIBRARY]},
    ),
    11: Planted(
        lambda w: w.enter("alike", share=0.8),
        ARM,
        {"changed": ["alike"], "flipped": ["alike"], "causes": ["new code: estimator.alike"]},
    ),
    # Its old records are there still.
    12: Planted(
        lambda w: w.enter("alike", share=0.3),
        0,
        {"changed": ["alike"], "flipped": ["alike"], "causes": ["new code: estimator.alike"]},
    ),
    14: Planted(broken, 0, {"gone": ["late"], "broken": ["late"]}),
    15: Planted(lambda w: w.enter("late", share=0.2), 0, {"new": ["late"]}),
    16: Planted(
        lambda w: w.enter("alike", fault="raise ValueError('no')"),
        ARM,
        {
            "changed": ["alike"],
            "failing": ["alike"],
            "flipped": ["alike"],
            "causes": ["new code: estimator.alike"],
        },
    ),
    17: Planted(lambda w: w.withdraw("alike"), 0, {"gone": ["alike"]}),
    # Two small steps: neither counts alone, both together do.
    19: Planted(lambda w: w.upgrade("1.4", share=0.33), 2 * ARM, {}),
    21: Planted(lambda w: w.upgrade("1.5", share=0.36), 2 * ARM, {"drifts": REGRESSION}),
    25: Planted(lambda w: w.withdraw("late"), 0, {"gone": ["late"]}),
}
"""What every other night has to tell is nothing."""


@pytest.mark.all
@pytest.mark.timeout(1500)
def test_a_month_of_nights(world: World) -> None:
    for night in range(1, 27):
        planted = MONTH.get(night, Planted(lambda w: w, 0, {}))
        planted.happens(world)
        dawn = world.night()
        where = f"night {night}: {dawn.out}{dawn.err}"
        assert dawn.told() == planted.told, where
        assert dawn.of()["executed"] == planted.missing, where
        assert dawn.code == (4 if {"drifts", "flipped", "failing"} & planted.told.keys() else 0), where
    world.enter("later", share=0.25)
    kill_in_the_middle(world)  # night 27
    dawn = world.night()  # night 28 finishes it, and tells of it
    assert dawn.told() == {"new": ["later"]} and 0 < dawn.of()["executed"] < ARM
    for name in ("x", "y", "z"):
        world.enter(name, share=0.2)
    short = world.night("--budget", "1s")  # night 29
    assert short.code == 1 and short.of()["left"] > 0 and short.of()["waiting"]
    rest = world.night()  # night 30
    assert rest.code == 0 and short.of()["executed"] + rest.of()["executed"] == 3 * ARM
    told = [*short.told().get("new", []), *rest.told().get("new", [])]
    assert sorted(told) == ["x", "y", "z"]
    assert len(world.nights()) == 29  # the one that was killed has told nothing
