"""Leave-one-entrant-out from a win matrix, against ranking the rest anew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmark.judge.field.dependence import without_each
from benchmark.judge.field.ranks import rank_rows

NAMES = tuple("abcdefgh")


def shares(errors: np.ndarray) -> np.ndarray:
    wins: np.ndarray = (np.sign(errors[:, None, :] - errors[:, :, None]) + 1) / 2
    return np.asarray(wins.mean(axis=0))


@settings(max_examples=60, deadline=None)
@given(st.integers(3, 7), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_it_is_what_ranking_the_rest_anew_gives(n: int, units: int, seed: int) -> None:
    errors = np.random.default_rng(seed).integers(0, 5, (units, n)).astype(float)
    found = without_each(shares(errors), NAMES[:n])
    before = rank_rows(errors).mean(axis=0).round(9)
    for removed, row in enumerate(found.itertuples()):
        rest = [number for number in range(n) if number != removed]
        after = rank_rows(errors[:, rest]).mean(axis=0).round(9)
        was = before[rest]
        names = np.array(NAMES)[rest]
        assert row.removed == NAMES[removed]
        assert after[list(names).index(row.winner)] == after.min()
        assert was[list(names).index(row.before)] == was.min()
        both = set(names[after == after.min()]) & set(names[was == was.min()])
        assert row.winner_changes == (not both)
        assert (row.winner == row.before) == (not row.winner_changes)
        swaps = [(was[i] - was[j]) * (after[i] - after[j]) < 0 for i in range(n - 1) for j in range(n - 1)]
        assert row.order_changes == any(swaps)
        tau = stats.kendalltau(was, after).statistic
        assert row.kendall_tau == pytest.approx(tau, nan_ok=True)
        shift = np.abs(stats.rankdata(after) - stats.rankdata(was)).max()
        assert row.largest_shift == shift


def test_the_loser_decides_who_wins() -> None:
    """a beats b on three data sets of five, but comes last on the other two, behind c."""
    errors = np.array([[1.0, 2.0, 3.0]] * 3 + [[3.0, 1.0, 2.0]] * 2)
    found = without_each(shares(errors), ("a", "b", "c")).set_index("removed")
    assert found.loc["c", ["winner", "before", "winner_changes"]].tolist() == ["a", "b", True]
    assert found.loc["c", "kendall_tau"] == -1.0 and found.loc["c", "largest_shift"] == 1.0
    assert not found.loc[["a", "b"], "winner_changes"].any()


def test_nobody_changes_a_table_of_ties() -> None:
    found = without_each(np.full((4, 4), 0.5), NAMES[:4])
    assert not found["winner_changes"].any() and not found["order_changes"].any()
    assert found["kendall_tau"].isna().all() and (found["largest_shift"] == 0).all()
    assert found["winner"].tolist() == ["b", "a", "a", "a"]
