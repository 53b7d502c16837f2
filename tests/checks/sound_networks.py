"""Components without a bug, of kinds that the catalog has none of: what is said of them is a false alarm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm, weight_norm
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

__all__ = ["SOUND"]


class _Tables(nn.Module):
    """What stands before and behind the hidden layers of those below."""

    width = 32

    def __init__(self, input_spec: Any, n_outputs: int) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(codes, 4) for codes in input_spec.cardinalities)
        self.entrance = nn.Linear(input_spec.n_numeric + 4 * len(self.embeddings), self.width)
        self.hidden = self.layers()
        self.output = nn.Linear(self.width, n_outputs)

    def layers(self) -> nn.Module:
        return nn.Sequential(nn.ReLU(), nn.Linear(self.width, self.width), nn.ReLU())

    def forward(self, x_num: Tensor | None, x_cat: Tensor | None) -> Tensor:
        parts = [] if x_num is None else [x_num]
        if x_cat is not None:
            parts += [embed(x_cat[:, column]) for column, embed in enumerate(self.embeddings)]
        output: Tensor = self.output(self.hidden(self.entrance(torch.cat(parts, dim=1))))
        return output


class Normed(_Tables):
    def layers(self) -> nn.Module:
        return nn.Sequential(
            nn.GroupNorm(4, self.width),
            nn.ReLU(),
            spectral_norm(nn.Linear(self.width, self.width)),
            nn.LayerNorm(self.width),
            weight_norm(nn.Linear(self.width, self.width)),
            nn.SiLU(),
        )


class Batched(_Tables):
    """Batch norm with dropout behind it, and an initial output of zero."""

    def __init__(self, input_spec: Any, n_outputs: int) -> None:
        super().__init__(input_spec, n_outputs)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def layers(self) -> nn.Module:
        return nn.Sequential(nn.BatchNorm1d(self.width), nn.ReLU(), nn.Dropout(0.5))


class Frozen(_Tables):
    """A norm that stays in evaluation mode, and weights that are not trained."""

    def layers(self) -> nn.Module:
        fixed = nn.Linear(self.width, self.width).requires_grad_(False)
        return nn.Sequential(fixed, nn.BatchNorm1d(self.width), nn.Tanh())

    def train(self, mode: bool = True) -> Frozen:
        super().train(mode)
        self.hidden.get_submodule("1").eval()
        return self


class FromNumpy(_Tables):
    """Initial weights out of numpy's global generator, which a fit seeds too."""

    def layers(self) -> nn.Module:
        layer = nn.Linear(self.width, self.width)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(np.random.normal(0, 0.2, (self.width, self.width))))
        return nn.Sequential(layer, nn.GELU())


class Members(_Tables):
    """Four members ``(batch, 4, n_outputs)``."""

    def __init__(self, input_spec: Any, n_outputs: int) -> None:
        super().__init__(input_spec, 4 * n_outputs)

    def forward(self, x_num: Tensor | None, x_cat: Tensor | None) -> Tensor:
        output = super().forward(x_num, x_cat)
        return output.view(len(output), 4, -1)


def _embedding(input_spec: Any, width: int) -> nn.Module:
    if input_spec.form == "tokens":
        return nn.Embedding(input_spec.n_tokens, width)
    return nn.Linear(input_spec.shape[1], width)


class Encoder(nn.Module):
    """The library's encoder layer, with both masks, averaged over the row where one output is wanted."""

    def __init__(self, input_spec: Any, n_outputs: int, width: int = 32) -> None:
        super().__init__()
        self.every_step = input_spec.every_step
        self.embedding = _embedding(input_spec, width)
        self.layer = nn.TransformerEncoderLayer(width, 4, 64, batch_first=True, norm_first=True)
        self.output = nn.Linear(width, n_outputs)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        steps = torch.arange(x.shape[1], device=x.device)
        after, later = steps >= lengths[:, None], steps[:, None] < steps
        states = self.layer(self.embedding(x), src_mask=later, src_key_padding_mask=after)
        if not self.every_step:
            states = states.masked_fill(after[..., None], 0).sum(1) / lengths[:, None]
        output: Tensor = self.output(states)
        return output


