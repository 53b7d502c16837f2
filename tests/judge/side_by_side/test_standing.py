"""The parts of a board's rows that have a formula of their own."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmark.judge.side_by_side.standing import better, interquartile_means


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 13), st.integers(0, 2**32 - 1))
def test_the_mean_of_the_middle_half_is_scipys(units: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    values = random.choice([0.5, 1.0, 1.5, 2.0, 1e300, np.inf], (units, 4))
    drawn = random.integers(0, units, (6, units))
    counts = np.stack([np.bincount(row, minlength=units) for row in drawn]).astype(float)
    wanted = np.stack([stats.trim_mean(values[row], 0.25, axis=0) for row in drawn])
    np.testing.assert_allclose(interquartile_means(values, counts), wanted, rtol=1e-12)


def test_better_is_told_by_the_rank_sums_of_what_stays_below_alpha() -> None:
    pairs = pd.DataFrame(
        {
            "first": ["a", "a", "b"],
            "second": ["b", "c", "c"],
            "plus": [1.0, 9.0, 6.0],
            "minus": [9.0, 1.0, 4.0],
            "p_holm": [0.01, 0.05, 0.2],
        }
    )
    found = better(pairs, ("a", "b", "c"), 0.05)
    assert found.tolist() == [[False, False, True], [True, False, False], [False, False, False]]
