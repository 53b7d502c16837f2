"""Two slots at once: what each part gains alone, and whether one part's gain depends on the other.

A contrast is first taken within every (task, host), then averaged and tested over origins and base hosts as
effects are. Effects are relative, so contrasts are about factors: where the error is e0 · f(a) · g(b), the
gain Δ(a against base a | b) is the same at every b and every interaction exactly 0. An interaction of 0 means
that the parts' effects multiply. Which slot's gain is compared across the other's levels changes the size of
an interaction within a cell, but neither its sign nor whether it is 0; here it is the first slot's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from benchmark.errors import RequestError, nearest
from benchmark.judge.effects import by_task_and_host, grid
from benchmark.judge.intervals import Estimate, Interval, estimate_as, interval, p_two_sided
from benchmark.judge.pairing import Excluded, impute, pair
from benchmark.judge.significance import holm
from benchmark.judge.verdict import ORIGINS_NEEDED
from benchmark.judge.words import ends, signed

__all__ = ["Factors", "Interaction", "Term", "interact"]

Factors = Mapping[str, Mapping[str, str]]
"""What every arm puts into two slots: ``{"radam+cosine": {"optimizer": "radam", "schedule": "cosine"}}``."""
KINDS = ("main", "interaction", "gain")
PLACE = ["origin", "task", "host", "base_host"]
ALPHA = 0.05
MOST_SAID = 6


@dataclass(frozen=True, slots=True)
class Term:
    """One contrast, with its uncertainty."""

    kind: str
    """``main``: the gain of a level over the base level of its slot, mean over the other slot's levels;
    ``gain``: the same at one level of the other slot; ``interaction``: the gain at one level of the other
    slot minus the gain at that slot's base level."""
    slot: str
    level: str
    base: str
    over: tuple[str, ...]
    """Levels of the other slot: all that are averaged, a gain's one, or an interaction's (level, base)."""
    found: Estimate
    ci95: Interval | None
    """For this contrast alone; None for a single origin."""
    imputed: int
    """How many of the effects have an imputed failure in them; mean and ci95 count it in."""
    effects: int
    """How many contrasts within a (task, host) the mean is of."""
    p: float | None
    """Of the two-sided t test; with failures the larger of its p and that of the complete cases alone. None
    for a single origin, and where failures decide: too few complete cases, or their mean has another sign."""
    p_holm: float | None
    """After Holm's adjustment over the contrasts of its kind and slot."""

    def to_json(self) -> dict[str, Any]:
        """One contrast of ``verdict.json``."""
        return {
            "slot": self.slot,
            "level": self.level,
            "base": self.base,
            "over": list(self.over),
            "mean": self.found.mean,
            "ci95": self.ci95,
            "imputed": self.imputed,
            "p": self.p,
            "p_holm": self.p_holm,
            "n": {"origins": self.found.origins, "hosts": self.found.hosts},
            "host_effects": self.found.host_effects,
        }


@dataclass(frozen=True, slots=True)
class Interaction:
    """Every contrast of two slots around one baseline, in one setting."""

    baseline: str
    setting: str
    base: Mapping[str, str]
    """The baseline's level by slot."""
    terms: tuple[Term, ...]
    """Main effects, then interactions, then gains; levels in the order of the arms."""
    missing: tuple[str, ...]
    """Combinations of levels that no contrast could use, since they were not run beside their base."""
    sentence: str

    def of(self, kind: str) -> tuple[Term, ...]:
        """The contrasts of one kind."""
        return tuple(term for term in self.terms if term.kind == kind)

    def to_json(self) -> dict[str, Any]:
        """The entry of ``verdict.json``."""
        return {
            "baseline": self.baseline,
            "setting": self.setting,
            "base": dict(self.base),
            "missing": list(self.missing),
            "sentence": self.sentence,
            **{kind: [term.to_json() for term in self.of(kind)] for kind in KINDS},
        }


