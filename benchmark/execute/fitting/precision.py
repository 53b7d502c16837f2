"""What a network computes in: float32, or a narrower type mixed with float32 weights (arXiv:1710.03740)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

__all__ = ["Precision", "fix_kernels"]


def fix_kernels() -> None:
    """Have torch repeat its bits, and take float32 to mean float32.

    Deterministic kernels alone; and no TF32, which cuDNN would take for convolutions and recurrent layers, so
    that a float32 study has the same precision on every GPU.
    """
    torch.use_deterministic_algorithms(True)
    # The newer torch.backends.fp32_precision cannot be mixed with torch.backends.cudnn.flags, which we need.
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


@dataclass(frozen=True, eq=False)
class Precision:
    """What the forward pass is computed in; weights, loss and the optimizer's step are float32 always."""

    device_type: str = "cpu"
    dtype: torch.dtype = torch.float32
    scaler: torch.amp.GradScaler = field(default_factory=lambda: torch.amp.GradScaler("cpu", enabled=False))
    """Scales the loss where its gradients would vanish in ``dtype``, and skips the steps of those that
    overflow; it does nothing where the range of ``dtype`` is that of float32."""

    @classmethod
    def of(cls, name: str, device: str) -> Precision:
        """The precision of one fit; ``name`` as ``protocol.precision`` has it."""
        dtype: torch.dtype = getattr(torch, name)
        kind = torch.device(device).type
        return cls(kind, dtype, torch.amp.GradScaler(kind, enabled=dtype is torch.float16))

    def run(self, forward: Callable[..., Tensor], *inputs: Any) -> Tensor:
        """``forward(*inputs)`` by automatic mixed precision; what comes back is float32 again.

        Where nothing is mixed, ``forward`` is called as it is. A loss gets float32, so that none has to stand
        a narrow type.
        """
        if self.dtype is torch.float32:
            return forward(*inputs)
        with torch.autocast(self.device_type, self.dtype), self._kernels():
            return forward(*inputs).float()

    def _kernels(self) -> AbstractContextManager[None]:
        """Kernels that there are: oneDNN has recurrent layers for bfloat16 on a CPU, and none for float16."""
        if self.device_type == "cpu" and self.dtype is torch.float16:
            # None leaves that flag as it is; it is for GPUs, and setting it warns where there is none.
            return torch.backends.mkldnn.flags(enabled=False, allow_tf32=None)
        return nullcontext()
