"""Does tuning change the picture: effects with default and tuned settings, and what tuning gained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmark.judge import Comparison
from benchmark.judge.effects import relative
from benchmark.report.figures.canvas import INK, PALETTE, Drawing, band, percent_axis
from benchmark.report.words import bounds, label, percent

__all__ = ["settings", "tuning_gains"]

_NOTHING = 1e-9
"""Gains below this are the arithmetic's: nothing was tuned."""
_LOOKS = {"default": (-0.13, "white"), "tuned": (0.13, PALETTE[0])}


def tuning_gains(comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """Mean relative reduction of an arm's own error by tuning, one row per arm, baselines first."""
    errors: dict[str, dict[str, pd.Series]] = {}
    for c in comparisons:
        table = c.effects.set_index(["task", "host"])
        errors.setdefault(c.baseline, {})[c.setting] = table["error_baseline"]
    for c in comparisons:
        table = c.effects.set_index(["task", "host"])
        errors.setdefault(c.candidate, {}).setdefault(c.setting, table["error_candidate"])
    rows = []
    for arm, by_setting in errors.items():
        if {"default", "tuned"} <= set(by_setting):
            before, after = by_setting["default"].align(by_setting["tuned"], join="inner")
            gain = relative(before.to_numpy(), after.to_numpy())
            rows.append({"arm": arm, "gain": float(np.mean(gain)), "cells": len(gain)})
    return pd.DataFrame(rows, columns=["arm", "gain", "cells"])


def settings(comparisons: Sequence[Comparison], about: str) -> Drawing | None:
    """Both settings side by side, or None where the study has only one."""
    if {c.setting for c in comparisons} != {"default", "tuned"}:
        return None
    gains = tuning_gains(comparisons)
    pairs = list(dict.fromkeys((c.candidate, c.baseline) for c in comparisons))
    height = 1.2 + 0.36 * max(len(pairs), len(gains))
    figure = Figure(figsize=(7.2, height))
    box = (0.8 / height, 1 - 1.15 / height)
    left = figure.add_axes((0.17, box[0], 0.38, box[1]))
    right = figure.add_axes((0.76, box[0], 0.22, box[1]))
    band(left, comparisons[0].rope)
    for setting, (shift, face) in _LOOKS.items():
        some = [c for c in comparisons if c.setting == setting]
        rows = [pairs.index((c.candidate, c.baseline)) + shift for c in some]
        for c, row in zip(some, rows, strict=True):
            if (ends := bounds(c.effect.ci_verdict)) is not None:
                left.plot(ends, (row, row), color=PALETTE[0], lw=1.6)
        mark: dict[str, Any] = {"facecolor": face, "edgecolor": PALETTE[0], "s": 36, "zorder": 3}
        left.scatter([c.effect.mean for c in some], rows, label=f"{setting} setting", **mark)
    left.set_yticks(range(len(pairs)), [label(candidate, 18) for candidate, _ in pairs])
    left.set_ylim(len(pairs) - 0.4, -0.6)
    left.set_title("Effect against the baseline")
    right.barh(range(len(gains)), gains["gain"], height=0.5, color=PALETTE[4])
    for row, gain in enumerate(gains["gain"]):
        right.text(max(gain, 0), row, f" {percent(gain)}", va="center", fontsize=8)
    right.axvline(0, color=INK, lw=0.7)
    right.set_yticks(range(len(gains)), [label(arm, 18) for arm in gains["arm"]])
    right.set_ylim(len(gains) - 0.4, -0.6)
    right.margins(x=0.35)
    if gains["gain"].abs().max() < _NOTHING:
        right.set_xlim(-0.05, 0.05)
    right.set_title("Own error removed by tuning")
    for axes in (left, right):
        axes.tick_params(axis="y", length=0)
        percent_axis(axes)
        axes.set_xlabel("%")
    figure.legend(
        *left.get_legend_handles_labels(), loc="upper left", ncols=2, bbox_to_anchor=(0.12, 0.34 / height)
    )
    caption = (
        "Left: mean effect with the interval that the verdict uses, before and after tuning, against the "
        f"baseline in the same setting. Right: how much of its own error each arm lost by tuning. {about}"
    )
    alt = "Effects in both settings: " + "; ".join(
        f"{c.candidate} {c.setting} {percent(c.effect.mean)}" for c in comparisons
    )
    return Drawing(
        "tuned-against-default", "Tuned against default", caption, alt, figure, _table(comparisons, gains)
    )


def _table(comparisons: Sequence[Comparison], gains: pd.DataFrame) -> pd.DataFrame:
    own = dict(zip(gains["arm"], gains["gain"], strict=True))
    rows = []
    for c in comparisons:
        low, high = c.effect.ci_verdict or (None, None)
        row = {"arm": c.candidate, "baseline": c.baseline, "setting": c.setting, "effect": c.effect.mean}
        rows.append(row | {"low": low, "high": high, "gain_by_tuning": own.get(c.candidate)})
    rows += [{"arm": b, "gain_by_tuning": own.get(b)} for b in dict.fromkeys(c.baseline for c in comparisons)]
    return pd.DataFrame(rows)
