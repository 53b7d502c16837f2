"""Trains several networks of one shape together, each as if it were alone.

The pass is batched for all of them; weights, optimizer, schedule, order of the rows, evaluations, patience
and checkpoints are each member's own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from benchmark.execute.devices import is_out_of_memory
from benchmark.execute.fitting.losses import Losses
from benchmark.execute.fitting.outputs import mean_loss
from benchmark.execute.fitting.rows import Rows
from benchmark.execute.fitting.stack import Stack, Unstackable, release
from benchmark.execute.fitting.steps import Steps
from benchmark.execute.fitting.train import Course, Marks, Pace, Parts, Trained, batches
from benchmark.execute.limits import FitTimeout
from benchmark.execute.profile import part
from benchmark.spec import Budget, Seeds

__all__ = ["Ended", "Member", "train_stacked"]


@dataclass(frozen=True, eq=False)
class Member:
    """What is a member's own."""

    parts: Parts
    seeds: Seeds
    validation_error: Callable[[], float | None]


@dataclass(frozen=True, eq=False)
class Ended:
    """How it went for one member."""

    trained: Trained | BaseException
    """Its best checkpoint, now in its network; or what it raised."""
    seconds: float
    """Its share of the stack's time: every moment is shared by the members that were still in it."""


def train_stacked(
    members: Sequence[Member],
    rows: Rows,
    target: Tensor,
    weights: Tensor | None = None,
    *,
    pace: Pace,
    budget: Budget,
) -> list[Ended]:
    """How it went for each member, all as :func:`~benchmark.execute.fitting.train.train` would have done it.

    A member leaves the stack when it is done, by patience, by divergence or by an exception of its own
    optimizer, schedule or metric; the others go on. What is random in a forward pass is drawn for all
    members at once, from the ``dropout`` stream of the first: of the same distribution as alone, not of the
    same bits. All else is the same up to rounding.

    Parameters
    ----------
    members
        At least one; none with an optimizer that takes a closure, all in float32 or all in float64.
    rows, target, weights, pace, budget
        As of :func:`~benchmark.execute.fitting.train.train`; the budget is not in seconds.

    Raises
    ------
    Unstackable
        When the networks differ in more than their parameters and buffers, when an operation cannot be
        batched or finds no memory, or when a network or an optimizer keeps a state that no stack can see.
    """
    torch.manual_seed(members[0].seeds.dropout)
    runners = [_Runner(member, rows, budget, Losses.of_none(target.device)) for member in members]
    marks, passes, steps = Marks(pace, budget.evaluations), 0, Steps()
    while running := [runner for runner in runners if runner.outcome is None]:
        since = time.perf_counter()
        try:
            passes = _until_one_leaves(running, rows, target, weights, marks, passes, steps)
        except FitTimeout as error:
            for runner in running:
                runner.outcome = runner.outcome or error
        share = (time.perf_counter() - since) / len(running)
        for runner in running:
            runner.seconds += share
    return [runner.ended() for runner in runners]


def _until_one_leaves(
    running: Sequence[_Runner],
    rows: Rows,
    target: Tensor,
    weights: Tensor | None,
    marks: Marks,
    passes: int,
    steps: Steps,
) -> int:
    """Train until a member is done; the number of passes that all of them have made then."""
    stack = Stack([runner.member.parts.network for runner in running])
    losses = Losses.joined([runner.losses for runner in running])
    while all(runner.outcome is None for runner in running):
        index = [next(runner.order) for runner in running]
        passes += 1
        spent = marks.pace.ticks(passes)
        with steps.taken(sum(map(len, index))):
            losses.add(_pass(stack, running, index, rows, target, weights))
            for runner in running:
                runner.attempt(runner.step, spent)
            stack.settle()
        if marks.due(passes, spent):
            for runner, (lost, recovered) in zip(running, losses.found(), strict=True):
                runner.attempt(runner.evaluate, passes, lost, recovered, spent >= marks.pace.total)
            stack.settle()
    for runner, own in zip(running, losses.parted(), strict=True):
        runner.losses = own
        if runner.outcome is not None:
            release(runner.member.parts.network)
    return passes


def _pass(
    stack: Stack,
    running: Sequence[_Runner],
    index: list[Tensor],
    rows: Rows,
    target: Tensor,
    weights: Tensor | None,
) -> Tensor:
    """The loss of every member ``(n_members,)`` on its batch in ``index``; their gradients are in place.

    A loss is computed member by member: it may leave out positions, other ones of each member.
    """
    values = []
    try:
        with part("data"):
            inputs = rows.take(torch.cat(index))
            targets = [target.index_select(0, batch) for batch in index]
            of_rows = [None if weights is None else weights.index_select(0, batch) for batch in index]
        with part("forward"):
            for runner, output, asked, weight in zip(running, stack(*inputs), targets, of_rows, strict=True):
                values.append(mean_loss(runner.member.parts.loss, output, asked, weight))
            losses = torch.stack(values)
        with part("backward"):
            stack.differentiate(losses.sum())
    except Unstackable:
        raise
    except Exception as error:
        raise Unstackable(f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]) from error
    return losses.detach()


@dataclass(eq=False)
class _Runner:
    """A member on its way."""

    member: Member
    rows: Rows
    budget: Budget
    losses: Losses
    seconds: float = 0.0
    outcome: Trained | BaseException | None = None

    def __post_init__(self) -> None:
        member = self.member
        self.course = Course(member.parts, self.rows, self.budget, member.validation_error)
        self.order = batches(len(self.rows), self.budget.batch_size, member.seeds.order, self.rows.device)
        self.attempt(member.parts.set_training)

    def attempt(self, call: Callable[..., None], *arguments: Any) -> None:
        """Do what concerns this member alone; what it raises ends this member alone."""
        if self.outcome is not None:
            return
        try:
            call(*arguments)
        except Exception as error:  # whatever a component raises is its outcome
            if is_out_of_memory(error):
                raise Unstackable(f"out of memory: {error}") from error
            self.outcome = error

    def step(self, spent: int) -> None:
        """Step the optimizer, and the schedule up to so many ticks."""
        self.member.parts.optimizer.step()
        self.course.schedule_to(spent)

    def evaluate(self, passes: int, lost: int, recovered: bool, last: bool) -> None:
        """Evaluate; then go on, or come to the end."""
        if not self.course.goes_on(passes, lost, recovered) or last:
            self.outcome = self.course.end()
        else:
            self.member.parts.set_training()

    def ended(self) -> Ended:
        """How it went."""
        assert self.outcome is not None
        return Ended(self.outcome, self.seconds)
