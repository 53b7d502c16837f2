"""A search that misled: settings on the edge, a baseline below its default, validation far from test."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from benchmark.findings import Finding
from benchmark.judge.flags.seen import PLACE, Seen, arm, mean_over_origins, share_saved, subject
from benchmark.judge.intervals import interval
from benchmark.judge.words import percent

__all__ = ["below_a_reference", "best_at_the_edge", "validation_far_from_test", "worse_than_its_default"]

ENDS = {"lower": ("at_lower", "low"), "upper": ("at_upper", "high")}
"""By end of a search space: the columns of its share of the settings, and of its bound."""
WHOLE = "pipeline"
"""The slot of a reference, which may have a baseline's name and is none."""
APART = 0.1
"""Test against validation error, as a share, further from the baseline's own gap than this."""
CHANCE = 0.99
"""A reference whose mean error is at least this share of the featureless one does not learn."""


def best_at_the_edge(edges: pd.DataFrame | None) -> Iterator[Finding]:
    """The tuned settings of an arm crowd at one end of its search space."""
    for row in () if edges is None else edges[edges["slot"] != WHOLE].to_dict("records"):
        argument = str(row["argument"]).removeprefix(f"{row['slot']}.")
        for end, (there, bound) in ENDS.items():
            if row[end]:
                yield Finding(
                    "best_at_the_edge",
                    "warning",
                    arm(str(row["component"]), "tuned"),
                    f"{row['component']} {argument}: {percent(float(row[there]))} of the tuned settings lie "
                    f"at the {end} end ({float(row[bound]):.4g}) of its search space",
                    why="The best setting may lie outside: this arm was not tuned as far as the others.",
                    advice=f"Widen the space of {argument}, unless that is where the argument ends.",
                )


def worse_than_its_default(seen: Seen) -> Iterator[Finding]:
    """A baseline's mean error is larger tuned than with its default setting."""
    for baseline in dict.fromkeys(c.baseline for c in seen.comparisons):
        tuned, default = (seen.of(baseline, setting) for setting in ("tuned", "default"))
        both = tuned.merge(default[[*PLACE, "error"]], on=PLACE, suffixes=("", "_default"))
        if both.empty:
            continue
        both = both.assign(gain=share_saved(both["error_default"], both["error"]))
        found = mean_over_origins(both, "gain")
        if found is None or not found.mean < 0:
            continue
        ends = interval(found, 0.95)
        beyond = -found.mean > seen.judgement.rope or (ends is not None and ends[1] < 0)
        yield Finding(
            "worse_than_its_default",
            "warning" if beyond else "note",
            arm(baseline, "tuned"),
            f"the baseline {baseline} is {percent(-found.mean)} worse tuned than with its default setting",
            why="The validation data or the search space mislead its tuning, and a gain over it is cheap.",
            advice="Read both settings; give the search more trials, or more validation rows.",
        )


def below_a_reference(seen: Seen) -> Iterator[Finding]:
    """A reference has a smaller mean error over data sets than a baseline."""
    table = seen.judgement.references
    references = table[(table["role"] == "reference").to_numpy()]
    if references.empty:
        return
    chance = (
        seen.means.groupby("task")["featureless_error"].max() if seen.knows("featureless_error") else None
    )
    for baseline in dict.fromkeys(c.baseline for c in seen.comparisons):
        mine = table[(table["arm"] == baseline).to_numpy() & (table["role"] == "baseline").to_numpy()]
        both = references.merge(mine[["task", "error", "setting"]], on="task", suffixes=("", "_baseline"))
        both = both.assign(effect=share_saved(both["error_baseline"], both["error"]))
        means = both.groupby("arm", sort=True)["effect"].mean().sort_values(ascending=False, kind="stable")
        better = means[means > 0]
        if better.empty:
            continue
        setting = str(mine["setting"].iloc[0])
        blind = [name for name in better.index if _learns_nothing(both[both["arm"] == name], chance)]
        names = ", ".join(f"{name} ({percent(mean)})" for name, mean in better.items())
        yield Finding(
            "below_a_reference",
            "warning" if blind else "note",
            arm(baseline, setting),
            f"the baseline {baseline} loses to {len(better)} of {len(means)} references on average over data "
            f"sets: {names}" + (f"; {blind[0]} reads no feature" if blind else ""),
            why="The baseline does not learn: what beats it may be nothing."
            if blind
            else "A gain over it says little about the state of the art on these data.",
            advice="Run a stronger baseline, or tune this one further, before calling it progress.",
        )


def validation_far_from_test(seen: Seen) -> Iterator[Finding]:
    """A candidate's test error lies further from its validation error than the baseline's own does."""
    if not seen.knows("validation_error"):
        return
    cells = seen.means.assign(gap=share_saved(seen.means["error"], seen.means["validation_error"]))
    for c in seen.comparisons:
        ours, theirs = (
            cells[((cells["component"] == name) & (cells["setting"] == c.setting)).to_numpy()]
            for name in (c.candidate, c.baseline)
        )
        both = ours.merge(theirs[[*PLACE, "gap"]], on=PLACE, suffixes=("", "_baseline"))
        both = both.assign(apart=both["gap"] - both["gap_baseline"])
        found = mean_over_origins(both, "apart")
        ends = None if found is None else interval(found, 0.99)
        if found is None or ends is None or abs(found.mean) < APART or ends[0] <= 0 <= ends[1]:
            continue
        above = found.mean > 0
        yield Finding(
            "validation_far_from_test",
            "warning",
            subject(c),
            f"{c.candidate}'s validation error is {_away(both, 'gap')} its test error, {c.baseline}'s "
            f"{_away(both, 'gap_baseline')} its own",
            why="Its settings were chosen by a number that does not hold on test rows: validation rows "
            "reach its fit, or it overfits them."
            if above
            else "Its settings were chosen by a number that is worse than what they are worth: it predicts "
            "otherwise in validation than in the test.",
            advice=f"See what {c.candidate} does with validation rows before they are predicted, and in "
            "which mode it predicts them.",
        )


def _away(cells: pd.DataFrame, column: str) -> str:
    """How far a validation error lies from the test error: ``3.0 % below``."""
    found = mean_over_origins(cells, column)
    gap = 0.0 if found is None else found.mean
    return f"{percent(abs(gap))} {'below' if gap > 0 else 'above'}"


def _learns_nothing(rows: pd.DataFrame, chance: pd.Series | None) -> bool:
    """Whether a reference is no better than the featureless error."""
    if chance is None:
        return False
    return bool((rows["error"] >= CHANCE * rows["task"].map(chance)).mean() > 0.5)
