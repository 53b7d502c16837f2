from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.judge.intervals import Interval, estimate, interval
from benchmark.judge.verdict import MIRROR, decide


@pytest.mark.parametrize(
    ("ci_verdict", "ci90", "floor", "verdict", "flags"),
    [
        ((0.02, 0.05), (0.025, 0.045), 0.005, "HELPS", ()),
        ((0.02, 0.05), (0.025, 0.045), None, "HELPS", ()),
        ((0.02, 0.05), (0.025, 0.045), 0.03, "BETTER", ()),
        ((0.01, 0.05), (0.015, 0.045), 0.0, "BETTER", ()),
        ((-0.05, -0.02), (-0.045, -0.025), 0.005, "HARMS", ()),
        ((-0.05, -0.02), (-0.045, -0.025), 0.02, "WORSE", ()),
        ((-0.004, 0.006), (-0.003, 0.005), 0.005, "EQUIVALENT", ()),
        ((0.001, 0.006), (0.002, 0.005), 0.005, "EQUIVALENT", ("better_inside_rope",)),
        ((-0.006, -0.001), (-0.005, -0.002), None, "EQUIVALENT", ("worse_inside_rope", "no_floor")),
        ((0.001, 0.006), (0.002, 0.005), 0.01, "BETTER", ()),
        ((-0.004, 0.006), (-0.003, 0.005), 0.01, "INCONCLUSIVE", ("floor_above_rope",)),
        ((0.0, 0.0), (0.0, 0.0), 0.02, "INCONCLUSIVE", ("floor_above_rope",)),
        ((-0.02, 0.03), (-0.01, 0.02), 0.005, "INCONCLUSIVE", ()),
        ((0.0, 0.03), (0.002, 0.02), 0.005, "INCONCLUSIVE", ()),
    ],
)
def test_rules_in_their_order(
    ci_verdict: Interval, ci90: Interval, floor: float | None, verdict: str, flags: tuple[str, ...]
) -> None:
    found = decide(origins=5, ci_verdict=ci_verdict, ci90=ci90, rope=0.01, floor=floor)
    assert found == (verdict, flags)
    few = decide(origins=4, ci_verdict=ci_verdict, ci90=ci90, rope=0.01, floor=floor)
    assert few == ("INSUFFICIENT", ())
    turned = decide(
        origins=5, ci_verdict=ci_verdict, ci90=ci90, rope=0.01, floor=floor, reversed_without_failures=True
    )
    assert turned == ("INCONCLUSIVE", ("complete_case_reversed",))


shares = st.floats(-1, 1)


@given(
    st.tuples(shares, st.floats(0, 1), st.floats(0, 1)),
    st.floats(0, 0.2),
    st.none() | st.floats(0, 0.2),
    st.integers(1, 8),
    st.booleans(),
)
def test_swapped_arms_mirror_the_verdict(
    shape: tuple[float, float, float], rope: float, floor: float | None, origins: int, turned: bool
) -> None:
    mean, narrow, more = shape
    inner, outer = (mean - narrow, mean + narrow), (mean - narrow - more, mean + narrow + more)

    def verdict(sign: int) -> str:
        ci90, ci_verdict = sorted(sign * end for end in inner), sorted(sign * end for end in outer)
        return decide(
            origins=origins,
            ci_verdict=(ci_verdict[0], ci_verdict[1]),
            ci90=(ci90[0], ci90[1]),
            rope=rope,
            floor=floor,
            reversed_without_failures=turned,
        ).name

    assert verdict(-1) == MIRROR[verdict(1)]


def test_one_origin_gets_no_verdict() -> None:
    assert decide(origins=1, ci_verdict=None, ci90=None, rope=0.01, floor=None).name == "INSUFFICIENT"


@pytest.mark.parametrize("kind", ["fixed", "random"])
@pytest.mark.parametrize(("truth", "alarms"), [(0.0, ("BETTER", "HELPS")), (0.01, ("HELPS",))])
def test_false_alarms_stay_below_their_level(kind: str, truth: float, alarms: tuple[str, ...]) -> None:
    runs, origins, hosts = 2000, 20, 6
    rng = np.random.default_rng(7)
    host = np.zeros(hosts) if kind == "fixed" else rng.normal(0, 0.02, (runs, 1, hosts))
    effects = (
        truth + rng.normal(0, 0.03, (runs, origins, 1)) + host + rng.normal(0, 0.03, (runs, origins, hosts))
    )
    false = 0
    for run in effects:
        found = estimate(run, kind)
        ci95, ci90 = interval(found, 0.95), interval(found, 0.90)
        verdict = decide(origins=origins, ci_verdict=ci95, ci90=ci90, rope=0.01, floor=0.004)
        false += verdict.name in alarms
    assert false / runs <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / runs)


@pytest.mark.parametrize("noise", [0.004, 0.02, 0.3])
def test_an_effect_of_delta_is_rarely_called_equivalent(noise: float) -> None:
    runs, origins = 2000, 20
    rng = np.random.default_rng(8)
    false = 0
    for run in 0.01 + rng.normal(0, noise, (runs, origins, 1)):
        found = estimate(run, "fixed")
        ci95, ci90 = interval(found, 0.95), interval(found, 0.90)
        false += (
            decide(origins=origins, ci_verdict=ci95, ci90=ci90, rope=0.01, floor=None).name == "EQUIVALENT"
        )
    assert false / runs <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)
