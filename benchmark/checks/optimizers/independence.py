"""What a step leaves alone: other optimizers of the same class, and the gradients."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from benchmark.checks.check import Rule, expect
from benchmark.checks.optimizers.toys import Toy, quadratic, silent_steps
from benchmark.checks.subject import Subject

__all__ = ["RULES", "leaves_gradients_alone", "shares_no_state"]

STEPS = 3
SETTLED = 50
"""Steps after which what others left behind has mostly worn off."""
LOUD = 1000.0
"""Times the gradients, the other way, that another one is given in between."""
MORE = 10.0
"""Times the difference that there is without it: chance alone does not make so much."""
DECAY = 0.01


def shares_no_state(subject: Subject) -> None:
    """It steps as it does without one, where another optimizer of the class has stepped before it.

    A study trains many networks in one process. What their optimizers share, such as an attribute of the
    class or a default argument that is written into, makes a result depend on which fit came before.
    """
    steps = STEPS + silent_steps(subject)
    Toy.of(subject).train(SETTLED)
    before = [Toy.of(subject).train(steps).weights() for _ in range(2)]
    loud = Toy.of(subject, quadratic(-1.0))
    loud.scale = LOUD
    loud.train(steps)
    after = Toy.of(subject).train(steps).weights()
    usual, apart = _apart(*before), _apart(before[1], after)
    if not math.isfinite(usual):
        return  # it is lost without another one, which is another rule's affair
    seen = f"differences up to {apart:.3g}, and up to {usual:.3g} without one in between"
    expect(apart <= MORE * usual, "about the same weights after another one's steps as before them", seen)


def leaves_gradients_alone(subject: Subject) -> None:
    """A step does not write into ``p.grad``.

    Gradients that are accumulated over several passes, clipped again or logged after the step are not those
    of the loss any more. Weight decay that is added in place does that, and ``grad.add(…)`` instead of
    ``grad.add_(…)`` does not.
    """
    toy = Toy.of(subject)
    for group in toy.optimizer.param_groups:
        if group.get("weight_decay") == 0:
            group["weight_decay"] = DECAY
    handed: list[tuple[Tensor, Tensor]] = []

    def kept(_: int, gradient: Tensor) -> Tensor:
        handed.append((gradient, gradient.detach().clone()))
        return gradient

    toy.hand = kept
    toy.train(STEPS)
    off = [float((now.detach() - then).abs().max()) for now, then in handed if not torch.equal(now, then)]
    seen = f"{len(off)} of {len(handed)} with differences up to {max(off, default=0.0):.3g}"
    expect(not off, "gradients as they were before the step", seen)


def _apart(some: list[Tensor], others: list[Tensor]) -> float:
    """The largest difference; infinite where something is not finite."""
    far = max(float((a - b).abs().max()) for a, b in zip(some, others, strict=True))
    finite = all(bool(weights.isfinite().all()) for weights in (*some, *others))
    return far if finite else math.inf


RULES = (
    Rule(shares_no_state, look="step"),
    Rule(leaves_gradients_alone, severity="warning", look="step"),
)
