from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from benchmark.judge.bootstrap import disagree, pigeonhole
from benchmark.judge.intervals import Interval, estimate, interval, moments

cells = st.tuples(st.integers(2, 12), st.integers(1, 5), st.integers(0, 10**6), st.sampled_from([0.0, 0.3]))


def drawn(shape: tuple[int, int, int, float]) -> np.ndarray:
    """Effects of some origins and hosts, a share of them not there."""
    origins, hosts, root, missing = shape
    rng = np.random.default_rng(root)
    effects = rng.normal(0.02, 0.05, (origins, 1)) + rng.normal(0, 0.03, (origins, hosts))
    gone = rng.random(effects.shape) < missing
    gone[rng.integers(0, origins, hosts), np.arange(hosts)] = False
    gone[np.arange(origins), rng.integers(0, hosts, origins)] = False
    return np.where(gone, np.nan, effects)


def ends(effects: np.ndarray, kind: str) -> Interval:
    found = pigeonhole(effects, kind)
    assert found is not None
    return found


@given(cells, st.sampled_from(["fixed", "random"]))
@given_settings(max_examples=40, deadline=None)
def test_negative_effects_give_the_negative_interval(shape: tuple[int, int, int, float], kind: str) -> None:
    effects = drawn(shape)
    low, high = ends(effects, kind)
    assert ends(-effects, kind) == (-high, -low)
    assert np.nanmin(effects) - 1e-15 <= low <= high <= np.nanmax(effects) + 1e-15


@given(cells, st.sampled_from(["fixed", "random"]), st.integers(0, 100))
@given_settings(max_examples=40, deadline=None)
def test_names_and_order_do_not_matter(shape: tuple[int, int, int, float], kind: str, root: int) -> None:
    effects, rng = drawn(shape), np.random.default_rng(root)
    shuffled = effects[rng.permutation(len(effects))][:, rng.permutation(effects.shape[1])]
    assert ends(shuffled, kind) == pytest.approx(ends(effects, kind), abs=1e-12)


def test_it_estimates_the_mean_that_the_verdict_speaks_of() -> None:
    effects = drawn((40, 6, 3, 0.3))
    for kind in ("fixed", "random"):
        low, high = ends(effects, kind)
        mean = float(moments(effects).mean)
        assert low < mean < high
        assert (low + high) / 2 == pytest.approx(mean, abs=0.15 * (high - low))


def test_with_fixed_hosts_and_many_origins_it_is_the_t_interval() -> None:
    effects = np.random.default_rng(1).normal(0.02, 0.05, (300, 3))
    t = interval(estimate(effects, "fixed"), 0.95)
    assert t is not None
    assert ends(effects, "fixed") == pytest.approx(t, abs=0.12 * (t[1] - t[0]))


def test_hosts_are_drawn_only_where_they_are_random() -> None:
    by_host = np.array([-0.2, -0.1, 0.1, 0.3])
    effects = by_host + np.zeros((30, 1))
    assert ends(effects, "fixed") == pytest.approx((0.025, 0.025))
    low, high = ends(effects, "random")
    assert low < -0.08 and high > 0.15


def test_its_variance_is_owens() -> None:
    """Owen (2007, eq. 11): about the sum of the three components, the interaction's tripled."""
    runs, origins, hosts = 150, 30, 20
    rng, widths = np.random.default_rng(2), []
    for _ in range(runs):
        both = rng.normal(0, 1, (origins, hosts))
        low, high = ends(rng.normal(0, 1, (origins, 1)) + rng.normal(0, 1, (1, hosts)) + 3 * both, "random")
        widths.append(((high - low) / 2 / 1.96) ** 2)
    expected = 1 / origins + 1 / hosts + 3 * 9 / (origins * hosts)
    assert np.mean(widths) == pytest.approx(expected, rel=0.12)


def test_edges() -> None:
    assert pigeonhole(np.array([[0.1, 0.2]]), "fixed") is None
    assert str(pigeonhole(np.zeros((5, 4)), "random")) == "(0.0, 0.0)", "no minus before a zero"
    assert ends(np.full((5, 4), 0.1), "random") == pytest.approx((0.1, 0.1))
    alone = np.where(np.eye(3, dtype=bool), 0.1, np.nan)
    assert ends(alone, "random") == pytest.approx((0.1, 0.1)), "draws without any origin are left out"


def test_intervals_disagree_where_one_of_them_excludes_zero() -> None:
    assert disagree((0.1, 0.2), (-0.1, 0.2))
    assert disagree((-0.1, 0.2), (-0.2, -0.1))
    assert not disagree((0.1, 0.2), (0.01, 0.3))
    assert not disagree((-0.1, 0.2), (-0.2, 0.1))
    assert not disagree(None, (0.1, 0.2))
