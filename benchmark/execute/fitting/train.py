"""Trains a network within a budget and leaves it at its best checkpoint."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from benchmark.execute.fitting.losses import Losses
from benchmark.execute.fitting.outputs import mean_loss
from benchmark.execute.fitting.precision import Precision
from benchmark.execute.fitting.rows import Rows
from benchmark.execute.fitting.steps import Steps
from benchmark.execute.profile import part
from benchmark.spec import Budget, Seeds

__all__ = ["Course", "Diverged", "Marks", "Pace", "Parts", "Trained", "batches", "train"]

TICKS = 1000
"""Resolution of a schedule over a budget in seconds, whose number of steps nobody knows beforehand."""
STATISTICS_BATCHES = 50
"""Batches that averaged weights get to settle their batch norm, as Schedule-Free's authors advise."""


class Diverged(RuntimeError):
    """The loss or the prediction was not finite, and there is no earlier checkpoint to fall back on."""


@dataclass(frozen=True, eq=False)
class Parts:
    """A network and everything that trains it, as the slots make them."""

    network: torch.nn.Module
    loss: Callable[[Tensor, Tensor], Tensor]
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None
    """None where the optimizer sees to it."""
    train_eval: bool = False
    """The optimizer wants to be told when training and when evaluation begins."""
    closure: bool = False
    """The optimizer makes its gradients itself, by calling a closure as often as it wants to."""
    by_error: bool = False
    """The schedule steps after evaluations, by the validation error."""
    precision: Precision = field(default_factory=Precision)
    """Other than of a closure's optimizer, the loss may be scaled."""

    def set_training(self) -> None:
        """Network, and optimizer where it asks, into training mode."""
        self.network.train()
        if self.train_eval:
            self.optimizer.train()  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Trained:
    """What is known of the checkpoint that the network was left at."""

    validation_error: float
    steps: int
    """Passes up to it."""
    remark: str = ""


@dataclass(frozen=True)
class Pace:
    """A budget counted in ticks: a tick is a pass, or a thousandth of a budget in seconds.

    A pass computes the loss of one batch and its gradients. Plain optimizers take one per step; whoever takes
    two per step gets half as many steps out of the same budget.
    """

    total: int
    """Ticks of the whole budget; the schedule's ``total_steps``."""
    steps_per_epoch: int
    seconds: float | None = None
    started: float = field(default_factory=time.perf_counter)

    @classmethod
    def of(cls, budget: Budget, n_rows: int) -> Pace:
        """The pace at which ``budget`` is spent on ``n_rows`` training rows."""
        per_epoch = _batches_per_epoch(n_rows, budget.batch_size)
        if budget.unit == "seconds":
            return cls(TICKS, per_epoch, seconds=budget.amount)
        steps = budget.amount if budget.unit == "steps" else budget.amount * per_epoch
        return cls(max(1, round(steps)), per_epoch)

    def ticks(self, passes: int) -> int:
        """Ticks spent after so many passes; the last step may take more passes than were left."""
        if self.seconds is None:
            return min(self.total, passes)
        return min(self.total, int(self.total * (time.perf_counter() - self.started) / self.seconds))


@dataclass
class Marks:
    """When evaluations are due: at even shares of a budget, at most once an epoch, and at its end."""

    pace: Pace
    evaluations: int
    passed: int = 0
    scored_at: int = 0

    def due(self, passes: int, spent: int) -> bool:
        """Whether one is due after so many passes and ticks; what is due counts as done."""
        passed = spent * self.evaluations // self.pace.total
        early = passed <= self.passed or passes - self.scored_at < self.pace.steps_per_epoch
        if early and spent < self.pace.total:
            return False
        self.passed, self.scored_at = passed, passes
        return True


