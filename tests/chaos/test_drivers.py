"""Several drivers on one store: nothing is computed twice, and the living take over from the dead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

STUDY = (
    *("protocol.aa=1", "protocol.seeds=2", "protocol.tuning.trials=1", "protocol.splits.folds=2"),
    *("tasks=[iris,wine,engel,modechoice,star98]", "baselines=[calm_slow]"),
)
ONE, TWO = ("name=one", "candidates=[calm_deeper]"), ("name=two", "candidates=[calm_deeper,calm_shallow]")


@pytest.mark.all
def test_two_studies_share_what_they_have_in_common(chaos: Callable[..., Any]) -> None:
    alone, shared = chaos("alone", *STUDY), chaos("shared", *STUDY)
    for asked in (ONE, TWO):
        assert alone.run(*asked)[0] == 0
    drivers = [shared.start(*asked) for asked in (ONE, TWO)]
    said = [driver.communicate(timeout=500) for driver in drivers]
    assert [driver.returncode for driver in drivers] == [0, 0], said
    assert shared.leftovers() == []
    assert shared.fits() == alone.fits()
    assert shared.kept() == alone.kept()
    assert [shared.verdict(name) for name in ("one", "two")] == [
        alone.verdict(name) for name in ("one", "two")
    ]


@pytest.mark.all
def test_the_living_take_over_from_the_dead(chaos: Callable[..., Any]) -> None:
    alone, shared = chaos("alone", *STUDY), chaos("shared", *STUDY)
    assert alone.run(*ONE)[0] == 0
    drivers = [shared.start(*ONE) for _ in range(2)]
    assert shared.wait_for(drivers[0], 30)
    drivers[0].kill()
    drivers[0].communicate()
    out, error = drivers[1].communicate(timeout=500)
    assert drivers[1].returncode == 0, out + error
    assert shared.living() == []
    assert shared.leftovers() == []
    assert set(shared.fits()) == set(alone.fits())
    assert (shared.fits() - alone.fits()).total() <= 8  # what two workers were at, some fits each
    assert shared.kept() == alone.kept()
    assert shared.verdict("one") == alone.verdict("one")
