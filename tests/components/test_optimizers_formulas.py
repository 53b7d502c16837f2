"""Optimizers against steps written from their papers, in double precision, with no line of the libraries'."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import lion_pytorch
import numpy as np
import numpy.typing as npt
import prodigyopt
import pytest
import torch

Make = Callable[[str, str], Callable[..., Any]]
Array = npt.NDArray[np.float64]
Reference = Callable[[Array], Iterator[Array]]
RANDOM = np.random.default_rng(0)
TARGET = RANDOM.normal(size=(6, 4))
CURVATURE = np.exp(RANDOM.normal(size=(6, 4)))
START = RANDOM.normal(size=(6, 4))
STEPS = 25


def gradient(w: Array) -> Array:
    """Of ``sum(CURVATURE (w - TARGET)^4 / 4)``, whose Hessian is a diagonal that depends on w."""
    return CURVATURE * (w - TARGET) ** 3


def loss(w: torch.Tensor) -> torch.Tensor:
    return (torch.tensor(CURVATURE) * (w - torch.tensor(TARGET)) ** 4).sum() / 4


def path(
    make: Callable[..., torch.optim.Optimizer], steps: int = STEPS, closure: bool = False
) -> list[Array]:
    """The weights after each step of a real optimizer."""
    w = torch.nn.Parameter(torch.tensor(START))
    optimizer = make([w])

    @torch.enable_grad()
    def one_pass(create_graph: bool = False) -> torch.Tensor:
        optimizer.zero_grad(set_to_none=True)
        value = loss(w)
        (w.grad,) = torch.autograd.grad(value, [w], create_graph=create_graph)
        return value.detach()

    found = []
    for _ in range(steps):
        if closure:
            optimizer.step(one_pass)  # type: ignore[arg-type]
        else:
            one_pass()
            optimizer.step()
        found.append(w.detach().numpy().copy())
    return found


def assert_close(found: list[Array], reference: Iterator[Array]) -> None:
    for step, (w, wanted) in enumerate(zip(found, reference, strict=False), start=1):
        np.testing.assert_allclose(w, wanted, rtol=0, atol=1e-6, err_msg=f"step {step}")
    assert np.abs(found[-1] - START).max() > 1e-3, "it moved"


def adam_mean(state: Array, value: Array, beta: float) -> Array:
    return beta * state + (1 - beta) * value


def radam(
    w: Array, lr: float = 0.01, decay: float = 0.1, b1: float = 0.9, b2: float = 0.99
) -> Iterator[Array]:
    """arXiv:1908.03265, algorithm 2, with decoupled decay; rectified from a length of more than five."""
    m = v = np.zeros_like(w)
    longest = 2 / (1 - b2) - 1
    for t in range(1, STEPS + 1):
        g = gradient(w)
        m, v = adam_mean(m, g, b1), adam_mean(v, g * g, b2)
        length = longest - 2 * t * b2**t / (1 - b2**t)
        step = m / (1 - b1**t)
        if length > 5:
            top = (length - 4) * (length - 2) * longest
            bottom = (longest - 4) * (longest - 2) * length
            step = step * math.sqrt(top / bottom) * math.sqrt(1 - b2**t) / (np.sqrt(v) + 1e-8)
        w = w * (1 - lr * decay) - lr * step
        yield w


def test_radam(make: Make) -> None:
    bound = make("optimizer", "radam")
    found = path(lambda p: bound(p, lr=0.01, weight_decay=0.1, betas=(0.9, 0.99)))
    assert_close(found, radam(START))


def lookahead(w: Array) -> Iterator[Array]:
    """arXiv:1907.08610, algorithm 1, around gradient descent."""
    slow = w
    for t in range(1, STEPS + 1):
        w = w - 0.02 * gradient(w)
        if t % 5 == 0:
            slow = slow + 0.5 * (w - slow)
            w = slow
        yield w


def test_lookahead(make: Make) -> None:
    bound = make("optimizer", "lookahead")
    assert_close(path(lambda p: bound(p, base=lambda q: torch.optim.SGD(q, lr=0.02))), lookahead(START))


def schedule_free(w: Array, adam: bool) -> Iterator[Array]:
    """arXiv:2405.15682, equations 2 to 4 and algorithm 1: y is what trains, x is what is evaluated.

    The decay is taken at y; weights of the average are the squared learning rate, which is constant here.
    """
    beta, lr, decay = 0.9, 0.01, 0.1
    z = x = y = w
    v = np.zeros_like(w)
    for t in range(1, STEPS + 1):
        g = gradient(y)
        if adam:
            v = adam_mean(v, g * g, 0.999)
            g = g / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        z = z - lr * (g + decay * y)
        x = (1 - 1 / t) * x + z / t
        y = (1 - beta) * z + beta * x
        yield y


@pytest.mark.parametrize("name", ["schedule_free", "schedule_free_sgd"])
def test_schedule_free(name: str, make: Make) -> None:
    def built(params: Any) -> torch.optim.Optimizer:
        optimizer: Any = make("optimizer", name)(params, lr=0.01, weight_decay=0.1)
        optimizer.train()
        return optimizer  # type: ignore[no-any-return]

    assert_close(path(built), schedule_free(START, adam=name == "schedule_free"))


def muon(w: Array, nesterov: bool) -> Iterator[Array]:
    """Jordan's Muon, momentum as a mean, in the size of AdamW's updates (arXiv:2502.16982, equation 4)."""
    mean = np.zeros_like(w)
    for _ in range(STEPS):
        g = gradient(w)
        mean = adam_mean(mean, g, 0.95)
        x = (adam_mean(mean, g, 0.95) if nesterov else mean).T
        x = x / np.linalg.norm(x)
        for _ in range(5):
            gram = x @ x.T
            x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
        w = w * (1 - 0.01 * 0.1) - 0.01 * 0.2 * math.sqrt(6) * x.T
        yield w


def test_muon(make: Make) -> None:
    def built(params: list[torch.nn.Parameter]) -> Any:
        return make("optimizer", "muon")([{"params": params, "role": "hidden"}], lr=0.01, weight_decay=0.1)

    assert_close(path(built), muon(START, nesterov=True))


def test_muon_clip_without_attention_is_muon_with_plain_momentum(make: Make) -> None:
    def built(params: list[torch.nn.Parameter]) -> Any:
        groups = [{"params": params, "role": "hidden"}]
        bound = make("optimizer", "muon_clip")
        return bound(groups, attention_logits=lambda: [], lr=0.01, weight_decay=0.1)

    assert_close(path(built), muon(START, nesterov=False))


def sam(w: Array) -> Iterator[Array]:
    """arXiv:2010.01412, algorithm 1 with p = 2, around gradient descent."""
    for _ in range(STEPS):
        g = gradient(w)
        w = w - 0.01 * gradient(w + 0.05 * g / np.linalg.norm(g))
        yield w


def test_sam(make: Make) -> None:
    bound = make("optimizer", "sam")
    found = path(lambda p: bound(p, base=lambda q: torch.optim.SGD(q, lr=0.01)), closure=True)
    assert_close(found, sam(START))


def sophia(w: Array, lr: float = 1e-3, decay: float = 10.0, gamma: float = 0.01) -> Iterator[Array]:
    """arXiv:2305.14342, algorithms 1 and 3, in the paper's own scale of lr."""
    m = h = np.zeros_like(w)
    for t in range(1, STEPS + 1):
        m = adam_mean(m, gradient(w), 0.96)
        if t % 10 == 1:
            noise = torch.randn(w.shape, dtype=torch.float64).numpy()
            h = adam_mean(h, noise * (3 * CURVATURE * (w - TARGET) ** 2 * noise), 0.99)
        w = w * (1 - lr * decay) - lr * np.clip(m / np.maximum(gamma * h, 1e-12), -1, 1)
        yield w


