"""How often the answer is wrong, and how often it finds what is wrong, over studies of many shapes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy import stats

from benchmark.publish.reproduce.agreement import agreement
from tests.publish.reproduce.studies import any_shape, forged, made

FALSE = 0.05


def answers(
    n: int, again: float, kind: str = "nothing", *, share: float = 0.5, rows: int | None = None
) -> Counter[str]:
    """How often which answer was given over ``n`` studies."""
    found: Counter[str] = Counter()
    for number in range(n):
        random = np.random.default_rng([7, number])
        study = made(random, again, rows=rows, **any_shape(random))
        forged(study, kind)
        found[agreement(study.cells(share), study.records, seed=number, draws=999).answer] += 1
    return found


def most(n: int) -> int:
    """What a rate of ``FALSE`` exceeds once in a thousand times."""
    return int(stats.binom.ppf(0.999, n, FALSE))


def test_an_honest_repetition_is_seldom_called_another() -> None:
    assert answers(12, 1.0)["not reproduced"] <= most(12)
    assert answers(3, 0.0) == {"reproduced": 3}


def test_changed_code_and_errors_too_good_are_found() -> None:
    assert answers(6, 0.5, "changed")["not reproduced"] >= 5
    assert answers(6, 0.0, "better by 10 %")["not reproduced"] >= 4


@pytest.mark.parametrize(
    "count", [pytest.param(80, marks=pytest.mark.all), pytest.param(400, marks=pytest.mark.full)]
)
@pytest.mark.parametrize("rows", [None, 300])
@pytest.mark.parametrize("share", [0.1, 0.5])
@pytest.mark.parametrize("again", [1.0, 0.5])
def test_an_honest_repetition_is_called_another_in_one_of_twenty_studies(
    again: float, share: float, rows: int | None, count: int
) -> None:
    found = answers(count, again, share=share, rows=rows)
    assert found["not reproduced"] <= most(count)
    if again < 1:
        assert found["not reproduced"] <= most(count) / 2


@pytest.mark.all
@pytest.mark.parametrize("share", [0.1, 0.5])
def test_the_same_bits_are_always_reproduced(share: float) -> None:
    assert answers(40, 0.0, share=share) == {"reproduced": 40}


@pytest.mark.all
@pytest.mark.parametrize(
    ("kind", "again", "share", "least"),
    [
        ("better by 3 %", 0.5, 0.5, 0.4),
        ("better by 10 %", 0.5, 0.5, 0.85),
        ("better by 10 %", 0.5, 0.1, 0.4),
        ("made up", 0.5, 0.5, 0.9),
        ("changed", 0.5, 0.5, 0.9),
        ("changed", 0.5, 0.1, 0.5),
    ],
)
def test_what_is_wrong_is_found(kind: str, again: float, share: float, least: float) -> None:
    assert answers(60, again, kind, share=share)["not reproduced"] >= least * 60


@pytest.mark.all
@pytest.mark.parametrize("kind", ["better by 3 %", "better by 10 %", "made up", "changed"])
def test_with_the_same_bits_elsewhere_nothing_wrong_in_an_arm_is_called_reproduced(kind: str) -> None:
    assert answers(60, 0.0, kind)["reproduced"] == 0
