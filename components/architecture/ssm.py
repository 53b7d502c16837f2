"""A diagonal state-space model, S4D (Gu et al., arXiv:2206.11893), over sequences and over tokens."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from einops import einsum
from torch import Tensor, nn

from components.architecture.input_spec import InputSpec
from components.architecture.steps import ReadOut, embedding, roles

__all__ = ["S4D", "DiagonalStateSpace"]


class DiagonalStateSpace(nn.Module):
    """One linear recurrence per channel, run as a convolution with its impulse response.

    Each is ``x' = A x + u``, ``y = 2 Re(C x) + D u`` with a complex diagonal A of which one of each conjugate
    pair is kept, and u held constant over a step of a learned length. A begins as S4D-Lin, ``-1/2 + i pi n``,
    the lengths between 0.001 and 0.1; B is 1, since only its product with C matters. All parameters are real,
    so that any optimizer works, and the logarithm of the decay keeps the recurrence stable.

    Parameters
    ----------
    width
        Channels.
    d_state
        Length of a channel's state, an even number: half as many complex numbers are kept.
    """

    def __init__(self, width: int, d_state: int) -> None:
        super().__init__()
        half = d_state // 2
        self.log_decay = nn.Parameter(torch.full((width, half), math.log(0.5)))
        self.frequency = nn.Parameter(math.pi * torch.arange(half).float().repeat(width, 1))
        self.read = nn.Parameter(torch.randn(width, half, 2) * math.sqrt(0.5))
        self.log_step = nn.Parameter(torch.empty(width, 1).uniform_(math.log(1e-3), math.log(1e-1)))
        self.skip = nn.Parameter(torch.randn(width))

    def forward(self, u: Tensor) -> Tensor:
        """Outputs ``(batch, time, width)`` from inputs of the same shape."""
        time = u.shape[1]
        # Twice the length, so that the end of a row does not come round to its beginning.
        spectrum = torch.fft.rfft(u, 2 * time, dim=1) * torch.fft.rfft(self.response(time), 2 * time, dim=0)
        convolved: Tensor = torch.fft.irfft(spectrum, 2 * time, dim=1)[:, :time]
        return convolved + self.skip * u

    def response(self, time: int) -> Tensor:
        """Impulse response ``(time, width)``: ``2 Re(C exp(l step A) (exp(step A) - 1) / A)`` at step l."""
        a = torch.complex(-self.log_decay.exp(), self.frequency)
        exponent = a * self.log_step.exp()
        weight = torch.view_as_complex(self.read) * exponent.expm1() / a
        steps = torch.arange(time, device=a.device, dtype=self.skip.dtype)
        powers = (exponent[..., None] * steps).exp()
        response: Tensor = einsum(weight, powers, "channel state, channel state time -> time channel")
        return 2 * response.real


class S4D(nn.Module):
    """Residual blocks of a diagonal state-space model and a gated linear layer.

    Parameters
    ----------
    input_spec, n_outputs, activation
        As the slot passes them.
    n_layers
        Blocks.
    width
        Channels.
    d_state
        Length of a channel's state.
    dropout
        Share of the channels that are dropped in every block.
    """

    def __init__(
        self,
        input_spec: InputSpec,
        n_outputs: int,
        activation: Callable[[], nn.Module],
        n_layers: int = 2,
        width: int = 32,
        d_state: int = 32,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.embedding = embedding(input_spec, width)
        self.blocks = nn.Sequential(*(_Block(width, d_state, activation, dropout) for _ in range(n_layers)))
        self.norm = nn.LayerNorm(width)
        self.output = ReadOut(input_spec, n_outputs, width)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Outputs ``(batch, n_outputs)``, or ``(batch, time, n_outputs)`` where every step is asked.

        ``x`` is ``(batch, time, channels)`` floats or ``(batch, time)`` codes, ``lengths`` is ``(batch,)``.
        """
        output: Tensor = self.output(self.norm(self.blocks(self.embedding(x))), lengths)
        return output

    def parameter_roles(self) -> Mapping[str, str]:
        """The role of every parameter, by its name in ``named_parameters()``."""
        # Each entry of the recurrences is a rate or a weight of its own: no matrix, whatever its shape.
        entries = {name: "norm" for name, _ in self.named_parameters() if ".state_space." in name}
        return {**roles(self), **entries}


class _Block(nn.Module):
    def __init__(self, width: int, d_state: int, activation: Callable[[], nn.Module], dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.state_space = DiagonalStateSpace(width, d_state)
        self.mix = nn.Sequential(
            activation(), nn.Dropout(dropout), nn.Linear(width, 2 * width), nn.GLU(), nn.Dropout(dropout)
        )

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = x + self.mix(self.state_space(self.norm(x)))
        return output
