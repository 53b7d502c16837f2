"""The verdict in a terminal: plain text, at most 100 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import pandas as pd

from benchmark.judge import Comparison, Judgement, selection
from benchmark.judge.pairing import UNSTATED
from benchmark.report import noticed
from benchmark.report.about import About
from benchmark.report.sections.factors import factor_sentences
from benchmark.report.sections.failures import control_failure_sentence, failure_sentence
from benchmark.report.sections.tuning import tuned_note
from benchmark.report.words import VERDICTS, counted, interval, label, percent, share, verdict_of, wrapped

__all__ = ["terminal_table"]

_HEAD = ("candidate", "verdict", "effect", "interval", "W/T/L", "floor")
_FORM = "  {:<26} {:<14} {:>9}  {:>21}  {:>11}  {:>7}"


def terminal_table(
    judgement: Judgement,
    about: About,
    records: pd.DataFrame,
    refused: pd.DataFrame | None = None,
) -> str:
    """The answer as text: one line per candidate and setting, then sentences in plain words.

    Parameters
    ----------
    judgement : Judgement
        What ``judge`` returned.
    about : About
        The question.
    records : pandas.DataFrame
        The records that were judged, for the count of failures.
    refused : pandas.DataFrame, optional
        Combinations that could not be run, one row each.
    """
    lines = [
        *wrapped(f"{label(about.name, 60)}: {about.question}" if about.question else label(about.name, 60)),
        "",
    ]
    if alarms := noticed.alarms(judgement):
        lines += [*noticed.lines(alarms), ""]
    primary = judgement.primary if about.primary else None
    families = groupby(judgement.comparisons, key=lambda c: (c.setting, c.baseline))
    for number, ((setting, baseline), family) in enumerate(families):
        named = (
            "all results" if setting == UNSTATED else f"{setting} setting{tuned_note(setting, about.tuned)}"
        )
        lines += _family(named, baseline, list(family), primary, first=not number)
    together = (
        ", simultaneous over the candidates" if any(c.family > 1 for c in judgement.comparisons) else ""
    )
    together += ", at every look" if any(c.sequential for c in judgement.comparisons) else ""
    lines += wrapped(
        "Effect: mean relative reduction of the error; positive means that the candidate has the smaller "
        f"error. Interval: {100 * judgement.level:g} %{together}. W/T/L: data sets won, "
        f"tied and lost after the noise floor. Below {100 * judgement.rope:g} % an effect counts as "
        "none."
    )
    remarks = [sentence for section in factor_sentences(judgement).values() for sentence in section]
    remarks += [one.sentence for one in judgement.selections]
    remarks += filter(None, (selection.warning(c) for c in judgement.comparisons))
    remarks += [failure_sentence(records), control_failure_sentence(records)]
    if refused is not None and len(refused):
        remarks.append(
            f"{counted(len(refused), 'combination')} of the plan could not run; the report says why."
        )
    for remark in filter(None, remarks):
        lines += wrapped(remark)
    lines += noticed.lines(noticed.beside(judgement.findings, judgement.comparisons), brief=True)
    return "\n".join(lines) + "\n"


def _family(
    setting: str, baseline: str, family: Sequence[Comparison], primary: Comparison | None, *, first: bool
) -> Iterator[str]:
    yield f"{setting}, against {label(baseline, 60)}"
    yield _FORM.format(*_HEAD)
    for c in family:
        look = VERDICTS[c.verdict]
        yield _FORM.format(
            label(c.candidate),
            f"{look.sign} {verdict_of(c)}",
            percent(c.effect.mean),
            interval(c.effect.ci_verdict),
            f"{c.wins}/{c.ties}/{c.losses}",
            share(c.noise_floor),
        )
    yield ""
    if first:
        for c in sorted(family, key=lambda c: c is not primary):
            named = "Primary: " if c is primary and len(family) > 1 else ""
            yield from wrapped(f"{named}{c.sentence}")
        yield ""
