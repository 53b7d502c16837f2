"""Every component of the catalog keeps what it promises: one test for each (component, check).

`make test` takes every third of them, `make test-all` another, `make test-full` all.
"""

from __future__ import annotations

from typing import Any

import pytest

from benchmark.catalog import open_catalog
from benchmark.checks import Check, conformance
from benchmark.spec import SLOTS

PLACE = {(slot, name): place for slot in SLOTS for place, name in enumerate(open_catalog().names(slot))}


def marks(check: Check) -> Any:
    place = PLACE[check.component.slot, check.component.name]
    if check.slow:
        return pytest.mark.full if place % 6 else pytest.mark.all
    return ((), pytest.mark.all, pytest.mark.full)[place % 3]


test_component = conformance(marks=marks)
