"""Architectures, activations and losses with faults beside those of the museum, and who has to say so."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["BROKEN", "Sample"]


class Sample(NamedTuple):
    """What has to be said of a component."""

    slot: str
    rule: str
    seen: str
    """Part of it."""
    severity: str = "error"
    needs: tuple[str, ...] = ()


class _Tables(nn.Module):
    width = 32

    def __init__(self, input_spec: Any, n_outputs: int) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(codes, 4) for codes in input_spec.cardinalities)
        self.entrance = nn.Linear(input_spec.n_numeric + 4 * len(self.embeddings), self.width)
        self.output = nn.Linear(self.width, n_outputs)

    def between(self, states: Tensor) -> Tensor:
        return states.relu()

    def forward(self, x_num: Tensor | None, x_cat: Tensor | None) -> Tensor:
        parts = [] if x_num is None else [x_num]
        if x_cat is not None:
            parts += [embed(x_cat[:, column]) for column, embed in enumerate(self.embeddings)]
        output: Tensor = self.output(self.between(self.entrance(torch.cat(parts, dim=1))))
        return output


class OutOfThinAir(_Tables):
    """Weights from the operating system's randomness."""

    def __init__(self, input_spec: Any, n_outputs: int) -> None:
        super().__init__(input_spec, n_outputs)
        generator = torch.Generator().manual_seed(int.from_bytes(os.urandom(4)))
        nn.init.normal_(self.output.weight, std=0.1, generator=generator)


class Counts(_Tables):
    """A running mean that is updated in evaluation mode too."""

    mean: Tensor

    def __init__(self, input_spec: Any, n_outputs: int) -> None:
        super().__init__(input_spec, n_outputs)
        self.register_buffer("mean", torch.zeros(self.width))

    def between(self, states: Tensor) -> Tensor:
        gone = (states - self.mean).relu()
        self.mean = 0.999 * self.mean + 0.001 * states.detach().mean(0)
        return gone


class SwitchesItselfOff(_Tables):
    """Predicts once while it trains, and forgets to switch back."""

    def between(self, states: Tensor) -> Tensor:
        self.eval()
        return states.relu()


class StaysInTraining(_Tables):
    """Its ``eval`` does nothing."""

    def eval(self) -> StaysInTraining:
        return self


class Ordered(_Tables):
    """Adds a position, as to time, along the rows of the batch."""

    def between(self, states: Tensor) -> Tensor:
        return (states + torch.linspace(0, 1, len(states))[:, None]).relu()


class Compared(_Tables):
    """Looks for the row that is most alike, and adds a little of it."""

    def between(self, states: Tensor) -> Tensor:
        weights = (states @ states.T).softmax(1)
        return (states + 1e-5 * weights @ states).relu()


class NumbersOnly(nn.Module):
    """Does not think of tables without numbers."""

    def __init__(self, input_spec: Any, n_outputs: int) -> None:
        super().__init__()
        self.output = nn.Linear(input_spec.n_numeric, n_outputs)
        self.embeddings = nn.ModuleList(nn.Embedding(n, n_outputs) for n in input_spec.cardinalities)

    def forward(self, x_num: Tensor, x_cat: Tensor | None) -> Tensor:
        output: Tensor = self.output(x_num)
        for column, embed in enumerate(self.embeddings):
            output = output + embed(x_cat[:, column])  # type: ignore[index]
        return output


class BatchNormed(_Tables):
    """Refuses a batch of one row, as batch norm does."""

    def __init__(self, input_spec: Any, n_outputs: int) -> None:
        super().__init__(input_spec, n_outputs)
        self.norm = nn.BatchNorm1d(self.width)

    def between(self, states: Tensor) -> Tensor:
        normed: Tensor = self.norm(states)
        return normed.relu()


class Colours(nn.Module):
    """Reads every image as grey, by its first channel times nothing."""

    def __init__(self, input_spec: Any, n_outputs: int) -> None:
        super().__init__()
        self.output = nn.Linear(input_spec.shape[1] * input_spec.shape[2], n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.output(torch.ones_like(x[:, 0]).flatten(1))
        return output


class Float32(nn.Module):
    """Computes in float32 whatever comes."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.nn.functional.silu(x.float())


class InfiniteSlope(nn.Module):
    """A signed root: its slope at 0 is none."""

    def forward(self, x: Tensor) -> Tensor:
        return x.sign() * x.abs().sqrt()


class _Loss(nn.Module):
    def __init__(self, task_type: str, n_outputs: int) -> None:
        super().__init__()
        self.task_type, self.n_outputs = task_type, n_outputs


class Writes(_Loss):
    """Clips its targets where they are."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return functional.mse_loss(output, target.clamp_(-0.5, 0.5))


class ForClassesOnly(_Loss):
    """Does not say that it is for classes."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        own = functional.one_hot(target, output.shape[1]).to(output)
        return -(output.log_softmax(1) * own).sum(1).mean()


class OfRows(_Loss):
    """Leaves the mean to whoever calls it."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return functional.mse_loss(output, target, reduction="none")


class Exponential(_Loss):
    """The exponential loss of boosting, of a margin without a bound."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        own = output.gather(1, target[:, None])
        return (output - own).exp().sum(1).sub(1).mean()


_VALUES, _CLASSES = ("task:regression", "task:forecasting"), ("task:binary", "task:multiclass")
BROKEN: dict[type[nn.Module], Sample] = {
    OutOfThinAir: Sample("architecture", "weights_follow_the_seed", "others in output.weight"),
    Counts: Sample("architecture", "evaluation_changes_nothing", "differences up to"),
    SwitchesItselfOff: Sample("architecture", "modes_switch_and_come_back", "the same mode after a pass"),
    StaysInTraining: Sample("architecture", "modes_switch_and_come_back", "in training: the network"),
    Ordered: Sample("architecture", "rows_do_not_see_each_other", "rows in another order"),
    Compared: Sample("architecture", "rows_do_not_see_each_other", "no gradient of row 0 by other rows"),
    NumbersOnly: Sample("architecture", "takes_tables_of_one_kind", "NoneType", "warning"),
    BatchNormed: Sample("architecture", "trains_on_one_row", "more than 1 value per channel", "warning"),
    Colours: Sample("architecture", "uses_every_column", "none on channel 0", needs=("input:image",)),
    Float32: Sample("activation", "works_in_bfloat16", "saw torch.float32", "warning"),
    InfiniteSlope: Sample(
        "activation", "is_finite_on_wide_inputs", "finite slopes up to 10000; saw nan at 0"
    ),
    Writes: Sample("loss", "leaves_outputs_and_targets_alone", "targets that stay", needs=_VALUES),
    ForClassesOnly: Sample("loss", "takes_its_task_types", "a loss of regression tasks"),
    OfRows: Sample("loss", "takes_its_task_types", "one number of regression tasks", needs=_VALUES),
    Exponential: Sample("loss", "is_finite_at_extreme_outputs", "saw inf", needs=_CLASSES),
}
