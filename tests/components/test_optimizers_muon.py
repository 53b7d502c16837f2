"""Muon's two rules, QK-clip, and what wraps around other optimizers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from benchmark.catalog import open_catalog
from benchmark.data import describe, load
from benchmark.plan.compatibility import incompatibility
from benchmark.resolve.components import read_pipeline
from benchmark.spec import Component, Task

Make = Callable[[str, str], Callable[..., Any]]
ReadComponent = Callable[[str, str], Component]
TAU = 100.0


def test_muon_orthogonalises_hidden_matrices_only(make: Make) -> None:
    torch.manual_seed(0)
    hidden, bias = nn.Parameter(torch.randn(8, 5)), nn.Parameter(torch.randn(8))
    twin = nn.Parameter(bias.detach().clone())
    start = hidden.detach().clone()
    hidden.grad, bias.grad = torch.randn(8, 5), torch.randn(8)
    gradient = hidden.grad.clone()
    twin.grad = bias.grad.clone()
    groups = [{"params": [hidden], "role": "hidden"}, {"params": [bias], "role": "bias"}]
    make("optimizer", "muon")(groups, lr=1e-2, weight_decay=0.1).step()
    torch.optim.AdamW([twin], lr=1e-2, weight_decay=0.1, betas=(0.9, 0.95), eps=1e-10).step()
    assert torch.allclose(bias, twin, atol=1e-7)

    update = (start * (1 - 1e-2 * 0.1) - hidden.detach()) / (1e-2 * 0.2 * 8**0.5)
    left, _, right = torch.linalg.svd(gradient, full_matrices=False)
    rotated = left.T @ update @ right.T
    # Five Newton-Schulz steps bring every singular value near one, not onto it.
    assert ((rotated.diagonal() > 0.6) & (rotated.diagonal() < 1.3)).all()
    assert (rotated - rotated.diagonal().diag()).abs().max() < 1e-4


def test_muon_takes_matrices_of_one_shape_and_kernels_one_by_one(make: Make) -> None:
    """Two twins in one group move as each alone; a kernel moves as the matrix of its rows."""
    torch.manual_seed(0)
    start, gradient = torch.randn(6, 4, 3, 3), torch.randn(6, 4, 3, 3)
    shapes = {"alone": (6, 36), "first": (6, 36), "second": (36, 6), "kernel": (6, 4, 3, 3)}
    weights = {name: nn.Parameter(start.reshape(shape).clone()) for name, shape in shapes.items()}
    for weight in weights.values():
        weight.grad = gradient.reshape(weight.shape).clone()
    together = [weights[name] for name in ("first", "second", "kernel")]
    for params in ([weights["alone"]], together):
        make("optimizer", "muon")([{"params": params, "role": "hidden"}], lr=0.1).step()
    assert torch.equal(weights["alone"], weights["first"])
    assert torch.equal(weights["alone"], weights["kernel"].flatten(1))


def test_muon_without_roles_says_so(make: Make) -> None:
    with pytest.raises(KeyError, match="role"):
        make("optimizer", "muon")([{"params": [nn.Parameter(torch.zeros(2, 2))]}])


@dataclass
class Layer:
    query: list[Tensor]
    key: list[Tensor]
    largest: Tensor


class Attention(nn.Module):
    """Two heads whose logits are wanted as large as they can be."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key = nn.Linear(8, 8), nn.Linear(8, 8, bias=False)
        self.largest = torch.zeros(2)

    def forward(self, x: Tensor) -> Tensor:
        query, key = (part(x).unflatten(1, (2, 4)) for part in (self.query, self.key))
        logits = torch.einsum("qhc,khc->hqk", query, key) / 2
        self.largest = logits.detach().amax((1, 2))
        # The first head's logits are driven up, the second's stay what they are.
        return -logits[0].sum() + 0 * logits[1].sum()

    def attention_logits(self) -> list[Layer]:
        query = [self.query.weight, self.query.bias]
        return [Layer(query, [self.key.weight], self.largest)]


def attention_after(make: Make, name: str, steps: int) -> tuple[Attention, list[float], Tensor]:
    """The network, the first head's largest logit before each step, and the inputs."""
    torch.manual_seed(0)
    network, x = Attention(), torch.randn(16, 8)
    matrices = [p for p in network.parameters() if p.ndim == 2]
    groups = [{"params": matrices, "role": "hidden"}, {"params": [network.query.bias], "role": "bias"}]
    extra = {"attention_logits": network.attention_logits} if name == "muon_clip" else {}
    optimizer = make("optimizer", name)(groups, lr=0.2, weight_decay=0.0, **extra)
    seen = []
    for _ in range(steps):
        optimizer.zero_grad()
        network(x).backward()
        seen.append(float(network.largest[0]))
        optimizer.step()
    return network, seen, x


def test_muon_clip_bounds_what_grows_without_it(make: Make) -> None:
    _, free, _ = attention_after(make, "muon", 150)
    _, clipped, _ = attention_after(make, "muon_clip", 150)
    above = next(step for step, largest in enumerate(clipped) if largest > TAU / 2)
    assert free[: above + 1] == pytest.approx(clipped[: above + 1], rel=0.05), "nothing is clipped before"
    assert max(free) > 5 * TAU
    # One step may lead out of the bound; the clip after it leads back.
    assert TAU < max(clipped) < 1.1 * TAU


