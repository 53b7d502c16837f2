from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from benchmark.judge import compare
from benchmark.judge.significance import holm, nadeau_bengio, signed_rank


@pytest.mark.shared_data
def test_nadeau_bengio_gives_scikit_learns_published_numbers(ground_truth: Path) -> None:
    scores = pd.read_csv(ground_truth / "sklearn_plot_grid_search_stats_auc.csv")
    best = scores.drop(columns="split").mean().sort_values(ascending=False).index
    difference = (scores[best[0]] - scores[best[1]]).to_numpy()
    found = nadeau_bengio(difference, 1 / 9)
    assert found is not None
    assert found.t is not None
    assert round(found.t, 3) == 0.750
    assert round(found.p_greater, 3) == 0.227
    assert found.ci95 == pytest.approx((-0.016445, 0.036445), abs=1e-6)
    uncorrected = stats.ttest_1samp(difference, 0, alternative="greater")
    assert round(uncorrected.statistic, 3) == 2.611


@pytest.mark.shared_data
def test_signed_rank_sums_are_demsars(ground_truth: Path) -> None:
    auc = pd.read_csv(ground_truth / "demsar2006_table6_auc.csv")
    found = signed_rank((auc["C4.5+m"] - auc["C4.5"]).to_numpy())
    assert (found.plus, found.minus) == (93, 12)
    assert found.p < 0.05


@pytest.mark.shared_data
def test_demsars_table_judged_as_a_foreign_one(ground_truth: Path) -> None:
    auc = pd.read_csv(ground_truth / "demsar2006_table6_auc.csv")
    long = auc.melt("dataset", var_name="component", value_name="auc").rename(columns={"dataset": "task"})
    found = compare(long.assign(error=1 - long["auc"]), "C4.5+m", "C4.5")
    assert found.n["origins"] == 14
    assert found.noise_floor is None
    assert found.effect.mean > 0


def test_nadeau_bengio_holds_its_level_on_correlated_folds() -> None:
    rng = np.random.default_rng(0)
    runs, folds, rho = 2000, 100, 0.1
    differences = np.sqrt(rho) * rng.normal(size=(runs, 1)) + np.sqrt(1 - rho) * rng.normal(
        size=(runs, folds)
    )
    naive = stats.ttest_1samp(differences, 0, axis=1).pvalue < 0.05
    corrected = [(nadeau_bengio(row, 1 / 9) or pytest.fail()).p < 0.05 for row in differences]
    assert naive.mean() == pytest.approx(0.57, abs=0.035)
    assert np.mean(corrected) == pytest.approx(0.051, abs=0.016)


def test_nadeau_bengio_needs_two_splits_and_a_ratio() -> None:
    assert nadeau_bengio([0.1], 0.1) is None
    assert nadeau_bengio([0.1, 0.2], float("nan")) is None
    assert nadeau_bengio([0.1, 0.2], 0.0) is None
    constant = nadeau_bengio([0.1, 0.1, 0.1], 0.1)
    assert constant is not None
    assert (constant.t, constant.p) == (None, 0.0)
    zero = nadeau_bengio([0.0, 0.0], 0.1)
    assert zero is not None
    assert (zero.p, zero.ci95) == (1.0, (0.0, 0.0))


def test_signed_rank_of_ties_and_of_next_to_nothing() -> None:
    assert signed_rank([0.0] * 6) == (10.5, 10.5, 1.0)
    assert signed_rank([0.3]).p == 1.0
    tiny, huge = signed_rank([1e-300, 2e-300, -3e-300]), signed_rank([1e300, 2e300, -3e300])
    assert tiny == huge == signed_rank([1, 2, -3])


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=60))
def test_signed_rank_mirrors_and_shares_out_all_ranks(values: list[int]) -> None:
    found, mirrored = signed_rank(values), signed_rank([-value for value in values])
    assert found.plus + found.minus == len(values) * (len(values) + 1) / 2
    assert (found.plus, found.minus) == (mirrored.minus, mirrored.plus)
    assert found.p == pytest.approx(mirrored.p)
    assert 0 < found.p <= 1


def test_signed_rank_is_scipys_where_nothing_ties() -> None:
    for n in (1, 4, 20, 50, 51, 300):
        values = np.random.default_rng(n).normal(0.3, 1, n)
        assert signed_rank(values).p == pytest.approx(stats.wilcoxon(values).pvalue)


def test_signed_rank_with_ties_is_scipys_exhaustive_permutation() -> None:
    for values in ([0, 0, 0, -6, 1, 4, 4, 2], [3, 3, -3, 1, 1, 0, 2]):
        assert signed_rank(values).p == pytest.approx(stats.wilcoxon(values, zero_method="zsplit").pvalue)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10))
@settings(max_examples=40, deadline=None)
def test_holm_is_statsmodels(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(list(multipletests(p_values, method="holm")[1]))
