"""The controls of a study: what it has to show of itself before anybody believes its verdicts.

A control fails only where chance would make one of a thousand healthy studies fail; where a study is too
small to say, it says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from benchmark.findings import Finding
from benchmark.judge.compare import compare
from benchmark.judge.effects import by_task_and_host, grid
from benchmark.judge.family import Rule
from benchmark.judge.floor import Floor, aa_effects, noise_floor
from benchmark.judge.intervals import Interval, estimate_as, interval, within_range
from benchmark.judge.pairing import impute, pair, tabulate, without_controls
from benchmark.judge.verdict import ORIGINS_NEEDED

__all__ = ["CHANCE_MARGIN", "LEAST_SPLITS", "SURE", "Control", "controls_of"]

SURE = 0.999
"""Of the intervals by which controls fail."""
CHANCE_MARGIN = 0.25
"""How much less error than the featureless predictor a learner may make that was taught permuted labels, as a
share. Some is no leak: where a rare class lies apart from the others, a learner that follows few rows at a
time says it more often. Six learners came to at most 4 % on four real tables, to 21 % on one that was made
for the purpose; who knows the labels makes next to no error."""
LEAST_SPLITS = 10
"""Splits that it takes to tell knowledge from chance: where two classes lie in two heaps, a learner that was
taught permuted labels is right about nearly all rows on one split and wrong on the next, and right on all of
ten once in 2¹⁰ studies."""
_KNOWS = 0.5
"""The same share on a single split that counts against a task. Where every test fold holds rows of one class,
which the others lack, the featureless predictor errs on all rows and who guesses on half of them: chance is
above this on half of the splits, and on all splits of a task as often as a coin falls the same way."""
_NOT_THE_LEAST = frozenset({"mae", "f1_macro"})
"""Metrics by which one may know nothing and make less error than the featureless predictor, which says the
mean or the most frequent class: say the median of skewed targets, or either of two classes at random."""
_TASKS_NAMED = 3
_MORE = "More data sets, splits or seeds make the study able to say."
_LEAST_PLANTED, _MOST_PLANTED = 0.02, 0.5
"""Within which the planted effect lies; in between it is twice what would count."""


@dataclass(frozen=True, slots=True)
class Control:
    """One thing that a study has to show of itself, and whether it does."""

    name: str
    """``aa``, or one of CONTROLS."""
    component: str
    """The arm that it is of."""
    setting: str
    expected: str
    """In words, as is what was ``seen``."""
    seen: str
    held: bool | None
    """None where there is too little to say."""
    effect: float | None = None
    """What was seen, as a number: a mean relative effect."""
    interval: Interval | None = None
    """Its interval, of the level of ``SURE``; of ``handicapped`` the one of its verdict."""
    advice: str = _MORE
    """What to do where it is not shown."""

    @property
    def subject(self) -> str:
        """Whom it concerns."""
        return f"control {self.name} of {self.component}, {self.setting}"

    def finding(self) -> Finding | None:
        """An error where it failed, a note where it says nothing; None where it held."""
        if self.held:
            return None
        seen = f"expected {self.expected}; saw {self.seen}"
        if self.held is None:
            return Finding(f"control_{self.name}", "note", self.subject, seen, advice=self.advice)
        why, advice = _SAID[self.name]
        return Finding(f"control_{self.name}", "error", self.subject, seen, why=why, advice=advice)

    def to_json(self) -> dict[str, Any]:
        """One of the ``controls`` of verdict.json: its fields."""
        return asdict(self)


_SAID = {
    "aa": (
        "The baseline differs from itself by more than its seeds explain. What tells the two apart may tell"
        " a candidate from the baseline too.",
        "Look for state that outlives a fit, and for seeds that are not used.",
    ),
    "permuted": (
        "What was taught wrong labels cannot know right ones: the truth about the test rows reaches the"
        " pipeline some other way, and every error of this study may be too small.",
        "Look for a part of the pipeline that reads labels it is not passed, or has seen these data before.",
    ),
    "handicapped": (
        "Wrong labels do not make a better learner: what this study measures is not what its arms know.",
        "Look for labels or arms that are mixed up, and for an error of the wrong sign.",
    ),
    "planted": (
        "An effect that was put into the records did not come out of them as large as it is.",
        "Look for blocks that are paired wrongly; where the A/A arms differ too, begin there.",
    ),
}
"""By control: why its failure matters, and where to look."""


def controls_of(
    records: pd.DataFrame,
    asked: Sequence[str],
    *,
    baselines: Sequence[str],
    candidates: Sequence[str] = (),
    setting: str,
    rule: Rule,
) -> tuple[Control, ...]:
    """What came of the A/A arms and of the controls ``asked`` for, baseline by baseline, then by candidate.

    Parameters
    ----------
    records : pandas.DataFrame
        As for ``judge``, the rows of controls (column ``control``) among them.
    asked : sequence of str
        Of CONTROLS.
    setting : str
        Of the A/A arms and of the planted effect; controls that are run have the default setting.
    rule : Rule
        As the study fixed it.
    """
    table = tabulate(records)
    found: list[Control] = []
    permuted = {name: _rows(records, name, "permuted") for name in (*baselines, *candidates)}
    theirs = [name for name in candidates if not permuted[name].empty]
    arms = len(baselines) + len(theirs)
    for baseline in baselines:
        floor = noise_floor(aa_effects(table, baseline, setting))
        if floor.means:
            found.append(_aa(floor, baseline, setting, rule))
        if "permuted" in asked:
            found.append(_permuted(permuted[baseline], baseline, arms))
        if "handicapped" in asked:
            found.append(_handicapped(records, baseline, rule))
        if "planted" in asked:
            found.append(_planted(table, baseline, setting, rule, floor))
    if "permuted" in asked:
        found += (_permuted(permuted[name], name, arms) for name in theirs)
    return tuple(found)


def _rows(records: pd.DataFrame, name: str, control: str) -> pd.DataFrame:
    """The rows of an arm's control; where that is empty, its own and those of its A/A arms."""
    mine = records[(records["component"] == name).to_numpy()]
    if not control:
        return without_controls(mine[(mine["role"] != "reference").to_numpy()])
    if "control" not in mine.columns:
        return mine[:0]
    return mine[((mine["role"] == "control") & (mine["control"] == control)).to_numpy()]


