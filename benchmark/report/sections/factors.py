"""What sizes and a second slot do to the effect: tables and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from benchmark.judge import Interaction, Judgement, Scaling, Term
from benchmark.judge.intervals import interval
from benchmark.report.sections.material import Material, Part, Section
from benchmark.report.tables import Table, ends
from benchmark.report.words import bounds, counted, p_value, percent

__all__ = ["factor_sentences", "interaction", "interaction_table", "main_table", "scale", "scale_table"]

_IMPUTED = (
    "imputed: effects with a failure; p is then the larger of that and the p of the others alone, and empty "
    "where the failures decide."
)


def scale(material: Material) -> Section:
    """The effect against every size that varies."""
    from benchmark.report import figures

    leading, rope = material.leading[0], material.judgement.rope
    scaling = [one for one in material.judgement.scaling if one.setting == leading.setting]
    part = Part(
        says=factor_sentences(material.judgement)["scale"],
        drawings=[figures.scaling(scaling, factor, rope) for factor in ("rows", "width")],
        tables=(scale_table(material.judgement),),
    )
    return Section("scale", "Scale", (part,))


def interaction(material: Material) -> Section:
    """What two slots do together."""
    from benchmark.report import figures

    leading, rope = material.leading[0], material.judgement.rope
    together = [one for one in material.judgement.interactions if one.setting == leading.setting]
    part = Part(
        says=factor_sentences(material.judgement)["interaction"],
        drawings=(figures.interaction(together[0], rope) if together else None,),
        tables=(interaction_table(material.judgement), main_table(material.judgement)),
    )
    return Section("interaction", "Interaction", (part,))


def scale_table(judgement: Judgement) -> Table | None:
    """One row per comparison and size that varies: the slope; None where none does."""
    rows = []
    for one in judgement.scaling:
        row: dict[str, Any] = {"candidate": one.candidate, "baseline": one.baseline, "setting": one.setting}
        row |= {"size": one.factor, "per_doubling": one.slope.mean} | ends("slope", one.ci95)
        row |= {"trend": one.trend, "largest": one.largest, "effect_there": one.at_largest.mean}
        row |= ends("there", interval(one.at_largest, 0.95)) | dict(one.n)
        rows.append(row | {"imputed": one.imputed})
    if not rows:
        return None
    shares = ("per_doubling", "slope_low", "slope_high", "effect_there", "there_low", "there_high")
    caption = (
        "Change of the effect (percentage points) when the size doubles: the mean of the slopes fitted "
        "within each data set and host, with its 95 % interval; and the fitted effect at the largest size. "
        "Intervals are for each comparison alone. imputed: effects with a failure; a trend counts only where "
        "the others alone show it too."
    )
    formats = dict.fromkeys(shares, percent) | {"largest": lambda size: f"{size:,.0f}"}
    return Table("scale", caption, pd.DataFrame(rows), formats)


def main_table(judgement: Judgement) -> Table | None:
    """One row per part of either slot: its mean gain over its slot's baseline; None without two slots."""
    caption = (
        "Main effects: the gain of each part over the baseline's part of its slot, mean over the parts of "
        "the other slot, with its 95 % interval; p of the t test, Holm-corrected within the slot. " + _IMPUTED
    )
    return _terms(judgement, "main", "main-effects", caption)


def interaction_table(judgement: Judgement) -> Table | None:
    """One row per combination: how much more a part gains there; None without two slots."""
    caption = (
        "Interactions (percentage points): the gain of a part beside a part of the other slot, minus its "
        "gain beside the baseline's part, with its 95 % interval; p of the t test, Holm-corrected. 0 means "
        "that the effects of the two parts multiply. " + _IMPUTED
    )
    return _terms(judgement, "interaction", "interaction", caption)


def _terms(judgement: Judgement, kind: str, name: str, caption: str) -> Table | None:
    rows = [_row(found, term) for found in judgement.interactions for term in found.of(kind)]
    if not rows:
        return None
    formats = dict.fromkeys(("mean", "low", "high"), percent) | dict.fromkeys(("p", "p_holm"), p_value)
    return Table(name, caption, pd.DataFrame(rows), formats)


def _row(found: Interaction, term: Term) -> dict[str, Any]:
    low, high = bounds(term.ci95) or (None, None)
    where = {"with": term.over[0], "against": term.over[1]} if term.kind == "interaction" else {}
    row: dict[str, Any] = {"slot": term.slot, "part": term.level, "base": term.base} | where
    row |= {"setting": found.setting, "mean": term.found.mean, "low": low, "high": high, "p": term.p}
    return row | {"p_holm": term.p_holm, "origins": term.found.origins, "imputed": term.imputed}


def factor_sentences(judgement: Judgement) -> dict[str, list[str]]:
    """What the first setting says in few words, by section: ``scale`` and ``interaction``."""
    setting = judgement.comparisons[0].setting
    return {
        "scale": list(_scale_sentences([one for one in judgement.scaling if one.setting == setting])),
        "interaction": [one.sentence for one in judgement.interactions if one.setting == setting],
    }


def _scale_sentences(scaling: Sequence[Scaling]) -> Iterator[str]:
    """A sentence for every clear change and wherever failures have a part, and one for all the others."""
    alone = [one for one in scaling if one.imputed or one.trend in ("rises", "falls")]
    yield from (one.sentence for one in alone)
    scaling = [one for one in scaling if one not in alone]
    for trend, says in (("open", "no change with scale can be seen"), ("insufficient", "too few data sets")):
        for factor in dict.fromkeys(one.factor for one in scaling):
            same = [one.candidate for one in scaling if one.trend == trend and one.factor == factor]
            if same:
                names = f"{counted(len(same), 'candidate')} ({', '.join(same)})"
                yield f"Doubling the {factor}: {says} for {names}."
