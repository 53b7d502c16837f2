"""What tuning buys: the test error of the best of k trials, against the untuned baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from benchmark.judge.effects import base_hosts, grid, relative
from benchmark.judge.search.budget import expected_best, first_best
from benchmark.report.figures.canvas import INK, MARKERS, PALETTE, Drawing, percent_axis
from benchmark.report.words import label, percent

__all__ = ["budget", "budget_curves"]

GUIDED = ("tpe",)
"""Samplers whose later trials learn from the earlier ones: the first k trials are no random k of them."""
_RUN = ["component", "host", "task", "origin", "repeat", "fold", "tuning"]


def budget_curves(trials: pd.DataFrame, records: pd.DataFrame, baseline: str, sampler: str) -> pd.DataFrame:
    """Mean effect of each arm's best of k against ``baseline``'s default: component, k, effect, cells.

    The k trials are any k of those that were run (the expectation over all subsets) where ``sampler``
    proposes each without a look at the others, and the first k, the default first, where it learns.
    Every tuning study has a curve of its own. Errors are averaged over splits and tuning studies, then the
    effect is taken per (task, host), then averaged with equal weight over hosts and origins: as in the
    verdict. A failed trial counts as the featureless predictor
    of its split, or where that is unknown as the worst trial of its run. An arm is followed up to the
    largest k that all of its runs reached.
    """
    ours = trials[(trials["replicate"] == 0) & (trials["role"] != "reference")]
    curves = _curves(ours, records, first_best if sampler in GUIDED else expected_best)
    errors = curves.groupby(["component", "origin", "task", "host", "k"])["error"].mean()
    start = curves[(curves["component"] == baseline) & (curves["k"] == 1)]
    untuned = start.groupby(["origin", "task", "host"])["default"].mean()
    table = errors.reset_index().merge(untuned.reset_index(), on=["origin", "task", "host"])
    table["effect"] = relative(table["default"].to_numpy(), table["error"].to_numpy())
    table["base_host"] = table["host"].map(dict(zip(records["host"], base_hosts(records), strict=True)))
    rows = []
    for (component, k), part in table.groupby(["component", "k"], sort=True):
        effect = float(np.nanmean(np.nanmean(grid(part), axis=1)))
        rows.append({"component": component, "k": k, "effect": effect, "cells": len(part)})
    return pd.DataFrame(rows, columns=["component", "k", "effect", "cells"])


def _curves(trials: pd.DataFrame, records: pd.DataFrame, best_of: Callable[..., np.ndarray]) -> pd.DataFrame:
    """Test error of the best of k by k of every tuning run, beside the error of its default setting."""
    featureless = records.groupby(["task", "repeat", "fold"])["featureless_error"].max().to_dict()
    reached = trials.groupby(_RUN).size().groupby("component").min()
    parts = []
    for place, run in trials.sort_values("trial", kind="stable").groupby(_RUN, sort=True):
        where = dict(zip(_RUN, place, strict=True))
        stands_in = featureless.get((where["task"], where["repeat"], where["fold"]), np.nan)
        stands_in = run["error"].max() if pd.isna(stands_in) else stands_in
        if pd.isna(stands_in):  # every trial failed on a split without a featureless error: no curve
            continue
        test = run["error"].fillna(stands_in).to_numpy(dtype=float)
        curve = best_of(run["validation_error"], test, failed_error=stands_in)
        default = test[run["trial"].to_numpy() == 0].mean()
        k = np.arange(1, reached[where["component"]] + 1)
        parts.append(pd.DataFrame({**where, "k": k, "error": curve[: len(k)], "default": default}))
    columns = [*_RUN, "k", "error", "default"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def budget(
    curves: pd.DataFrame, baseline: str, about: str, sampler: str, shown: Sequence[str] | None = None
) -> Drawing | None:
    """Effect against the number of trials, or None where nothing was tuned.

    One line for the baseline and for each arm ``shown``, every arm unless given.
    """
    if curves.empty or curves["k"].max() < 2:
        return None
    figure = Figure(figsize=(6.2, 3.4))
    axes = figure.add_axes((0.13, 0.16, 0.62, 0.8))
    axes.axhline(0, color=INK, lw=0.7)
    known = sorted(curves["component"].unique(), key=lambda arm: (arm != baseline, arm))
    arms = [arm for arm in known if shown is None or arm in (baseline, *shown)]
    for number, arm in enumerate(arms):
        line = curves[curves["component"] == arm]
        colour = INK if arm == baseline else PALETTE[(number - 1) % len(PALETTE)]
        dashes = "--" if arm == baseline else "-"
        marker = MARKERS[number % len(MARKERS)]
        axes.plot(
            line["k"],
            line["effect"],
            color=colour,
            ls=dashes,
            marker=marker,
            ms=4,
            lw=1.6,
            label=label(arm, 20),
        )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    percent_axis(axes, "y")
    axes.set_xlabel("trials spent, k")
    axes.set_ylabel(f"effect against untuned {label(baseline, 16)}, %")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    largest = int(curves["k"].max())
    against = f"k = 1 to {largest}, relative to {baseline} with its default setting (zero line)"
    which, caption = _said(sampler, against)
    last = curves[curves["k"] == curves.groupby("component")["k"].transform("max")]
    ends = "; ".join(f"{row.component} {percent(row.effect)}" for row in last.itertuples())
    alt = f"{which} With the whole budget: {ends}"
    caption = f"{caption}; no interval is drawn. {about}"
    return Drawing("tuning-budget", "What tuning buys", caption, f"{alt}.", figure, curves)


def _said(sampler: str, against: str) -> tuple[str, str]:
    """Which k trials are meant, in a sentence for the alternative text, and the caption's beginning."""
    if sampler in GUIDED:
        return "Best of the first k trials.", (
            f"Test error of the best of the first k trials by validation, {against}. Trials in the order "
            f"in which they were run, the default setting first, since {sampler} learns from earlier ones; "
            "mean over tuning studies"
        )
    return "Expected best of any k trials.", (
        f"Expected test error of the best of k trials by validation, {against}. Exact mean over all subsets "
        "of the trials that were run, the default setting among them"
    )
