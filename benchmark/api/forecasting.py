"""What a study would cost, and what it could tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.api.planning import PlannedStudy
from benchmark.api.reporting import judged, records_of
from benchmark.api.running import left_of, workers_of
from benchmark.plan.cost import Cost, total

if TYPE_CHECKING:
    from benchmark.records.store import Store

__all__ = ["Forecast", "forecast"]

_ASSUMED_SPREAD = 0.2
"""Standard deviation of the relative effect between origins, where no earlier run tells: as in the demo."""


@dataclass(frozen=True)
class Forecast:
    """What a study would cost and could tell."""

    cost: Cost
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


def forecast(planned: PlannedStudy) -> Forecast:
    """What the study would cost and the effect it could detect."""
    from benchmark.records.store import open_store

    workers = workers_of(planned.resolved)
    if not (planned.resolved.results_dir / "store.sqlite").is_file():
        cost = total(planned.plan, {})
        return Forecast(cost, cost.fits, cost.seconds / workers, workers, *_power(planned, None))
    with open_store(planned.resolved.results_dir, write=False) as store:
        cost = total(planned.plan, store.fit_seconds(planned.name))  # another study's budget may be another
        left = left_of(planned.plan, store)
        spread = _spread(planned, store)
    wall = cost.seconds * left / max(cost.fits, 1) / workers
    return Forecast(cost, left, wall, workers, *_power(planned, spread))


def _spread(planned: PlannedStudy, store: Store) -> float | None:
    """Largest spread between origins among the study's comparisons, if it has been run before."""
    records = records_of(planned, store)
    if records.empty or left_of(planned.plan, store):
        return None
    judgement = judged(planned, store, records)
    return max((found.spread for found in judgement.comparisons if found.setting == "tuned"), default=None)


def _power(planned: PlannedStudy, spread: float | None) -> tuple[float | None, float, bool]:
    """Minimal detectable effect, the spread it rests on, and whether that is assumed."""
    import pandas as pd

    from benchmark.judge import intervals

    study, sd = planned.study, _ASSUMED_SPREAD if spread is None else spread
    ours, hosts_of = (row for row in planned.plan.rows if row.slot == study.slot), planned.resolved.hosts
    places = {(row.job.task.origin, hosts_of[row.host].name) for row in ours}
    table = pd.DataFrame(sorted(places), columns=["origin", "host"])
    seen = pd.crosstab(table["origin"], table["host"]).to_numpy() > 0
    origins = len(seen)
    if origins < 2:
        return None, sd, spread is None
    hosts = intervals.effective_hosts(seen)
    effects = intervals.resolve_host_effects(study.protocol.host_effects, hosts)
    df = float(origins - 1 if effects == "fixed" else max(min(origins, hosts) - 1, intervals.LEAST_DF))
    guess = intervals.Estimate(0.0, effects, sd / origins**0.5, df, origins, hosts, sd, sd**2 / origins, 0.0)
    level = intervals.sidak(study.protocol.level, len(study.candidates))
    return intervals.minimal_detectable_effect(guess, level), sd, spread is None
