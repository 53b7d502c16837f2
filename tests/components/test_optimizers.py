"""Every optimizer on a small problem and inside real architectures."""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from benchmark.catalog import open_catalog
from benchmark.execute.fitting.assemble import role_groups
from benchmark.spec import Component, InputSpec

Make = Callable[[str, str], Callable[..., Any]]
ReadComponent = Callable[[str, str], Component]
NAMES = open_catalog().names("optimizer")
every_optimizer = pytest.mark.parametrize("name", NAMES)
AVERAGES = ("lookahead", "ranger", "schedule_free", "schedule_free_sgd")
"""Those that move weights towards others of before, whatever the learning rate."""
HOSTS: dict[str, tuple[InputSpec, Callable[[], tuple[Any, ...]]]] = {
    "mlp": (InputSpec(5), lambda: (torch.randn(16, 5), None)),
    "resnet": (InputSpec(3, (3, 2)), lambda: (torch.randn(16, 3), torch.arange(32).reshape(16, 2) % 2)),
    "cnn": (InputSpec(form="image", shape=(1, 8, 8)), lambda: (torch.randn(16, 1, 8, 8),)),
    "gru": (
        InputSpec(form="sequence", shape=(7, 2)),
        lambda: (torch.randn(16, 7, 2), torch.arange(16) % 7 + 1),
    ),
}


