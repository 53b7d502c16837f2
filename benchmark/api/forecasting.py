"""What a study would cost, and what it could tell."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.api.linking import left_of, records_of
from benchmark.api.planning import PlannedStudy
from benchmark.api.reporting import judged
from benchmark.api.running import workers_of
from benchmark.api.stages import confirming, is_staged
from benchmark.plan.cost import Cost, total
from benchmark.plan.grid import Plan

if TYPE_CHECKING:
    import numpy as np

    from benchmark.records.store import Store
    from benchmark.spec import Study

__all__ = ["Forecast", "forecast"]

_ASSUMED_SPREAD = 0.2
"""Standard deviation of the relative effect between origins, where no earlier run tells: as in the demo."""


@dataclass(frozen=True)
class Forecast:
    """What a study would cost and could tell; at most, where it may stop early or confirms a selection."""

    cost: Cost
    controls: Cost
    """What of it the controls are."""
    left: int
    """Trials and cells that are not in the store yet."""
    wall_seconds: float
    """What is left, spread over the workers."""
    workers: int
    minimal_detectable_effect: float | None
    """Relative effect that would be found with 80 % power; None when there are too few tasks to say."""
    spread: float
    """Standard deviation of effects between origins that this rests on."""
    assumed: bool
    """True where the spread is a guess, since the store has no earlier run of the study."""
    origins: int
    """Data sets (origins) that the verdict will rest on."""

    @property
    def controls_share(self) -> float:
        """What share of the seconds the controls are."""
        return self.controls.seconds / self.cost.seconds if self.cost.seconds else 0.0


def forecast(planned: PlannedStudy) -> Forecast:
    """What the study would cost and the effect it could detect."""
    from benchmark.records.store import open_store

    workers = workers_of(planned.resolved)
    if not (planned.resolved.results_dir / "store.sqlite").is_file():
        cost, ours = total(planned.plan, {}), total(_controls(planned.plan), {})
        return Forecast(cost, ours, cost.fits, cost.seconds / workers, workers, *_power(planned, None))
    with open_store(planned.resolved.results_dir, write=False) as store:
        seconds = store.fit_seconds(planned.name)  # another study's budget may be another
        cost, ours = total(planned.plan, seconds), total(_controls(planned.plan), seconds)
        left = left_of(planned.plan, store)
        spread = _spread(planned, store)
    wall = cost.seconds * left / max(cost.fits, 1) / workers
    return Forecast(cost, ours, left, wall, workers, *_power(planned, spread))


def _controls(expanded: Plan) -> Plan:
    """The part of a plan that is run for its controls."""
    return dataclasses.replace(expanded, rows=tuple(row for row in expanded.rows if row.arm.control))


def _spread(planned: PlannedStudy, store: Store) -> float | None:
    """Largest spread between origins among the study's comparisons, if it has been run as a whole before."""
    if is_staged(planned.study):
        return None
    records = records_of(planned, store)
    if records.empty or left_of(planned.plan, store):
        return None
    judgement = judged(planned, records, store.variants_tried(planned.study.slot))
    return max((found.spread for found in judgement.comparisons if found.setting == "tuned"), default=None)


def _power(planned: PlannedStudy, spread: float | None) -> tuple[float | None, float, bool, int]:
    """Minimal detectable effect, the spread it rests on, whether that is assumed, and the origins."""
    import pandas as pd

    study, sd = planned.study, _ASSUMED_SPREAD if spread is None else spread
    ours, hosts_of = (row for row in planned.plan.rows if row.slot == study.slot), planned.resolved.hosts
    places = {(row.job.task.origin, hosts_of[row.host].name) for row in ours}
    table = pd.DataFrame(sorted(places), columns=["origin", "host"])
    if study.protocol.confirm == "split":
        table = table[table["origin"].isin(confirming(planned)[1])]
    seen = pd.crosstab(table["origin"], table["host"]).to_numpy() > 0
    told = None
    if len(seen) >= 2:
        sequential = study.protocol.stop == "sequential"
        told = _told_by_sequence(study, len(seen), sd) if sequential else _told_by_t(study, seen, sd)
    return told, sd, spread is None, len(seen)


def _told_by_t(study: Study, seen: np.ndarray, sd: float) -> float | None:
    """The minimal detectable effect of the study's t interval on such (origins, hosts)."""
    from benchmark.judge import intervals

    origins, hosts = len(seen), intervals.effective_hosts(seen)
    effects = intervals.resolve_host_effects(study.protocol.host_effects, hosts)
    df = float(origins - 1 if effects == "fixed" else max(min(origins, hosts) - 1, intervals.LEAST_DF))
    guess = intervals.Estimate(0.0, effects, sd / origins**0.5, df, origins, hosts, sd, sd**2 / origins, 0.0)
    family = 1 if study.protocol.confirm == "split" else len(study.candidates)
    level = intervals.simultaneous(study.protocol.level, family)
    return intervals.minimal_detectable_effect(guess, level)


def _told_by_sequence(study: Study, origins: int, sd: float) -> float | None:
    """The smallest mean effect that is told from zero after the last data set with 80 % power, to .1 %.

    None where no effect is. Found by trying: normal scores of spread ``sd`` in the place of effects.
    """
    import numpy as np
    from scipy import stats

    from benchmark.judge import intervals
    from benchmark.judge.sequential import confidence_sequence

    protocol = study.protocol
    scores = stats.norm.ppf((np.arange(origins) + 0.5) / origins)
    scores = np.random.default_rng(0).permutation(scores) * sd / scores.std()
    unlucky = stats.norm.ppf(intervals.POWER) * sd / origins**0.5
    level = intervals.simultaneous(protocol.level, len(study.candidates))
    low, high = 0, 1001  # thousandths; the last stands for none
    while high - low > 1:
        middle = (low + high) // 2
        effects = np.clip(middle / 1000 - unlucky + scores, -1.0, 1.0)
        told = confidence_sequence(effects, level, protocol.sequence)[0][-1] > 0
        low, high = (low, middle) if told else (middle, high)
    return None if high > 1000 else high / 1000