def interact(
    table: pd.DataFrame,
    factors: Factors,
    baseline: str,
    setting: str,
    *,
    host_effects: str,
    excluded: Excluded = (),
) -> Interaction:
    """Main effects and interactions of two slots, around the levels of ``baseline``.

    Only complete rectangles count: a contrast uses the (task, host) in which all of its arms were run.

    Parameters
    ----------
    table : pandas.DataFrame
        What ``tabulate`` returns.
    factors : mapping of arm to mapping of slot to level
        Two slots in the same order for every arm; arms without rows in the table are named as missing.
    host_effects, excluded
        As for ``compare``.

    Raises
    ------
    RequestError
        When the baseline is not among the factors, an arm does not have the two slots, two arms are one
        combination, or blocks are incomplete.
    """
    if baseline not in factors:
        raise RequestError(f"factors: nothing about '{baseline}', {nearest(baseline, factors)}")
    slots, base = tuple(factors[baseline]), tuple(factors[baseline].values())
    arms = _combinations(factors, slots)
    levels = tuple(tuple(dict.fromkeys([base[n], *(pair[n] for pair in arms)])) for n in (0, 1))
    gains = _gains(table, arms, levels, setting, excluded)
    terms = []
    for kind, number, level, over, effects in _contrasts(gains, levels):
        found = estimate_as(grid(effects), host_effects)
        what = (kind, slots[number], level, base[number], over, found, interval(found, 0.95))
        imputed = int(effects["imputed"].sum())
        terms.append(Term(*what, imputed, len(effects), _p(found, effects), None))
    terms = _adjusted(sorted(terms, key=lambda term: KINDS.index(term.kind)))
    beside = {(level, at) if number == 0 else (at, level) for number, level, at in gains}
    missing = tuple(f"{a} with {b}" for a, b in product(*levels) if (a, b) not in {*beside, base})
    named = dict(zip(slots, base, strict=True))
    return Interaction(baseline, setting, named, tuple(terms), missing, _sentence(terms, missing))


def _combinations(factors: Factors, slots: tuple[str, ...]) -> dict[tuple[str, ...], str]:
    """The arms by their levels."""
    arms: dict[tuple[str, ...], str] = {}
    for arm, levels in factors.items():
        if tuple(levels) != slots or len(slots) != 2:
            raise RequestError(
                f"factors: '{arm}' fills {', '.join(levels)}, every arm fills the same two slots"
            )
        if (other := arms.setdefault(tuple(levels.values()), arm)) != arm:
            raise RequestError(f"factors: '{arm}' and '{other}' are the same combination")
    return arms


def _gains(
    table: pd.DataFrame,
    arms: Mapping[tuple[str, ...], str],
    levels: tuple[tuple[str, ...], ...],
    setting: str,
    excluded: Excluded,
) -> dict[tuple[int, str, str], pd.DataFrame]:
    """Δ of a level against its slot's base level, by (slot's number, level, level of the other slot).

    Each over (origin, task, host, base host): effect, complete_case, imputed.
    """
    rows = table[((table["setting"] == setting) & ~table["reference"] & (table["replicate"] == 0)).to_numpy()]
    by_arm = rows.groupby("component", observed=True, sort=True)
    places = {str(arm): set(zip(part["host"], part["task"], strict=True)) for arm, part in by_arm}
    gains = {}
    for number in (0, 1):
        for level, at in product(levels[number][1:], levels[1 - number]):
            ours, theirs = (
                arms.get((one, at) if number == 0 else (at, one)) for one in (level, levels[number][0])
            )
            if ours is None or theirs is None or not places.get(ours, set()) & places.get(theirs, set()):
                continue
            effects = by_task_and_host(impute(pair(table, ours, theirs, setting, excluded=excluded)))
            gains[number, level, at] = effects.set_index(PLACE)[["effect", "complete_case", "imputed"]]
    return gains


def _contrasts(
    gains: Mapping[tuple[int, str, str], pd.DataFrame], levels: tuple[tuple[str, ...], ...]
) -> Iterator[tuple[str, int, str, tuple[str, ...], pd.DataFrame]]:
    """Kind, number of the slot, level, levels of the other slot, and effects in complete rectangles.

    The effects' columns are those of ``by_task_and_host`` that a contrast has too.
    """
    for number in (0, 1):
        for level in levels[number][1:]:
            at = tuple(other for other in levels[1 - number] if (number, level, other) in gains)
            if not at:
                continue
            wanted = [("main", at), *(("gain", (other,)) for other in at)]
            base = levels[1][0]
            if number == 0 and base in at:
                wanted += [("interaction", (other, base)) for other in at if other != base]
            for kind, over in wanted:
                effects = _contrast(kind, [gains[number, level, other] for other in over])
                if len(effects):
                    yield kind, number, level, over, effects


