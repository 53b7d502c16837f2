"""Confidence sequences and e-values: exact identities, known formulas, and error rates by simulation."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import integrate, optimize, stats

from benchmark.errors import RequestError
from benchmark.judge.sequential import (
    SEQUENCES,
    confidence_sequence,
    e_value,
    log_capital,
    looks,
    stop,
    t_e_value,
)

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]

FIRST = 5
LAST = 60

bounded_effects = arrays(float, st.integers(1, 12), elements=st.floats(-1, 1, width=32))
sequences = st.sampled_from(SEQUENCES)


def mirrored(draw: Draw) -> Draw:
    return lambda random, shape: -draw(random, shape)


def two_points(low: float, high: float) -> Draw:
    """Mean 0 exactly."""
    share = -low / (high - low)
    return lambda random, shape: np.where(random.random(shape) < share, high, low)


NULLS: dict[str, Draw] = {
    "normal": lambda random, shape: np.clip(random.normal(0, 0.3, shape), -1, 1),
    "tiny": lambda random, shape: random.normal(0, 1e-6, shape),
    "plus or minus one": two_points(-1.0, 1.0),
    "rare loss": two_points(-0.98, 0.02),
    "rare gain": mirrored(two_points(-0.98, 0.02)),
    "skewed": lambda random, shape: random.beta(0.5, 2, shape) - 0.2,
    "heavy": lambda random, shape: np.clip(0.05 * random.standard_t(2, shape), -1, 1),
}


@given(bounded_effects, sequences)
@settings(max_examples=60, deadline=None)
def test_negated_effects_give_the_negated_ends(effects: np.ndarray, sequence: str) -> None:
    low, high = confidence_sequence(effects, 0.95, sequence)
    low_, high_ = confidence_sequence(-effects, 0.95, sequence)
    assert np.array_equal(low_, -high)
    assert np.array_equal(high_, -low)
    assert np.allclose(e_value(-effects), e_value(effects), rtol=1e-9)
    assert np.allclose(t_e_value(-effects), t_e_value(effects), rtol=1e-9)


@given(bounded_effects, sequences, st.floats(0.6, 0.98))
@settings(max_examples=60, deadline=None)
def test_ends_are_in_range_in_order_and_nested(effects: np.ndarray, sequence: str, level: float) -> None:
    low, high = confidence_sequence(effects, level, sequence)
    assert np.isfinite([low, high]).all()
    assert (low >= -1).all()
    assert (high <= 1).all()
    assert (low <= high).all()
    assert (np.diff(low) >= 0).all()
    assert (np.diff(high) <= 0).all()
    wider_low, wider_high = confidence_sequence(effects, 0.99, sequence)
    if sequence == "bounded" and not (np.diff(low) < 0).any():
        assert (wider_low <= low + 1e-11).all()
        assert (wider_high >= high - 1e-11).all()


@given(bounded_effects, sequences, st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_a_look_depends_on_what_was_seen_alone(effects: np.ndarray, sequence: str, n: int) -> None:
    rule: dict[str, Any] = {"level": 0.95, "rope": 0.01, "floor": 0.0, "sequence": sequence}
    whole, part = looks(effects, **rule), looks(effects[:n], **rule)
    assert whole.head(n).equals(part)


@given(st.permutations(range(20)))
@settings(max_examples=10, deadline=None)
def test_evidence_does_not_depend_on_the_order_of_what_was_seen(order: list[int]) -> None:
    effects = np.random.default_rng(0).uniform(-0.2, 0.9, 20)
    for evidence in (e_value, t_e_value):
        assert evidence(effects[order])[-1] == pytest.approx(evidence(effects)[-1])


@pytest.mark.parametrize("mean", [-0.6, 0.0, 0.35])
def test_the_capital_of_a_fair_bet_stays_one_on_average(mean: float) -> None:
    """Over all 2^6 sequences of a loss of everything and a gain, weighted by their probability."""
    low, high, n = -1.0, 0.8, 6
    share = (mean - low) / (high - low)
    every = np.array(list(itertools.product([low, high], repeat=n)))
    weights = np.where(every == high, share, 1 - share).prod(axis=1)
    for side in (log_capital(every, mean), log_capital(-every, -mean)):
        assert weights @ np.exp(side) == pytest.approx(np.ones(n))
    assert weights @ e_value(every, mean) == pytest.approx(np.ones(n))


@given(arrays(float, st.integers(2, 40), elements=st.floats(-1, 1, width=32)), st.sampled_from([0.9, 0.998]))
@settings(max_examples=12, deadline=None)
def test_the_lower_end_is_where_the_capital_reaches_its_bound(effects: np.ndarray, level: float) -> None:
    low, high = confidence_sequence(effects, level)
    target = np.log(2 / (1 - level))
    ends = []
    for n in range(1, len(effects) + 1):
        seen = effects[:n]

        def excess(mean: float, seen: np.ndarray = seen) -> float:
            return float(log_capital(seen, mean)[-1] - target)

        reached = seen.max() > -1 and excess(-1 + 1e-9) > 0
        ends.append(optimize.brentq(excess, -1 + 1e-9, 1.0, xtol=1e-14) if reached else -1.0)
    known = np.maximum.accumulate(ends)
    free = known <= high
    assert (low[free] <= known[free] + 1e-13).all(), "never inside the true interval"
    assert low[free] == pytest.approx(known[free], abs=1e-8)


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("value", [0.0, 1e-300, 0.02, 1.0, -1.0, -1 + 1e-16])
def test_constant_effects_are_safe(value: float, sequence: str) -> None:
    effects = np.full(60, value)
    found = looks(effects, level=0.95, rope=0.01, floor=0.0, sequence=sequence)
    assert np.isfinite(found.drop(columns="verdict").to_numpy()).all()
    assert found["low"].iloc[-1] <= value + 1e-12
    assert found["high"].iloc[-1] >= value - 1e-12
    many = confidence_sequence(np.tile(effects, 10), 0.998, sequence)
    assert np.isfinite(many).all()


def test_no_such_sequence_and_no_such_effect() -> None:
    with pytest.raises(RequestError, match="did you mean 'normal'"):
        confidence_sequence(np.zeros(3), 0.95, "norml")
    with pytest.raises(RequestError, match="1.5 lies outside"):
        confidence_sequence(np.array([0.1, 1.5]), 0.95)


def test_t_e_value_is_the_likelihood_ratio_of_the_t_statistic() -> None:
    """Against the noncentral t density, integrated over a normal standardised effect of spread one half."""
    effects = np.random.default_rng(3).normal(0.05, 0.1, 12)
    for n in (2, 5, 12):
        seen = effects[:n]
        t = seen.mean() / (seen.std(ddof=1) / np.sqrt(n))
        mixed, _ = integrate.quad(
            lambda size, t=t, n=n: stats.nct.pdf(t, n - 1, np.sqrt(n) * size) * stats.norm.pdf(size, 0, 0.5),
            -5,
            5,
        )
        assert t_e_value(effects)[n - 1] == pytest.approx(mixed / stats.t.pdf(t, n - 1), rel=1e-6)


def test_the_normal_sequence_holds_all_means_of_little_evidence() -> None:
    effects = np.random.default_rng(1).normal(0.02, 0.05, 30)
    low, high = confidence_sequence(effects, 0.95, "normal")
    assert np.array_equal([low[5], high[5]], [-1, 1]), "six effects say nothing at this level"
    new = np.flatnonzero(np.diff(low) > 0) + 1
    assert len(new) > 3
    for n in new:
        assert t_e_value(effects[: n + 1], low[n])[-1] == pytest.approx(20, rel=1e-6)


def test_stopping_is_at_the_first_settled_look() -> None:
    effects = np.full(40, 0.5)
    found = looks(effects, level=0.95, rope=0.01, floor=0.0)
    first = stop(found)
    assert first is not None and first >= FIRST
    assert set(found["verdict"][: first - 1]) <= {"INSUFFICIENT", "INCONCLUSIVE", "BETTER"}
    assert found["verdict"][first - 1] == "HELPS"
    assert stop(looks(np.full(40, 0.01), level=0.95, rope=0.01, floor=0.0)) is None
    assert stop(looks(np.ones(4), level=0.5001, rope=0.01, floor=0.0)) is None, "never before five"


def test_equivalence_settles_too_unless_the_floor_is_too_high() -> None:
    effects = np.random.default_rng(0).normal(0, 0.004, 40)
    rule: dict[str, Any] = {"level": 0.95, "rope": 0.01, "sequence": "normal"}
    found = looks(effects, floor=0.002, **rule)
    assert found["verdict"][(stop(found) or 0) - 1] == "EQUIVALENT"
    assert stop(looks(effects, floor=0.02, **rule)) is None


def test_failures_that_decide_the_sign_settle_nothing() -> None:
    effects = np.full(20, 0.6)
    rule: dict[str, Any] = {"level": 0.95, "rope": 0.01, "floor": 0.0}
    assert stop(looks(effects, complete_case=np.full(20, 0.1), **rule)) is not None
    assert stop(looks(effects, complete_case=np.full(20, -0.1), **rule)) is None
    assert stop(looks(effects, complete_case=np.full(20, np.nan), **rule)) is not None


def crossed(effects: np.ndarray, mean: float, level: float) -> tuple[float, float]:
    """How often the sequence ever lies above, and below, ``mean`` from the fifth look on."""
    target = np.log(2 / (1 - level))
    above, below = log_capital(effects, mean), log_capital(-effects, -mean)
    # Its ends only ever move inward, so an end that passed the mean before the fifth look counts too.
    return float((above >= target).any(axis=-1).mean()), float((below >= target).any(axis=-1).mean())


def allowed(rate: float, runs: int) -> float:
    return rate + 3 * float(np.sqrt(rate * (1 - rate) / runs))


@pytest.mark.parametrize("name", NULLS)
def test_bounded_sequence_misses_the_mean_rarely(name: str) -> None:
    effects = NULLS[name](np.random.default_rng(5), (1000, LAST))
    assert all(rate <= allowed(0.025, 1000) for rate in crossed(effects, 0.0, 0.95))


@pytest.mark.all
@pytest.mark.parametrize("family", [1, 25])
@pytest.mark.parametrize("name", NULLS)
def test_peeking_after_every_data_set_makes_no_error_more_likely(name: str, family: int) -> None:
    """Any of the candidates, on either side: with a mean of 0 (BETTER), and of δ (HELPS, and EQUIVALENT)."""
    runs, rope = (10_000 if family == 1 else 800), 0.01
    random = np.random.default_rng(family)
    level = 1 - 0.05 / family
    effects = NULLS[name](random, (runs * family, LAST))
    for mean in (0.0, rope):
        shifted = np.clip(effects * (1 - rope) + mean, -1, 1)
        above = log_capital(shifted, mean) >= np.log(2 / (1 - level))
        below = log_capital(-shifted, -mean) >= np.log(2 / (1 - level))
        for side in (above, below):
            wrong = side.any(axis=-1).reshape(runs, family).any(axis=1).mean()
            assert wrong <= allowed(0.025, runs), f"{name}: {wrong:.4f} at mean {mean}"


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_false_verdicts_of_whole_sequences_are_rare(sequence: str) -> None:
    """Through ``looks`` and ``stop``: a true effect of δ is hardly ever called EQUIVALENT, or HELPS."""
    runs, rope = 80, 0.05
    effects = np.random.default_rng(8).normal(rope, 0.04, (runs, 40))
    rule: dict[str, Any] = {"level": 0.95, "rope": rope, "floor": 0.0, "sequence": sequence}
    found = [looks(each, **rule) for each in effects]
    ends = [one["verdict"][place - 1] for one in found if (place := stop(one))]
    assert ends.count("EQUIVALENT") / runs <= allowed(0.05, runs)
    assert ends.count("HELPS") / runs <= allowed(0.025, runs)
    assert ends.count("HARMS") == 0


def test_peeking_with_a_plain_t_and_with_a_t_e_value() -> None:
    """Published: .265 and .015, of an unknown number of runs. Here .291 ± .003 and .020 ± .001.

    A true null of normal effects, looked at after every data set from 5 to 60 (from 7 on it is .266).
    """
    runs = 20_000
    effects = np.random.default_rng(1).normal(size=(runs, LAST))
    n = np.arange(1, LAST + 1)
    means = effects.cumsum(axis=1) / n
    squares = (effects**2).cumsum(axis=1) - n * means**2
    df = np.maximum(n - 1, 1)
    t = (np.sqrt(n) * means / np.sqrt(np.maximum(squares, 1e-12) / df))[:, FIRST - 1 :]
    plain = (np.abs(t) > stats.t.ppf(0.975, df[FIRST - 1 :])).any(axis=1).mean()
    assert plain == pytest.approx(0.265, abs=0.04)
    safe = (t_e_value(effects)[:, FIRST - 1 :] >= 20).any(axis=1).mean()
    assert safe == pytest.approx(0.015, abs=0.008)


@pytest.mark.all
def test_normal_sequence_holds_for_normal_effects_and_not_for_rare_losses() -> None:
    """Its promise rests on its name: of data sets of which one in fifty loses everything it knows nothing."""
    runs = 20_000
    random = np.random.default_rng(2)
    for spread in (1e-6, 0.05, 0.3):
        effects = random.normal(0, spread, (runs, LAST))
        assert (t_e_value(effects) >= 20).any(axis=1).mean() <= 0.05
    lossy = two_points(-0.98, 0.02)(random, (500, LAST)) + random.normal(0, 1e-3, (500, LAST))
    wrong = np.mean([confidence_sequence(np.clip(each, -1, 1), 0.95, "normal")[0][-1] > 0 for each in lossy])
    assert wrong > 0.5


@pytest.mark.all
@pytest.mark.parametrize(
    ("mean", "spread", "bounded", "normal"),
    [(0.05, 0.05, 0.0, 0.98), (0.02, 0.03, 0.0, 0.35), (0.1, 0.2, 0.5, 0.7), (0.3, 0.2, 1.0, 1.0)],
)
def test_how_often_stopping_is_early(mean: float, spread: float, bounded: float, normal: float) -> None:
    """The share settled within 60 data sets, δ = 1 %: see the table in docs/design.md, section 10."""
    effects = np.clip(np.random.default_rng(4).normal(mean, spread, (100, LAST)), -1, 1)
    for sequence, least in (("bounded", bounded), ("normal", normal)):
        rule: dict[str, Any] = {"level": 0.95, "rope": 0.01, "floor": 0.005, "sequence": sequence}
        stops = [stop(looks(each, **rule)) for each in effects]
        assert np.mean([place is not None for place in stops]) >= least
