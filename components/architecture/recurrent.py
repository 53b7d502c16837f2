"""Recurrent networks over sequences and over tokens."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from components.architecture.input_spec import InputSpec
from components.architecture.steps import ReadOut, embedding, roles

__all__ = ["GRU", "LSTM", "Recurrent"]


class Recurrent(nn.Module):
    """Recurrent layers that read a row from left to right; the state after its last step predicts.

    Where an output is wanted at every step, the state after that step predicts, so later steps cannot matter.

    Parameters
    ----------
    input_spec, n_outputs
        As the slot passes them.
    n_layers
        Recurrent layers, each over the states of the one before.
    d_hidden
        Length of a state.
    d_embedding
        Length of a token's vector.
    dropout
        Share of the states that are dropped after every layer.
    """

    layers: type[nn.GRU] | type[nn.LSTM]

    def __init__(
        self,
        input_spec: InputSpec,
        n_outputs: int,
        n_layers: int = 1,
        d_hidden: int = 64,
        d_embedding: int = 32,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        tokens = input_spec.form == "tokens"
        self.embedding = embedding(input_spec, d_embedding) if tokens else nn.Identity()
        d_input = d_embedding if tokens else input_spec.shape[1]
        # The library warns about dropout in a single layer, where its own has no place.
        between = dropout if n_layers > 1 else 0.0
        self.recurrent = self.layers(
            input_size=d_input, hidden_size=d_hidden, num_layers=n_layers, batch_first=True, dropout=between
        )
        self.output = ReadOut(input_spec, n_outputs, d_hidden, dropout)
        self.start()

    def start(self) -> None:
        """Set the initial weights in which a network departs from the library's; here none."""

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Outputs ``(batch, n_outputs)``, or ``(batch, time, n_outputs)`` where every step is asked.

        ``x`` is ``(batch, time, channels)`` floats or ``(batch, time)`` codes, ``lengths`` is ``(batch,)``.
        """
        states, _ = self.recurrent(self.embedding(x))
        output: Tensor = self.output(states, lengths)
        return output

    def parameter_roles(self) -> Mapping[str, str]:
        """The role of every parameter, by its name in ``named_parameters()``."""
        tokens = isinstance(self.embedding, nn.Embedding)
        return roles(self, first="embedding." if tokens else "recurrent.weight_ih_l0")


class GRU(Recurrent):
    """Gated recurrent units (Cho et al., arXiv:1406.1078)."""

    layers = nn.GRU


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997).

    The forget gates begin with a bias of 1 (Jozefowicz, Zaremba and Sutskever, 2015, section 2.2), so that
    what is in the cell stays there until the gates have learned better. Parameters as :class:`Recurrent`.
    """

    layers = nn.LSTM

    def start(self) -> None:
        """Fill the biases of the forget gates; each has two, which are added."""
        with torch.no_grad():
            for layer in range(self.recurrent.num_layers):
                for name, value in (("bias_ih", 1.0), ("bias_hh", 0.0)):
                    _, forget, _, _ = getattr(self.recurrent, f"{name}_l{layer}").chunk(4)
                    forget.fill_(value)
