"""A small residual network for images, with norm and activation before every convolution."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from components.architecture.input_spec import InputSpec

__all__ = ["ImageResNet"]


class ImageResNet(nn.Module):
    """Three stages of residual blocks (arXiv:1603.05027), each half as large and twice as wide as the last.

    The layout is the one for small images (He et al., arXiv:1512.03385, section 4.2); what is left of the
    image at the end is averaged over its pixels.

    Parameters
    ----------
    input_spec, n_outputs, activation
        As the slot passes them.
    n_blocks
        Residual blocks of a stage.
    width
        Channels of the first stage.
    size
        Pixels of the longer side in the first stage, at most: the entrance makes larger images smaller.
    dropout
        Share of the averaged channels that are dropped.
    """

    def __init__(
        self,
        input_spec: InputSpec,
        n_outputs: int,
        activation: Callable[[], nn.Module],
        n_blocks: int = 1,
        width: int = 8,
        size: int = 16,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        stride = -(-max(input_spec.shape[1:]) // size)
        self.entrance = nn.Conv2d(
            input_spec.shape[0], width, 2 * stride + 1, stride, padding=stride, bias=False
        )
        blocks, channels = [], width
        for stage in range(3):
            for block in range(n_blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                blocks.append(_Block(channels, channels * stride, stride, activation))
                channels *= stride
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.BatchNorm2d(channels)
        self.activation = activation()
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(channels, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs ``(batch, n_outputs)`` from images ``(batch, channels, height, width)``."""
        x = self.activation(self.norm(self.blocks(self.entrance(x))))
        # The mean itself and not AdaptiveAvgPool2d, whose gradient is not deterministic on a GPU.
        output: Tensor = self.output(self.dropout(x.mean((-2, -1))))
        return output

    def parameter_roles(self) -> Mapping[str, str]:
        """The role of every parameter, by its name in ``named_parameters()``."""
        return {name: _role(name, parameter) for name, parameter in self.named_parameters()}


class _Block(nn.Module):
    """Norm, activation and convolution, twice, added to what came in; 1 × 1 of that where it grows."""

    def __init__(self, d_in: int, d_out: int, stride: int, activation: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.entry = nn.Sequential(nn.BatchNorm2d(d_in), activation())
        self.shortcut = nn.Identity() if d_in == d_out else nn.Conv2d(d_in, d_out, 1, stride, bias=False)
        self.residual = nn.Sequential(
            _convolution(d_in, d_out, stride), nn.BatchNorm2d(d_out), activation(), _convolution(d_out, d_out)
        )

    def forward(self, x: Tensor) -> Tensor:
        entered = self.entry(x)
        kept = x if isinstance(self.shortcut, nn.Identity) else self.shortcut(entered)
        y: Tensor = kept + self.residual(entered)
        return y


def _convolution(d_in: int, d_out: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(d_in, d_out, 3, stride, padding=1, bias=False)


def _role(name: str, parameter: Tensor) -> str:
    if parameter.ndim < 2:
        return "bias" if name.endswith(".bias") else "norm"
    if name == "output.weight":
        return "output"
    return "embedding" if name == "entrance.weight" else "hidden"
