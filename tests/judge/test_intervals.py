from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from benchmark.errors import RequestError
from benchmark.judge.intervals import (
    effective_hosts,
    estimate,
    interval,
    minimal_detectable_effect,
    moments,
    prediction,
    resolve_host_effects,
    simultaneous,
    tasks_needed,
)


def test_fixed_hosts_give_the_t_interval_over_origins() -> None:
    effects = np.random.default_rng(0).normal(0.02, 0.05, (9, 3))
    found = estimate(effects, "fixed")
    expected = stats.ttest_1samp(effects.mean(axis=1), 0).confidence_interval(0.95)
    assert interval(found, 0.95) == pytest.approx(tuple(expected))
    spread = effects.mean(axis=1).std(ddof=1)
    half = stats.t.ppf(0.975, 8) * spread * np.sqrt(1 + 1 / 9)
    assert prediction(found) == pytest.approx((found.mean - half, found.mean + half))


def test_random_hosts_are_floored_at_the_larger_one_way_variance() -> None:
    rng = np.random.default_rng(1)
    for effects in (
        rng.normal(size=(7, 4)),
        rng.normal(size=(7, 1)) + np.zeros(4),
        rng.normal(size=4) + np.zeros((7, 1)),
    ):
        by_origin = effects.mean(axis=1).var(ddof=1) / 7
        by_host = effects.mean(axis=0).var(ddof=1) / 4
        found = estimate(effects, "random")
        assert found.df == 3
        assert found.error is not None
        assert found.error**2 >= max(by_origin, by_host) * (1 - 1e-12)


def test_missing_combinations_keep_origins_at_equal_weight() -> None:
    effects = np.array([[0.1, np.nan], [0.2, 0.4], [np.nan, 0.5]])
    assert moments(effects).mean == pytest.approx((0.1 + 0.3 + 0.5) / 3)
    assert estimate(effects, "fixed").mean == pytest.approx(0.3)


def test_constant_effects_have_width_zero() -> None:
    for kind in ("fixed", "random"):
        found = estimate(np.full((7, 4), 0.1), kind)
        assert found.error == 0.0
        assert interval(found, 0.95) == (found.mean, found.mean)
        assert minimal_detectable_effect(found, 0.95) == 0


def test_one_origin_has_no_interval() -> None:
    found = estimate(np.array([[0.1, 0.2]]), "fixed")
    assert found.mean == pytest.approx(0.15)
    assert interval(found, 0.95) is None
    assert prediction(found) is None
    assert minimal_detectable_effect(found, 0.95) is None
    assert tasks_needed(found, 0.95, rope=0.01, floor=None) is None


def test_host_effects_are_random_from_four_hosts_on() -> None:
    assert [resolve_host_effects("auto", hosts) for hosts in (1, 3, 4, 9)] == [
        "fixed",
        "fixed",
        "random",
        "random",
    ]
    assert resolve_host_effects("random", 2) == "random"
    assert resolve_host_effects("fixed", 9) == "fixed"
    with pytest.raises(RequestError, match="one host is no sample"):
        resolve_host_effects("random", 1)
    with pytest.raises(RequestError, match="did you mean 'random'"):
        resolve_host_effects("randon", 5)


def simulated(
    rng: np.random.Generator, runs: int, origins: int, hosts: int, scale: float = 1.0
) -> np.ndarray:
    """Null effects a_d + c_h + (ac)_dh + the mean of three seeds' e; shape (runs, origins, hosts)."""
    by_origin = rng.normal(0, 1.0, (runs, origins, 1))
    by_host = rng.normal(0, 0.6, (runs, 1, hosts))
    both = rng.normal(0, 0.8, (runs, origins, hosts))
    return scale * (by_origin + by_host + both + rng.normal(0, 1 / np.sqrt(3), both.shape))


@pytest.mark.parametrize(("origins", "hosts", "published"), [(10, 4, 0.988), (20, 6, 0.972), (40, 8, 0.965)])
def test_two_way_cluster_coverage_is_the_published_one(origins: int, hosts: int, published: float) -> None:
    runs = 4000
    effects = simulated(np.random.default_rng(origins), runs, origins, hosts)
    covered = 0
    for run in effects:
        low, high = interval(estimate(run, "random"), 0.95) or (0.0, 0.0)
        covered += low < 0 < high
    assert covered / runs == pytest.approx(published, abs=0.009)


