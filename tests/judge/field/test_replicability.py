from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import RequestError
from benchmark.judge.field.replicability import identified, k_hat

README = [0.168, 0.297, 0.357, 0.019, 0.218, 0.001]
"""The example of Dror et al.'s own code, rtmdrr/replicability-analysis-NLP."""

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=20)


def test_the_example_of_dror_et_al() -> None:
    assert k_hat(README) == 1
    assert k_hat(README, method="fisher") == 2
    assert list(np.flatnonzero(identified(README))) == [5]


@given(P_VALUES, st.floats(0.001, 0.5))
def test_holm_identifies_as_many_as_bonferroni_counts(p: list[float], alpha: float) -> None:
    assert identified(p, alpha).sum() == k_hat(p, alpha)


@given(P_VALUES, st.sampled_from(["bonferroni", "fisher"]))
def test_counts_grow_with_alpha_and_with_evidence_and_know_no_order(p: list[float], method: str) -> None:
    found = k_hat(p, 0.05, method)
    assert 0 <= found <= len(p)
    assert k_hat(p[::-1], 0.05, method) == found
    assert k_hat(p, 0.2, method) >= found
    assert k_hat([value / 2 for value in p], 0.05, method) >= found


def test_p_values_of_zero_and_one() -> None:
    for method in ("bonferroni", "fisher"):
        assert k_hat([0.0] * 4, method=method) == 4
        assert k_hat([1.0] * 4, method=method) == 0
        assert k_hat([0.0, 1.0, 1.0], method=method) == 1


def test_the_count_is_too_large_no_more_often_than_alpha() -> None:
    """Three of ten data sets have a large effect; Fisher's is at its limit, Bonferroni's below."""
    rng = np.random.default_rng(0)
    p = rng.random((1500, 10))
    p[:, :3] *= 1e-4
    for method, at_least in (("bonferroni", 0.02), ("fisher", 0.03)):
        wrong = np.mean([k_hat(row, 0.05, method) > 3 for row in p])
        assert at_least < wrong < 0.05 + 3 * np.sqrt(0.05 * 0.95 / len(p))


@pytest.mark.parametrize(
    ("p", "alpha", "method", "message"),
    [
        ([0.1, 1.2], 0.05, "fisher", "1.2 at place 1"),
        ([float("nan")], 0.05, "fisher", "nan at place 0"),
        ([0.1], 0.0, "fisher", "alpha=0"),
        ([0.1], 0.05, "fischer", "did you mean 'fisher'"),
    ],
)
def test_what_makes_no_sense_is_refused(p: list[float], alpha: float, method: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        k_hat(p, alpha, method)
