"""A small convolutional network for images of any size."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from components.architecture.input_spec import InputSpec

__all__ = ["CNN"]


class CNN(nn.Module):
    """3 × 3 convolutions with batch norm, each at half the size and twice the width of the one before.

    What is left of the image is averaged over its pixels (Lin et al., arXiv:1312.4400), so that images of
    8 × 8 and of 28 × 28 pixels meet the same network.

    Parameters
    ----------
    input_spec, n_outputs, activation
        As the slot passes them.
    n_blocks
        Convolutions.
    width
        Channels of the first convolution.
    dropout
        Share of the averaged channels that are dropped.
    """

    def __init__(
        self,
        input_spec: InputSpec,
        n_outputs: int,
        activation: Callable[[], nn.Module],
        n_blocks: int = 3,
        width: int = 16,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        widths = [input_spec.shape[0], *(width * 2**block for block in range(n_blocks))]
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(widths[block], widths[block + 1], 3, 1 + (block > 0), padding=1, bias=False),
                    nn.BatchNorm2d(widths[block + 1]),
                    activation(),
                )
                for block in range(n_blocks)
            )
        )
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(widths[-1], n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs ``(batch, n_outputs)`` from images ``(batch, channels, height, width)``."""
        # The mean itself and not AdaptiveAvgPool2d, whose gradient is not deterministic on a GPU.
        output: Tensor = self.output(self.dropout(self.blocks(x).mean((-2, -1))))
        return output

    def parameter_roles(self) -> Mapping[str, str]:
        """The role of every parameter, by its name in ``named_parameters()``."""
        return {name: _role(name, parameter) for name, parameter in self.named_parameters()}


def _role(name: str, parameter: Tensor) -> str:
    if parameter.ndim < 2:
        return "bias" if name.endswith(".bias") else "norm"
    if name == "output.weight":
        return "output"
    return "embedding" if name.startswith("blocks.0.") else "hidden"
