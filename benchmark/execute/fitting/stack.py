"""Several networks of one shape as one, with their passes batched (``torch.func``).

A small network spends most of a step in the overhead of single operations, which a batched pass pays once
for all of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call, vmap
from torch.nn import functional
from torch.overrides import TorchFunctionMode

__all__ = ["Stack", "Unstackable", "release"]


class Unstackable(RuntimeError):
    """These networks cannot be trained together, which is no single member's doing."""


@dataclass(eq=False)
class _Home:
    """Where a member's parameter lives in the stack, and its gradient."""

    name: str
    parameter: torch.nn.Parameter
    place: Tensor
    gradient: Tensor

    def __post_init__(self) -> None:
        self.address = self.place.data_ptr()


class Stack:
    """Networks whose parameters, gradients and buffers are views of one tensor each.

    The parameters stay the objects that they are, so that an optimizer that was made before steps its own
    network alone. A stack is over once another was made of some of its networks.

    Parameters
    ----------
    networks
        Of one class and shape.

    Raises
    ------
    Unstackable
        When they differ in more than parameters and buffers.
    """

    def __init__(self, networks: Sequence[torch.nn.Module]) -> None:
        self.networks, self.first = networks, networks[0]
        self.plain = _plain(self.first)
        if not all(_alike(self.first, self.plain, other) for other in networks[1:]):
            raise Unstackable(f"{type(self.first).__name__}s that differ in more than parameters and buffers")
        everything = [*self.first.named_parameters(remove_duplicate=False)]
        self.tied = len(everything) > len([*self.first.parameters()])
        self.calls = 0
        self.unused: set[str] = set()
        self.left: list[tuple[Tensor, Tensor]] = []
        """Tensors that no network uses any more, with what they held: nobody may go on writing to them."""
        self._house_parameters()
        self._house_buffers()

    def _house_parameters(self) -> None:
        named = [dict(network.named_parameters()) for network in self.networks]
        self.parameters = {
            name: torch.stack([of[name].data for of in named]).requires_grad_(parameter.requires_grad)
            for name, parameter in named[0].items()
        }
        self.gradients = {
            name: torch.zeros_like(stacked)
            for name, stacked in self.parameters.items()
            if stacked.requires_grad
        }
        self.homes: list[_Home] = []
        for place, of in enumerate(named):
            for name, parameter in of.items():
                self._leave(parameter.data)
                parameter.data = self.parameters[name].data[place]
                if name in self.gradients:
                    parameter.grad = self.gradients[name][place]
                    self.homes.append(_Home(name, parameter, parameter.data, parameter.grad))

    def _house_buffers(self) -> None:
        named = [dict(network.named_buffers()) for network in self.networks]
        self.buffers = {name: torch.stack([of[name] for of in named]) for name in named[0]}
        for place, of in enumerate(named):
            for name, buffer in of.items():
                buffer.data = self.buffers[name][place]

    def __call__(self, *inputs: Tensor | None) -> Tensor:
        """Outputs ``(n_members, batch, …)`` of inputs ``(n_members * batch, …)``, member by member.

        Raises
        ------
        Unstackable
            When the networks keep a state outside their buffers. Where an operation cannot be batched, torch
            raises errors of many classes.
        """
        n = len(self.networks)
        parted = [None if part is None else part.reshape(n, -1, *part.shape[1:]) for part in inputs]
        dims = [None if part is None else 0 for part in inputs]
        batched = vmap(self._call, in_dims=(0, 0, dims), randomness="different")
        if self.calls:
            outputs, changed = batched(self.parameters, self.buffers, parted)
        else:
            with warnings.catch_warnings():
                # An operation that has no batched form is run member by member, slower than alone.
                warnings.filterwarnings("error", message=".*performance drop")
                outputs, changed = batched(self.parameters, self.buffers, parted)
            if not _equal(self.plain, _plain(self.first)):
                raise Unstackable(f"{type(self.first).__name__} keeps a state outside its buffers")
        self.calls += 1
        for name, value in changed.items():
            self.buffers[name].copy_(value)
        return outputs

    def _call(
        self, parameters: Mapping[str, Tensor], buffers: Mapping[str, Tensor], inputs: Sequence[Tensor | None]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Outputs of one member, and its buffers that were replaced, not written to."""
        held = {**parameters, **buffers}
        with _Forms():
            output = functional_call(self.first, held, tuple(inputs), tie_weights=self.tied)
        changed = {name: held[name].detach() for name in buffers if held[name] is not buffers[name]}
        return output, changed

    def differentiate(self, loss: Tensor) -> None:
        """Put the gradients of the sum of the members' losses in place; None of what had no part in it."""
        leaves = [self.parameters[name] for name in self.gradients]
        unused: set[str] = set()
        found = torch.autograd.grad(loss, leaves, allow_unused=True)
        for (name, place), gradient in zip(self.gradients.items(), found, strict=True):
            if gradient is None:
                unused.add(name)
            else:
                place.copy_(gradient)
        if unused != self.unused:
            self.unused = unused
            for home in self.homes:
                home.parameter.grad = None if home.name in unused else home.gradient

    def settle(self) -> None:
        """Bring home whatever the optimizers put elsewhere; to be called each time after they were at work.

        Raises
        ------
        Unstackable
            When an optimizer goes on writing to a tensor that was a parameter's before.
        """
        for tensor, held in self.left:
            if not torch.allclose(tensor, held, rtol=0, atol=0, equal_nan=True):
                raise Unstackable("the optimizer keeps tensors of its own in place of the parameters")
        self.left.clear()
        for home in self.homes:
            if home.parameter.data_ptr() != home.address:
                self._leave(home.parameter.data)
                home.place.copy_(home.parameter.data)
                home.parameter.data = home.place
            if home.parameter.grad is not home.gradient and home.name not in self.unused:
                home.parameter.grad = home.gradient

    def _leave(self, tensor: Tensor) -> None:
        self.left.append((tensor, tensor.clone()))


def _column_stack(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor[:, None] if tensor.ndim == 1 else tensor for tensor in tensors], dim=1)