def test_sophia(make: Make) -> None:
    torch.manual_seed(0)
    bound = make("optimizer", "sophia")
    found = path(lambda p: bound(p, lr=0.1, weight_decay=0.1), closure=True)
    torch.manual_seed(0)
    assert_close(found, sophia(START))


def test_sophia_where_a_hessian_is_zero(make: Make) -> None:
    """A loss that is linear in a weight, such as the absolute error, leaves no second derivative behind."""
    line, curve = (torch.nn.Parameter(torch.full((2,), 3.0)) for _ in range(2))
    optimizer = make("optimizer", "sophia")([line, curve], lr=0.1, weight_decay=0.0)

    @torch.enable_grad()
    def one_pass(create_graph: bool = False) -> torch.Tensor:
        optimizer.zero_grad()
        value = line.sum() + (curve**2).sum()
        gradients = torch.autograd.grad(value, [line, curve], create_graph=create_graph)
        line.grad, curve.grad = gradients
        return value.detach()

    optimizer.step(one_pass)
    assert torch.allclose(line, torch.full((2,), 3.0 - 0.1 * 0.01)), "clipped"
    assert (curve < 3).all()


def mars(
    w: Array, lr: float = 0.01, decay: float = 0.1, b1: float = 0.95, b2: float = 0.99
) -> Iterator[Array]:
    """arXiv:2411.10438, algorithm 2 (MARS-AdamW) with the gradient of the step before.

    Small numbers against division by zero are where the library puts them.
    """
    m = v = before = np.zeros_like(w)
    for t in range(1, STEPS + 1):
        g = gradient(w)
        c = g + 0.025 * b1 / (1 - b1) * (g - before)
        c = c / max(1, float(np.linalg.norm(c)))
        m, v, before = adam_mean(m, c, b1), adam_mean(v, c * c, b2), g
        w = w * (1 - lr * decay) - lr * m / (1 - b1**t) / (np.sqrt(v + 1e-15) + 1e-8) * math.sqrt(1 - b2**t)
        yield w