def test_qk_clip_puts_the_logits_of_the_last_pass_at_the_bound(make: Make) -> None:
    """With no learning rate only the clip acts: on the head that is over, weight and bias alike."""
    torch.manual_seed(0)
    network, x = Attention(), torch.randn(16, 8)
    with torch.no_grad():
        network.query.weight[:4] *= 40
        network.query.bias[:4] *= 40
        network.key.weight[:4] *= 40
    start = {name: p.detach().clone() for name, p in network.named_parameters()}
    groups = [{"params": [p], "role": "bias" if p.ndim == 1 else "hidden"} for p in network.parameters()]
    optimizer = make("optimizer", "muon_clip")(groups, attention_logits=network.attention_logits, lr=0.0)
    network(x).backward()
    before = network.largest
    assert before[0] > 2 * TAU > 2 * before[1]
    optimizer.step()
    network(x)
    assert float(network.largest[0]) == pytest.approx(TAU, rel=1e-5)
    assert torch.equal(network.largest[1], before[1])
    for name, parameter in network.named_parameters():
        assert torch.allclose(parameter[:4], start[name][:4] * (TAU / before[0]) ** 0.5)
        assert torch.equal(parameter[4:], start[name][4:])


def test_muon_clip_is_refused_where_there_is_no_attention(component: ReadComponent) -> None:
    catalog = open_catalog()
    file = str(catalog.path("pipeline", "mlp"))
    host = read_pipeline("mlp", catalog.document("pipeline", "mlp"), file, component)
    pipeline = host.swap(component("optimizer", "muon_clip"))
    reason = incompatibility(pipeline, iris(), "cpu")
    assert reason == "muon_clip needs attention_logits, which mlp does not give"


def iris() -> Task:
    dataset = open_catalog().dataset("iris")
    return describe(dataset, load(dataset))


def test_lookahead_pulls_back_every_k_steps(make: Make) -> None:
    fast, base = (nn.Parameter(torch.tensor([1.0])) for _ in range(2))
    lookahead = make("optimizer", "lookahead")(
        [fast], base=lambda p: torch.optim.SGD(p, lr=0.1), k=2, alpha=0.5
    )
    plain = torch.optim.SGD([base], lr=0.1)
    for parameter, optimizer in ((fast, lookahead), (base, plain)):
        for _ in range(2):
            parameter.grad = torch.tensor([1.0])
            optimizer.step()
    assert float(base.detach()) == pytest.approx(0.8)
    assert float(fast.detach()) == pytest.approx(1.0 + 0.5 * (0.8 - 1.0))


def test_soap_leaves_long_dimensions_alone(make: Make) -> None:
    """The eigenvectors of 3,072 rows, a small colour image flattened, took 14 s a step."""
    weight = nn.Parameter(torch.ones(3, 1025))
    optimizer = make("optimizer", "soap")([weight])
    weight.grad = torch.ones(3, 1025)
    optimizer.step()
    assert [len(part) for part in optimizer.state[weight]["GG"]] == [3, 0]


@pytest.mark.parametrize("name", ["lookahead", "ranger"])
def test_lookahead_shows_the_slow_weights_in_evaluations(name: str, make: Make) -> None:
    """Between two pulls the fast ones are elsewhere; training goes on from them as if nothing was."""
    watched, alone = (nn.Parameter(torch.ones(3)) for _ in range(2))
    optimizers = [make("optimizer", name)([p], k=3) for p in (watched, alone)]
    pulled = torch.ones(3)
    for step in range(1, 8):
        for p, optimizer in zip((watched, alone), optimizers, strict=True):
            p.grad = p.detach() ** 3
            optimizer.step()
        pulled = alone.detach().clone() if step % 3 == 0 else pulled
        for _ in range(2):
            optimizers[0].eval()
            torch.testing.assert_close(watched.detach(), pulled, rtol=0, atol=0)
        for _ in range(2):
            optimizers[0].train()
            torch.testing.assert_close(watched, alone, rtol=0, atol=0)


@pytest.mark.parametrize("around", ["lookahead", "sam"])
@pytest.mark.parametrize("base", ["sgd", "adagrad", "lion", "shampoo", "soap", "muon"])
def test_any_base_fits_in(around: str, base: str, make: Make) -> None:
    """One that needs roles, too: the groups are handed on as they are."""
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(4, 3))
    start = weight.detach().clone()
    optimizer = make("optimizer", around)(
        [{"params": [weight], "role": "hidden"}], base=make("optimizer", base)
    )

    @torch.enable_grad()
    def one_pass() -> Tensor:
        optimizer.zero_grad()
        value = (weight**2).sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value.detach()

    losses = [float(optimizer.step(one_pass)) for _ in range(12)]
    assert losses[-1] < losses[0] and not torch.equal(weight, start)
    assert optimizer.param_groups[0]["role"] == "hidden"


def test_sam_refuses_a_negative_distance(make: Make) -> None:
    with pytest.raises(ValueError, match="rho"):
        make("optimizer", "sam")([nn.Parameter(torch.zeros(2))], rho=-1.0)


def test_sam_is_its_base_at_no_distance(make: Make) -> None:
    torch.manual_seed(0)
    mine, plain = (nn.Parameter(torch.ones(3)) for _ in range(2))
    base = make("optimizer", "adamw")
    optimizers = make("optimizer", "sam")([mine], base=base, rho=0.0), base([plain])
    for weight, optimizer in zip((mine, plain), optimizers, strict=True):

        @torch.enable_grad()
        def one_pass(weight: nn.Parameter = weight, optimizer: Any = optimizer) -> Tensor:
            optimizer.zero_grad()
            value = (weight**4).sum()
            value.backward()  # type: ignore[no-untyped-call]
            return value.detach()

        for _ in range(5):
            optimizer.step(one_pass)
    assert torch.equal(mine, plain)
