"""Gradients that an optimizer meets: none, zero, sparse, in other precisions; what it keeps of them."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from benchmark.checks.check import Rule, expect
from benchmark.checks.optimizers.toys import Toy, quadratic, silent_steps
from benchmark.checks.subject import Subject

__all__ = [
    "RULES",
    "keeps_float64",
    "keeps_no_graph",
    "keeps_no_hold_of_gradients",
    "skips_what_has_no_gradient",
    "stays_finite_at_zero_gradients",
    "steps_along_sparse_gradients",
    "takes_bfloat16",
    "takes_up_late_gradients",
]

STEPS = 3


def skips_what_has_no_gradient(subject: Subject) -> None:
    """A parameter whose gradient is None stays where it is, while the others move.

    Frozen layers, and experts or branches that a batch did not reach, have none.
    """
    toy = Toy.of(subject)
    toy.idle = {1, 4}
    far = toy.train(STEPS + silent_steps(subject)).moved()
    idle = max(far[number] for number in toy.idle)
    expect(idle == 0, "parameters without a gradient where they were", f"moves of up to {idle:.3g}")
    moved = [far[number] > 0 for number in range(len(far)) if number not in toy.idle]
    expect(all(moved), "every other parameter moved", f"{moved.count(False)} of {len(moved)} where they were")


def takes_up_late_gradients(subject: Subject) -> None:
    """A parameter that has its first gradient after some steps moves from then on.

    Layers that are thawed in the middle of a training, and experts that no batch reached before, do.
    """
    toy = Toy.of(subject)
    steps = STEPS + silent_steps(subject)
    toy.idle = {1, 4}
    toy.train(steps)
    toy.idle = set()
    _expect_finite(toy.train(steps))
    far = toy.moved()
    expect(0.0 not in far, "every parameter moved once it has a gradient", f"{far.count(0.0)} that did not")


def stays_finite_at_zero_gradients(subject: Subject) -> None:
    """Gradients that are 0 leave everything finite, and so do the first ones after them.

    Dead units and embeddings of codes that no batch held have such gradients; one division of 0 by 0 and the
    network is lost.
    """
    toy = Toy.of(subject)
    steps = STEPS + silent_steps(subject)
    toy.scale = 0.0
    _expect_finite(toy.train(steps))
    toy.scale = 1.0
    _expect_finite(toy.train(steps))


def steps_along_sparse_gradients(subject: Subject) -> str:
    """A sparse gradient is refused, or moves the rows that it has as the dense one of the same values does.

    Of a sparse gradient the values alone, taken for the whole, belong to other rows.
    """
    dense, sparse = Toy.of(subject), Toy.of(subject)
    dense.hand = _some_rows
    sparse.hand = lambda number, gradient: (
        _some_rows(number, gradient).to_sparse(1) if number == 0 else gradient
    )
    for toy in (dense, sparse):
        for group in toy.optimizer.param_groups:
            if "weight_decay" in group:
                group["weight_decay"] = 0.0
    dense.train(1)
    try:
        sparse.train(1)
    except Exception as refusal:  # each library has its own class for it
        return f"refuses sparse gradients ({type(refusal).__name__})"
    apart = (dense.weights()[0] - sparse.weights()[0]).abs().amax(1)
    seen = f"row {int(apart.argmax())} of 4 off by {float(apart.max()):.3g}"
    expect(apart.max() < 1e-6, "the first step of the dense gradient", seen)
    return "takes sparse gradients"


def keeps_float64(subject: Subject) -> str | None:
    """Parameters in float64 stay so, with more digits than float32 has, and finite.

    Rounded to float32 on the way, they are no more exact than float32 and twice as large.
    """
    problem = quadratic()
    # Thirds, since the sum of a float32 and a step of few digits may well be a float32.
    thirds = tuple((role, start.double() / 3) for role, start in problem.starts)
    toy = Toy.of(subject, dataclasses.replace(problem, starts=thirds), dtype=torch.float64)
    toy.train(STEPS + silent_steps(subject))
    _expect_dtype(toy, torch.float64)
    exact = any(not torch.equal(weights, weights.float().double()) for weights in toy.weights())
    expect(exact, "weights of more digits than float32 has", "float32's")
    shapes = {parameter.shape for parameter in toy.parameters}
    kept = {tensor.dtype for tensor in toy.state_tensors() if tensor.shape in shapes}
    narrow = sorted(str(dtype) for dtype in kept if dtype.is_floating_point and dtype != torch.float64)
    return f"of weights in float64 it keeps a state in {', '.join(narrow)}" if narrow else None


def takes_bfloat16(subject: Subject) -> None:
    """Parameters in bfloat16 stay so, and finite.

    Many networks are trained so, and an optimizer that cannot is of no use to them.
    """
    _expect_dtype(Toy.of(subject, dtype=torch.bfloat16).train(STEPS), torch.bfloat16)


def keeps_no_graph(subject: Subject) -> None:
    """After some steps, nothing that it keeps belongs to a graph of operations; nor do the weights.

    A step outside ``torch.no_grad()`` that keeps what it computed keeps all steps before it too: memory and
    time grow until there is none left.
    """
    toy = Toy.of(subject).train(STEPS)
    kept = [tensor for tensor in toy.state_tensors() if tensor.grad_fn is not None]
    expect(not kept, "a state without a graph", f"{len(kept)} tensors with one")
    expect(all(weights.is_leaf for weights in toy.parameters), "weights without a graph", "some with one")


def keeps_no_hold_of_gradients(subject: Subject) -> None:
    """Gradients that are written into the same tensors at every step make the same steps as fresh ones.

    A state that is the gradient's own tensor and no copy changes when the next gradient is written, as with
    ``zero_grad(set_to_none=False)``, under DDP and under gradient accumulation.
    """
    fresh, reused = Toy.of(subject), Toy.of(subject)
    steps = STEPS + silent_steps(subject)
    written: dict[int, Tensor] = {}

    def over(number: int, gradient: Tensor) -> Tensor:
        kept = written.setdefault(number, torch.empty_like(gradient))
        with torch.no_grad():
            return kept.copy_(gradient)

    reused.hand = over
    apart = [
        float((a - b).abs().max())
        for a, b in zip(fresh.train(steps).weights(), reused.train(steps).weights(), strict=True)
    ]
    expect(max(apart) < 1e-6, "the same weights as with fresh tensors", f"differences up to {max(apart):.3g}")


def _some_rows(number: int, gradient: Tensor) -> Tensor:
    """Without the rows 0 and 2, where it is that of the first tensor."""
    return gradient * gradient.new_tensor([[0.0], [1.0], [0.0], [1.0]]) if number == 0 else gradient


def _expect_finite(toy: Toy) -> None:
    finite = [bool(weights.isfinite().all()) for weights in toy.weights()]
    expect(all(finite), "finite weights", f"{finite.count(False)} of {len(finite)} tensors that are not")


def _expect_dtype(toy: Toy, dtype: torch.dtype) -> None:
    found = {weights.dtype for weights in toy.weights()}
    expect(found == {dtype}, f"weights in {dtype}", ", ".join(map(str, found)))
    _expect_finite(toy)


def _takes_gradients(subject: Subject) -> bool:
    return not subject.says("closure")


_STILL = ("steps_as_the_slot_calls_it", "touches_every_group")
RULES = (
    Rule(skips_what_has_no_gradient, look="step", causes=_STILL),
    Rule(
        takes_up_late_gradients,
        severity="warning",
        look="step",
        causes=(*_STILL, "skips_what_has_no_gradient"),
    ),
    Rule(stays_finite_at_zero_gradients, look="step"),
    Rule(steps_along_sparse_gradients, applies=_takes_gradients, look="step"),
    Rule(keeps_float64, look="step", causes=("steps_as_the_slot_calls_it",)),
    Rule(takes_bfloat16, severity="warning", look="step", causes=("keeps_float64",)),
    Rule(keeps_no_graph, look="step"),
    Rule(
        keeps_no_hold_of_gradients,
        applies=_takes_gradients,
        look="step",
        causes=("is_deterministic",),
    ),
)