def test_mars(make: Make) -> None:
    bound = make("optimizer", "mars")
    assert_close(path(lambda p: bound(p, lr=0.01, weight_decay=0.1)), mars(START))


def test_mars_gives_vectors_the_same_rate_and_decay(make: Make) -> None:
    mine, plain = (torch.nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64)) for _ in range(2))
    optimizers = (
        make("optimizer", "mars")([mine], lr=0.02, weight_decay=0.3),
        torch.optim.AdamW([plain], lr=0.02, weight_decay=0.3, betas=(0.9, 0.95)),
    )
    for _ in range(5):
        for weight, optimizer in zip((mine, plain), optimizers, strict=True):
            weight.grad = (weight**3).detach()
            optimizer.step()
    assert torch.allclose(mine, plain, rtol=0, atol=1e-6)


def ademamix(w: Array, lr: float = 0.01, decay: float = 0.1) -> Iterator[Array]:
    """arXiv:2409.03137, equation AdEMAMix with constant alpha and beta3."""
    fast = slow = v = np.zeros_like(w)
    for t in range(1, STEPS + 1):
        g = gradient(w)
        fast, slow = adam_mean(fast, g, 0.9), adam_mean(slow, g, 0.9999)
        v = adam_mean(v, g * g, 0.999)
        step = (fast / (1 - 0.9**t) + 5 * slow) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        w = w - lr * (step + decay * w)
        yield w


def test_ademamix(make: Make) -> None:
    bound = make("optimizer", "ademamix")
    assert_close(path(lambda p: bound(p, lr=0.01, weight_decay=0.1)), ademamix(START))


def adan(w: Array, lr: float = 0.01, decay: float = 0.1) -> Iterator[Array]:
    """arXiv:2208.06677, algorithm 1 with bias correction; no difference at the first step."""
    m = v = n = np.zeros_like(w)
    before = gradient(w)
    for t in range(1, STEPS + 1):
        g = gradient(w)
        change, before = g - before, g
        m, v = adam_mean(m, g, 0.98), adam_mean(v, change, 0.92)
        n = adam_mean(n, (g + 0.92 * change) ** 2, 0.99)
        step = m / (1 - 0.98**t) + 0.92 * v / (1 - 0.92**t)
        w = (w - lr * step / (np.sqrt(n / (1 - 0.99**t)) + 1e-8)) / (1 + lr * decay)
        yield w


