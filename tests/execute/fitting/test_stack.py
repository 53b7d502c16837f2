"""Networks as one batch: every member as it would be alone, or an error that says what is in the way."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from benchmark.execute.fitting.stack import Stack, Unstackable, release

X = torch.randn(12, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


class Net(torch.nn.Module):
    """Two layers with batch norm and, in subclasses, something that is hard to batch."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.first, self.norm, self.last = (
            torch.nn.Linear(3, 4),
            torch.nn.BatchNorm1d(4),
            torch.nn.Linear(4, 2),
        )
        self.idle = torch.nn.Linear(2, 2)
        self.double()

    def forward(self, x: Tensor, nothing: Tensor | None) -> Tensor:
        assert nothing is None
        output: Tensor = self.last(self.norm(self.first(x)).tanh())
        return output


def members(kind: type[Net] = Net, count: int = 3) -> list[Net]:
    return [kind(seed) for seed in range(count)]


def loss_of(output: Tensor) -> Tensor:
    return output.square().sum()


def test_outputs_gradients_and_buffers_are_those_of_the_networks_alone() -> None:
    alone, together = members(), members()
    stack = Stack(together)
    outputs = stack(X, None)
    stack.differentiate(loss_of(outputs))
    for place, network in enumerate(alone):
        output = network(X[4 * place : 4 * place + 4], None)
        loss_of(output).backward()  # type: ignore[no-untyped-call]
        assert torch.allclose(outputs[place], output, rtol=1e-12)
        for (name, wanted), found in zip(
            network.named_parameters(), together[place].parameters(), strict=True
        ):
            if wanted.grad is None:
                assert name.startswith("idle") and found.grad is None
            else:
                assert found.grad is not None and torch.allclose(
                    found.grad, wanted.grad, rtol=1e-10, atol=1e-14
                )
        for buffer, kept in zip(network.buffers(), together[place].buffers(), strict=True):
            assert torch.allclose(kept, buffer, rtol=1e-12)
    assert together[0].norm.num_batches_tracked == 1


def test_a_parameter_that_has_a_part_again_gets_its_gradient_back() -> None:
    class Sometimes(Net):
        def forward(self, x: Tensor, nothing: Tensor | None) -> Tensor:
            output = super().forward(x, nothing)
            again: Tensor = self.idle(output)
            return again if len(x) == 2 else output

    stack = Stack(networks := members(Sometimes))
    stack.differentiate(loss_of(stack(X, None)))
    assert networks[0].idle.weight.grad is None
    stack.differentiate(loss_of(stack(X[:6], None)))
    assert networks[0].idle.weight.grad is not None and networks[0].idle.weight.grad.abs().sum() > 0


def test_an_optimizer_steps_each_member_through_its_views() -> None:
    stack = Stack(networks := members())
    before = [network.first.weight.clone() for network in networks]
    optimizers = [torch.optim.SGD(n.parameters(), lr=0.1 * k) for k, n in enumerate(networks)]
    first = stack(X, None)
    stack.differentiate(loss_of(first))
    for optimizer in optimizers:
        optimizer.step()
    stack.settle()
    second = stack(X, None)
    assert torch.equal(first[0], second[0]) and not torch.allclose(first[1], second[1])
    for network, old, place in zip(networks, before, range(3), strict=True):
        assert torch.equal(stack.parameters["first.weight"][place], network.first.weight)
        assert torch.equal(network.first.weight, old) == (place == 0)


def test_what_an_optimizer_puts_in_place_of_data_and_gradients_is_brought_home() -> None:
    stack = Stack(networks := members())
    home = networks[1].first.weight.data_ptr()
    stack.differentiate(loss_of(stack(X, None)))
    networks[1].first.weight.data = torch.full_like(networks[1].first.weight, 0.5)
    networks[1].first.weight.grad = None
    stack.settle()
    assert networks[1].first.weight.data_ptr() == home
    assert (stack.parameters["first.weight"][1] == 0.5).all()
    assert networks[1].first.weight.grad is not None


@pytest.mark.parametrize("moved", ["before", "after"])
def test_tensors_that_an_optimizer_keeps_for_itself_are_found_out(moved: str) -> None:
    """Alone its parameter would be the same memory; in a stack what it writes would go nowhere."""
    networks = members()
    kept = networks[0].last.weight.data
    stack = Stack(networks)
    if moved == "after":
        stack.settle()
        kept = torch.zeros_like(kept)
        networks[0].last.weight.data = kept
        stack.settle()
    kept += 1
    with pytest.raises(Unstackable, match="tensors of its own"):
        stack.settle()


def test_a_diverged_member_is_no_optimizer_at_work() -> None:
    networks = members()
    with torch.no_grad():
        networks[0].first.weight.fill_(torch.nan)
    stack = Stack(networks)
    outputs = stack(X, None)
    stack.settle()
    assert outputs[0].isnan().all() and outputs[1:].isfinite().all()


