"""The whole examination finds no error in the catalog: also none that a check run alone cannot have.

That a check ends its process, or never comes back, is seen from outside alone.
"""

from __future__ import annotations

from typing import Any

import pytest

from benchmark.catalog import open_catalog
from benchmark.checks import examine
from benchmark.checks.subject import component_named
from benchmark.findings import flat
from benchmark.resolve.components import missing_reason
from benchmark.spec import SLOTS

QUICK = {
    "preprocessor": ("standard", "onehot"),
    "architecture": ("mlp", "gru"),
    "activation": ("relu", "snake"),
    "loss": ("mse", "cross_entropy"),
    "optimizer": ("adamw", "sgd"),
    "schedule": ("cosine", "plateau"),
    "booster": ("lightgbm", "hist_gradient_boosting"),
    "weak_learner": ("ridge", "stump"),
    "estimator": ("linear", "knn"),
}
SECONDS = 300.0
"""Far more than it takes: what is looked for is no slow machine."""


def components() -> list[Any]:
    """All of the catalog, two of each slot marked ``all`` and the others ``full``."""
    marks = {True: pytest.mark.all, False: pytest.mark.full}
    return [
        pytest.param(slot, name, id=f"{slot}-{name}", marks=marks[name in QUICK[slot]])
        for slot in SLOTS
        for name in open_catalog().names(slot)
    ]


def test_the_quick_ones_are_in_the_catalog() -> None:
    assert {*QUICK} == {*SLOTS}
    assert all({*names} <= {*open_catalog().names(slot)} for slot, names in QUICK.items())


@pytest.mark.parametrize(("slot", "name"), components())
def test_a_component_of_the_catalog_is_free_of_errors(slot: str, name: str) -> None:
    part = component_named(open_catalog(), slot, name)
    if reason := missing_reason(part):
        pytest.skip(reason[1])
    found = examine(part, seconds=SECONDS)
    errors = [f"{one.name}: {one.seen}" for one in flat(found.findings) if one.severity == "error"]
    assert not errors
    assert not found.skipped