def test_adan(make: Make) -> None:
    bound = make("optimizer", "adan")
    assert_close(path(lambda p: bound(p, lr=0.01, weight_decay=0.1)), adan(START))


def adopt(w: Array, lr: float = 0.01) -> Iterator[Array]:
    """arXiv:2411.02853, algorithm 2, with the library's count of steps in the bound of the clip."""
    m, v = np.zeros_like(w), gradient(w) ** 2
    yield w
    for t in range(2, STEPS + 1):
        g = gradient(w)
        bound = t**0.25
        m = adam_mean(m, np.clip(g / np.maximum(np.sqrt(v), 1e-6), -bound, bound), 0.9)
        w = w - lr * m
        v = adam_mean(v, g * g, 0.9999)
        yield w


def test_adopt(make: Make) -> None:
    bound = make("optimizer", "adopt")
    assert_close(path(lambda p: bound(p, lr=0.01, weight_decay=0.0)), adopt(START))


def power(gram: Array, exponent: float) -> Array:
    values, vectors = np.linalg.eigh(gram)
    return np.asarray((vectors * values**exponent) @ vectors.T)


def shampoo(w: Array, lr: float = 0.1, decay: float = 0.1) -> Iterator[Array]:
    """arXiv:1802.09568, algorithm 1, with momentum; roots of step 20 until the end."""
    left, right = 1e-4 * np.eye(6), 1e-4 * np.eye(4)
    mean = np.zeros_like(w)
    for t in range(1, STEPS + 1):
        g = gradient(w)
        mean = adam_mean(mean, g, 0.9)
        left, right = left + g @ g.T, right + g.T @ g
        if t <= 20:
            roots = power(left, -1 / 4), power(right, -1 / 4)
        w = w * (1 - lr * decay) - lr * roots[0] @ mean @ roots[1]
        yield w


def test_shampoo(make: Make) -> None:
    bound = make("optimizer", "shampoo")
    assert_close(path(lambda p: bound(p, lr=0.1, weight_decay=0.1)), shampoo(START))


def test_shampoo_of_vectors_and_of_long_dimensions(make: Make) -> None:
    """Order 1: the root of the summed outer products. Diagonals: Adagrad's, one exponent per dimension."""
    vector, table = torch.nn.Parameter(torch.zeros(3)), torch.nn.Parameter(torch.zeros(3, 2))
    vector.grad, table.grad = (
        torch.tensor([1.0, 2.0, 2.0]),
        torch.tensor([[1.0, 0.0], [0.0, 2.0], [2.0, 1.0]]),
    )
    bound = make("optimizer", "shampoo")
    bound([vector], lr=1.0, momentum=0.0, weight_decay=0.0).step()
    assert torch.allclose(vector, -torch.tensor([1.0, 2.0, 2.0]) / 3, atol=1e-4)
    bound([table], lr=1.0, momentum=0.0, weight_decay=0.0, eps=1e-12, largest=1).step()
    rows, columns = table.grad.square().sum(1), table.grad.square().sum(0)
    assert torch.allclose(table, -table.grad / (rows[:, None] * columns) ** 0.25, atol=1e-5)


def test_lion_as_in_another_library(make: Make) -> None:
    bound = make("optimizer", "lion")
    other = path(lambda p: lion_pytorch.Lion(p, lr=0.01, weight_decay=0.1, betas=(0.9, 0.99)))
    assert_close(path(lambda p: bound(p, lr=0.01, weight_decay=0.1)), iter(other))


def test_prodigy_as_in_the_authors_library(make: Make) -> None:
    bound = make("optimizer", "prodigy")
    # Ten steps, from an estimate of 1e-3: the library sums in single precision, and the two drift apart.
    advised = {"use_bias_correction": True, "safeguard_warmup": True}
    other = path(lambda p: prodigyopt.Prodigy(p, weight_decay=0.1, d0=1e-3, **advised), steps=10)
    assert_close(path(lambda p: bound(p, weight_decay=0.1, d0=1e-3), steps=10), iter(other))
