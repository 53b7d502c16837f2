"""What should differ and does not: a component that was never hooked up, seeds that nothing reads."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmark.findings import Finding, Severity
from benchmark.judge.comparison import Comparison
from benchmark.judge.flags.seen import BLOCK, Seen, arm, rough, subject

__all__ = [
    "baseline_repeats_itself",
    "nearly_identical",
    "no_change_across_seeds",
    "not_hooked_up",
    "tuning_changes_nothing",
]

ENOUGH = 8
"""Different error rates that are all the same in two arms, where each is a small count of wrong rows: two
healthy arms rarely share one in three, so that eight are shared by chance once in ten thousand studies."""
ENOUGH_FINE = 3
"""The same of errors that are finer than that; a few pairs of rows decide an AUC near one."""
ROUNDING = 1e-5
"""A relative difference that the order of sums makes of a training's result; what counts wrong rows differs
by more, or not at all."""
NEARLY_ALL = 0.75
"""Share of blocks that differ by rounding alone. Two kernels of one optimizer did on 9 of 10 with a budget of
500 steps; in the other one the rounding had grown to 7e-4."""
SPLIT = BLOCK[:-1]
IDLE = frozenset({"preprocessor"})
"""Slots whose components are no more than each other where the data hold nothing that they differ in: what
marks missing values does nothing where none is missing."""


def not_hooked_up(seen: Seen) -> Iterator[Finding]:
    """Candidate and baseline make the same error in every block, and the same predictions where known."""
    for c in seen.comparisons:
        if "identical" not in c.flags:
            continue
        both = _paired(seen, c)
        same = [name for name in (*seen.metrics, "prediction") if f"{name}_candidate" in both.columns]
        known = [name for name in same if both[f"{name}_candidate"].notna().any()]
        if not all(_equal(both[f"{name}_candidate"], both[f"{name}_baseline"]) for name in known):
            continue
        further = [name.removeprefix("metric_") for name in known if name != "prediction"]
        also = [f"the same {', '.join(further)}"] if further else []
        also += ["the same predictions"] if "prediction" in known else []
        fine = "prediction" in known or _fine(both, [name for name in known if name != "prediction"])
        if not (both["error_candidate"] > 0).any() and "prediction" not in known:
            continue  # nobody makes an error where there is none to be made
        idle = bool(seen.slots & IDLE)
        yield Finding(
            "not_hooked_up",
            "warning" if idle else _sure(both["error_candidate"], fine),
            subject(c),
            f"{c.candidate} and {c.baseline} made the same error in all {len(both)} blocks"
            + "".join(f", and {what}" for what in also),
            why="Two components that differ never agree to the last bit: unless they are one and the same, "
            + ("or these data give it nothing to do, " if idle else "")
            + "the candidate was never used, and the study compares the baseline with itself.",
            advice=f"Raise an error where {c.candidate} should do its work and run one cell: if nothing "
            "fails, it is never called.",
        )


def nearly_identical(seen: Seen) -> Iterator[Finding]:
    """Candidate and baseline differ in the last digits alone, in nearly all blocks: one method, two names.

    ENOUGH_FINE different numbers have to lie apart by rounding: equal ones may be counts of few rows.
    """
    for c in seen.comparisons:
        both = _paired(seen, c)
        names = ["error", *(name for name in seen.metrics if both[f"{name}_candidate"].notna().any())]
        ours, theirs = (
            both[[f"{name}_{side}" for name in names]].to_numpy(dtype=float)
            for side in ("candidate", "baseline")
        )
        size = np.maximum(np.abs(ours), np.abs(theirs))
        size[:, 1:] = np.maximum(size[:, 1:], 1.0)  # a score near zero, like an R², has no more digits
        gap = np.divide(np.abs(ours - theirs), size, out=np.zeros_like(size), where=size != 0)
        same = ((gap <= ROUNDING) | (np.isnan(ours) & np.isnan(theirs))).all(axis=1)
        told = [np.unique(each[same & (between > 0)]) for each, between in zip(ours.T, gap.T, strict=True)]
        if same.sum() < NEARLY_ALL * len(same) or max(map(len, told)) < ENOUGH_FINE:
            continue
        yield Finding(
            "nearly_identical",
            "warning",
            subject(c),
            f"{c.candidate} and {c.baseline} made the same error but for rounding in {same.sum()} of "
            f"{len(both)} blocks: their errors differ there by a share of {gap[same, 0].max():.1g} at most",
            why="Two methods that differ lie further apart. This is one method under two names, or what sets "
            f"them apart has no effect here; a verdict then compares {c.baseline} with itself.",
            advice=f"Compare one step (or fit) of {c.candidate} with one of {c.baseline} on the same data; "
            "look for an argument that was left at the baseline's value.",
        )


def no_change_across_seeds(seen: Seen) -> Iterator[Finding]:
    """An arm makes the same error with every seed, on every task, host and split."""
    keys = ["component", "setting", *SPLIT]
    splits = seen.rows.groupby(keys, observed=True, sort=False)
    found = splits["error"].agg(["min", "max", "size"]).reset_index()
    found = found[found["size"] > 1]
    moved = (
        (found["min"] != found["max"]).groupby([found["component"], found["setting"]], observed=True).any()
    )
    for component, setting in seen.arms():
        if bool(moved.get((component, setting), True)):
            continue
        errors = found.loc[
            ((found["component"] == component) & (found["setting"] == setting)).to_numpy(), "min"
        ]
        if not (errors > 0).any():
            continue
        neural = seen.is_neural(component, setting)
        fine = not rough(seen.rows_of(component, setting))
        yield Finding(
            "no_change_across_seeds",
            _sure(errors, fine) if neural else "note",
            arm(component, setting),
            f"{component} made the same error with every seed on all {len(errors)} "
            "combinations of task, host and split",
            why="A network starts from weights that the seed draws: if nothing changes, the seed is not "
            "used, and every interval that counts on seeds is too narrow."
            if neural
            else "That is as it should be for a component that draws nothing; the spread between seeds is "
            "then no uncertainty.",
            advice="Print the first weight after construction for two seeds; look for a fixed seed in the "
            "component's constructor."
            if neural
            else "One seed tells as much: protocol.seeds=1 saves the others.",
        )


def baseline_repeats_itself(seen: Seen) -> Iterator[Finding]:
    """The baseline's A/A arms are the baseline to the last bit, so the noise floor of zero means nothing."""
    for (baseline, setting), floor in seen.judgement.aa.items():
        if not len(floor.effects) or floor.effects["effect"].any():
            continue
        errors = seen.of(baseline, setting)["error"]
        if not (errors > 0).any():
            continue
        neural = seen.is_neural(baseline, setting)
        fine = not rough(seen.rows_of(baseline, setting))
        yield Finding(
            "baseline_repeats_itself",
            _sure(errors, fine) if neural else "note",
            arm(baseline, setting),
            f"{baseline} run again with other seeds made the same error on all {len(floor.effects)} "
            "combinations of A/A arm, task and host",
            why="The A/A arms measure how large an effect chance alone makes; a floor of zero lets every "
            "difference count."
            if neural
            else "What draws nothing has no noise floor.",
            advice="See whether the seed of the replicate reaches the fit." if neural else "",
        )