def test_a_network_that_leaves_takes_its_numbers_along() -> None:
    stack = Stack(networks := members())
    release(networks[0])
    assert torch.equal(networks[0].first.weight, stack.parameters["first.weight"][0])
    assert networks[0].first.weight.data_ptr() != stack.parameters["first.weight"].data_ptr()
    smaller = Stack(networks[1:])
    assert torch.equal(smaller.parameters["first.weight"], stack.parameters["first.weight"][1:])


class Assigns(Net):
    """Replaces a buffer instead of writing to it."""

    last_mean: Tensor

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.register_buffer("last_mean", torch.zeros((), dtype=torch.float64))

    def forward(self, x: Tensor, nothing: Tensor | None) -> Tensor:
        self.last_mean = x.mean()
        return super().forward(x, nothing)


def test_buffers_that_a_pass_replaces_stay_each_members_own() -> None:
    stack = Stack(networks := members(Assigns))
    stack(X, None)
    for place, network in enumerate(networks):
        assert isinstance(network, Assigns)
        assert torch.allclose(network.last_mean, X[4 * place : 4 * place + 4].mean())


class Tied(Net):
    """The same weight in two places."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.again = torch.nn.Linear(3, 4, dtype=torch.float64)
        self.again.weight = self.first.weight

    def forward(self, x: Tensor, nothing: Tensor | None) -> Tensor:
        further: Tensor = self.again(x)[:, :2]
        return super().forward(x, nothing) + further


def test_tied_weights_stay_tied() -> None:
    alone, networks = members(Tied), members(Tied)
    stack = Stack(networks)
    outputs = stack(X, None)
    stack.differentiate(loss_of(outputs))
    loss_of(alone[2](X[8:], None)).backward()  # type: ignore[no-untyped-call]
    assert alone[2].first.weight.grad is not None
    assert torch.allclose(stack.gradients["first.weight"][2], alone[2].first.weight.grad, rtol=1e-10)


class Remembers(Net):
    """Counts its passes in a plain attribute."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.passes = 0

    def forward(self, x: Tensor, nothing: Tensor | None) -> Tensor:
        self.passes += 1
        return super().forward(x, nothing)


class Draws(Net):
    """Draws a projection that it does not register."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.projection = torch.randn(3, 3, dtype=torch.float64)


class Grows(Net):
    """Another shape for every seed."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.idle = torch.nn.Linear(2, 2 + seed)


class Decides(Net):
    """Looks at a number to decide what to do."""

    def forward(self, x: Tensor, nothing: Tensor | None) -> Tensor:
        return super().forward(x, nothing) * (2.0 if x.sum() > 0 else 1.0)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Remembers, "keeps a state outside its buffers"),
        (Draws, "differ in more than parameters and buffers"),
        (Grows, "differ in more than parameters and buffers"),
        (Decides, "data-dependent control flow"),
    ],
)
def test_what_cannot_be_batched_says_so(kind: type[Net], reason: str) -> None:
    with pytest.raises(RuntimeError, match=reason):
        Stack(members(kind))(X, None)


def test_an_operation_without_a_batched_form_is_not_run_member_by_member() -> None:
    class Shortens(Net):
        def forward(self, x: Tensor, nothing: Tensor | None) -> Tensor:
            return super().forward(torch.renorm(x, 2, 0, 1.0), nothing)

    with pytest.raises(UserWarning, match="batching rule"):
        Stack(members(Shortens))(X, None)


def test_the_vector_of_the_padding_learns_in_no_member() -> None:
    class Tokens(Net):
        def __init__(self, seed: int = 0) -> None:
            super().__init__(seed)
            self.codes = torch.nn.Embedding(5, 3, padding_idx=0, dtype=torch.float64)

        def forward(self, x: Tensor, nothing: Tensor | None) -> Tensor:
            return super().forward(self.codes(x.long()), nothing)

    stack = Stack(members(Tokens))
    stack.differentiate(stack(torch.arange(12) % 5, None)[..., 0].square().sum())
    gradients = stack.gradients["codes.weight"]
    assert not gradients[:, 0].any() and gradients[:, 1:].abs().sum() > 0


def test_functions_that_torch_cannot_batch_have_another_form() -> None:
    class Joins(Net):
        def __init__(self, seed: int = 0) -> None:
            super().__init__(seed)
            self.first = torch.nn.utils.parametrizations.weight_norm(
                torch.nn.Linear(3, 4, dtype=torch.float64)
            )

        def forward(self, x: Tensor, nothing: Tensor | None) -> Tensor:
            joined = torch.column_stack([x[:, 0], x[:, 1:]])
            return super().forward(joined, nothing)

    alone: list[Any] = members(Joins)
    outputs = Stack(members(Joins))(X, None)
    for place, network in enumerate(alone):
        assert torch.allclose(outputs[place], network(X[4 * place : 4 * place + 4], None), rtol=1e-12)