def _percent(value: float) -> str:
    return f"{100 * value:+.1f} %".replace("-", "−")


def _between(ends: Interval) -> str:
    return f"{_percent(ends[0])} to {_percent(ends[1])}"


def _aa(floor: Floor, baseline: str, setting: str, rule: Rule) -> Control:
    """Whether every A/A arm is equal to its baseline but for chance."""
    told = "aa", baseline, setting, "no effect of the baseline on itself"
    level = 1 - (1 - SURE) / len(floor.means)
    found: list[Control] = []
    for replicate, arm in floor.effects.groupby("replicate", sort=True):
        one = estimate_as(grid(arm), rule.host_effects)
        ends = within_range(interval(one, level))
        seen = f"{_percent(one.mean)} in replicate {replicate}"
        if ends is None or one.origins < ORIGINS_NEEDED:
            found.append(Control(*told, f"{seen}, on {_sets(one.origins)}: too few to say", None, one.mean))
            continue
        apart = (ends[0] > 0 or ends[1] < 0) and abs(one.mean) > rule.rope
        found.append(Control(*told, f"{seen} ({_between(ends)})", not apart, one.mean, ends))
    return max(found, key=lambda one: (one.held is False, abs(one.effect or 0.0)))


def _sets(count: int) -> str:
    return f"{count} independent data set{'' if count == 1 else 's'}"


