"""Every architecture over tables of numbers, of categories and of both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmark.catalog import open_catalog
from benchmark.spec import PARAMETER_ROLES, Component, InputSpec

Make = Callable[[str, str], Callable[..., Any]]
Build = Callable[..., torch.nn.Module]
every_architecture = pytest.mark.parametrize("name", open_catalog().names("architecture"))
SPECS = {
    "numbers": InputSpec(5),
    "categories": InputSpec(0, (4, 2, 7)),
    "both": InputSpec(3, (3, 1)),
}
every_spec = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)


def rows(spec: InputSpec, n_rows: int, seed: int = 0) -> tuple[Tensor | None, Tensor | None]:
    generator = torch.Generator().manual_seed(seed)
    x_num = torch.randn(n_rows, spec.n_numeric, generator=generator) if spec.n_numeric else None
    codes = [
        torch.randint(0, cardinality, (n_rows,), generator=generator) for cardinality in spec.cardinalities
    ]
    return x_num, torch.stack(codes, dim=1) if codes else None


@pytest.fixture
def build(component: Callable[[str, str], Component], make: Make) -> Build:
    def made(name: str, spec: InputSpec, n_outputs: int = 3, seed: int = 0) -> torch.nn.Module:
        torch.manual_seed(seed)
        asks = "activation" in component("architecture", name).needs
        extra = {"activation": torch.nn.Tanh} if asks else {}
        network: torch.nn.Module = make("architecture", name)(spec, n_outputs, **extra)
        return network

    return made


@every_architecture
@every_spec
def test_output_shape_also_of_one_row(name: str, spec: InputSpec, build: Build) -> None:
    network = build(name, spec).eval()
    for n_rows in (1, 9):
        output = network(*rows(spec, n_rows))
        assert output.shape in {(n_rows, 3), (n_rows, *output.shape[1:-1], 3)} and output.ndim in (2, 3)


@every_architecture
@every_spec
def test_gradients_reach_every_parameter(name: str, spec: InputSpec, build: Build) -> None:
    network = build(name, spec)
    (network(*rows(spec, 64)) ** 2).mean().backward()
    for label, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, label


@every_architecture
@every_spec
def test_rows_do_not_see_each_other_when_predicting(name: str, spec: InputSpec, build: Build) -> None:
    network = build(name, spec).eval()
    x_num, x_cat = rows(spec, 8)
    alone = network(x_num[:1] if x_num is not None else None, x_cat[:1] if x_cat is not None else None)
    assert torch.allclose(network(x_num, x_cat)[:1], alone, atol=1e-6)


@every_architecture
def test_initial_weights_follow_the_seed(name: str, build: Build) -> None:
    first, same, other = (build(name, SPECS["both"], seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[key], same[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


@every_architecture
def test_takes_the_activation_it_is_given(
    name: str, build: Build, component: Callable[[str, str], Component]
) -> None:
    if "activation" not in component("architecture", name).needs:
        pytest.skip("has an activation of its own")
    kinds = [type(module) for module in build(name, SPECS["both"]).modules()]
    assert torch.nn.Tanh in kinds and torch.nn.ReLU not in kinds


@every_architecture
@every_spec
def test_roles_cover_the_parameters(name: str, spec: InputSpec, build: Build) -> None:
    network: Any = build(name, spec)
    roles, parameters = network.parameter_roles(), dict(network.named_parameters())
    assert set(roles) == set(parameters)
    assert set(roles.values()) <= set(PARAMETER_ROLES)
    # What Muon orthogonalises is a matrix between hidden representations: it knows neither input nor output.
    assert {tuple(parameters[key].shape) for key, role in roles.items() if role == "hidden"} <= {
        (64, 64),
        (128, 64),
        (64, 128),
    }
    assert {"embedding", "hidden", "output", "bias"} <= set(roles.values())
    assert all(parameters[key].ndim > 1 for key, role in roles.items() if role in ("embedding", "output"))


def test_tabm_members_differ(build: Build) -> None:
    output = build("tabm", SPECS["numbers"]).eval()(*rows(SPECS["numbers"], 4))
    assert output.shape == (4, 8, 3)
    assert not torch.allclose(output[:, 0], output[:, 1])
