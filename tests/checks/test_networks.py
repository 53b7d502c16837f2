"""The rules of architectures, activations and losses: quiet where nothing is wrong, and plain where it is."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

import pytest

from benchmark.catalog import Catalog, open_catalog
from benchmark.checks import Check, checks_of
from benchmark.checks.suite import RULES
from benchmark.resolve.typed import asked_component
from tests.checks import broken_networks, sound_networks
from tests.checks.broken_networks import BROKEN
from tests.checks.sound_networks import SOUND

SLOTS = ("architecture", "activation", "loss")


@functools.cache
def catalog_once() -> Catalog:
    """Pipelines are read once a catalog."""
    return open_catalog()


def checks(entry: str, slot: str, needs: tuple[str, ...]) -> dict[str, Check]:
    """The checks of its slot alone."""
    catalog = catalog_once()
    part = asked_component(catalog, entry, slot)
    part = dataclasses.replace(part, needs=(*part.needs, *needs))
    own = {rule.name for rule in RULES[slot]}
    return {check.name: check for check in checks_of(part, catalog) if check.name in own}


@pytest.mark.parametrize("made", SOUND, ids=lambda made: made.__name__)
def test_no_error_is_found_where_there_is_none(made: type) -> None:
    slot, needs = SOUND[made]
    every = checks(f"{Path(sound_networks.__file__)}:{made.__name__}", slot, needs)
    findings = [check.finding() for check in every.values() if not check.slow]
    wrong = [finding for finding in findings if finding is not None and finding.severity == "error"]
    assert len(findings) >= 6
    assert not wrong


def test_that_the_order_of_time_does_not_matter_is_a_note() -> None:
    """Of a series, where a mean may be what is wanted; of a text it is a warning."""
    rule = "order_of_positions_matters"
    for name, severity in (("Bag", "note"), ("Encoder", "warning")):
        slot, needs = SOUND[getattr(sound_networks, name)]
        finding = checks(f"{Path(sound_networks.__file__)}:{name}", slot, needs)[rule].finding()
        assert finding is not None and finding.severity == severity
    assert checks("architecture/transformer", "architecture", ())[rule].finding() is None


@pytest.mark.parametrize("made", BROKEN, ids=lambda made: made.__name__)
def test_what_is_wrong_is_said_by_the_rule_for_it(made: type) -> None:
    sample = BROKEN[made]
    every = checks(f"{Path(broken_networks.__file__)}:{made.__name__}", sample.slot, sample.needs)
    finding = every[sample.rule].finding()
    assert finding is not None
    assert sample.seen in finding.seen
    assert finding.severity == sample.severity
    assert finding.why and "AttributeError" not in finding.seen and "NameError" not in finding.seen
    assert Path(finding.look.partition(":")[0]).name == "broken_networks.py"


@pytest.mark.parametrize("slot", SLOTS)
def test_every_rule_says_what_must_hold_and_why(slot: str) -> None:
    names = [rule.name for rule in RULES[slot]]
    assert len({*names}) == len(names)
    for rule in RULES[slot]:
        assert rule.about.endswith(".") and rule.why.endswith("."), rule.name
        assert {*rule.causes} <= {*names} - {rule.name}, rule.name
