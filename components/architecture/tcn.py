"""A temporal convolutional network (Bai, Kolter and Koltun, arXiv:1803.01271) over sequences and tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from einops import rearrange
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.nn.utils.parametrizations import weight_norm

from components.architecture.input_spec import InputSpec
from components.architecture.steps import ReadOut, embedding, roles

__all__ = ["TCN"]


class TCN(nn.Module):
    """Residual blocks of causal convolutions, each with twice the dilation of the one before.

    A state sees ``1 + 2 (kernel_size - 1) (2**n_blocks - 1)`` steps.

    Parameters
    ----------
    input_spec, n_outputs, activation
        As the slot passes them.
    n_blocks
        Residual blocks, of two convolutions each.
    width
        Channels.
    kernel_size
        Steps that a convolution takes in.
    dropout
        Share of the channels that are dropped, each in the whole row, after every convolution.
    """

    def __init__(
        self,
        input_spec: InputSpec,
        n_outputs: int,
        activation: Callable[[], nn.Module],
        n_blocks: int = 4,
        width: int = 32,
        kernel_size: int = 4,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.embedding = embedding(input_spec, width)
        self.blocks = nn.Sequential(
            *(_Block(width, kernel_size, 2**block, activation, dropout) for block in range(n_blocks))
        )
        self.output = ReadOut(input_spec, n_outputs, width)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Outputs ``(batch, n_outputs)``, or ``(batch, time, n_outputs)`` where every step is asked.

        ``x`` is ``(batch, time, channels)`` floats or ``(batch, time)`` codes, ``lengths`` is ``(batch,)``.
        """
        states = self.blocks(rearrange(self.embedding(x), "batch time channel -> batch channel time"))
        output: Tensor = self.output(rearrange(states, "batch channel time -> batch time channel"), lengths)
        return output

    def parameter_roles(self) -> Mapping[str, str]:
        """The role of every parameter, by its name in ``named_parameters()``."""
        # A weight norm's own length, of shape (width, 1, 1), scales; its direction is the matrix.
        lengths = {name: "norm" for name, _ in self.named_parameters() if name.endswith("original0")}
        return {**roles(self), **lengths}


class _Block(nn.Module):
    """Two convolutions with weight norm, activation and dropout, added to what came in."""

    def __init__(
        self, width: int, kernel_size: int, dilation: int, activation: Callable[[], nn.Module], dropout: float
    ) -> None:
        super().__init__()
        self.reach = (kernel_size - 1) * dilation
        self.convolutions = nn.ModuleList(
            weight_norm(nn.Conv1d(width, width, kernel_size, dilation=dilation)) for _ in range(2)
        )
        self.after = nn.ModuleList(nn.Sequential(activation(), nn.Dropout1d(dropout)) for _ in range(2))
        self.activation = activation()

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for convolution, after in zip(self.convolutions, self.after, strict=True):
            y = after(convolution(pad(y, (self.reach, 0))))
        output: Tensor = self.activation(x + y)
        return output
