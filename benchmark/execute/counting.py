"""What a piece of computation consists of, counted while it runs: operators, arithmetic, memory traffic."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter
from torch.utils.flop_counter import flop_registry, sdpa_backward_flop, sdpa_flop

__all__ = ["Counter"]

aten = torch.ops.aten


class Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts every operator that is called inside its ``with`` block, backward passes included.

    It only looks on: what is computed has the same bits. Views are no operators here, having no kernel. One
    call of a fused or a foreach operator is one, however many tensors it takes.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls = 0
        """Operators."""
        self.flop = 0
        """Floating point operations of matrix products, convolutions, attention and recurrent layers; a
        multiplication with its addition are two."""
        self.moved = 0
        """Bytes of all that operators took and gave."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """What ``func`` gives."""
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        if not getattr(func, "is_view", False):
            self.calls += 1
            self.moved += sum(_sizes((args, kwargs))) + sum(_sizes(out))
        packet = getattr(func, "_overloadpacket", func)
        if (formula := _formulas.get(packet)) is not None:
            self.flop += int(formula(*args, **kwargs, out_val=out))
        return out


def _sizes(values: Any) -> Iterator[int]:
    """Bytes of every tensor among some values."""
    for value in tree_iter(values):
        if isinstance(value, torch.Tensor):
            yield value.numel() * value.element_size()


def _recurrent(passes: int) -> Callable[..., int]:
    """The formula of recurrent layers: at every step each row meets each weight matrix, ``passes`` times.

    The operators' first argument is ``(time, batch, channels)`` or ``(batch, time, channels)``; weights come
    next, one by one or as a list.
    """

    def flop(x: torch.Tensor, *args: Any, out_val: Any = None, **_: Any) -> int:
        del out_val
        listed = isinstance(args[0], (list, tuple))
        weights = [weight for weight in (args[0] if listed else args[:4]) if weight.ndim == 2]
        numbers: int = sum(weight.numel() for weight in weights)
        return 2 * passes * math.prod(x.shape[:2]) * numbers

    return flop


_formulas: Mapping[Any, Callable[..., int]] = {
    **flop_registry,
    # What torch's own table leaves out: recurrent layers, and the attention kernel of CPUs.
    aten.mkldnn_rnn_layer: _recurrent(1),
    aten.mkldnn_rnn_layer_backward: _recurrent(2),
    aten._cudnn_rnn: _recurrent(1),
    aten._cudnn_rnn_backward: _recurrent(2),
    aten._scaled_dot_product_flash_attention_for_cpu: sdpa_flop,
    aten._scaled_dot_product_flash_attention_for_cpu_backward: sdpa_backward_flop,
}
