"""Networks over images: sizes, patches, and whether anything is learned."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from benchmark.spec import InputSpec
from components.architecture.resnet_image import ImageResNet
from components.architecture.vit import ViT
from tests.components.networks import build, error_of, rows


def image(*shape: int) -> InputSpec:
    return InputSpec(form="image", shape=shape)


@pytest.mark.parametrize(("name", "share"), [("resnet_image", 0.1), ("vit", 0.6)])
def test_learns_digits(name: str, share: float) -> None:
    assert error_of(name, "digits_images") < share * error_of("featureless", "digits_images")


@pytest.mark.parametrize("name", ["resnet_image", "vit"])
@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32), (2, 1, 40), (5, 3, 2), (3, 64, 48)])
def test_images_of_any_size(name: str, shape: tuple[int, int, int]) -> None:
    network: Any = build(name, image(*shape), n_outputs=4)
    output = network(*rows(image(*shape), 3))
    output.square().sum().backward()
    assert output.shape == (3, 4) and output.isfinite().all()


def test_the_entrance_of_the_residual_network_keeps_small_images_and_shrinks_large_ones() -> None:
    for side, expected in ((8, 8), (16, 16), (17, 9), (28, 14), (64, 16)):
        network = ImageResNet(image(1, side, side), 2, torch.nn.ReLU)
        assert network.entrance(torch.zeros(1, 1, side, side)).shape[2:] == (expected, expected)


def test_every_pixel_reaches_the_prediction() -> None:
    for network in (ImageResNet(image(2, 28, 19), 3, torch.nn.GELU), ViT(image(2, 28, 19), 3, torch.nn.GELU)):
        x = torch.randn(2, 2, 28, 19, requires_grad=True)
        (gradient,) = torch.autograd.grad(network.eval()(x).square().sum(), x)
        assert (gradient != 0).all()


def test_patches_do_not_depend_on_their_order_but_for_their_positions() -> None:
    torch.manual_seed(0)
    network = ViT(image(1, 8, 8), 3, torch.nn.GELU).eval()
    x = torch.randn(2, 1, 8, 8)
    swapped = torch.cat([x[..., 2:4], x[..., :2], x[..., 4:]], dim=-1)
    assert not torch.allclose(network(x), network(swapped), atol=1e-4)
    network.positions.zero_()
    torch.testing.assert_close(network(x), network(swapped))


def test_every_place_has_positions_of_its_own() -> None:
    positions = ViT(image(1, 28, 20), 3, torch.nn.GELU, grid=7).positions
    assert positions.shape == (7 * 5, 32)
    assert torch.cdist(positions, positions).fill_diagonal_(1).min() > 0.1
    torch.testing.assert_close(positions.square().sum(-1), torch.full((35,), 16.0))


def test_a_length_that_cannot_be_divided_is_refused() -> None:
    with pytest.raises(ValueError, match="d_model=30 has no equal parts"):
        ViT(image(1, 8, 8), 3, torch.nn.GELU, d_model=30, n_heads=2)
    with pytest.raises(ValueError, match="n_heads=5"):
        ViT(image(1, 8, 8), 3, torch.nn.GELU, d_model=32, n_heads=5)