class Bag(nn.Module):
    """The mean over the row, in which the order of time does not matter."""

    def __init__(self, input_spec: Any, n_outputs: int, width: int = 16) -> None:
        super().__init__()
        self.embedding = _embedding(input_spec, width)
        self.output = nn.Linear(width, n_outputs)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        after = torch.arange(x.shape[1], device=x.device) >= lengths[:, None]
        states = self.embedding(x).tanh().masked_fill(after[..., None], 0)
        output: Tensor = self.output(states.sum(1) / lengths[:, None])
        return output


class BothWays(nn.Module):
    """A packed LSTM that reads in both directions, for rows with one output."""

    def __init__(self, input_spec: Any, n_outputs: int, width: int = 16) -> None:
        super().__init__()
        self.embedding = _embedding(input_spec, width)
        self.recurrent = nn.LSTM(width, width, batch_first=True, bidirectional=True)
        self.output = nn.Linear(2 * width, n_outputs)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        packed = pack_padded_sequence(
            self.embedding(x), lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        states, _ = pad_packed_sequence(self.recurrent(packed)[0], batch_first=True, padding_value=-torch.inf)
        output: Tensor = self.output(states.amax(1))
        return output


class Pixels(nn.Module):
    """Pooling and a linear layer over what is left of the image."""

    def __init__(self, input_spec: Any, n_outputs: int) -> None:
        super().__init__()
        channels, height, width = input_spec.shape
        self.convolution = nn.Conv2d(channels, 8, 3, padding=1)
        self.output = nn.Linear(8 * (height // 2) * (width // 2), n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.output(functional.max_pool2d(self.convolution(x).relu(), 2).flatten(1))
        return output


class Step(nn.Module):
    """Ternary numbers with a straight-through gradient."""

    def forward(self, x: Tensor) -> Tensor:
        soft = x.tanh()
        return soft + (soft.round() - soft).detach()


class Learned(nn.Module):
    """A parametric rectifier with one slope."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.PReLU()

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.inner(x)
        return output


class Noisy(nn.Module):
    """A random slope in training mode."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.rrelu(x, training=self.training)


class _Loss(nn.Module):
    def __init__(self, task_type: str, n_outputs: int) -> None:
        super().__init__()
        self.task_type, self.n_outputs = task_type, n_outputs


class Hinge(_Loss):
    """Crammer and Singer's: no gradient at all where the margin is kept."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return functional.multi_margin_loss(output, target)


class OneAgainstAll(_Loss):
    """A sigmoid for every class."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        own = functional.one_hot(target, output.shape[1]).to(output)
        return functional.binary_cross_entropy_with_logits(output, own)


class OneHotError(_Loss):
    """Squared error of the logits from 10 at the class and 0 elsewhere (arXiv:2006.07322 scales them too)."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        own = 10 * functional.one_hot(target, output.shape[1]).to(output)
        return functional.mse_loss(output, own)


class Poly(_Loss):
    """Cross-entropy and one more term of its series (arXiv:2204.12511, equation 5)."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        of_rows = functional.cross_entropy(output, target, reduction="none")
        return (of_rows + 1 - (-of_rows).exp()).mean()


class Pinball(_Loss):
    """The median, by its quantile loss."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        distance = target - output
        return torch.maximum(0.5 * distance, -0.5 * distance).mean()


class Cauchy(_Loss):
    """log(1 + e²/2): its gradient fades far out."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return ((output - target).square() / 2).log1p().mean()


_STEPS = ("input:sequence", "input:tokens")
_CLASSES = ("task:binary", "task:multiclass", "task:language")
_VALUES = ("task:regression", "task:forecasting")
SOUND: dict[Callable[..., nn.Module], tuple[str, tuple[str, ...]]] = {
    **dict.fromkeys((Normed, Batched, Frozen, FromNumpy, Members), ("architecture", ())),
    Encoder: ("architecture", _STEPS),
    Bag: ("architecture", ("input:sequence",)),
    BothWays: ("architecture", ("input:sequence",)),
    Pixels: ("architecture", ("input:image",)),
    **dict.fromkeys((Step, Learned, Noisy), ("activation", ())),
    **dict.fromkeys((Hinge, OneAgainstAll, OneHotError, Poly), ("loss", _CLASSES)),
    **dict.fromkeys((Pinball, Cauchy), ("loss", _VALUES)),
}
"""Each with its slot and what its file would say that it needs."""
