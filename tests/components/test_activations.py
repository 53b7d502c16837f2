"""Every activation against its formula."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from benchmark.catalog import open_catalog

Make = Callable[[str, str], Callable[..., Any]]
NAMES = open_catalog().names("activation")
every_activation = pytest.mark.parametrize("name", NAMES)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def elu(x: float) -> float:
    return x if x > 0 else math.exp(x) - 1


FORMULAS: dict[str, Callable[[float], float]] = {
    "elu": elu,
    "gelu": lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2,
    "hardswish": lambda x: x * min(max(x + 3, 0), 6) / 6,
    "leaky_relu": lambda x: x if x > 0 else 0.01 * x,
    "mish": lambda x: x * math.tanh(math.log1p(math.exp(x))),
    "relu": lambda x: max(x, 0.0),
    # arXiv:1706.02515, equation 2, with the constants of its appendix.
    "selu": lambda x: 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * elu(x)),
    "silu": lambda x: x * sigmoid(x),
    # sin² as its paper also writes it, equation 4.
    "snake": lambda x: x + (1 - math.cos(2 * x)) / 2,
    "softplus": lambda x: math.log1p(math.exp(x)),
    "squared_relu": lambda x: max(x, 0.0) ** 2,
    "tanh": math.tanh,
}


@every_activation
def test_follows_its_formula(name: str, make: Make) -> None:
    x = torch.linspace(-6, 6, 241, dtype=torch.float64)
    expected = torch.tensor([FORMULAS[name](value) for value in x.tolist()], dtype=torch.float64)
    torch.testing.assert_close(make("activation", name)()(x), expected)


@every_activation
def test_is_elementwise_and_leaves_its_input_alone(name: str, make: Make) -> None:
    x = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    before, activation = x.clone(), make("activation", name)()
    out = activation(x)
    assert torch.equal(x, before) and out.shape == x.shape
    torch.testing.assert_close(torch.stack([activation(value) for value in x.flatten()]).view_as(x), out)


@every_activation
def test_gradients_are_finite_far_from_zero(name: str, make: Make) -> None:
    x = torch.tensor([-1e4, -30.0, 0.0, 30.0, 1e4], requires_grad=True)
    out = make("activation", name)()(x)
    (gradient,) = torch.autograd.grad(out.sum(), x, create_graph=True)
    assert out.isfinite().all() and gradient.isfinite().all()
    if gradient.requires_grad:
        (second,) = torch.autograd.grad(gradient.sum(), x)
        # That of torch's Mish is NaN beyond 88, as its YAML notes.
        assert second[:4].isfinite().all() and (second.isfinite().all() or name == "mish")


@pytest.mark.parametrize("a", [0.2, 1.0, 50.0])
def test_snake_never_falls_and_follows_x(a: float, make: Make) -> None:
    x = torch.linspace(-20, 20, 100_001, dtype=torch.float64)
    out = make("activation", "snake")(a=a)(x)
    assert (out.diff() >= 0).all()
    assert ((out - x) >= 0).all() and float((out - x).max()) == pytest.approx(1 / a, rel=1e-3)
