from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmark.errors import RequestError
from benchmark.judge.field.bayes import Posterior, correlated_t, signed_rank
from benchmark.judge.significance import nadeau_bengio

DIFFERENCES = st.lists(st.floats(-1, 1), min_size=1, max_size=12)


def chances(found: Posterior | None) -> tuple[float, float, float]:
    assert found is not None
    return found.worse, found.equal, found.better


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("ours", "theirs", "published"),
    [
        ("AlgA", "AlgB", (0.002339103, 0.003762019, 0.993898878)),
        ("AlgC", "AlgD", (0.1984274, 0.2716592, 0.5299133)),
    ],
)
def test_correlated_t_is_the_scmamp_vignettes(
    ground_truth: Path, ours: str, theirs: str, published: tuple[float, ...]
) -> None:
    """The vignette's rho = 0.1 is a test-to-train ratio of 1/9: sd · sqrt(1/n + rho/(1 − rho))."""
    scores = pd.read_csv(ground_truth / "scmamp_kcv_example_10ds_10x10cv_auc.csv")
    fifth = scores[scores["DB"] == 5]
    found = correlated_t((fifth[ours] - fifth[theirs]).to_numpy(), 1 / 9, 0.01)
    printed = 1e-8 if published[0] < 0.01 else 1e-7
    assert chances(found) == pytest.approx(published, abs=printed)


@pytest.mark.shared_data
def test_correlated_t_is_scikit_learns_example(ground_truth: Path) -> None:
    scores = pd.read_csv(ground_truth / "sklearn_plot_grid_search_stats_auc.csv").drop(columns="split")
    best = scores.mean().sort_values(ascending=False).index
    difference = (scores[best[0]] - scores[best[1]]).to_numpy()
    anywhere, inside = correlated_t(difference, 1 / 9, 0.0), correlated_t(difference, 1 / 9, 0.01)
    assert anywhere is not None
    assert inside is not None
    assert round(anywhere.better, 3) == 0.773
    assert round(inside.equal, 3) == 0.432
    assert inside.ci95 == pytest.approx((-0.016445, 0.036445), abs=1e-6)


@pytest.mark.parametrize("rope", [0.0, 0.01])
def test_correlated_t_is_baycomps(rope: float) -> None:
    baycomp = pytest.importorskip("baycomp")
    rng = np.random.default_rng(3)
    x, y = rng.normal(0.8, 0.02, 50), rng.normal(0.81, 0.02, 50)
    theirs = baycomp.CorrelatedTTest.probs(x, y, rope, runs=5)
    assert chances(correlated_t(y - x, 1 / 9, rope)) == pytest.approx(
        theirs if rope else (theirs[0], 0.0, theirs[1]), abs=1e-12
    )


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=12), st.floats(0.01, 2))
def test_without_a_rope_it_is_nadeau_bengio_seen_from_the_other_side(d: list[int], ratio: float) -> None:
    found, tested = correlated_t(d, ratio, 0.0), nadeau_bengio(d, ratio)
    assert found is not None
    assert tested is not None
    if tested.t is not None:
        assert found.better == pytest.approx(1 - tested.p_greater, abs=1e-9)
    assert found.ci95 == pytest.approx(tested.ci95, rel=1e-6, abs=1e-9)


def test_correlated_t_at_its_limits() -> None:
    assert correlated_t([0.3], 1 / 9, 0.01) is None
    assert correlated_t([0.3, 0.4], float("nan"), 0.01) is None
    assert correlated_t([0.0, 0.0], 1 / 9, 0.0) == Posterior(0.0, 1.0, 0.0, (0.0, 0.0))
    assert chances(correlated_t([0.3, 0.3, 0.3], 1 / 9, 0.01)) == (0, 0, 1)
    assert chances(correlated_t([0.01, 0.01], 1 / 9, 0.01)) == (0, 1, 0)
    tiny, huge = (correlated_t([scale, 2 * scale, -scale], 1 / 9, 0.0) for scale in (1e-300, 1e300))
    assert chances(tiny) == pytest.approx(chances(huge))