def _permuted(rows: pd.DataFrame, name: str, arms: int) -> Control:
    """Whether one of so many arms falls to chance, in the host in which it does least, and on every task.

    The permutations are drawn by the study itself, one for every split, so it is splits that are counted: the
    question is about these data sets and no others. On each a learner may by chance be much better than the
    featureless predictor or much worse, where classes lie in heaps; the mean over splits is not above it. It
    hides a task whose labels are known behind others on which noise is worse than nothing: see ``_known``.
    """
    most = f"an error at most {CHANCE_MARGIN:.0%} below the featureless predictor's".replace("%", " %")
    told = "permuted", name, "default", most
    fair = ~rows.get("metric", pd.Series("", rows.index)).isin(_NOT_THE_LEAST)
    hosts = dict(_against_featureless(rows[fair.to_numpy()] if fair.any() else rows))
    if not hosts:
        return Control(*told, "no split on which both it and a featureless predictor have an error", None)
    alarms = (1 - SURE) / 2 / len(hosts) / arms  # one half for the means, one for single tasks
    read = [(host, found, _lower_bound(found.to_numpy(), 1 - alarms)) for host, found in hosts.items()]
    enough = [one for one in read if len(one[1]) >= LEAST_SPLITS]
    host, found, low = max(enough or read, key=lambda one: (one[2], one[1].mean()))
    mean = float(found.mean())
    named, chance = _known(hosts.values())
    where = f" in {host}" if host else ""
    seen = (
        f"{100 * abs(mean):.1f} % {'above' if mean < 0 else 'below'} it{where} (mean of {len(found)} splits"
    )
    ends = (max(low, -1.0), 1.0) if enough else None
    failed = bool(enough and low > CHANCE_MARGIN) or chance <= alarms
    if not enough:
        seen += ": too few to say"
    elif low > CHANCE_MARGIN:
        seen += f", for certain more than {100 * low:.0f} %"
    elif mean > CHANCE_MARGIN:
        seen += ", which may be chance"
    seen += ")" + (f", and that much or more below it on every split of {named}" if named else "")
    if not fair.any() and (named or mean > CHANCE_MARGIN):
        seen += ": by this metric it is not the least error of who knows nothing"
        return Control(*told, seen, None, mean, ends, _OTHER_METRIC)
    held = False if failed else True if enough and mean <= CHANCE_MARGIN and not named else None
    return Control(*told, seen, held, mean, ends)


_OTHER_METRIC = "Another metric (rmse; log loss or accuracy) tells whether labels are known."


def _known(hosts: Iterable[pd.Series]) -> tuple[str, float]:
    """The tasks that lie below the margin on every split of a host, in words, and how often chance does that.

    Who was taught noise is right about a split's heaps as often as wrong: on all n splits of a task once in
    2ⁿ. The probability is that of as many tasks of one host far below on every split; the least of all hosts.
    """
    named, least = set[str](), 1.0
    for found in hosts:
        of_task = found.groupby(level="task", sort=True)
        lowest, coins = of_task.min(), 0.5 ** of_task.size()
        named |= set(lowest.index[(lowest > CHANCE_MARGIN).to_numpy()])
        numbers = np.ones(1)
        for coin in coins:
            numbers = np.convolve(numbers, [1 - coin, coin])
        least = min(least, float(numbers[int((lowest > _KNOWS).sum()) :].sum()))
    shown = sorted(named)[:_TASKS_NAMED]
    more = [f"{len(named) - len(shown)} more"] if len(named) > len(shown) else []
    return " and ".join(filter(None, [", ".join((shown + more)[:-1]), *(shown + more)[-1:]])), least