@dataclass(eq=False)
class Course:
    """One network on its way through a budget, with its schedule and the best that was seen of it."""

    parts: Parts
    rows: Rows
    """Training rows."""
    budget: Budget
    validation_error: Callable[[], float | None]
    best: Trained | None = None
    kept: dict[str, Tensor] = field(default_factory=dict)
    scheduled: int = 0
    stale: int = 0
    remark: str = ""

    def schedule_to(self, spent: int) -> None:
        """Step a schedule that goes by passes, up to so many ticks of the budget."""
        schedule = None if self.parts.by_error else self.parts.schedule
        while schedule is not None and self.scheduled < spent:
            skips = self.parts.precision.scaler.is_enabled() and self.scheduled == 0
            with _first_step_skipped() if skips else nullcontext():
                schedule.step()
            self.scheduled += 1

    def goes_on(self, step: int, lost: int, recovered: bool) -> bool:
        """Evaluate after so many passes, and say whether there is reason to train further.

        ``lost``: losses so far that were not finite; ``recovered``: the last one was finite.
        """
        error = None if lost else _evaluate(self.parts, self.rows, self.budget, self.validation_error)
        if error is None:
            self.remark = f"the loss or the prediction was not finite at step {step}"
            if lost and recovered:
                self.remark = f"the loss was not finite in {lost} of {step} steps"
            return False
        if self.parts.schedule is not None and self.parts.by_error:
            self.parts.schedule.step(error)  # type: ignore[arg-type]
        best = self.best
        self.stale = 0 if best is None or error < best.validation_error else self.stale + 1
        if best is None or error <= best.validation_error:
            self.best = Trained(error, step)
            self.kept = {name: tensor.clone() for name, tensor in self.parts.network.state_dict().items()}
        return self.stale < self.budget.patience

    def end(self) -> Trained:
        """The best checkpoint, now in the network.

        Raises
        ------
        Diverged
            When there is none.
        """
        if self.best is None:
            raise Diverged(self.remark)
        self.parts.network.load_state_dict(self.kept)
        self.parts.network.eval()
        remark = self.remark and f"{self.remark}; the model of step {self.best.steps} was kept"
        return replace(self.best, remark=remark)


def train(
    parts: Parts,
    rows: Rows,
    target: Tensor,
    weights: Tensor | None = None,
    *,
    pace: Pace,
    budget: Budget,
    seeds: Seeds,
    validation_error: Callable[[], float | None],
) -> Trained:
    """The best checkpoint by validation error, later ones winning ties; its weights are left in the network.

    Parameters
    ----------
    parts
        The network with everything that trains it.
    rows, target
        Training rows, and their class codes or standardised values ``(n_rows,)``; standardised values
        ``(n_rows, horizon)`` of forecasts; class codes ``(n_rows, time)`` of texts, -1 where none is asked.
    weights
        Of the rows, float32 ``(n_rows,)``; None: all count the same.
    pace
        How the budget is spent; its clock runs from when it was made.
    budget
        Batch size, number of evaluations and patience.
    seeds
        ``order`` and ``dropout``; evaluations take nothing from either stream.
    validation_error
        Error of the network as it is now, in eval mode; None where its prediction is not finite.

    Raises
    ------
    Diverged
        When loss or prediction are not finite at the first evaluation.
    """
    torch.manual_seed(seeds.dropout)
    course, marks = Course(parts, rows, budget, validation_error), Marks(pace, budget.evaluations)
    passes = _Passes(parts, rows, target, weights, Losses.of_none(target.device))
    steps = Steps()
    parts.set_training()
    for index in batches(len(rows), budget.batch_size, seeds.order, target.device):
        before, passes.index = passes.count, index
        with steps.taken(len(index)):
            passes.step()
        if passes.count == before:
            raise RuntimeError(f"{type(parts.optimizer).__name__}.step never called the closure")
        spent = pace.ticks(passes.count)
        course.schedule_to(spent)
        if marks.due(passes.count, spent):
            if not course.goes_on(passes.count, *passes.losses.found()[0]) or spent >= pace.total:
                break
            parts.set_training()
    return course.end()