@pytest.mark.parametrize("rope", [0.0, 0.02])
@pytest.mark.parametrize("n", [2, 7, 30])
def test_signed_rank_is_baycomps(n: int, rope: float) -> None:
    """Within the Monte Carlo error of 10,000 draws here and 20,000 there; with rope 0 baycomp splits
    what is exactly 0 between the two sides."""
    baycomp = pytest.importorskip("baycomp")
    d = np.random.default_rng(n).normal(0.02, 0.04, n)
    theirs = baycomp.SignedRankTest.probs(np.zeros(n), d, rope, nsamples=20_000, random_state=0)
    worse, equal, better = chances(signed_rank(d, rope))
    if rope == 0:
        assert (worse / (worse + better), better / (worse + better)) == pytest.approx(theirs, abs=0.02)
        assert equal < 0.1
    else:
        assert (worse, equal, better) == pytest.approx(theirs, abs=0.02)


@pytest.mark.shared_data
def test_signed_rank_on_the_scmamp_table_as_baycomp_has_it(ground_truth: Path) -> None:
    baycomp = pytest.importorskip("baycomp")
    scores = pd.read_csv(ground_truth / "scmamp_kcv_example_10ds_10x10cv_auc.csv")
    means = scores.groupby("DB")[["AlgA", "AlgB", "AlgC", "AlgD"]].mean()
    for ours, theirs in (("AlgA", "AlgB"), ("AlgC", "AlgD")):
        x, y = means[theirs].to_numpy(), means[ours].to_numpy()
        oracle = baycomp.SignedRankTest.probs(x, y, 0.01, nsamples=20_000, random_state=0)
        assert chances(signed_rank(y - x, 0.01)) == pytest.approx(oracle, abs=0.02)


def test_one_data_set_weighs_against_the_prior_as_a_beta_does() -> None:
    """The pair (1, 1) and both mixed pairs are better: 1 − w₀² > w₀², so w₀ < √½, w₀ ~ Beta(½, 1)."""
    expected = float(stats.beta(0.5, 1).cdf(np.sqrt(0.5)))
    assert chances(signed_rank([0.5], 0.01)) == pytest.approx((0, 1 - expected, expected), abs=0.015)


@given(DIFFERENCES, st.sampled_from([0.0, 0.01, 0.3]))
@settings(max_examples=40, deadline=None)
def test_signed_rank_mirrors_exactly_and_knows_no_order(d: list[float], rope: float) -> None:
    found = signed_rank(d, rope, draws=500)
    worse, equal, better = chances(found)
    assert sum((worse, equal, better)) == pytest.approx(1)
    assert chances(signed_rank([-x for x in d], rope, draws=500)) == (better, equal, worse)
    assert signed_rank(sorted(d), rope, draws=500) == found


def test_signed_rank_at_its_limits() -> None:
    assert chances(signed_rank([0.0] * 6, 0.0)) == chances(signed_rank([0.0] * 6, 0.01)) == (0, 1, 0)
    assert signed_rank([0.5] * 6, 0.01).better > 0.99
    assert signed_rank([1e300, -1e300, 2e300], 0.01).equal < 0.2
    assert signed_rank([1e-300, -1e-300], 0.01).equal == 1


def test_with_500_data_sets_and_no_rope_it_is_wilcoxons_test_seen_from_the_other_side() -> None:
    d = np.random.default_rng(0).normal(0.001, 0.02, 500)
    p = float(stats.wilcoxon(d, alternative="greater").pvalue)
    assert 0.05 < p < 0.5
    assert signed_rank(d, 0.0, draws=3_000).better == pytest.approx(1 - p, abs=0.02)


@pytest.mark.parametrize("d", [[0.1, float("nan")], [float("inf"), 0.1]])
def test_differences_must_be_finite(d: list[float]) -> None:
    with pytest.raises(RequestError, match="1 of 2 are not finite"):
        correlated_t(d, 1 / 9, 0.01)
    with pytest.raises(RequestError, match="1 of 2 are not finite"):
        signed_rank(d, 0.01)


def test_a_rope_is_not_negative_and_no_data_set_is_no_evidence() -> None:
    with pytest.raises(RequestError, match="rope=-0.1"):
        signed_rank([0.1], -0.1)
    with pytest.raises(RequestError, match="at least one data set"):
        signed_rank([], 0.01)
