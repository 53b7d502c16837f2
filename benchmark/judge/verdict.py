"""The decision rule, as a pure function of numbers."""

from __future__ import annotations

from typing import NamedTuple

from benchmark.judge.intervals import Interval

__all__ = ["MIRROR", "ORIGINS_NEEDED", "Verdict", "decide"]

ORIGINS_NEEDED = 5
"""With fewer independent origins the numbers are shown and no verdict is given."""

MIRROR = {
    "HELPS": "HARMS",
    "BETTER": "WORSE",
    "EQUIVALENT": "EQUIVALENT",
    "INCONCLUSIVE": "INCONCLUSIVE",
    "INSUFFICIENT": "INSUFFICIENT",
    "WORSE": "BETTER",
    "HARMS": "HELPS",
}
"""Each verdict's name with candidate and baseline swapped."""


class Verdict(NamedTuple):
    """A verdict and the flags that belong to it alone."""

    name: str
    flags: tuple[str, ...] = ()


def decide(
    *,
    origins: int,
    ci_verdict: Interval | None,
    ci90: Interval | None,
    rope: float,
    floor: float | None,
    reversed_without_failures: bool = False,
) -> Verdict:
    """The verdict that the numbers support: the first of these rules that holds.

    1. INSUFFICIENT: fewer than five origins.
    2. INCONCLUSIVE, flag ``complete_case_reversed``: without the imputed blocks the effect has the
       other sign.
    3. HELPS (HARMS): ``ci_verdict`` lies above max(rope, floor) (below its negative).
    4. EQUIVALENT: ``ci90`` lies inside (−rope, rope) and the floor is below the rope; flags
       ``better_inside_rope`` or ``worse_inside_rope`` where ``ci_verdict`` excludes zero, and
       ``no_floor`` where no A/A arm was run.
    5. BETTER (WORSE): ``ci_verdict`` lies above (below) zero.
    6. INCONCLUSIVE, flag ``floor_above_rope`` where only the floor stood against EQUIVALENT.
    """
    if origins < ORIGINS_NEEDED or ci_verdict is None or ci90 is None:
        return Verdict("INSUFFICIENT")
    if reversed_without_failures:
        return Verdict("INCONCLUSIVE", ("complete_case_reversed",))
    low, high = ci_verdict
    bar = max(rope, floor or 0.0)
    if low > bar:
        return Verdict("HELPS")
    if high < -bar:
        return Verdict("HARMS")
    inside = -rope < ci90[0] and ci90[1] < rope
    if inside and (floor or 0.0) < rope:
        lean = ("better_inside_rope",) if low > 0 else ("worse_inside_rope",) if high < 0 else ()
        return Verdict("EQUIVALENT", lean + (("no_floor",) if floor is None else ()))
    if low > 0:
        return Verdict("BETTER")
    if high < 0:
        return Verdict("WORSE")
    return Verdict("INCONCLUSIVE", ("floor_above_rope",) if inside else ())