def _against_featureless(rows: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    """By host, how much less error than the featureless predictor makes on each split, as a share of that."""
    numbers = {
        name: pd.to_numeric(rows.get(name), errors="coerce") for name in ("error", "featureless_error")
    }
    rows = rows.assign(**numbers)
    known = np.isfinite(rows["error"]) & (rows["featureless_error"] > 0)
    if "status" in rows.columns:
        known &= rows["status"] == "ok"
    rows = rows[known.to_numpy()]
    gained = 1 - rows["error"] / rows["featureless_error"]
    # Errors that are pooled over folds are the same in all of them: one number of one repeat.
    fold = rows["fold"].where(~rows.get("pooled", pd.Series(False, rows.index)).astype(bool), -1)
    split = [rows["host"].astype("str"), rows["task"].astype("str"), rows["repeat"], fold.rename("fold")]
    means = gained.groupby(split).mean()
    for host, found in means.groupby(level="host", sort=True):
        yield str(host), found


def _lower_bound(values: np.ndarray, level: float) -> float:
    """One-sided, of the mean of independent values; no bound for a single one."""
    if len(values) < 2:
        return -np.inf
    error = values.std(ddof=1) / len(values) ** 0.5
    return float(values.mean() - stats.t.ppf(level, len(values) - 1) * error)


def _handicapped(records: pd.DataFrame, baseline: str, rule: Rule) -> Control:
    """Whether the study's own rule finds the baseline better than itself with partly wrong labels."""
    told = "default", "the baseline found better than itself with 40 % of the training labels permuted"
    name, ours = f"{baseline} (handicapped)", _rows(records, baseline, "handicapped")
    theirs = _rows(records, baseline, "")
    places = [pd.MultiIndex.from_frame(rows[["task", "host"]]) for rows in (ours, theirs)]
    theirs = theirs[places[1].isin(places[0]) & (theirs["setting"] == "default").to_numpy()]
    if ours.empty or theirs.empty:
        return Control("handicapped", baseline, *told, "that it was run nowhere", None)
    several = ours["host"].nunique() > 1
    found = compare(
        pd.concat([theirs, ours.assign(component=name, role="candidate")], ignore_index=True),
        name,
        baseline,
        setting="default",
        rope=rule.rope,
        level=rule.level,
        host_effects=rule.host_effects if several else "auto",
    )
    ends, mean = found.effect.ci_verdict, found.effect.mean
    seen = (
        f"{found.verdict}: {_percent(mean)}{'' if ends is None else f' ({_between(ends)})'} with wrong labels"
    )
    below = found.verdict == "EQUIVALENT" and ends is not None and ends[1] < 0
    if below or found.verdict in ("WORSE", "HARMS"):
        return Control("handicapped", baseline, *told, seen, True, mean, ends)
    if found.verdict == "EQUIVALENT":
        same = (found.effects["error_candidate"] == found.effects["error_baseline"]).all()
        seen += ", the same on every data set: what reads no labels does that" if same else ""
        seen += "; wrong labels do no harm here"
        return Control("handicapped", baseline, *told, seen, None, mean, ends, _NO_HARM)
    sure = interval(estimate_as(grid(found.effects), found.host_effects), SURE)
    better = found.verdict in ("BETTER", "HELPS") and sure is not None and sure[0] > 0
    return Control("handicapped", baseline, *told, seen, False if better else None, mean, ends)


_NO_HARM = (
    "Look whether the baseline reads labels at all; a linear ranking survives many wrong ones, and who makes"
    " next to no errors makes no more. Another metric, or smaller and harder data sets, would show the harm."
)


def _planted(table: pd.DataFrame, baseline: str, setting: str, rule: Rule, floor: Floor) -> Control:
    """Whether an effect of known size is recovered from an A/A arm whose errors are made smaller.

    Planted in two unequal errors it moves their effect by less than its size, by an amount that is known: the
    mean effect with it less that without. The standard error is the larger of the two, for what is planted
    draws the effects together and leaves what chance had done to their mean.
    """
    size = float(np.clip(2 * max(rule.rope, floor.mean or 0.0), _LEAST_PLANTED, _MOST_PLANTED))
    expected = f"the planted effect: errors smaller by {100 * size:.1f} %"
    if not floor.means:
        return Control("planted", baseline, setting, expected, "no A/A arm to plant it in", None)
    blocks = impute(pair(table, baseline, baseline, setting, replicate=min(floor.means)))
    less = by_task_and_host(blocks.assign(error_candidate=blocks["error_candidate"] * (1 - size)))
    some = (less[["error_candidate", "error_baseline"]] > 0).any(axis=1)  # of 0 it is nothing
    if not some.any():
        return Control("planted", baseline, setting, expected, "no error that could be smaller", None)
    found, before = (
        estimate_as(grid(one[some.to_numpy()]), rule.host_effects) for one in (less, by_task_and_host(blocks))
    )
    known = found.mean - before.mean
    told = "planted", baseline, setting, f"{expected}, a mean effect of {_percent(known)}"
    ends = within_range(interval(found, rule.level))
    wider = max(found, before, key=lambda one: one.error or 0.0)
    sure = within_range(interval(replace(wider, mean=found.mean), SURE))
    if ends is None or sure is None or found.origins < ORIGINS_NEEDED:
        seen = f"{_percent(found.mean)} on {_sets(found.origins)}: too few to say"
        return Control(*told, seen, None, found.mean)
    seen = f"{_percent(found.mean)} ({_between(ends)})"
    if not sure[0] - _ROUNDING <= known <= sure[1] + _ROUNDING:
        return Control(*told, seen, False, found.mean, sure)
    held = True if ends[0] > 0 else None
    seen = seen if held else f"{seen}: an effect of this size is not found here"
    return Control(*told, seen, held, found.mean, sure)


_ROUNDING = 1e-9
