"""Trains a network within a budget and leaves it at its best checkpoint.

The whole table lies in memory and batches are rows by permuted index: for small networks a loader that
assembles rows one by one costs more than the step.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from benchmark.spec import Budget, Seeds

__all__ = ["Diverged", "Pace", "Parts", "Rows", "Trained", "batches", "mean_loss", "predict", "train"]

TICKS = 1000
"""Resolution of a schedule over a budget in seconds, whose number of steps nobody knows beforehand."""
STATISTICS_BATCHES = 50
"""Batches that averaged weights get to settle their batch norm, as Schedule-Free's authors advise."""
CHUNK = 16_384
"""Rows that are predicted at once, to bound the memory."""


class Diverged(RuntimeError):
    """The loss or the prediction was not finite, and there is no earlier checkpoint to fall back on."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Inputs of some rows: floats ``(n_rows, n_numeric)`` and codes ``(n_rows, n_categorical)``, or None."""

    x_num: Tensor | None
    x_cat: Tensor | None

    def __len__(self) -> int:
        present = self.x_num if self.x_num is not None else self.x_cat
        return 0 if present is None else len(present)

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        present = self.x_num if self.x_num is not None else self.x_cat
        return torch.device("cpu") if present is None else present.device

    def take(self, index: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """What ``forward`` takes, for rows by number."""
        x_num = None if self.x_num is None else self.x_num.index_select(0, index)
        return x_num, None if self.x_cat is None else self.x_cat.index_select(0, index)

    def part(self, rows: slice) -> tuple[Tensor | None, Tensor | None]:
        """What ``forward`` takes, for evenly spaced rows."""
        x_num = None if self.x_num is None else self.x_num[rows]
        return x_num, None if self.x_cat is None else self.x_cat[rows]


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
    """Optimizer steps up to it."""
    remark: str = ""


@dataclass(frozen=True)
class Pace:
    """A budget counted in ticks: a tick is a step, or a thousandth of a budget in seconds."""

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

    def ticks(self, step: int) -> int:
        """Ticks spent after ``step`` optimizer steps."""
        if self.seconds is None:
            return step
        return min(self.total, int(self.total * (time.perf_counter() - self.started) / self.seconds))


def train(
    parts: Parts,
    rows: Rows,
    target: Tensor,
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
        Training rows, and their class codes or standardised values ``(n_rows,)``.
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
    best, stale, remark = None, 0, ""
    weights: dict[str, Tensor] = {}
    for step, finite in _until_evaluations(parts, rows, target, pace, budget, seeds):
        error = _evaluate(parts, rows, budget, validation_error) if finite else None
        if error is None:
            remark = f"the loss or the prediction was not finite at step {step}"
            break
        stale = 0 if best is None or error < best.validation_error else stale + 1
        if best is None or error <= best.validation_error:
            best = Trained(error, step)
            weights = {name: tensor.clone() for name, tensor in parts.network.state_dict().items()}
        if stale >= budget.patience:
            break
    if best is None:
        raise Diverged(remark)
    parts.network.load_state_dict(weights)
    parts.network.eval()
    return replace(best, remark=remark and f"{remark}; the model of step {best.steps} was kept")


def _until_evaluations(
    parts: Parts, rows: Rows, target: Tensor, pace: Pace, budget: Budget, seeds: Seeds
) -> Iterator[tuple[int, bool]]:
    """Train; yield the step, and whether all losses were finite, whenever an evaluation is due."""
    step, scored_at, marks, scheduled = 0, 0, 0, 0
    # Summed where it is: asking after every step would make a GPU wait and a CPU synchronise for nothing.
    losses = torch.zeros((), device=target.device)
    parts.set_training()
    for index in batches(len(rows), budget.batch_size, seeds.order, target.device):
        parts.optimizer.zero_grad(set_to_none=True)
        value = mean_loss(parts.loss, parts.network(*rows.take(index)), target.index_select(0, index))
        value.backward()  # type: ignore[no-untyped-call]
        parts.optimizer.step()
        losses += value.detach()
        step += 1
        spent = pace.ticks(step)
        while parts.schedule is not None and scheduled < spent:
            parts.schedule.step()
            scheduled += 1
        passed = spent * budget.evaluations // pace.total
        finished = spent >= pace.total
        if finished or (passed > marks and step - scored_at >= pace.steps_per_epoch):
            yield step, bool(losses.isfinite())
            scored_at, marks = step, passed
            parts.set_training()
        if finished:
            return


def _evaluate(
    parts: Parts, rows: Rows, budget: Budget, validation_error: Callable[[], float | None]
) -> float | None:
    """The validation error, taking nothing from the stream of randomness that training draws from."""
    device = rows.device
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        if parts.train_eval:
            parts.optimizer.eval()  # type: ignore[attr-defined]
            _settle_batch_norm(parts.network, rows, budget.batch_size)
        parts.network.eval()
        return validation_error()


@torch.no_grad()
def _settle_batch_norm(network: torch.nn.Module, rows: Rows, batch_size: int) -> None:
    """Measure the batch statistics of weights that never went through training mode themselves.

    Schedule-Free evaluates an average of weights; its authors ask for this where there is batch norm.
    """
    norms: list[Any] = [module for module in network.modules() if hasattr(module, "reset_running_stats")]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain average over the batches below
    n_batches = _batches_per_epoch(len(rows), batch_size)
    for start in range(min(n_batches, STATISTICS_BATCHES)):
        # Every n-th row: tables are often sorted by class.
        network(*rows.part(slice(start, None, n_batches)))
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


def mean_loss(loss: Callable[[Tensor, Tensor], Tensor], output: Tensor, target: Tensor) -> Tensor:
    """The loss of a batch; for an ensemble's output ``(batch, k, n_outputs)`` the mean over its members.

    Members have equally many rows, so the mean over all rows of all members is the mean of their losses.
    """
    if output.ndim == 3:
        target = target.repeat_interleave(output.shape[1])
        output = output.flatten(0, 1)
    return loss(output.squeeze(-1) if target.is_floating_point() else output, target)


@torch.inference_mode()
def predict(network: torch.nn.Module, rows: Rows, *, classes: bool) -> npt.NDArray[np.float32]:
    """Probabilities ``(n_rows, n_classes)`` or standardised values ``(n_rows,)``; members are averaged."""
    parts = []
    for start in range(0, len(rows), CHUNK):
        output = network(*rows.part(slice(start, start + CHUNK)))
        output = output.softmax(-1) if classes else output.squeeze(-1)
        parts.append(output.mean(1) if output.ndim == 2 + classes else output)
    return torch.cat(parts).float().cpu().numpy()
