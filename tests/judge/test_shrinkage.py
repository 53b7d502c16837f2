from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from benchmark.judge.intervals import estimate
from benchmark.judge.shrinkage import Between, between_hosts, shrunken


def pulled(effects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = [estimate(column[~np.isnan(column)][:, None], "fixed") for column in effects.T]
    means, origins = np.array([one.mean for one in found]), np.array([one.origins for one in found])
    errors = np.array([np.nan if one.error is None else one.error for one in found])
    mean = estimate(effects, "fixed").mean
    return shrunken(means, errors, origins, mean=mean, between=between_hosts(effects))


def test_a_complete_grid_gives_the_analysis_of_variance() -> None:
    """MS_host and MS_residual of the two-way layout, as any textbook has them; REML gives the same."""
    rng = np.random.default_rng(0)
    effects = rng.normal(0, 0.1, (12, 1)) + rng.normal(0, 0.2, (1, 5)) + rng.normal(0, 0.05, (12, 5))
    rest = effects - effects.mean(axis=1, keepdims=True) - effects.mean(axis=0) + effects.mean()
    noise = (rest**2).sum() / (11 * 4)
    hosts = 12 * effects.mean(axis=0).var(ddof=1)
    found = between_hosts(effects)
    assert found.noise == pytest.approx(noise)
    assert found.variance == pytest.approx((hosts - noise) / 12)
    values, _ = pulled(effects)
    share = 1 - noise / hosts
    assert values == pytest.approx(effects.mean() + share * (effects.mean(axis=0) - effects.mean()))


def test_what_origins_share_is_no_noise_of_a_host() -> None:
    effects = np.random.default_rng(1).normal(0, 1.0, (6, 1)) + np.array([-0.1, 0.0, 0.1])
    assert pulled(effects)[0] == pytest.approx(effects.mean(axis=0))


def test_hosts_that_differ_by_noise_alone_are_pulled_to_the_mean() -> None:
    effects = np.tile([[0.1, -0.1], [-0.1, 0.1]], (4, 1)) + 0.02
    values, errors = pulled(effects)
    assert values == pytest.approx([0.02, 0.02])
    assert (errors > 0).all()


def test_variances_are_found_where_combinations_are_missing() -> None:
    rng, found = np.random.default_rng(2), []
    for _ in range(400):
        effects = rng.normal(0, 1, (15, 1)) + rng.normal(0, 0.5, (1, 6)) + rng.normal(0, 0.3, (15, 6))
        gone = rng.random(effects.shape) < 0.4
        gone[np.arange(15), rng.integers(0, 6, 15)] = False
        found.append(between_hosts(np.where(gone, np.nan, effects)))
    assert np.mean([one.noise for one in found]) == pytest.approx(0.09, rel=0.05)
    assert np.mean([one.variance for one in found]) == pytest.approx(0.25, rel=0.1)


def test_one_host_and_hosts_that_share_nothing_stay_where_they_are() -> None:
    one = np.array([[0.1], [0.3], [0.2]])
    assert between_hosts(one) == Between(None, None)
    assert pulled(one)[0].tolist() == [pytest.approx(0.2)]
    apart = np.where(np.eye(4, dtype=bool), [0.1, 0.2, 0.3, 0.4], np.nan)
    assert between_hosts(apart) == Between(None, None)
    assert pulled(apart)[0].tolist() == [0.1, 0.2, 0.3, 0.4]
    assert between_hosts(np.array([[0.1, 0.2, 0.3]])) == Between(None, None)


@given(st.integers(2, 9), st.integers(2, 5), st.integers(0, 10**6), st.sampled_from([0.0, 0.4]))
@given_settings(max_examples=60, deadline=None)
def test_every_host_moves_towards_the_mean_and_mirrors(
    origins: int, hosts: int, root: int, missing: float
) -> None:
    rng = np.random.default_rng(root)
    effects = rng.normal(0.1, 0.2, (origins, 1)) + rng.normal(0, 0.1, (origins, hosts))
    gone = rng.random(effects.shape) < missing
    gone[rng.integers(0, origins, hosts), np.arange(hosts)] = False
    gone[np.arange(origins), rng.integers(0, hosts, origins)] = False
    effects = np.where(gone, np.nan, effects)
    means, mean = np.nanmean(effects, axis=0), estimate(effects, "fixed").mean
    values, errors = pulled(effects)
    assert (np.abs(values - mean) <= np.abs(means - mean) + 1e-12).all()
    assert ((values - mean) * (means - mean) >= -1e-12).all()
    mirrored, same = pulled(-effects)
    assert mirrored.tolist() == (-values).tolist()
    assert np.array_equal(errors, same, equal_nan=True)


@pytest.mark.parametrize("between", [0.0, 0.3, 1.0])
def test_shrunken_effects_are_closer_and_their_intervals_cover(between: float) -> None:
    """Over 8 hosts that are drawn anew in every run: squared error, and coverage of nominal .95."""
    runs, origins, hosts = 300, 20, 8
    rng, plain, closer, covered = np.random.default_rng(3), [], [], []
    for _ in range(runs):
        truth = rng.normal(0, between, hosts)
        shared = rng.normal(0, 0.5, (origins, 1))
        effects = shared + truth + rng.normal(0, 1, (origins, hosts))
        values, errors = pulled(effects)
        plain.append((effects.mean(axis=0) - truth) ** 2)
        closer.append((values - truth) ** 2)
        covered.append(np.abs(values - truth) < 2.093 * errors)
    assert np.mean(closer) <= np.mean(plain)
    assert np.mean(covered) > 0.915
