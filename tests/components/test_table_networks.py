"""Networks over tables: what becomes of numbers, odd columns included, and whether anything is learned."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.plan.compatibility import incompatibility
from benchmark.spec import InputSpec, Task
from components.architecture.ft_transformer import FTTransformer
from components.architecture.numeric_embeddings import PeriodicMLP, PiecewiseLinearMLP
from tests.components.networks import build, error_of, pipeline, rows


@pytest.mark.parametrize("name", ["mlp_plr", "mlp_ple", "ft_transformer"])
@pytest.mark.parametrize("dataset", ["wine", "friedman1"])
def test_learns_what_the_featureless_do_not(name: str, dataset: str) -> None:
    assert error_of(name, dataset) < 0.5 * error_of("featureless", dataset)


@pytest.mark.parametrize("name", ["mlp_plr", "mlp_ple"])
def test_numeric_embeddings_beat_the_plain_mlp_on_waves(name: str) -> None:
    """What their paper promises: functions of single numbers that a plain MLP is slow to learn."""
    assert error_of(name, "friedman1") < 0.95 * error_of("mlp", "friedman1")


def piecewise(x_num: torch.Tensor | None, cardinalities: tuple[int, ...] = (), **extra: Any) -> Any:
    x_cat = torch.zeros(64, len(cardinalities), dtype=torch.int64) if cardinalities else None
    spec = InputSpec(0 if x_num is None else x_num.shape[1], cardinalities)
    torch.manual_seed(0)
    return PiecewiseLinearMLP(spec, 1, torch.nn.ReLU, training_rows=(x_num, x_cat), dropout=0.0, **extra)


COLUMNS = {
    "normal": torch.randn(200, generator=torch.Generator().manual_seed(0)),
    "constant": torch.full((200,), 3.0),
    "constant and huge": torch.full((200,), -3e30),
    "binary": torch.arange(200) % 2 * 1.0,
    "nearly constant": torch.cat([torch.zeros(199), torch.ones(1)]),
    "counts": (torch.arange(200) % 5) * 10.0,
    "close together": torch.cat([torch.arange(100) * 1e-42, torch.arange(100) * 1e10]),
    "of all sizes": torch.logspace(-30, 30, 200),
}


@pytest.mark.parametrize("n_rows", [1, 2, 3, 200])
@pytest.mark.parametrize("kind", list(COLUMNS))
def test_bins_of_any_column(kind: str, n_rows: int) -> None:
    columns = torch.stack([COLUMNS[kind], COLUMNS["normal"]], dim=1)[:n_rows]
    network = piecewise(columns, n_bins=16)
    output = network(columns, None)
    output.square().clamp(max=1).sum().backward()
    assert output.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())
    pieces = network.joined.numbers.impl(columns)
    assert pieces.isfinite().all() and pieces.min() > -1e-4 and pieces.max() < 1 + 1e-4


@given(
    values=st.lists(st.floats(-100, 100, width=32), min_size=2, max_size=30, unique=True),
    n_bins=st.integers(2, 20),
)
@settings(max_examples=50, deadline=None)
def test_the_encoding_rises_with_its_column(values: list[float], n_bins: int) -> None:
    """Equation 1 of the paper: whole pieces below, a share of its own, none above; from 0 to all of them."""
    column = torch.tensor(sorted(values)).unsqueeze(1)
    encoding = piecewise(column, n_bins=n_bins).joined.numbers.impl(column)[:, 0]
    assert (encoding.diff(dim=0) >= -1e-5).all()
    torch.testing.assert_close(encoding[0], torch.zeros_like(encoding[0]), atol=1e-4, rtol=0)
    assert 2 <= len(encoding[-1]) <= n_bins
    torch.testing.assert_close(encoding[-1], torch.ones_like(encoding[-1]), atol=1e-4, rtol=0)


def test_bins_are_quantiles_of_the_training_rows() -> None:
    column = torch.randn(1000, 1, generator=torch.Generator().manual_seed(0)).exp()
    encoding = piecewise(column, n_bins=4).joined.numbers.impl
    quartiles = torch.quantile(column, torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0]))
    summed = encoding(quartiles[:, None])[:, 0].sum(-1)
    torch.testing.assert_close(summed, torch.arange(5.0), atol=1e-4, rtol=0)


def test_only_the_training_rows_make_bins() -> None:
    spec = InputSpec(2)
    torch.manual_seed(0)
    first = PiecewiseLinearMLP(spec, 1, torch.nn.ReLU, training_rows=(torch.rand(50, 2), None))
    before = {name: tensor.clone() for name, tensor in first.state_dict().items()}
    first.eval()(100 * torch.rand(50, 2), None)
    assert all(torch.equal(tensor, before[name]) for name, tensor in first.state_dict().items())


@pytest.mark.parametrize("name", ["mlp_plr", "mlp_ple", "ft_transformer"])
@pytest.mark.parametrize("spec", [InputSpec(1), InputSpec(0, (1,)), InputSpec(2, (1, 9))])
def test_tables_without_numbers_or_without_categories(name: str, spec: InputSpec) -> None:
    assert build(name, spec, n_outputs=1)(*rows(spec, 6)).shape == (6, 1)


def test_periodic_embeddings_are_sines_and_cosines() -> None:
    """Equation 2 of the paper, with the frequencies that the network has."""
    network = PeriodicMLP(InputSpec(3), 1, torch.nn.Tanh, n_frequencies=5, frequency_scale=0.7)
    x = torch.randn(4, 3)
    embedding = network.joined.numbers
    assert isinstance(embedding, torch.nn.Module)
    angles = 2 * torch.pi * embedding.get_parameter("periodic.weight") * x[:, :, None]
    expected = torch.cat([angles.cos(), angles.sin()], dim=-1)
    torch.testing.assert_close(embedding.get_submodule("periodic")(x), expected)
    frequencies = PeriodicMLP(InputSpec(50), 1, torch.nn.Tanh, n_frequencies=50, frequency_scale=0.7)
    assert frequencies.get_parameter("joined.numbers.periodic.weight").std().item() == pytest.approx(
        0.7, rel=0.05
    )


def test_columns_of_ft_transformer_keep_their_identity() -> None:
    """A row whose numbers changed places is another row, although attention knows no order."""
    torch.manual_seed(0)
    network = FTTransformer(InputSpec(3), 1, torch.nn.ReLU).eval()
    x = torch.tensor([[1.0, -1.0, 0.5]])
    assert not torch.allclose(network(x, None), network(x.flip(1), None), atol=1e-3)


def test_ft_transformer_refuses_more_columns_than_it_can_attend_to(make: Any) -> None:
    """A task is refused by its own columns; those that a preprocessor makes are known only here."""
    with pytest.raises(ValueError, match="1001 columns are more than the 1000"):
        make("architecture", "ft_transformer")(InputSpec(999, (3, 3)), 2, activation=torch.nn.ReLU)


def test_ft_transformer_is_refused_where_columns_are_pixels() -> None:
    host = pipeline("ft_transformer")
    image = Task("any", "any", "image", "binary", "any", 9, 64, 2, "")
    assert incompatibility(host, image, "cpu") == "ft_transformer is not for image data"
    assert incompatibility(host, dataclasses.replace(image, modality="tabular"), "cpu") is None