@dataclass(eq=False)
class _Passes:
    """The closure of the slots' contract: each call is a pass over the batch in ``index``."""

    parts: Parts
    rows: Rows
    target: Tensor
    weights: Tensor | None
    losses: Losses
    count: int = 0
    index: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.int64))

    def step(self) -> None:
        """The optimizer's step on the batch in ``index``, with the passes that it takes."""
        parts = self.parts
        if parts.closure:
            parts.optimizer.step(self)  # type: ignore[arg-type]
        else:
            self()
            parts.precision.scaler.step(parts.optimizer)
            parts.precision.scaler.update()

    @torch.enable_grad()
    def __call__(self, create_graph: bool = False) -> Tensor:
        self.parts.optimizer.zero_grad(set_to_none=True)
        # cuDNN's recurrent layers have no second derivative.
        with torch.backends.cudnn.flags(enabled=False) if create_graph else nullcontext():
            value = self._loss()
        with part("backward"):
            self._differentiate(value, create_graph)
        self.count += 2 if create_graph else 1
        self.losses.add(value.detach())
        return value.detach()

    def _loss(self) -> Tensor:
        with part("data"):
            inputs, target = self.rows.take(self.index), self.target.index_select(0, self.index)
            weights = None if self.weights is None else self.weights.index_select(0, self.index)
        with part("forward"):
            output = self.parts.precision.run(self.parts.network, *inputs)
            return mean_loss(self.parts.loss, output, target, weights, weigh_value=self.parts.closure)

    def _differentiate(self, value: Tensor, create_graph: bool) -> None:
        """Put the gradients in place."""
        if not create_graph:
            self.parts.precision.scaler.scale(value).backward()  # type: ignore[no-untyped-call]
            return
        given = [parameter for parameter in self.parts.network.parameters() if parameter.requires_grad]
        gradients = torch.autograd.grad(value, given, create_graph=True, allow_unused=True)
        for parameter, gradient in zip(given, gradients, strict=True):
            parameter.grad = gradient


@contextmanager
def _first_step_skipped() -> Iterator[None]:
    """Let a schedule step though the first gradients may have overflowed: the pass is spent all the same."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step", UserWarning)
        yield


def _evaluate(
    parts: Parts, rows: Rows, budget: Budget, validation_error: Callable[[], float | None]
) -> float | None:
    """The validation error, taking nothing from the stream of randomness that training draws from."""
    device = rows.device
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        if parts.train_eval:
            parts.optimizer.eval()  # type: ignore[attr-defined]
            _settle_batch_norm(parts, rows, budget.batch_size)
        parts.network.eval()
        return validation_error()


@torch.no_grad()
def _settle_batch_norm(parts: Parts, rows: Rows, batch_size: int) -> None:
    """Measure the batch statistics of weights that never went through training mode themselves.

    Schedule-Free evaluates an average of weights; its authors ask for this where there is batch norm.
    """
    modules = parts.network.modules()
    norms: list[Any] = [module for module in modules if hasattr(module, "reset_running_stats")]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain average over the batches below
    n_batches = _batches_per_epoch(len(rows), batch_size)
    for start in range(min(n_batches, STATISTICS_BATCHES)):
        # Every n-th row: tables are often sorted by class.
        parts.precision.run(parts.network, *rows.part(slice(start, None, n_batches)))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def batches(n_rows: int, batch_size: int, seed: int, device: torch.device) -> Iterator[Tensor]:
    """Row numbers of one batch after the other, epoch after epoch without end.

    An incomplete last batch is kept; where it would be a single row, which batch norm cannot take, that row
    joins the batch before.
    """
    generator = torch.Generator().manual_seed(seed)
    while True:
        order = torch.randperm(n_rows, generator=generator).to(device)
        sizes = [batch_size] * (_batches_per_epoch(n_rows, batch_size) - 1)
        yield from torch.split(order, [*sizes, n_rows - sum(sizes)])


def _batches_per_epoch(n_rows: int, batch_size: int) -> int:
    full, rest = divmod(n_rows, batch_size)
    return max(1, full + (rest > 1))