def _contrast(kind: str, parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The mean of gains, or for an interaction the first minus the second, where all of them are."""
    columns = {}
    for name in ("effect", "complete_case"):
        wide = pd.DataFrame({number: part[name] for number, part in enumerate(parts)})
        difference = kind == "interaction"
        columns[name] = wide[0] - wide[1] if difference else wide.mean(axis=1, skipna=False)
    failed = pd.DataFrame({number: part["imputed"] for number, part in enumerate(parts)})
    columns["imputed"] = failed.eq(True).any(axis=1)
    return pd.DataFrame(columns).dropna(subset=["effect"]).reset_index()


def _p(found: Estimate, effects: pd.DataFrame) -> float | None:
    """See ``Term.p``."""
    p = p_two_sided(found)
    if p is None or not effects["imputed"].any():
        return p
    complete = effects.dropna(subset=["complete_case"])
    if complete.empty:
        return None
    alone = estimate_as(grid(complete, "complete_case"), found.host_effects)
    p_alone = p_two_sided(alone)
    few = alone.origins < min(found.origins, ORIGINS_NEEDED)
    other_sign = np.sign(alone.mean) != np.sign(found.mean)
    return None if p_alone is None or few or other_sign else max(p, p_alone)


def _adjusted(terms: Sequence[Term]) -> list[Term]:
    """The terms with Holm's p values, over those of one kind and slot."""
    families: dict[tuple[str, str], list[float]] = {}
    for term in terms:
        if term.p is not None:
            families.setdefault((term.kind, term.slot), []).append(term.p)
    adjusted = {family: iter(holm(values)) for family, values in families.items()}
    return [
        term if term.p is None else replace(term, p_holm=next(adjusted[term.kind, term.slot]))
        for term in terms
    ]


def _sentence(terms: Sequence[Term], missing: Sequence[str]) -> str:
    """What stands out among the interactions after Holm's adjustment, or that nothing does."""
    every = [term for term in terms if term.kind == "interaction"]
    lacking = f" Not run beside their base: {_listed(missing)}." if missing else ""
    if not every:
        return f"No interaction could be computed.{lacking}"
    origins = min(term.found.origins for term in every)
    if origins < ORIGINS_NEEDED:
        few = f"{origins} independent data set{'s are' if origins > 1 else ' is'} too few (five are needed)"
        return f"Whether the two interact is not judged: {few}.{lacking}"
    known = [(term.p_holm, number, term) for number, term in enumerate(every) if term.p_holm is not None]
    loud = [term for p, _, term in sorted(known, key=lambda one: one[:2]) if p < ALPHA]
    unsure = [f"{term.level} with {term.over[0]} ({_share(term)})" for term in every if term.p_holm is None]
    rest = len(known) - len(loud)
    said = [_says(term) for term in loud[:MOST_SAID]]
    if len(loud) > MOST_SAID:
        said.append(f"{len(loud) - MOST_SAID} more interactions stand out; the table has them.")
    if rest:
        others = f"{rest} other combinations" if rest > 1 else "the other combination"
        among = f"any of {rest} combinations" if rest > 1 else "the one combination"
        said.append(f"No interaction can be seen in {others if loud or unsure else among}.")
    if unsure:
        said.append(f"Resting on imputed failures and not judged: {_listed(unsure)}.")
    return " ".join(said) + lacking


def _says(term: Term) -> str:
    at, base = term.over
    more = (
        f"{signed(abs(term.found.mean)).lstrip('+')} points {'larger' if term.found.mean > 0 else 'smaller'}"
    )
    sure = f"95 % interval {ends(term.ci95, signed)} points"
    note = f" ({_share(term)})" if term.imputed else ""
    return f"The gain of {term.level} over {term.base} is {more} with {at} than with {base} ({sure}){note}."


def _share(term: Term) -> str:
    return f"{term.imputed} of {term.effects} effects imputed"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_SAID]) + (" and others" if len(names) > MOST_SAID else "")
