"""The networks over sequences and tokens: what all of them hold to, and each one's formula."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import snntorch
import torch
from torch import Tensor

from benchmark.spec import Component, InputSpec
from components.architecture.recurrent import LSTM
from components.architecture.spiking import Leaky
from components.architecture.ssm import DiagonalStateSpace
from components.architecture.tcn import TCN

NAMES = ["gru", "lstm", "transformer", "ssm", "tcn", "spiking"]
TIME = 12
SPECS = {
    "sequence": InputSpec(form="sequence", shape=(TIME, 2)),
    "tokens": InputSpec(form="tokens", shape=(TIME,), n_tokens=11),
    "language": InputSpec(form="tokens", shape=(TIME,), n_tokens=11, every_step=True),
    "every step of a sequence": InputSpec(form="sequence", shape=(TIME, 2), every_step=True),
}
every_kind = pytest.mark.parametrize("kind", SPECS)
every_causal_kind = pytest.mark.parametrize("kind", [kind for kind, spec in SPECS.items() if spec.every_step])
every_network = pytest.mark.parametrize("name", NAMES)
Make = Callable[[str, str], Callable[..., Any]]
Build = Callable[..., torch.nn.Module]


@pytest.fixture
def build(
    component: Callable[[str, str], Component], make: Callable[[str, str], Callable[..., Any]]
) -> Build:
    """A network in float64."""

    def made(name: str, kind: str, **arguments: Any) -> torch.nn.Module:
        torch.manual_seed(0)
        if "activation" in component("architecture", name).needs:
            arguments["activation"] = torch.nn.GELU
        network: torch.nn.Module = make("architecture", name)(SPECS[kind], 3, **arguments)
        return network.double()

    return made


def rows(kind: str, n_rows: int, time: int = TIME, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    if SPECS[kind].form == "tokens":
        return torch.randint(1, 11, (n_rows, time), generator=generator)
    return torch.randn(n_rows, time, 2, dtype=torch.float64, generator=generator)


def exact(found: Tensor, expected: Tensor) -> None:
    """To the last bits of float64: a Fourier transform rounds by the size of the largest value in the row."""
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


def lengths(*values: int) -> Tensor:
    return torch.tensor(values)


@every_network
@every_causal_kind
def test_no_output_knows_of_later_steps(name: str, kind: str, build: Build) -> None:
    network = build(name, kind).eval()
    x, other = rows(kind, 3), rows(kind, 3, seed=1)
    before = network(x, lengths(*[TIME] * 3))
    for step in range(1, TIME):
        changed = torch.cat([x[:, :step], other[:, step:]], dim=1)
        after = network(changed, lengths(*[TIME] * 3))
        exact(after[:, :step], before[:, :step])
        assert not torch.allclose(after[:, step:], before[:, step:], atol=1e-6)


@every_network
@every_causal_kind
def test_every_output_knows_of_the_step_before(name: str, kind: str, build: Build) -> None:
    """So that being causal is not being blind."""
    network, whole = build(name, kind).eval(), lengths(*[TIME] * 3)
    x = rows(kind, 3)
    changed = x.clone()
    changed[:, 4] = rows(kind, 3, seed=1)[:, 4]
    differs = (network(x, whole) - network(changed, whole)).abs().amax(-1) > 1e-9
    assert differs[:, 4:6].any(0).all() and not differs[:, :4].any()


@every_network
@every_kind
def test_what_stands_behind_the_end_changes_nothing(name: str, kind: str, build: Build) -> None:
    """Neither longer padding, nor other rows beside, nor even other values than the contract's zeros."""
    network = build(name, kind).eval()
    x = rows(kind, 1, time=5)
    alone = network(x, lengths(5))
    beside = torch.cat([x, torch.zeros_like(x), torch.zeros_like(x)], dim=1)
    garbage = torch.cat([x, rows(kind, 1, time=10, seed=2)], dim=1)
    batch = torch.cat([beside, rows(kind, 1, time=15, seed=3), garbage])
    together = network(batch, lengths(5, 15, 5))
    for row in (0, 2):
        part = together[row, :5] if SPECS[kind].every_step else together[row]
        exact(part, alone[0])


@every_network
@every_kind
@pytest.mark.parametrize("time", [1, 2, 5 * TIME])
def test_rows_of_one_step_and_longer_ones_than_in_training(
    name: str, kind: str, time: int, build: Build
) -> None:
    network = build(name, kind)
    for mode in (network.train(), network.eval()):
        output = mode(rows(kind, 1, time=time), lengths(time))
        assert output.shape == ((1, time, 3) if SPECS[kind].every_step else (1, 3))
        assert output.isfinite().all() and output.dtype == torch.float64


@every_network
def test_empty_rows_among_others(name: str, build: Build) -> None:
    """A text without a character is a row of padding."""
    network = build(name, "tokens").eval()
    x = torch.cat([rows("tokens", 1), torch.zeros(1, TIME, dtype=torch.int64)])
    output = network(x, lengths(TIME, 0))
    assert output.isfinite().all()
    exact(output[:1], network(x[:1], lengths(TIME)))


@every_network
@every_kind
def test_dropout_follows_the_mode(name: str, kind: str, build: Build) -> None:
    network = build(name, kind, dropout=0.5)
    inputs = rows(kind, 2), lengths(TIME, TIME)
    assert not torch.allclose(network(*inputs), network(*inputs))
    network.eval()
    assert torch.equal(network(*inputs), network(*inputs))
    without = build(name, kind, dropout=0.0)
    exact(without(*inputs), network(*inputs))


