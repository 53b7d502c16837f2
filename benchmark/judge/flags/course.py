"""How the arms were trained: a loss that was not finite, hardly any steps, more seconds than the baseline."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmark.findings import Finding
from benchmark.judge.flags.seen import PLACE, Seen, arm, subject
from benchmark.judge.words import percent

__all__ = [
    "gain_with_more_seconds",
    "hardly_trained",
    "loss_not_finite",
    "suspiciously_fast",
]

NOT_FINITE = "the loss was not finite"
"""How a record's remark begins where a training loss was no number and later was one again."""
MORE_SECONDS = 1.5
HARDLY = 0.05
"""Of its peers' steps: less than that is no training."""
FAST = 0.1
"""Of its peers' time for a step, or for a fit where nothing is known of steps."""
MEASURABLE = 0.02
"""Seconds of a peer's fit below which its time says nothing."""


def loss_not_finite(seen: Seen) -> Iterator[Finding]:
    """A training loss was no number in some step and came back."""
    if not seen.knows("reason"):
        return
    rows = seen.rows[seen.rows["reason"].astype("str").str.contains(NOT_FINITE, regex=False, na=False)]
    for component, setting in seen.arms():
        mine = rows[((rows["component"] == component) & (rows["setting"] == setting)).to_numpy()]
        if mine.empty:
            continue
        every = len(seen.rows_of(component, setting))
        yield Finding(
            "loss_not_finite",
            "warning",
            arm(component, setting),
            f"in {len(mine)} of {every} fits of {component} the loss was not finite and came back, first on "
            f"{mine['task'].iloc[0]}: {mine['reason'].iloc[0]}",
            why="A step was taken on no number at all, or skipped: what came after is another run's result.",
            advice="Find the first step with a loss that is not finite: a smaller learning rate or clipped "
            "gradients, or a division and a logarithm that meet a zero.",
        )


def hardly_trained(seen: Seen) -> Iterator[Finding]:
    """The model that an arm kept had hardly been trained, measured by the others' steps."""
    for component, setting in _with_steps(seen):
        ratio = _against_peers(seen, component, setting, "steps")
        if ratio is None or not ratio < HARDLY:
            continue
        mean = float(seen.of(component, setting)["steps"].mean())
        yield Finding(
            "hardly_trained",
            "warning",
            arm(component, setting),
            f"the models that {component} kept were trained for {mean:.3g} steps on average, "
            f"{percent(ratio)} of the other arms'",
            why="No later model was better on validation rows: training makes it worse, so what is compared "
            "is close to where it began.",
            advice="Plot its validation error by step at a tenth of its learning rate.",
        )


def gain_with_more_seconds(seen: Seen) -> Iterator[Finding]:
    """A gaining candidate's fits took longer than the baseline's."""
    for c in seen.gaining:
        ratio = c.volatile.get("cost_ratio", {}).get("fit_seconds")
        if ratio is None or not ratio > MORE_SECONDS:
            continue
        yield Finding(
            "gain_with_more_seconds",
            "warning",
            subject(c),
            f"{c.candidate}'s fits took {ratio:.2f} times as long as {c.baseline}'s, and its error is "
            f"{percent(c.effect.mean)} lower",
            why=f"More seconds alone may make the gain: {c.baseline} with as many has not been seen.",
            advice=f"Give {c.baseline} {ratio:.2g} times the budget, or both the same in seconds.",
        )


def suspiciously_fast(seen: Seen) -> Iterator[Finding]:
    """An arm's fits take a fraction of the time that its peers' take, step for step where steps are known."""
    if not seen.knows("fit_seconds"):
        return
    for component, setting in seen.arms():
        stepped = seen.is_neural(component, setting)
        ratio = _against_peers(seen, component, setting, "seconds_a_step" if stepped else "fit_seconds")
        if ratio is None or not ratio < FAST:
            continue
        yield Finding(
            "suspiciously_fast",
            "warning",
            arm(component, setting),
            f"{'a step' if stepped else 'a fit'} of {component} takes {percent(ratio)} of the time of "
            "the other arms'",
            why="What arrives ten times faster than its like did less than it was asked to.",
            advice="Count the calls of its step or fit in one cell, and the rows that each is given.",
        )


def _with_steps(seen: Seen) -> Iterator[tuple[str, str]]:
    if "steps" in seen.means.columns:
        yield from (one for one in seen.arms() if len(seen.of(*one)))


def _against_peers(seen: Seen, component: str, setting: str, column: str) -> float | None:
    """The arm's geometric mean ratio to the median of the other arms of its setting; None without any."""
    peers = [name for name, at in seen.arms() if at == setting and name != component]
    return _ratio(seen, component, peers, setting, column) if peers else None


def _ratio(seen: Seen, component: str, peers: list[str], setting: str, column: str) -> float | None:
    cells = _alone(seen.means)
    if column not in cells.columns:
        return None
    mine = cells[((cells["component"] == component) & (cells["setting"] == setting)).to_numpy()]
    theirs = cells[(cells["component"].isin(peers) & (cells["setting"] == setting)).to_numpy()]
    if column != "steps":
        theirs = theirs[theirs["fit_seconds"] >= MEASURABLE]
    level = theirs[theirs[column] > 0].groupby(PLACE, sort=True)[column].median().rename("level")
    both = mine.merge(level.reset_index(), on=PLACE)
    if both.empty:
        return None
    smallest = both["level"].min() * 1e-6  # a model that was never trained has no logarithm of its steps
    logs = np.log(both[column].clip(lower=smallest)) - np.log(both["level"])
    return float(np.exp(logs.mean()))


def _alone(means: pd.DataFrame) -> pd.DataFrame:
    """The cells with ``seconds_a_step``, and with times where they are those of a fit that ran alone.

    The time of a fit that trained together with others is its share: no arm's own.
    """
    if "fit_seconds" not in means.columns:
        return means
    seconds = means["fit_seconds"]
    if "stacked" in means.columns:
        seconds = seconds.where(means["stacked"].fillna(0) == 0)
    steps = means["steps"].where(means["steps"] > 0) if "steps" in means.columns else np.nan
    return means.assign(fit_seconds=seconds, seconds_a_step=seconds / steps)
