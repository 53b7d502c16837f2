"""A comparison in plain words: what the numbers support, and for whom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from benchmark.judge.intervals import Interval

if TYPE_CHECKING:
    from benchmark.judge.comparison import Comparison

__all__ = ["ends", "percent", "population", "sentence", "signed"]

NAMES_SHOWN = 4


def percent(share: float) -> str:
    """A share as a percentage with one decimal, or with two digits where it is smaller than that."""
    value = 100 * share + 0.0  # no minus before a zero
    text = f"{value:.1f}" if abs(value) >= 0.1 or value == 0 else f"{value:.2g}"
    return text.replace("-", "−") + " %"


def signed(points: float) -> str:
    """A difference of shares in percentage points, with its sign and as many digits as ``percent``."""
    return f"{'+' if points > 0 else ''}{percent(points).removesuffix(' %')}"


def ends(pair: Interval | None, form: Callable[[float], str] = percent) -> str:
    """Both ends of an interval in words."""
    return "unknown" if pair is None else f"{form(pair[0])} to {form(pair[1])}"


def population(hosts: Sequence[str], host_effects: str) -> str:
    """Which data sets and hosts a verdict speaks of."""
    if host_effects == "random":
        return f"data sets and hosts like these ({len(hosts)} hosts taken as a sample)"
    named = [host for host in hosts if host]
    if not named:
        return "data sets like these"
    shown = _listed(named)
    return f"data sets like these, in {'this host' if len(named) == 1 else 'these hosts'} only ({shown})"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMES_SHOWN]) + (" and others" if len(names) > NAMES_SHOWN else "")


def sentence(found: Comparison) -> str:
    """The verdict with its size, uncertainty, wins and losses, population and reservations."""
    silent = found.verdict == "INSUFFICIENT" or "not_selected" in found.flags
    speaks = "" if silent else f"This speaks of {found.population}."
    parts = [_verdict(found), _stopped(found), _tally(found), speaks, *_reservations(found)]
    return " ".join(part for part in parts if part)


def _verdict(found: Comparison) -> str:
    ours, theirs = found.candidate, found.baseline
    better, worse = (ours, theirs) if found.effect.mean >= 0 else (theirs, ours)
    size = f"the error of {better} is {percent(abs(found.effect.mean))} lower than that of {worse}"
    sure = _between(found.effect.ci_verdict, found)
    if found.verdict == "HELPS":
        return f"{ours} helps: {size} on average ({sure}), more than the {_bar(found)}."
    if found.verdict == "HARMS":
        return f"{ours} harms: {size} on average ({sure}), more than the {_bar(found)}."
    if found.verdict in ("BETTER", "WORSE"):
        return f"{better} is better than {worse}, but by how much is open: {size} on average ({sure})."
    if "identical" in found.flags:
        return f"{ours} and {theirs} made the same error in every block: the effect is exactly 0."
    if found.verdict == "EQUIVALENT":
        by = f"90 % interval {ends(found.effect.ci90)}" if found.sequential is None else sure
        within = f"within ±{percent(found.rope)} ({by})"
        return f"Between {ours} and {theirs} no difference that counts: the effect lies {within}."
    if found.verdict == "INSUFFICIENT":
        these = "it" if found.n["origins"] == 1 else "these"
        return f"No verdict: {_too_few(found)}; on {these}, {size}{_single(found)}."
    if "not_selected" in found.flags:
        seen = f"on the data sets that selected, {size} ({sure})"
        return f"No verdict on {ours}, which was not selected to be confirmed; {seen}."
    return f"Not settled: {size} on average, but either may be better ({sure}). {_more(found)}".strip()


def _stopped(found: Comparison) -> str:
    told = found.sequential
    if told is None:
        return ""
    planned = f"{told.planned} data set{'s' if told.planned > 1 else ''}"
    shape = ", as far as effects are normal" if told.sequence == "normal" else ""
    if told.stopped_at is None:
        looks = f"Looked at after each of {told.looks} data sets" if told.looks > 1 else "Looked at once"
        rest = "" if told.looks == told.planned else f" of {planned} planned"
        return f"{looks}{rest} and not settled; the interval holds at every look{shape}."
    return f"Stopped after {told.stopped_at} of {planned}; the interval holds at every look{shape}."


def _bar(found: Comparison) -> str:
    if (found.noise_floor or 0.0) > found.rope:
        return f"noise floor of {percent(found.noise_floor or 0.0)}"
    return f"{percent(found.rope)} that counts"


def _between(pair: Interval | None, found: Comparison) -> str:
    together = f", simultaneous over {found.family} candidates" if found.family > 1 else ""
    return f"{100 * found.level:g} % interval {_ends(pair, found)}{together}"


def _ends(pair: Interval | None, found: Comparison) -> str:
    """Both ends of an interval seen from the better arm, whose lead a sentence tells without a sign."""
    return ends(pair if pair is None or found.effect.mean >= 0 else (-pair[1], -pair[0]))


def _too_few(found: Comparison) -> str:
    origins = found.n["origins"]
    return f"{origins} independent data set{'s are' if origins > 1 else ' is'} too few (five are needed)"


def _single(found: Comparison) -> str:
    if found.n["tasks"] > 1:
        return ""
    if found.single_task is None:
        return ", with an uncertainty that its splits do not tell"
    return (
        f" (95 % interval {_ends(found.single_task.ci95, found)} over the {found.single_task.df + 1} splits"
        " of this one data set, by Nadeau and Bengio's corrected test; it says nothing about others)"
    )


def _more(found: Comparison) -> str:
    if "floor_above_rope" in found.flags:
        return f"The noise floor of {percent(found.noise_floor or 0.0)} is too high to call them equivalent."
    if found.minimal_detectable_effect is None:
        return ""
    if found.minimal_detectable_effect >= 1:
        seen = "Not even the largest possible effect would have been found four times in five"
    else:
        size = percent(found.minimal_detectable_effect)
        seen = f"An effect of {size} would have been found four times in five"
    if found.tasks_needed is None:
        return f"{seen}; more data sets alone would hardly settle it."
    return f"{seen}; about {found.tasks_needed} data sets would settle an effect of the size seen."


def _tally(found: Comparison) -> str:
    tasks = found.n["tasks"]
    ties = "1 is a tie" if found.ties == 1 else f"{found.ties} are ties"
    counted = f"Of {tasks} task{'s' if tasks > 1 else ''} {found.candidate} is better on {found.wins}"
    return f"{counted}, worse on {found.losses}, and {ties}."


def _bootstrap(found: Comparison) -> str:
    drawn = "data sets and hosts" if found.host_effects == "random" else "data sets"
    told = f"A bootstrap over {drawn} (95 % interval {_ends(found.effect.pigeonhole95, found)})"
    low, high = found.effect.ci95 or (0.0, 0.0)
    if low > 0 or high < 0:
        return f"{told} does not tell the effect from zero: it may rest on a few of them."
    return f"{told} would tell the effect from zero, but over few of them it is too narrow to be believed."


def _reservations(found: Comparison) -> list[str]:
    said = []
    if "complete_case_reversed" in found.flags:
        said.append("Where neither arm failed the effect has the other sign, so the failures decide it.")
    elif (worst := found.worst_case) is not None and worst[0] < 0 < worst[1]:
        said.append(
            "Which of the two is better rests on how failures are counted: were each a total loss for the arm"
            f" that failed, or no loss at all, the mean effect would be anything from {ends(worst)}."
        )
    if "within_floor" in found.flags:
        said.append("The baseline against itself shows effects as large.")
    if "bootstrap_disagrees" in found.flags:
        said.append(_bootstrap(found))
    for side, name in (("candidate", found.candidate), ("baseline", found.baseline)):
        if count := found.failures[side]:
            price = "each counted as no better than the other arm"
            said.append(f"{name} failed in {count} of {found.n['blocks']} blocks, {price}.")
    for kind, names in found.left_out.items():
        if names:
            said.append(f"{kind.capitalize()} left out because an arm does not fit: {_listed(names)}.")
    other = found.without_saturated
    if other is not None and other.verdict != found.verdict:
        said.append(f"Without the tasks that are nearly solved the verdict is {other.verdict}.")
    return said
