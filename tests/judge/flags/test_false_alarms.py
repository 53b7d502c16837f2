"""A healthy study carries no error: no flag that is one, and no control that fails."""

from __future__ import annotations

import pytest

from benchmark.judge import judge
from benchmark.judge.flags import raised
from benchmark.spec import CONTROLS
from tests.judge.flags.studies import healthy, with_controls

STUDIES = 200
AT_MOST = 0.02


def alarmed(numbers: range) -> list[tuple[int, str, str]]:
    """The studies with an error, and which: what a study's records can say; its data are looked at apart."""
    found = []
    for number in numbers:
        records = with_controls(healthy(number), number)
        judgement = judge(records, board=False, controls=CONTROLS)
        findings = [*raised(records, judgement), *(one.finding() for one in judgement.controls)]
        found += [(number, one.name, one.seen) for one in findings if one and one.severity == "error"]
    return found


def test_few_healthy_studies_carry_an_error() -> None:
    assert alarmed(range(STUDIES, STUDIES + 10)) == []


@pytest.mark.all
def test_at_most_two_in_a_hundred_healthy_studies_carry_an_error() -> None:
    found = alarmed(range(STUDIES))
    assert len({number for number, *_ in found}) <= AT_MOST * STUDIES, found
