"""Whether a baseline is no longer what it was: the regression watch.

A drift is a mean change on the data sets of the study that is larger than δ and than the A/A floor, and that
other random numbers would bring about in no more than one of a hundred nights.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from benchmark.judge.recomputed import recomputed

__all__ = ["Drift", "drift", "moved_settings"]

_ALPHA = 0.01
"""How likely a night on which baselines are computed again may give a false alarm, at most."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A baseline that is better or worse than it was, by more than noise."""

    arm: str
    setting: str
    kind: str
    """``regression`` or ``improvement``."""
    effect: float
    """Mean change as a share of the larger error, negative where it got worse."""
    p: float
    """That a change this large comes from other random numbers alone."""
    floor: float | None
    """The largest mean effect of its A/A arms of then."""
    origins: int
    since: str
    """When what it is held against was judged (UTC)."""
    largest: tuple[tuple[str, float], ...] = ()
    """The tasks with the largest changes."""
    causes: tuple[str, ...] = ()
    """What differs between then and now, the likeliest first."""


def moved_settings(before: pd.DataFrame, now: pd.DataFrame, arm: str) -> list[str]:
    """The settings in which a baseline has cells on both sides, and some under another key."""
    cell = ["host", "task", "repeat", "fold", "seed", "setting"]
    then, today = (
        side.loc[
            (side["component"] == arm) & (side["role"] == "baseline") & (side["replicate"] == 0),
            [*cell, "key"],
        ]
        for side in (before, now)
    )
    both = then.merge(today, on=cell, suffixes=("_then", "_now"))
    return sorted(set(both.loc[both["key_then"] != both["key_now"], "setting"].astype(str)))


def drift(
    before: pd.DataFrame, now: pd.DataFrame, arm: str, setting: str, *, rope: float, asked: int, since: str
) -> Drift | None:
    """How a baseline drifted in a setting; None where what is seen may be noise or is too small to count.

    Parameters
    ----------
    before, now
        Records of the study, with ``records.schema.RECORD_COLUMNS``.
    rope
        δ, a share of the error.
    asked
        How many such questions the night asks: its chance of a false alarm is divided among them.
    since
        When ``before`` was judged.
    """
    found = recomputed(before, now, arm, setting)
    if found is None or found.p > _ALPHA / asked or abs(found.effect) <= max(rope, found.floor or 0.0):
        return None
    kind = "regression" if found.effect < 0 else "improvement"
    return Drift(arm, setting, kind, found.effect, found.p, found.floor, found.origins, since, found.largest)
