"""Causes are rules that there are, and no rule explains itself by others."""

from __future__ import annotations

import graphlib

import pytest

from benchmark.checks import declared, fits
from benchmark.checks.suite import RULES
from benchmark.spec import SLOTS

EVERYWHERE = (*declared.RULES, *fits.RULES)


@pytest.mark.parametrize("slot", SLOTS)
def test_no_rule_explains_itself(slot: str) -> None:
    own = {rule.name: rule.causes for rule in (*EVERYWHERE, *RULES[slot])}
    order = [*graphlib.TopologicalSorter(own).static_order()]
    assert {*own} <= {*order}


def test_every_cause_is_a_rule_of_some_slot() -> None:
    rules = [*EVERYWHERE, *(rule for slot in SLOTS for rule in RULES[slot])]
    named = {cause for rule in rules for cause in rule.causes}
    assert named <= {rule.name for rule in rules}