@every_network
def test_gradients_can_be_differentiated_again(name: str, build: Build) -> None:
    """As Sophia does, in the directions that it draws."""
    network = build(name, "tokens")
    parameters = list(network.parameters())
    loss = network(rows("tokens", 16), lengths(*[TIME] * 16)).logsumexp(-1).pow(2).mean()
    gradients = torch.autograd.grad(loss, parameters, create_graph=True)
    along = sum((gradient * torch.randn_like(gradient)).sum() for gradient in gradients)
    assert isinstance(along, Tensor)
    second = torch.autograd.grad(along, parameters)
    assert all(curvature.isfinite().all() and curvature.any() for curvature in second)


@every_network
def test_width_is_a_width(name: str, build: Build, component: Callable[[str, str], Component]) -> None:
    part = component("architecture", name)
    default = part.make[part.width]
    sizes = [
        sum(parameter.numel() for parameter in build(name, "tokens", **{part.width: width}).parameters())
        for width in (default, 2 * default)
    ]
    assert 1.8 * sizes[0] < sizes[1] < 4.2 * sizes[0]


def test_transformer_attends_to_the_step_itself(build: Build) -> None:
    """In a row of one step there is no other: its attention learns from that step or from nothing."""
    network = build("transformer", "sequence")
    network(rows("sequence", 4, time=1), lengths(1, 1, 1, 1)).sum().backward()
    values = [weight for name, weight in network.named_parameters() if name.endswith("value.weight")]
    assert values and all(weight.grad is not None and weight.grad.any() for weight in values)


def test_lstm_remembers_from_the_start() -> None:
    network = LSTM(SPECS["sequence"], 3, n_layers=2, d_hidden=5)
    for layer in range(2):
        biases = [getattr(network.recurrent, f"bias_{kind}_l{layer}") for kind in ("ih", "hh")]
        assert torch.equal(sum(biases, start=torch.zeros(20))[5:10], torch.ones(5))


@pytest.mark.parametrize(("n_blocks", "kernel_size"), [(1, 2), (2, 3), (3, 2)])
def test_tcn_sees_as_far_as_it_says(n_blocks: int, kernel_size: int) -> None:
    torch.manual_seed(0)
    network = TCN(SPECS["sequence"], 1, torch.nn.Tanh, n_blocks, 8, kernel_size).double().eval()
    seen = 1 + 2 * (kernel_size - 1) * (2**n_blocks - 1)
    x = rows("sequence", 1, time=40).requires_grad_()
    network(x, lengths(40)).sum().backward()
    assert x.grad is not None
    reached = x.grad[0].abs().amax(-1) > 0
    assert reached[-seen:].all() and not reached[:-seen].any()


def test_state_space_follows_its_recurrence() -> None:
    """Against both conjugates of every state, held and stepped in NumPy."""
    torch.manual_seed(0)
    network = DiagonalStateSpace(3, 8).double()
    with torch.no_grad():
        network.log_decay.add_(torch.randn(3, 4))
        network.frequency.add_(torch.randn(3, 4))
        network.log_step.add_(2)
    u = numpy(rows("sequence", 1, time=20).sum(-1, keepdim=True).repeat(1, 1, 3))[0]
    half = -np.exp(numpy(network.log_decay)) + 1j * numpy(network.frequency)
    read = numpy(network.read)[..., 0] + 1j * numpy(network.read)[..., 1]
    a, c = (np.concatenate([z, z.conj()], axis=1) for z in (half, read))
    step, skip = np.exp(numpy(network.log_step)), numpy(network.skip)
    state, expected = np.zeros((3, 8), complex), []
    for now in u:
        state = np.exp(step * a) * state + (np.exp(step * a) - 1) / a * now[:, None]
        expected.append((c * state).sum(1) + skip * now)
    found = numpy(network(torch.tensor(u)[None]))[0]
    np.testing.assert_allclose(found, np.array(expected), rtol=0, atol=1e-10)


def test_state_space_begins_as_s4d_lin_and_stays_stable() -> None:
    network = DiagonalStateSpace(4, 16)
    np.testing.assert_allclose(numpy(-network.log_decay.exp()), np.full((4, 8), -0.5), rtol=1e-6)
    np.testing.assert_allclose(numpy(network.frequency), np.tile(np.pi * np.arange(8), (4, 1)), rtol=1e-6)
    with torch.no_grad():
        network.log_decay.fill_(-20)
        assert network.response(10_000).abs().max() < 2 * network.response(2).abs().max() * 16


def test_leaky_neurons_are_those_of_snntorch() -> None:
    torch.manual_seed(0)
    neurons = Leaky(6)
    x = torch.randn(4, 30, 6) * 2
    theirs = snntorch.RLeaky(neurons.beta.detach(), linear_features=6, reset_mechanism="subtract")
    theirs.recurrent = neurons.recurrent
    spikes, membrane = torch.zeros(4, 6), torch.zeros(4, 6)
    fired, potentials = neurons(x)
    assert 0.02 < float(fired.detach().mean()) < 0.9
    for step, current in enumerate(neurons.current(x).unbind(1)):
        spikes, membrane = theirs(current, spikes, membrane)
        torch.testing.assert_close(potentials[:, step], membrane, rtol=0, atol=1e-5)
        assert torch.equal(fired[:, step], spikes)
    ours, library = (
        torch.autograd.grad(end.pow(2).sum(), neurons.recurrent.weight, retain_graph=True)[0]
        for end in (potentials[:, -1], membrane)
    )
    torch.testing.assert_close(ours, library, rtol=1e-4, atol=1e-5)


def test_spiking_networks_leave_nothing_behind(build: Build) -> None:
    before = len(snntorch.SpikingNeuron.instances)
    build("spiking", "tokens", n_layers=2)(rows("tokens", 2), lengths(TIME, TIME))
    assert len(snntorch.SpikingNeuron.instances) == before


def numpy(tensor: Tensor) -> np.ndarray:
    return tensor.detach().numpy()
