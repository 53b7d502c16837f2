"""What a step of an optimizer depends on, and what it does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from benchmark.checks.check import Rule, expect
from benchmark.checks.optimizers.toys import Toy, quadratic, silent_steps
from benchmark.checks.subject import Subject
from benchmark.execute.tune import apply
from benchmark.spec import Choice, Range

__all__ = [
    "RULES",
    "decays_with_its_rate",
    "groups_keep_their_rates",
    "heeds_a_changed_rate",
    "heeds_weight_decay",
    "obeys_lr_zero",
    "order_of_parameters_does_not_matter",
    "scale_and_shift",
    "touches_every_group",
    "tuned_arguments_count",
    "weight_decay_shrinks_weights",
]

STEPS = 3
MANY = 12
"""Steps after which it has shown what an argument, or the scale of the loss, does."""
DECAY = 0.1


def obeys_lr_zero(subject: Subject) -> str | None:
    """At a learning rate of 0, set after it is made, no gradient moves anything.

    A schedule that warms up or ends at 0 is then not what it says, and the rate that is tuned is not the
    whole rate: part of every step is taken whatever it is.
    """
    there, mirrored = (Toy.of(subject, quadratic(way), rate=0.0) for way in (1.0, -1.0))
    steps = STEPS + silent_steps(subject)
    try:
        there.train(steps)
        mirrored.train(steps)
    except (ArithmeticError, ValueError) as refusal:
        return f"refuses a rate of 0 ({type(refusal).__name__}: {refusal})"
    far = there.moved()
    driven = [not torch.equal(a, b) for a, b in _pairs(there, mirrored)]
    seen = f"{sum(driven)} of {len(driven)} that moved, by up to {max(far):.3g}"
    expect(not any(driven), "no parameter moved by its gradient at a rate of 0", seen)
    return None


def decays_with_its_rate(subject: Subject) -> None:
    """At a learning rate of 0 nothing moves at all, by weight decay neither.

    Decay that is not multiplied by the rate goes on at full strength while a schedule brings the rate down,
    and its best value depends on the number of steps.
    """
    toy = Toy.of(subject, rate=0.0)
    try:
        far = toy.train(STEPS).moved()
    except (ArithmeticError, ValueError):
        return  # which obeys_lr_zero tells
    expect(max(far) == 0, "every parameter where it was at a rate of 0", f"moves of up to {max(far):.3g}")


def heeds_a_changed_rate(subject: Subject) -> None:
    """A rate that is changed between two steps, as a schedule does it, changes the next one.

    An optimizer that copied its rate when it was made leaves every schedule without effect, and nobody is
    told: each arm with a schedule is then the arm without.
    """
    steps = STEPS + silent_steps(subject)
    kept, changed = (Toy.of(subject).train(steps) for _ in range(2))
    changed.set_rates(0.1)
    kept.train(steps)
    changed.train(steps)
    expect(_differ(kept, changed), "other weights after a tenth of the rate", "the same bits")


def touches_every_group(subject: Subject) -> None:
    """Of parameters in several groups, every one is moved.

    What sits in the second group is never trained, whatever the arm that it is in is said to be.
    """
    toy = _grouped(subject)
    if isinstance(toy, str):
        return
    far = toy.train(STEPS + silent_steps(subject)).moved()
    groups = toy.optimizer.param_groups
    seen = f"{far.count(0.0)} of {len(far)} where they were, in {len(groups)} groups"
    expect(0.0 not in far, "every parameter of every group moved", seen)


def groups_keep_their_rates(subject: Subject) -> str | None:
    """Of two groups, one stands still at a rate of 0 while the other moves, and heeds a rate of its own.

    Rates for some layers, as in fine-tuning, would otherwise be one rate under two names.
    """
    if isinstance(toy := _grouped(subject), str):
        return f"takes no parameter groups ({toy})"
    first = {id(parameter) for parameter in toy.optimizer.param_groups[0]["params"]}
    inside = [id(parameter) in first for parameter in toy.parameters]
    steps = STEPS + silent_steps(subject)
    toy.train(steps)
    still, mirrored, quick = (_grouped(subject, way) for way in (1.0, -1.0, 1.0))
    assert isinstance(still, Toy) and isinstance(mirrored, Toy) and isinstance(quick, Toy)
    try:
        quick.set_rates(10.0, slice(1))
        quick.train(steps)
    except (ValueError, NotImplementedError, RuntimeError) as refusal:
        return f"takes one rate for all groups ({' '.join(str(refusal).split())})"
    apart = [not torch.equal(a, b) for a, b in _pairs(toy, quick)]
    changed = all(moved for moved, own in zip(apart, inside, strict=True) if own)
    expect(changed, "other weights in the group of ten times the rate", "the same bits")
    try:
        for other in (still, mirrored):
            other.set_rates(0.0, slice(1))
            other.train(steps)
    except (ArithmeticError, ValueError):
        return None  # which obeys_lr_zero tells
    driven = [not torch.equal(a, b) for a, b in _pairs(still, mirrored)]
    stood = not any(moved for moved, own in zip(driven, inside, strict=True) if own)
    expect(stood, "the group at a rate of 0 unmoved by its gradients", "moves")
    went = all(moved for moved, own in zip(driven, inside, strict=True) if not own)
    expect(went, "the other group moved by its gradients", "none")
    return None


def order_of_parameters_does_not_matter(subject: Subject) -> None:
    """Passed in the reverse order, the parameters come to the same weights.

    A counter or a buffer that parameters share by mistake makes the step of one depend on who came before
    it; the order of ``parameters()`` is an accident of how a network is written down.
    """
    steps = STEPS + silent_steps(subject)
    first, other = (
        Toy.of(subject, dtype=torch.float64, backwards=backwards).train(steps) for backwards in (False, True)
    )
    again = Toy.of(subject, dtype=torch.float64)
    again.seed = 1
    if _differ(first, again.train(steps)):
        return  # it draws numbers, and draws them in this order
    apart = max(float((a - b).abs().max()) for a, b in _pairs(first, other))
    expect(apart < 1e-6, "the same weights in either order", f"differences up to {apart:.3g}")


def tuned_arguments_count(subject: Subject) -> None:
    """Each argument of its search space makes other steps at one end of its range than at the other.

    An argument that was never hooked up wastes a dimension of the search, which other arms have the use of,
    and its best setting in a table means nothing.
    """
    part, pipeline = subject.component, subject.place.pipeline
    steps = MANY + silent_steps(subject)
    for path, dimension in part.space.items():
        toys, ends = [], _ends(dimension)
        for end in ends:
            chosen = apply(pipeline, {f"{part.slot}.{path}": end}).components[part.slot]
            toys.append(Toy.of(Subject(chosen, subject.catalog), dtype=torch.float64).train(steps))
        apart = any(_differ(toys[0], toy) for toy in toys[1:])
        expect(apart, f"other weights for other values of {path}", f"the same bits for all of {[*ends]}")


def weight_decay_shrinks_weights(subject: Subject) -> None:
    """Where the gradients are 0, weight decay makes no weight larger.

    With its sign turned, decay drives weights apart that no gradient holds, ever faster.
    """
    toy = Toy.of(subject)
    toy.scale = 0.0
    if not _set_decay(toy, DECAY):
        return
    toy.train(STEPS)
    grown = [
        float((weights.abs() / start.abs()).max())
        for weights, (_, start) in zip(toy.weights(), toy.problem.starts, strict=True)
    ]
    expect(max(grown) <= 1 + 1e-6, "no weight larger after three steps", f"{max(grown):.6g} times its start")


def heeds_weight_decay(subject: Subject) -> None:
    """Where its groups have a ``weight_decay``, that changes the steps.

    An argument that is taken and not used reads in a table as if it had been.
    """
    steps = STEPS + silent_steps(subject)
    toys = [Toy.of(subject, dtype=torch.float64) for _ in range(2)]
    if not all([_set_decay(toy, decay) for toy, decay in zip(toys, (0.0, DECAY), strict=True)]):
        return
    expect(_differ(*(toy.train(steps) for toy in toys)), f"other weights with a decay of {DECAY}", "the same")


def scale_and_shift(subject: Subject) -> str:
    """How the steps change when the loss is multiplied by 1000, and when a constant is added to it.

    Whoever changes the loss or its reduction has to tune the rate again where steps grow with the gradients.
    """
    # Rates are low, so that even thousandfold steps are small beside the way to the target.
    toys = plain, scaled, shifted = [Toy.of(subject, dtype=torch.float64, rate=1e-6) for _ in range(3)]
    scaled.scale, shifted.shift = 1000.0, 1000.0
    steps = MANY + silent_steps(subject)
    begun = [toy.train(steps).weights() for toy in toys]
    short, long, _ = (_length(toy.train(steps), start) for toy, start in zip(toys, begun, strict=True))
    expect(short > 0, "steps to measure", "none")
    times = long / short
    if 0.95 < times < 1.05:
        said = "its steps do not depend on the scale of the loss"
    elif 900 < times < 1100:
        said = "its steps grow with the loss: a thousandfold loss makes thousandfold steps"
    else:
        said = f"a thousandfold loss makes its steps {times:.3g} times as long"
    if _differ(plain, shifted):
        said += "; they depend on the loss itself, not on its gradients alone"
    return said


def _grouped(subject: Subject, direction: float = 1.0) -> Toy | str:
    """A toy with its parameters in groups, or with which words the optimizer refuses groups."""
    try:
        return Toy.of(subject, quadratic(direction), groups=2)
    except (ValueError, NotImplementedError) as refusal:
        return " ".join(str(refusal).split()) or type(refusal).__name__


def _ends(dimension: Range | Choice) -> tuple[Any, ...]:
    """All choices, or the least and the largest number."""
    if isinstance(dimension, Choice):
        return dimension.choices
    return tuple(map(round if dimension.integer else float, (dimension.low, dimension.high)))


def _set_decay(toy: Toy, decay: float) -> bool:
    """Whether all groups have a weight decay, which is now another one."""
    groups = toy.optimizer.param_groups
    if not all(isinstance(group.get("weight_decay"), float | int) for group in groups):
        return False
    for group in groups:
        group["weight_decay"] = decay
    return True


def _pairs(first: Toy, second: Toy) -> list[tuple[Tensor, Tensor]]:
    return [*zip(first.weights(), second.weights(), strict=True)]


def _differ(first: Toy, second: Toy) -> bool:
    return any(not torch.equal(a, b) for a, b in _pairs(first, second))


def _length(toy: Toy, starts: Sequence[Tensor]) -> float:
    """Of the way from some weights to those of now."""
    return float(
        sum((w - start).square().sum() for w, start in zip(toy.weights(), starts, strict=True)) ** 0.5
    )


_STILL = ("steps_as_the_slot_calls_it", "touches_every_group")
_RATE = (*_STILL, "heeds_a_changed_rate")
RULES = (
    Rule(heeds_a_changed_rate, look="step", causes=_STILL),
    Rule(obeys_lr_zero, look="step", causes=("heeds_a_changed_rate",)),
    Rule(decays_with_its_rate, severity="warning", look="step", causes=("obeys_lr_zero", *_RATE)),
    Rule(touches_every_group, look="step", causes=("steps_as_the_slot_calls_it",)),
    Rule(groups_keep_their_rates, look="step", causes=(*_RATE, "obeys_lr_zero")),
    Rule(order_of_parameters_does_not_matter, look="step", causes=("is_deterministic",)),
    Rule(tuned_arguments_count, look="step", causes=_STILL),
    Rule(weight_decay_shrinks_weights, look="step"),
    Rule(heeds_weight_decay, severity="warning", look="step", causes=_STILL),
    Rule(scale_and_shift, severity="note", causes=_STILL),
)
