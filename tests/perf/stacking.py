"""Networks trained together beside the same networks one by one, by width and by number of members."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import torch

from benchmark.data import TaskData, describe, load
from benchmark.execute.fitting.fit import fit, fit_stacked
from benchmark.plan.splits import splits
from benchmark.plan.stacking import bounds_of
from benchmark.spec import Budget, Pipeline, Protocol, Seeds, Split, Splitting, Task
from tests.components import networks
from tests.perf.measure import RUNS, Row, beside

__all__ = ["rows"]

STEPS = 30
BUDGET = Budget("steps", STEPS, 128, evaluations=1, patience=99)
HOSTS, OPTIMIZERS = ("mlp", "resnet", "tabm"), ("adamw", "muon")
WIDTHS, MEMBERS = (8, 16, 32, 64, 128), (2, 4, 16)
USUAL_MEMBERS, USUAL_WIDTH = 8, 32


def rows(quick: bool) -> Iterator[Row]:
    """Milliseconds of the processor for one step of one member, building and evaluating it included."""
    torch.set_num_threads(1)
    sizes = [(width, USUAL_MEMBERS) for width in WIDTHS]
    more = [(USUAL_WIDTH, members) for members in MEMBERS]
    if quick:
        yield _row("mlp", "adamw", USUAL_WIDTH, USUAL_MEMBERS, 1)
        return
    for host in HOSTS:
        for optimizer in OPTIMIZERS:
            for width, members in [*sizes, *(more if host == HOSTS[0] else ())]:
                yield _row(host, optimizer, width, members, RUNS)


def _row(host: str, optimizer: str, width: int, members: int, runs: int) -> Row:
    """One size; where ``auto`` would stack it, stacking must not lose."""
    whole = networks.pipeline(host).swap(networks.component("optimizer", optimizer))
    whole = whole.at_width(whole.components["architecture"], width)
    data, task, split = _digits()
    bounds = bounds_of(whole, task, Protocol(budget=BUDGET), "cpu")
    taken = bounds is not None and members >= bounds.fewest
    seeds = [Seeds(place, 50 + place, 100 + place) for place in range(members)]
    return beside(
        f"{members} × {host}@{width}, {optimizer}, together{' (auto)' if taken else ''}",
        lambda: _together(whole, data, task, split, seeds),
        "one by one",
        lambda: _alone(whole, data, task, split, seeds),
        runs=runs,
        least_ratio=1.0 if taken else None,
    )


def _digits() -> tuple[TaskData, Task, Split]:
    card = networks.CATALOG.dataset("digits")
    data = load(card)
    task = describe(card, data)
    return data, task, splits(task, data.basis(), Splitting(), seed=0)[0]


def _together(whole: Pipeline, data: TaskData, task: Task, split: Split, seeds: Sequence[Seeds]) -> float:
    def call() -> None:
        found = fit_stacked(
            [whole] * len(seeds), data, task, split, metric=task.metric, budget=BUDGET, seeds=seeds
        )
        for one in found:
            if isinstance(one, BaseException):
                raise one

    return _milliseconds(call, len(seeds))


def _alone(whole: Pipeline, data: TaskData, task: Task, split: Split, seeds: Sequence[Seeds]) -> float:
    def call() -> None:
        for own in seeds:
            fit(whole, data, task, split, metric=task.metric, budget=BUDGET, seeds=own)

    return _milliseconds(call, len(seeds))


def _milliseconds(call: Callable[[], None], members: int) -> float:
    """Of the processor, so that what else runs on the machine counts little."""
    start = time.process_time()
    call()
    return 1000 * (time.process_time() - start) / (members * STEPS)
