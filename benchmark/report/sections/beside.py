"""What readers expect beside a verdict; no verdict rests on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from benchmark.judge import Comparison
from benchmark.judge.field.improvement import WithInterval
from benchmark.report.sections.material import Material, Part, Section, named
from benchmark.report.tables import Table
from benchmark.report.words import NONE, bounds, chance

__all__ = ["beside", "beside_table"]

_TESTS = {"nadeau_bengio": "Nadeau and Bengio's corrected t over splits", "welch": "Welch's t over seeds"}


def beside(material: Material) -> Section:
    """One table, with the words to read it by."""
    comparisons = material.judgement.comparisons
    return Section("beside", "Beside the verdict", (Part(tables=(beside_table(comparisons),)),))


def beside_table(comparisons: Sequence[Comparison]) -> Table:
    """One row per comparison: each expected statistic; empty where the records do not hold it."""
    frame = pd.DataFrame([_row(c) for c in comparisons])
    rope = 100 * comparisons[0].rope
    every = {
        "P(smaller error)": ("improvement", "improvement_low", "improvement_high"),
        "worse / equal / better": ("bayes_worse", "bayes_equal", "bayes_better"),
        "IQM candidate": ("iqm_candidate", "iqm_candidate_low", "iqm_candidate_high"),
        "IQM baseline": ("iqm_baseline", "iqm_baseline_low", "iqm_baseline_high"),
        "shown on": ("k_bonferroni", "k_fisher", "k_of", "direction", "k_test", "alpha"),
        "Welch W / T / L": ("welch_wins", "welch_ties", "welch_losses"),
    }
    pairs = {name: names for name, names in every.items() if frame[names[0]].notna().any()}
    frame = frame.drop(
        columns=[name for names in every.values() if names not in pairs.values() for name in names]
    )
    formats: dict[str, Callable[[Any], str]] = dict.fromkeys(list(every)[:4], _value)
    formats |= {"worse / equal / better": _chances, "shown on": _shown_on, "Welch W / T / L": _tally}
    titles = {
        "P(smaller error)": "that a random run of the candidate has a smaller error than a random run of the "
        "baseline on the same task and host; 95 % interval over runs, these tasks fixed",
        "worse / equal / better": "Bayesian signed-rank test over data sets: probabilities that the "
        f"candidate is worse, practically equal (within {rope:g} %) or better",
        "IQM candidate": "interquartile mean of the runs' errors, as shares of the larger of the two arms' "
        "mean errors of the task and host; 95 % interval over runs",
        "IQM baseline": "the same for the baseline",
        "shown on": "at least on so many data sets there is an effect in the direction of the mean: by "
        "Bonferroni's and by Fisher's partial conjunction test",
        "Welch W / T / L": "data sets won, tied and lost by Welch's t test over runs, without regard to how "
        "large the effect is",
    }
    caption = (
        "Statistics that readers expect, from the same blocks. They do not make the verdict: most take these "
        "data sets as given, and none knows the noise floor."
    )
    caption = " ".join([caption, *_read(comparisons)])
    return Table("beside", caption, frame, formats, pairs=pairs, titles=titles)


def _row(c: Comparison) -> dict[str, Any]:
    found = c.beside
    row = named(c) | _whole("improvement", found.improvement)
    bayes = found.bayes
    row |= {f"bayes_{name}": bayes and getattr(bayes, name) for name in ("worse", "equal", "better")}
    for arm in ("candidate", "baseline"):
        row |= _whole(f"iqm_{arm}", None if found.iqm is None else found.iqm[arm])
    k, welch = found.replicability or {}, found.welch or {}
    row |= {"k_bonferroni": k.get("k_bonferroni"), "k_fisher": k.get("k_fisher"), "k_of": k.get("of")}
    row |= {"direction": k.get("direction"), "k_test": k.get("test"), "alpha": k.get("alpha")}
    return row | {f"welch_{name}": welch.get(name) for name in ("wins", "ties", "losses")}


def _whole(name: str, found: WithInterval | None) -> dict[str, float | None]:
    value, low, high = found or (None, None, None)
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def _read(comparisons: Sequence[Comparison]) -> list[str]:
    """What the columns rest on, where the records differ in what they hold."""
    tests = dict.fromkeys(c.beside.replicability["test"] for c in comparisons if c.beside.replicability)
    alphas = dict.fromkeys(c.beside.replicability["alpha"] for c in comparisons if c.beside.replicability)
    said = []
    if any(c.beside.improvement for c in comparisons):
        said.append(
            "P(smaller error) compares any run of one arm with any run of the other; P(better) above, only "
            "runs of the same block."
        )
    if tests:
        used = " or ".join(_TESTS[test] for test in tests)
        said.append(f"Shown on: p values by {used}, alpha {next(iter(alphas)):g} over data sets together.")
    alphas = dict.fromkeys(c.beside.welch["alpha"] for c in comparisons if c.beside.welch)
    if alphas:
        said.append(
            f"Welch: alpha {next(iter(alphas)):g} for each data set, not corrected; runs of overlapping "
            "folds are not independent, so it finds differences too readily."
        )
    return said


def _value(found: Sequence[float | None]) -> str:
    value, ends = found[0], bounds(found[1:])
    if value is None or pd.isna(value):
        return NONE
    return f"{value:.2f}" + (f" ({ends[0]:.2f} to {ends[1]:.2f})" if ends else "")


def _chances(found: Sequence[float | None]) -> str:
    return NONE if pd.isna(found[0]) else " / ".join(chance(float(value or 0)) for value in found)


def _shown_on(found: Sequence[Any]) -> str:
    bonferroni, fisher, of, direction, *_ = found
    if pd.isna(of):
        return NONE
    return f"{bonferroni:.0f} or {fisher:.0f} of {of:.0f}" + (
        f" ({direction})" if isinstance(direction, str) else ""
    )


def _tally(found: Sequence[float | None]) -> str:
    return NONE if pd.isna(found[0]) else " / ".join(f"{value:.0f}" for value in found)
