"""A network, its training rows and what trains it, stepped by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.checks.subject import Place
from benchmark.execute.fitting import assemble
from benchmark.execute.fitting.outputs import mean_loss
from benchmark.execute.fitting.rows import Rows, to_rows

__all__ = ["Bench"]

ROWS, BATCH = 96, 32


@dataclass(eq=False)
class Bench:
    """The first training rows of a place, its network with weights from a seed, and its optimizer."""

    place: Place
    rows: Rows
    target: Tensor
    network: torch.nn.Module
    optimizer: torch.optim.Optimizer
    loss: Callable[[Tensor, Tensor], Tensor]
    calls: list[bool] = field(default_factory=list)
    """Of the closure, each with its ``create_graph``."""
    _step: int = 0

    @classmethod
    def at(cls, place: Place, seed: int = 0, rows: Rows | None = None, **swapped: Any) -> Bench:
        """A fresh one, over other rows if given; ``swapped`` takes the place of what a slot's ``make`` is."""
        make, task = {**assemble.makers(place.pipeline), **swapped}, place.task
        chosen = np.asarray(place.split.train)[:ROWS]
        if rows is None:
            table = make["preprocessor"]().fit_transform(place.data.inputs(chosen), place.data.y[chosen])
            rows = to_rows(table, "cpu")
        torch.manual_seed(seed)
        every_step = task.task_type == "language"
        network = assemble.network(place.pipeline, make, rows, task.n_outputs, every_step=every_step)
        loss = make["loss"](task.task_type, task.n_outputs)
        optimizer = assemble.optimizer(place.pipeline, make, network)
        return cls(place, rows, _standardised(place.data.y[chosen]), network, optimizer, loss)

    @property
    def asks(self) -> tuple[str, ...]:
        """What the optimizer needs."""
        return self.place.pipeline.components["optimizer"].needs

    def closure(self, create_graph: bool = False) -> Tensor:
        """The slot's closure over the batch whose turn it is."""
        self.calls.append(create_graph)
        with torch.enable_grad():
            self.optimizer.zero_grad()
            index = (torch.arange(BATCH) + self._step * BATCH) % len(self.rows)
            value = mean_loss(self.loss, self.network(*self.rows.take(index)), self.target[index])
            given = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
            gradients = torch.autograd.grad(value, given, create_graph=create_graph, allow_unused=True)
        for parameter, gradient in zip(given, gradients, strict=True):
            parameter.grad = gradient
        return value.detach()

    def train(self, steps: int) -> None:
        """So many steps in training mode, each with the same randomness whatever came before."""
        self.network.train()
        if "train_eval" in self.asks:
            self.optimizer.train()  # type: ignore[attr-defined]
        for _ in range(steps):
            torch.manual_seed(self._step)
            if "closure" in self.asks:
                self.optimizer.step(self.closure)  # type: ignore[arg-type]
            else:
                self.closure()
                self.optimizer.step()
            self._step += 1

    def weights(self) -> dict[str, Tensor]:
        """A copy of everything that the network's ``state_dict`` holds."""
        return {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}

    def output(self, rows: slice = slice(None)) -> Tensor:
        """What the network says of some rows, in evaluation mode."""
        return self.said(*self.rows.part(rows))

    def said(self, *inputs: Tensor | None) -> Tensor:
        """What the network says of any input, in evaluation mode."""
        self.network.eval()
        with torch.no_grad():
            said: Tensor = self.network(*inputs)
        return said

    def resumed(self, other: Bench) -> Bench:
        """Itself, with the weights, the optimizer's state and the place in the data of another."""
        self.network.load_state_dict(other.network.state_dict())
        self.optimizer.load_state_dict(other.optimizer.state_dict())
        return dataclasses.replace(self, _step=other._step)


def _standardised(y: np.ndarray) -> Tensor:
    if y.dtype.kind in "iu":
        return torch.from_numpy(np.asarray(y, np.int64))
    return torch.from_numpy(((y - y.mean()) / (y.std() or 1.0)).astype(np.float32))