def _weight_norm(direction: Tensor, length: Tensor, dim: int = 0) -> Tensor:
    others = [axis for axis in range(direction.ndim) if axis != dim]
    normed: Tensor = direction * (length / direction.norm(dim=others, keepdim=True))
    return normed


def _embedding(
    codes: Tensor, weight: Tensor, padding_idx: int | None = None, *options: Any, **more: Any
) -> Tensor:
    """Torch's own batched form leaves out the gradient of the padding's vector in the first member alone."""
    if padding_idx is not None:
        learned = torch.arange(len(weight), device=weight.device)[:, None] != padding_idx % len(weight)
        weight = weight.where(learned, weight.detach())
    return functional.embedding(codes, weight, None, *options, **more)


_FORMS: Mapping[Any, Callable[..., Tensor]] = {
    torch.column_stack: _column_stack,
    functional.embedding: _embedding,
    torch._weight_norm: _weight_norm,
}
"""What torch cannot batch, or not rightly, in terms of what it can."""


class _Forms(TorchFunctionMode):
    """Puts the form that can be batched in place of a function that cannot."""

    def __torch_function__(
        self, function: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return _FORMS.get(function, function)(*args, **(kwargs or {}))


def release(network: torch.nn.Module) -> None:
    """Give a network that leaves its stack tensors of its own, so that the stack's can go."""
    for tensor in (*network.parameters(), *network.buffers()):
        tensor.data = tensor.data.clone()
        tensor.grad = None


def _alike(first: torch.nn.Module, plain: Mapping[str, Any], other: torch.nn.Module) -> bool:
    return (
        _kinds(first) == _kinds(other) and _shapes(first) == _shapes(other) and _equal(plain, _plain(other))
    )


def _kinds(network: torch.nn.Module) -> list[tuple[str, str]]:
    """By name, since torch makes a class of its own for every layer with a parametrised weight."""
    return [(type(module).__module__, type(module).__qualname__) for module in network.modules()]


def _shapes(network: torch.nn.Module) -> list[tuple[Any, ...]]:
    named = (*network.named_parameters(), *network.named_buffers())
    return [(name, tensor.shape, tensor.dtype, tensor.requires_grad) for name, tensor in named]


def _plain(network: torch.nn.Module) -> dict[str, Any]:
    """Numbers, words and tensors that a network holds as plain attributes: a batched pass has one for all."""
    return {
        f"{path}.{name}": value.clone() if isinstance(value, Tensor) else value
        for path, module in network.named_modules()
        for name, value in vars(module).items()
        if isinstance(value, (bool, int, float, complex, str, Tensor)) and name != "training"
    }


def _equal(some: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    return some.keys() == others.keys() and all(
        torch.equal(value, others[name]) if isinstance(value, Tensor) else value == others[name]
        for name, value in some.items()
    )
