"""What an activation promises."""

from __future__ import annotations

import torch

from benchmark.checks.check import Rule, expect
from benchmark.checks.subject import Subject

__all__ = [
    "RULES",
    "bends",
    "is_elementwise",
    "is_finite_on_wide_inputs",
    "leaves_its_input_alone",
    "slope_is_that_of_the_function",
    "works_in_bfloat16",
]

FAR = 1e4
"""Beyond what a network without a norm is fed while it diverges and can still come back."""
KINKS = 0.01
"""Share of random places at which the function may have none."""


def leaves_its_input_alone(subject: Subject) -> None:
    """It does not write into its input.

    The host goes on using it, in residual connections above all: they would add the activation to itself, and
    gradients fail or are those of other numbers.
    """
    x = _grid() * 1.0  # no leaf, into which nothing may be written anyway
    before = x.detach().clone()
    subject.make().eval()(x)
    expect(torch.equal(x.detach(), before), "an input that stays", "other numbers in it")


def is_elementwise(subject: Subject) -> None:
    """Each number out depends on the one number in at its place, whatever the shape.

    Hosts apply it to tables, steps and images alike: what mixes numbers mixes rows of a batch in one of them.
    """
    module, x = subject.make(), _grid()
    expect(isinstance(module, torch.nn.Module), "a torch.nn.Module", type(module))
    expect(subject.make() is not module, "a new module every time")
    module.eval()
    y = module(x)
    expect(y.shape == x.shape, f"shape {tuple(x.shape)}", tuple(y.shape))
    expect(torch.allclose(module(x.flatten().flip(0)).flip(0), y.flatten(), atol=1e-6), "numbers apart")


def bends(subject: Subject) -> None:
    """It has more than one slope, and all of them are finite.

    Without a bend the layers of a network are one linear layer.
    """
    x = _grid().requires_grad_()
    subject.make().eval()(x * 1.0).sum().backward()
    assert x.grad is not None
    expect(bool(x.grad.isfinite().all()), "finite slopes", x.grad)
    slopes = f"slopes from {float(x.grad.min()):.3g} to {float(x.grad.max()):.3g}"
    expect(not torch.allclose(x.grad, x.grad.mean()), "a bend somewhere", f"a straight line: {slopes}")


def is_finite_on_wide_inputs(subject: Subject) -> None:
    """It and its slope are finite from -10,000 to 10,000, and at 0.

    One number that is not makes the loss NaN, and all weights after it. The usual causes are an exponential
    that overflows in one branch, and 0 times infinity in its gradient.
    """
    positive = torch.logspace(-6, 4, 200)
    x = torch.cat([-positive.flip(0), torch.zeros(1), positive]).clamp(-FAR, FAR).requires_grad_()
    y = subject.make().eval()(x * 1.0)
    expect(bool(y.isfinite().all()), f"finite numbers up to {FAR:g}", f"{_first(x, y)}")
    y.sum().backward()
    assert x.grad is not None
    expect(bool(x.grad.isfinite().all()), f"finite slopes up to {FAR:g}", f"{_first(x, x.grad)}")


def slope_is_that_of_the_function(subject: Subject) -> str | None:
    """Backwards it has the slope of what it is forwards, all but at its kinks.

    Training would follow the gradient of another function. A step function cannot be trained but by a
    gradient that is another one's, and may have it.
    """
    x = torch.empty(400, dtype=torch.float64).uniform_(-4, 4, generator=torch.Generator().manual_seed(0))
    module = subject.make().double().eval()
    x.requires_grad_()
    y = module(x * 1.0)
    expect(y.dtype == torch.float64, "float64 numbers from float64 numbers", y.dtype)
    (slope,) = torch.autograd.grad(y.sum(), [x])
    with torch.no_grad():
        h = 1e-6
        measured = (module(x + h) - module(x - h)) / (2 * h)
    if not measured.any():
        return "a step function: its gradient is another function's"
    apart = (measured - slope).abs() > 1e-4 * measured.abs().clamp(min=1.0)
    at = float(x.detach()[apart][0]) if bool(apart.any()) else 0.0
    where = torch.nonzero(apart)[:1].flatten()
    pair = f"{slope[where].tolist()} and {measured[where].tolist()}"
    expect(
        float(apart.double().mean()) <= KINKS,
        "the gradient to be the measured slope",
        f"another one at {int(apart.sum())} of {len(x)} places: at {at:.3g} {pair}",
    )
    return None


def works_in_bfloat16(subject: Subject) -> None:
    """It takes bfloat16 and gives it back, within a twentieth of what float32 gives.

    Studies in mixed precision feed it such numbers; one that returns float32 undoes the saving.
    """
    x, module = _grid().bfloat16(), subject.make().eval()
    y, exact = module.bfloat16()(x * 1.0), subject.make().eval()(x.float())
    expect(y.dtype == torch.bfloat16, "bfloat16", y.dtype)
    apart = float(((y.float() - exact).abs() / exact.abs().clamp(min=1.0)).max())
    expect(apart < 0.05, "numbers as in float32", f"differences up to {apart:.3g}")


def _grid() -> torch.Tensor:
    return torch.linspace(-4, 4, 60).reshape(3, 4, 5)


def _first(x: torch.Tensor, y: torch.Tensor) -> str:
    place = int(torch.nonzero(~y.isfinite())[0]) if not bool(y.isfinite().all()) else 0
    return f"{float(y.detach()[place])} at {float(x.detach()[place]):.4g}"


RULES = (
    Rule(leaves_its_input_alone, look="forward"),
    Rule(is_elementwise, look="forward"),
    Rule(bends, look="forward", causes=("is_elementwise",)),
    Rule(is_finite_on_wide_inputs, look="forward"),
    Rule(slope_is_that_of_the_function, look="forward", causes=("is_elementwise", "bends")),
    Rule(works_in_bfloat16, severity="warning", look="forward", causes=("leaves_its_input_alone",)),
)