class Small(nn.Module):
    """Convolution, matrix and vectors, an attention layer of two heads, and a weight that nothing uses."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.query, self.key = nn.Linear(4, 4), nn.Linear(4, 4, bias=False)
        self.linear = nn.Linear(16, 3)
        self.idle = nn.Parameter(torch.ones(3, 2))

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.conv(x).tanh().flatten(2).transpose(1, 2)
        query, key = (part(tokens).unflatten(2, (2, 2)) for part in (self.query, self.key))
        logits = torch.einsum("bqhc,bkhc->bhqk", query, key)
        self.largest = logits.detach().amax((0, 2, 3))
        mixed = logits.softmax(3).mean(1) @ tokens
        output: Tensor = self.linear(mixed.flatten(1))
        return output

    def parameter_roles(self) -> dict[str, str]:
        return {name: "bias" if p.ndim == 1 else "hidden" for name, p in self.named_parameters()}

    def attention_logits(self) -> list[Any]:
        query = [self.query.weight, self.query.bias]
        return [SimpleNamespace(query=query, key=[self.key.weight], largest=self.largest)]


class Trainee:
    """A network and its optimizer at work on random targets, driven as the harness does it."""

    def __init__(
        self, component: Component, make: Callable[..., Any], network: nn.Module, inputs: tuple[Any, ...]
    ) -> None:
        self.network, self.inputs = network, inputs
        self.target = torch.randn(len(inputs[0]), 3, generator=torch.Generator().manual_seed(5))
        extra: dict[str, Any] = {}
        if "attention_logits" in component.needs:
            extra["attention_logits"] = network.attention_logits
        params = role_groups(network) if "roles" in component.needs else [*network.parameters()]
        self.optimizer = make(params, **extra)
        self.closure = "closure" in component.needs
        self.train_eval = "train_eval" in component.needs
        self.mode("train")

    def mode(self, name: str) -> None:
        if self.train_eval:
            getattr(self.optimizer, name)()

    def loss(self) -> Tensor:
        output = self.network(*self.inputs)
        value: Tensor = ((output - self.target) ** 2).mean()
        return value

    @torch.enable_grad()
    def one_pass(self, create_graph: bool = False) -> Tensor:
        self.optimizer.zero_grad(set_to_none=True)
        value = self.loss()
        given = [*self.network.parameters()]
        gradients = torch.autograd.grad(value, given, create_graph=create_graph, allow_unused=True)
        for parameter, gradient in zip(given, gradients, strict=True):
            parameter.grad = gradient
        return value.detach()

    def run(self, steps: int) -> None:
        torch.manual_seed(7)
        for _ in range(steps):
            if self.closure:
                self.optimizer.step(self.one_pass)
            else:
                self.one_pass()
                self.optimizer.step()

    def weights(self) -> dict[str, Tensor]:
        return {name: p.detach().clone() for name, p in self.network.named_parameters()}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture
def small(component: ReadComponent, make: Make) -> Callable[[str], Trainee]:
    def built(name: str) -> Trainee:
        torch.manual_seed(3)
        network, inputs = Small(), (torch.randn(16, 1, 4, 4),)
        return Trainee(component("optimizer", name), make("optimizer", name), network, inputs)

    return built


@every_optimizer
def test_descends_and_leaves_alone_what_has_no_gradient(name: str, small: Callable[[str], Trainee]) -> None:
    case = small(name)
    before, start = float(case.loss().detach()), case.weights()
    case.run(100)
    case.mode("eval")
    after = case.weights()
    assert float(case.loss().detach()) < 0.98 * before
    assert torch.equal(after.pop("idle"), start["idle"])
    assert all((after[part] != start[part]).all() for part in after)


@every_optimizer
def test_same_bits_twice(name: str, small: Callable[[str], Trainee]) -> None:
    first, second = small(name), small(name)
    first.run(12)
    second.run(12)
    assert same(first.weights(), second.weights())


@every_optimizer
def test_state_dict_round_trip(name: str, small: Callable[[str], Trainee]) -> None:
    whole, resumed, fresh = small(name), small(name), small(name)
    whole.run(9)
    whole.mode("eval")
    state = copy.deepcopy(whole.optimizer.state_dict())
    for case in (resumed, fresh):
        case.network.load_state_dict(whole.network.state_dict())
        case.mode("eval")
    resumed.optimizer.load_state_dict(state)
    for case in (whole, resumed, fresh):
        case.mode("train")
        case.run(8)
    assert same(whole.weights(), resumed.weights())
    stateless = name == "sgd"
    assert same(whole.weights(), fresh.weights()) == stateless, "the test can tell lost state"


@every_optimizer
def test_obeys_a_schedule(name: str, small: Callable[[str], Trainee], make: Make) -> None:
    case = small(name)
    peaks = [group["lr"] for group in case.optimizer.param_groups]
    schedule = make("schedule", "cosine")(case.optimizer, 12)
    for _ in range(12):
        case.run(1)
        schedule.step()
    assert peaks and all(group["lr"] == pytest.approx(0, abs=1e-12) for group in case.optimizer.param_groups)
    if name == "lbfgs":
        return  # its line search divides by the rate; schedules reach zero after the last step only
    still = case.weights()
    case.run(5)
    assert same(case.weights(), still) == (name not in AVERAGES)


@every_optimizer
def test_lets_go_of_the_graph(name: str, small: Callable[[str], Trainee]) -> None:
    """A gradient that can be differentiated again would hold a whole pass in memory."""
    case = small(name)
    for _ in range(2):
        case.run(1)
        assert all(p.grad is None or p.grad.grad_fn is None for p in case.network.parameters())


@every_optimizer
@pytest.mark.parametrize("host", HOSTS)
def test_trains_real_architectures(name: str, host: str, component: ReadComponent, make: Make) -> None:
    torch.manual_seed(0)
    part, (spec, inputs) = component("architecture", host), HOSTS[host]
    extra = {"activation": nn.ReLU} if "activation" in part.needs else {}
    network = make("architecture", host)(spec, 3, **extra)
    optimizer = component("optimizer", name)
    if not {"roles", "attention_logits"} & set(optimizer.needs) <= set(part.gives):
        pytest.skip(f"{host} does not give what {name} needs; the plan refuses the two")
    case = Trainee(optimizer, make("optimizer", name), network, inputs())
    start = case.weights()
    case.run(5)  # the first pull of lookahead
    case.mode("eval")
    assert torch.isfinite(case.loss())
    # A bias before batch norm has nothing but rounding errors for a gradient.
    trained = {name for name, p in network.named_parameters() if p.grad.abs().max() > 1e-6}
    assert len(trained) > len(start) / 2
    assert all((case.weights()[name] != start[name]).any() for name in trained)
