"""What a loss promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.checks.check import Rule, expect
from benchmark.checks.subject import Subject
from benchmark.spec import TASK_TYPES

__all__ = [
    "RULES",
    "a_right_answer_costs_little",
    "costs_less_when_nearer",
    "gains_nothing_beyond_certainty",
    "has_finite_gradients_where_it_is_right",
    "is_a_mean_over_rows",
    "is_finite_at_extreme_outputs",
    "is_least_where_the_target_is",
    "is_the_mean_of_its_rows",
    "leaves_outputs_and_targets_alone",
    "takes_its_task_types",
]

EXTREME = 50.0
"""An output that networks reach where they are sure; its exponential is no longer exact in float32."""
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
NUDGE = 0.1
ALIKE = 0.2
"""Of a loss, by how much chance may change it from one batch to another: a sum doubles."""
LITTLE = 0.5
"""What may be left of the loss of equal probabilities where the answer is right and sure enough: label
smoothing of 0.1 leaves 0.31 of it, a softmax that is taken for logits 0.56."""


@dataclass(frozen=True, eq=False)
class _Asked:
    """A loss for a task type; eight rows of outputs as the contract shapes them, and their targets."""

    task_type: str
    loss: Callable[[Tensor, Tensor], Tensor]
    output: Tensor
    target: Tensor

    @property
    def classes(self) -> bool:
        return self.output.ndim == 2

    def right(self, size: float) -> Tensor:
        """Outputs that say the target, those of classes as plainly as asked."""
        if not self.classes:
            return self.target.clone()
        return size * torch.nn.functional.one_hot(self.target, self.output.shape[1]).float()

    def of_rows(self, output: Tensor) -> Tensor:
        """The loss of every row by itself."""
        return torch.stack([self.loss(output[i : i + 1], self.target[i : i + 1]) for i in range(len(output))])


def takes_its_task_types(subject: Subject) -> None:
    """Of every task type that it does not rule out it makes one finite number with a gradient.

    A component that names no ``task:TYPE`` in its needs is used for all of them; on what it cannot take a
    study has failures instead of results.
    """
    for asked in _each(subject):
        try:
            value = asked.loss(asked.output, asked.target)
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            expect(False, f"a loss of {asked.task_type} tasks", f"{type(error).__name__}: {error}")
        expect(value.ndim == 0, f"one number of {asked.task_type} tasks", tuple(value.shape))
        expect(value.requires_grad, "a loss that gradients can be taken of", "one that is cut off")
        text = "a finite loss of outputs of any sign"
        expect(bool(value.isfinite()), f"{text}, of {asked.task_type} tasks", value.item())


def leaves_outputs_and_targets_alone(subject: Subject) -> None:
    """It does not write into the outputs or the targets that it is passed.

    Targets are passed again in every epoch: written into once, they are wrong from then on.
    """
    for asked in _each(subject):
        output, target = asked.output.detach().clone(), asked.target.clone()
        asked.loss(asked.output * 1.0, target)
        expect(torch.equal(target, asked.target), "targets that stay", "others")
        given = output.clone()
        asked.loss(given, target)
        expect(torch.equal(given, output), "outputs that stay", "others")


def is_a_mean_over_rows(subject: Subject) -> None:
    """The loss of a batch is about that of the same rows twice, and has finite gradients.

    With a sum, the learning rate that is right depends on the size of the batch, and an arm is compared at
    another rate than its baseline.
    """
    for asked in _each(subject):
        once = asked.loss(asked.output, asked.target)
        twice = asked.loss(asked.output.repeat_interleave(2, 0), asked.target.repeat_interleave(2, 0))
        same = f"{once.item():.6g} for twice the same rows of {asked.task_type} tasks"
        expect(torch.allclose(once, twice, rtol=ALIKE), same, f"{twice.item():.6g}")
        (gradient,) = torch.autograd.grad(once, [asked.output])
        expect(bool(gradient.isfinite().all() and gradient.any()), "finite gradients, not all 0", gradient)


def is_the_mean_of_its_rows(subject: Subject) -> None:
    """The loss of a batch is the plain mean of the losses that its rows have alone.

    Weights by row suppose such a mean. Means with weights of their own, and noise, are other ones; but so is
    a loss that compares outputs with the targets of other rows, by a shape that was broadcast, say.
    """
    for asked in _each(subject):
        whole, rows = asked.loss(asked.output, asked.target), asked.of_rows(asked.output)
        mean = f"the mean {rows.mean().item():.6g} of the losses of {len(rows)} rows"
        expect(torch.allclose(whole, rows.mean(), rtol=1e-4), mean, f"{whole.item():.6g}")


def costs_less_when_nearer(subject: Subject) -> None:
    """Rows that are not right yet cost less on average once their outputs move a little towards the target.

    Training goes where the loss is less: a wrong sign, or the target of another class, leads it away from
    what is wanted.
    """
    for asked in _each(subject):
        start = asked.output.detach()
        nearer = start + NUDGE * (asked.right(1.0) if asked.classes else asked.target - start)
        wrong = start.argmax(-1) != asked.target if asked.classes else start != asked.target
        before, after = (float(asked.of_rows(output)[wrong].mean()) for output in (start, nearer))
        text = f"less loss in rows of {asked.task_type} tasks whose output moves towards the target"
        expect(after < before, text, f"on average {before:.6g} and then {after:.6g}")


def is_least_where_the_target_is(subject: Subject) -> None:
    """Gradient steps on the output alone lead the prediction to the target.

    A network that reaches the least loss would still predict something else. Usual causes are targets that
    belong to another row or class, and shapes that are broadcast.
    """
    for asked in _each(subject):
        output, target = asked.output, asked.target
        optimizer = torch.optim.Adam([output], lr=0.1)
        for _ in range(200):
            optimizer.zero_grad()
            asked.loss(output, target).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        right = output.argmax(-1) == target if asked.classes else (output - target).abs() < 0.2
        found = f"{int(right.sum())} of {len(target)} rows"
        expect(right.all(), f"the target of {asked.task_type} tasks found", found)


def a_right_answer_costs_little(subject: Subject) -> None:
    """The right class, said as plainly as suits the loss, costs less than half of what equal logits cost.

    Predictions are the softmax of the output. A loss that takes the output for something else, such as one
    that applies a softmax of its own before a cross-entropy, has next to no gradient left where it is wrong,
    and no logits that satisfy it.
    """
    for asked in _each(subject):
        if asked.classes:
            nothing = float(asked.loss(asked.right(0.0), asked.target))
            # With the other logits at 0 or below it: what looks at each class by itself wants the latter.
            plain = [asked.right(size) - below for size in SIZES for below in (0.0, size / 2)]
            least = min(float(asked.loss(output, asked.target)) for output in plain)
            seen = f"{least:.4g} against {nothing:.4g}"
            expect(least < LITTLE * nothing, f"less than {LITTLE:.0%} of the loss of equal logits", seen)


def gains_nothing_beyond_certainty(subject: Subject) -> None:
    """Where the right class is certain, larger logits do not lower the loss any more.

    It would have no minimum: the outputs grow for as long as training goes on, and the loss is the smaller
    the larger they are, whatever is right. The usual cause is a log-likelihood of logits without a softmax.
    """
    for asked in _each(subject):
        if asked.classes:
            sure, surer = (
                float(asked.loss(asked.right(size), asked.target)) for size in (EXTREME, 2 * EXTREME)
            )
            seen = f"{sure:.4g} at {EXTREME:g} and {surer:.4g} at {2 * EXTREME:g}"
            expect(surer >= sure - 1e-3, "no less loss of larger logits of the right class", seen)


def is_finite_at_extreme_outputs(subject: Subject) -> None:
    """Outputs of -50 and 50, right and wrong, have a finite loss with finite gradients.

    One batch with a sure and wrong row would make the loss NaN, and all weights after it. Usual causes are
    the logarithm of a softmax in two steps, and an exponential without a bound.
    """
    for asked in _each(subject):
        sure = asked.right(2 * EXTREME) - EXTREME if asked.classes else asked.target.sign() * EXTREME
        for name, output in (("right", sure), ("wrong", -sure)):
            _finite(asked, output, f"outputs of -{EXTREME:g} and {EXTREME:g} that are {name}")


def has_finite_gradients_where_it_is_right(subject: Subject) -> None:
    """Where the output is the target to the last bit, gradients are finite.

    Constant targets, and rows learned by heart, are such rows: a root, say, has an infinite slope at 0, and
    one such row makes all weights NaN.
    """
    for asked in _each(subject):
        _finite(asked, asked.right(8.0), "outputs that say the target")


def _finite(asked: _Asked, output: Tensor, what: str) -> None:
    output = output.clone().requires_grad_()
    value = asked.loss(output, asked.target)
    expect(bool(value.isfinite()), f"a finite loss of {what}, of {asked.task_type} tasks", value.item())
    (gradient,) = torch.autograd.grad(value, [output])
    odd = int((~gradient.isfinite()).sum())
    text = f"finite gradients of {what}, of {asked.task_type} tasks"
    expect(not odd, text, f"{odd} of {gradient.numel()} are not")


def _each(subject: Subject) -> Iterator[_Asked]:
    """By task type a new loss and eight rows."""
    for task_type in subject.named("task") or TASK_TYPES:
        generator = torch.Generator().manual_seed(0)
        if task_type in ("regression", "forecasting"):
            n_outputs, output = 1, torch.randn(8, generator=generator)
            target = torch.randn(8, generator=generator)
        else:
            n_outputs = 2 if task_type == "binary" else 5
            target = torch.randint(n_outputs, (8,), generator=generator)
            output = torch.randn(8, n_outputs, generator=generator)
        loss = _seeded(subject.make(task_type, n_outputs))
        yield _Asked(task_type, loss, output.requires_grad_(), target)


def _seeded(loss: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """The loss, drawing the same numbers in every call if it draws any."""

    def seeded(output: Tensor, target: Tensor) -> Tensor:
        torch.manual_seed(0)
        return loss(output, target)

    return seeded


_TAKES = "takes_its_task_types"
RULES = (
    Rule(takes_its_task_types, look="forward"),
    Rule(leaves_outputs_and_targets_alone, look="forward", causes=(_TAKES,)),
    Rule(is_a_mean_over_rows, look="forward", causes=(_TAKES, "leaves_outputs_and_targets_alone")),
    Rule(
        is_the_mean_of_its_rows,
        severity="warning",
        look="forward",
        causes=(_TAKES, "leaves_outputs_and_targets_alone", "is_a_mean_over_rows"),
    ),
    Rule(costs_less_when_nearer, look="forward", causes=(_TAKES,)),
    Rule(
        is_least_where_the_target_is,
        look="forward",
        causes=(_TAKES, "costs_less_when_nearer", "is_a_mean_over_rows"),
    ),
    Rule(
        a_right_answer_costs_little,
        look="forward",
        causes=(_TAKES, "costs_less_when_nearer", "is_a_mean_over_rows", "is_least_where_the_target_is"),
    ),
    Rule(gains_nothing_beyond_certainty, look="forward", causes=(_TAKES, "costs_less_when_nearer")),
    Rule(is_finite_at_extreme_outputs, look="forward", causes=(_TAKES,)),
    Rule(
        has_finite_gradients_where_it_is_right,
        look="forward",
        causes=(_TAKES, "is_finite_at_extreme_outputs"),
    ),
)
