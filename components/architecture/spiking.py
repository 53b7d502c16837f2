"""A recurrent network of leaky integrate-and-fire neurons over sequences and over tokens."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from snntorch import surrogate
from torch import Tensor, nn

from components.architecture.input_spec import InputSpec
from components.architecture.steps import ReadOut, embedding, roles

__all__ = ["Leaky", "Spiking"]

THRESHOLD = 1.0


class Leaky(nn.Module):
    """Neurons that add up what comes in, forget a share of it, and say so in spikes.

    With ``i`` the current, ``u[t] = beta u[t-1] + i[t] + R s[t-1] - s[t-1]`` and ``s[t] = u[t] > 1``: what
    ``snntorch.RLeaky`` does with reset by subtraction (Eshraghian et al., arXiv:2109.12894). Backwards, a
    spike has the derivative of an arc tangent, and the reset has none.

    The library's own neurons are not used: each stays in a global list for as long as the process lives,
    keeps its last batch's graph, and takes twice as long.

    Parameters
    ----------
    width
        Neurons.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.current = nn.Linear(width, width)
        self.recurrent = nn.Linear(width, width, bias=False)
        # Neurons of many time constants, from two steps to a hundred, learn what one constant cannot
        # (Perez-Nieves et al., 2021).
        self.beta = nn.Parameter(torch.linspace(0.5, 0.99, width))
        self.spike = surrogate.atan()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Spikes and membrane potentials, both ``(batch, time, width)`` as ``x`` is."""
        membrane = spikes = x.new_zeros(len(x), x.shape[2])
        beta = self.beta.clamp(0, 1)
        fired, potentials = [], []
        for current in self.current(x).unbind(1):
            membrane = beta * membrane + current + self.recurrent(spikes) - THRESHOLD * spikes.detach()
            # The library gives float32 whatever it is given.
            spikes = self.spike(membrane - THRESHOLD).to(x.dtype)
            fired.append(spikes)
            potentials.append(membrane)
        return torch.stack(fired, dim=1), torch.stack(potentials, dim=1)


class Spiking(nn.Module):
    """Layers of leaky neurons, each over the spikes of the one before; the last one's potentials predict.

    Parameters
    ----------
    input_spec, n_outputs
        As the slot passes them.
    n_layers
        Layers of neurons.
    width
        Neurons of a layer.
    dropout
        Share of the potentials that are dropped before they predict.
    """

    def __init__(
        self,
        input_spec: InputSpec,
        n_outputs: int,
        n_layers: int = 1,
        width: int = 64,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.embedding = embedding(input_spec, width)
        self.layers = nn.ModuleList(Leaky(width) for _ in range(n_layers))
        self.output = ReadOut(input_spec, n_outputs, width, dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Outputs ``(batch, n_outputs)``, or ``(batch, time, n_outputs)`` where every step is asked.

        ``x`` is ``(batch, time, channels)`` floats or ``(batch, time)`` codes, ``lengths`` is ``(batch,)``.
        """
        spikes = potentials = self.embedding(x)
        for layer in self.layers:
            spikes, potentials = layer(spikes)
        output: Tensor = self.output(potentials, lengths)
        return output

    def parameter_roles(self) -> Mapping[str, str]:
        """The role of every parameter, by its name in ``named_parameters()``."""
        return roles(self)
