"""Where the arms stand beside strong references, task by task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmark.judge.effects import relative
from benchmark.report.figures.canvas import INK, MARKERS, PALETTE, PLAIN, Drawing, percent_axis, row_size
from benchmark.report.words import label, percent

__all__ = ["reference_effects", "references"]

_ORDER = {"baseline": 0, "candidate": 1, "reference": 2}


def reference_effects(table: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """``Judgement.references`` with ``effect``: each arm's mean error on a task against the baseline's.

    The same formula as the verdict's, on errors averaged over everything (hosts too): a reference is a
    whole pipeline and has no host to be paired with. Baseline first, then candidates, then references.
    """
    ours = table[(table["arm"] == baseline) & (table["role"] == "baseline")].set_index("task")["error"]
    found = table[(table["role"] != "baseline") | (table["arm"] == baseline)]
    against = found["task"].map(ours).to_numpy(dtype=float)
    errors = found["error"].to_numpy(dtype=float)
    effects = np.where(np.isnan(errors) | np.isnan(against), np.nan, relative(against, errors))
    found = found.assign(effect=effects, order=found["role"].map(_ORDER))
    return found.sort_values(["order", "arm", "task"], ignore_index=True).drop(columns="order")


def references(
    effects: pd.DataFrame, baseline: str, about: str, shown: Sequence[str] | None = None
) -> Drawing | None:
    """One row per task, or None where no reference was run.

    One mark per reference and per candidate ``shown``, every one unless given.
    """
    if not (effects["role"] == "reference").any():
        return None
    tasks = sorted(effects["task"].unique())
    arms = effects[effects["arm"] != baseline][["role", "arm"]].drop_duplicates()
    if shown is not None:
        arms = arms[(arms["role"] == "reference") | arms["arm"].isin(list(shown))]
    row, size = row_size(len(tasks))
    height = 1.1 + (row + 0.03) * len(tasks)
    figure = Figure(figsize=(6.6, height))
    axes = figure.add_axes((0.21, 0.5 / height, 0.54, 1 - 0.6 / height))
    axes.axvline(0, color=INK, lw=1.2)
    axes.grid(axis="y", color=PLAIN, alpha=0.25, lw=0.6)
    axes.set_axisbelow(True)
    for number, arm in enumerate(arms.itertuples()):
        rows = effects[(effects["arm"] == arm.arm) & (effects["role"] == arm.role)]
        colour = PALETTE[number % len(PALETTE)]
        face = "none" if arm.role == "reference" else colour
        at = [tasks.index(task) for task in rows["task"]]
        mark: dict[str, Any] = {
            "marker": MARKERS[number % len(MARKERS)],
            "facecolor": face,
            "edgecolor": colour,
            "s": 4 * size,
            "zorder": 3,
        }
        kind = " (reference)" if arm.role == "reference" else ""
        axes.scatter(rows["effect"], at, label=f"{label(arm.arm, 18)}{kind}", **mark)
    axes.set_yticks(range(len(tasks)), [label(task) for task in tasks])
    axes.set_ylim(len(tasks) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0, labelsize=size + 1)
    percent_axis(axes)
    axes.set_xlabel(f"worse than {label(baseline, 16)} ←  effect, %  → better")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    means = effects.groupby(["role", "arm"], sort=True)["effect"].mean()
    caption = (
        f"Error of each arm relative to {baseline} (the zero line), averaged over hosts, splits and seeds "
        "where it came to a result; hollow marks are references: whole pipelines outside the slot. No test "
        f"is made here. {about}"
    )
    alt = "Mean effect against the baseline: " + "; ".join(
        f"{arm} {percent(mean)}" for (_, arm), mean in means.items()
    )
    return Drawing("references", "Beside strong references", caption, f"{alt}.", figure, effects)