def tuning_changes_nothing(seen: Seen) -> Iterator[Finding]:
    """An arm's tuned fits chose settings other than the default and made its default's errors."""
    if not seen.knows("chosen") or not {"tuned", "default"} <= set(seen.rows["setting"]):
        return
    for component, setting in seen.arms():
        if setting != "tuned":
            continue
        tuned, default = (seen.rows_of(component, one) for one in ("tuned", "default"))
        tuned = tuned[tuned["chosen"].fillna("{}") != "{}"]
        both = tuned[[*BLOCK, "error", "chosen"]].merge(default[[*BLOCK, "error"]], on=BLOCK)
        if not (both["error_x"] > 0).any() or (both["error_x"] != both["error_y"]).any():
            continue
        yield Finding(
            "tuning_changes_nothing",
            _sure(both["error_x"], fine=False),
            arm(component, setting),
            f"{component} made the error of its default setting in all {len(both)} blocks for which "
            f"{both['chosen'].nunique()} other settings were chosen",
            why="A hyperparameter that changes no result is not passed on: the arm was tuned in name only.",
            advice=f"Build {component} with two values of a searched argument and compare the attributes.",
        )


def _paired(seen: Seen, c: Comparison) -> pd.DataFrame:
    """The blocks of a comparison's two arms that both came to a result."""
    ours, theirs = (seen.rows_of(name, c.setting) for name in (c.candidate, c.baseline))
    columns = [name for name in ("error", "prediction", *seen.metrics) if name in ours.columns]
    numbers = [name for name in ("n_test",) if name in ours.columns]
    right = theirs[[*BLOCK, *columns]]
    return ours[[*BLOCK, *numbers, *columns]].merge(right, on=BLOCK, suffixes=("_candidate", "_baseline"))


def _equal(ours: pd.Series, theirs: pd.Series) -> bool:
    known = ours.notna() & theirs.notna()
    return bool(known.any() and (ours[known].to_numpy() == theirs[known].to_numpy()).all())


def _fine(both: pd.DataFrame, metrics: list[str]) -> bool:
    """Whether a number among them is no mere count of wrong rows."""
    named = {name: both[f"{name}_candidate"] for name in metrics}
    count = both.get("n_test")
    every = [both["error_candidate"], *named.values()]
    return any(not rough(pd.DataFrame({"error": one, "n_test": count}).dropna()) for one in every)


def _sure(errors: pd.Series, fine: bool) -> Severity:
    """How sure it is that equal errors are no chance: fine ones agree on a few by no chance at all."""
    different = errors[errors > 0].nunique()
    return "error" if different >= (ENOUGH_FINE if fine else ENOUGH) else "warning"