@pytest.mark.parametrize("tasks", [(5, 5, 5, 5), (17, 1, 1, 1), (10, 8, 1, 1)])
def test_hosts_that_take_different_tasks_cover_too(tasks: tuple[int, ...]) -> None:
    """Every task has one host alone, as images have theirs and sequences theirs."""
    runs, rng = 2000, np.random.default_rng(7)
    host_of = np.repeat(np.arange(len(tasks)), tasks)
    covered = 0
    for _ in range(runs):
        effects = np.full((len(host_of), len(tasks)), np.nan)
        places = np.arange(len(host_of)), host_of
        effects[places] = rng.normal(0, 0.05, len(tasks))[host_of] + rng.normal(0, 0.03, len(host_of))
        low, high = interval(estimate(effects, "random"), 0.95) or (0.0, 0.0)
        covered += low < 0 < high
    assert covered / runs > 0.935


def test_effective_hosts() -> None:
    assert effective_hosts(np.ones((7, 3), bool)) == 3
    assert effective_hosts(np.eye(4, dtype=bool)) == 4
    lopsided = np.zeros((20, 4), bool)
    lopsided[:17, 0] = lopsided[17, 1] = lopsided[18, 2] = lopsided[19, 3] = True
    assert effective_hosts(lopsided) == pytest.approx(400 / (17**2 + 3))
    assert resolve_host_effects("auto", effective_hosts(lopsided)) == "fixed"


def test_fixed_hosts_cover_their_own_mean() -> None:
    runs, origins, hosts = 3000, 20, 6
    rng = np.random.default_rng(3)
    host = rng.normal(0, 0.6, hosts)
    covered = 0
    for _ in range(runs):
        both = rng.normal(0, 1, (origins, hosts))
        low, high = interval(estimate(rng.normal(0, 1, (origins, 1)) + host + both, "fixed"), 0.95) or (
            0.0,
            0.0,
        )
        covered += low < host.mean() < high
    assert covered / runs == pytest.approx(0.95, abs=0.012)


def test_simultaneous_intervals_hold_together() -> None:
    runs, candidates, origins = 400, 25, 20
    rng = np.random.default_rng(4)
    each = simultaneous(0.95, candidates)
    false_better = 0
    for _ in range(runs):
        shared = rng.normal(0, 0.02, (origins, 1))
        found = [estimate(shared + rng.normal(0, 0.02, (origins, 1)), "fixed") for _ in range(candidates)]
        false_better += any((interval(one, each) or (0.0, 0.0))[0] > 0 for one in found)
    assert false_better / runs <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / runs)


def test_the_level_is_shared_by_the_comparisons() -> None:
    assert simultaneous(0.95, 1) == simultaneous(0.95, 0) == 0.95
    assert simultaneous(0.95, 10) == pytest.approx(0.995)


def test_minimal_detectable_effect_is_found_four_times_in_five() -> None:
    runs, origins, sd = 2000, 12, 0.05
    rng = np.random.default_rng(5)
    truth = (stats.t.ppf(0.975, 11) + stats.t.ppf(0.8, 11)) * sd / np.sqrt(origins)
    samples = [estimate(rng.normal(truth, sd, (origins, 1)), "fixed") for _ in range(runs)]
    found = np.mean([(interval(one, 0.95) or (0.0, 0.0))[0] > 0 for one in samples])
    assert found == pytest.approx(0.8, abs=0.03)
    stated = [minimal_detectable_effect(one, 0.95) or 0.0 for one in samples]
    assert np.mean(stated) == pytest.approx(truth, rel=0.05)


def test_tasks_needed_by_either_way_of_settling() -> None:
    noisy = 0.02 + np.tile([0.06, -0.06], 5)[:, None]
    found = estimate(noisy, "fixed")
    needed = tasks_needed(found, 0.95, rope=0.01, floor=None)
    assert needed is not None
    error = found.spread / np.sqrt(needed)
    power = stats.t.ppf(0.975, needed - 1) + stats.t.ppf(0.8, needed - 1)
    assert power * error <= 0.02 < power * found.spread / np.sqrt(needed - 2)
    none = estimate(noisy - 0.02, "fixed")
    alike = tasks_needed(none, 0.95, rope=0.01, floor=0.005)
    assert alike is not None and alike > needed
    assert tasks_needed(none, 0.95, rope=0.01, floor=0.02) is None


def test_more_tasks_do_not_replace_more_hosts() -> None:
    effects = 0.02 + np.array([0.3, -0.3, 0.2, -0.2]) + np.zeros((12, 1))
    assert tasks_needed(estimate(effects, "random"), 0.95, rope=0.01, floor=None) is None
