"""Every architecture over every form of input that it takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmark.catalog import open_catalog
from benchmark.load.components import read_component
from benchmark.spec import PARAMETER_ROLES, Component, InputSpec

Make = Callable[[str, str], Callable[..., Any]]
Build = Callable[..., torch.nn.Module]
CATALOG = open_catalog()
SPECS = {
    "numbers": InputSpec(5),
    "categories": InputSpec(0, (4, 2, 7)),
    "both": InputSpec(3, (3, 1)),
    "grey": InputSpec(form="image", shape=(1, 8, 8)),
    "colour": InputSpec(form="image", shape=(3, 29, 17)),
    "pixel": InputSpec(form="image", shape=(2, 1, 1)),
    "sequence": InputSpec(form="sequence", shape=(7, 2)),
    "tokens": InputSpec(form="tokens", shape=(7,), n_tokens=11),
    "language": InputSpec(form="tokens", shape=(7,), n_tokens=11, every_step=True),
}


def forms(name: str) -> list[str]:
    """What an architecture says that it takes."""
    file = str(CATALOG.path("architecture", name))
    needs = read_component("architecture", name, CATALOG.document("architecture", name), file).needs
    return [need.partition(":")[2] for need in needs if need.startswith("input:")] or ["table"]


PAIRS = [
    (name, kind)
    for name in CATALOG.names("architecture")
    for kind, spec in SPECS.items()
    if spec.form in forms(name)
]
every_pair = pytest.mark.parametrize(("name", "kind"), PAIRS, ids=[f"{name}-{kind}" for name, kind in PAIRS])
ONE_KIND = list({name: kind for name, kind in PAIRS}.items())
every_architecture = pytest.mark.parametrize(("name", "kind"), ONE_KIND, ids=[name for name, _ in ONE_KIND])
every_padded = pytest.mark.parametrize(
    ("name", "kind"), [pair for pair in PAIRS if SPECS[pair[1]].form in ("sequence", "tokens")]
)


def rows(spec: InputSpec, n_rows: int, seed: int = 0) -> tuple[Tensor | None, ...]:
    generator = torch.Generator().manual_seed(seed)

    def codes(n_codes: int, *shape: int, lowest: int = 0) -> Tensor:
        return torch.randint(lowest, n_codes, (n_rows, *shape), generator=generator)

    if spec.form == "table":
        x_num = torch.randn(n_rows, spec.n_numeric, generator=generator) if spec.n_numeric else None
        columns = [codes(cardinality) for cardinality in spec.cardinalities]
        return x_num, torch.stack(columns, dim=1) if columns else None
    if spec.form == "image":
        return (torch.randn(n_rows, *spec.shape, generator=generator),)
    lengths = codes(spec.shape[0] + 1, lowest=1)
    lengths[0] = spec.shape[0]
    within = torch.arange(spec.shape[0]) < lengths[:, None]
    if spec.form == "tokens":
        return codes(spec.n_tokens, spec.shape[0], lowest=1) * within, lengths
    return torch.randn(n_rows, *spec.shape, generator=generator) * within[..., None], lengths


def some(inputs: tuple[Tensor | None, ...], part: slice) -> tuple[Tensor | None, ...]:
    return tuple(None if tensor is None else tensor[part] for tensor in inputs)


@pytest.fixture
def build(component: Callable[[str, str], Component], make: Make) -> Build:
    def made(name: str, spec: InputSpec, n_outputs: int = 3, seed: int = 0) -> torch.nn.Module:
        torch.manual_seed(seed)
        asks = "activation" in component("architecture", name).needs
        extra = {"activation": torch.nn.Tanh} if asks else {}
        network: torch.nn.Module = make("architecture", name)(spec, n_outputs, **extra)
        return network

    return made


@every_pair
def test_output_shape_also_of_one_row(name: str, kind: str, build: Build) -> None:
    network = build(name, SPECS[kind]).eval()
    for n_rows in (1, 9):
        output = network(*rows(SPECS[kind], n_rows))
        if SPECS[kind].every_step:
            assert output.shape == (n_rows, 7, 3)
        else:
            assert output.shape in {(n_rows, 3), (n_rows, *output.shape[1:-1], 3)} and output.ndim in (2, 3)


@every_pair
def test_gradients_reach_every_parameter(name: str, kind: str, build: Build) -> None:
    network = build(name, SPECS[kind])
    (network(*rows(SPECS[kind], 64)) ** 2).mean().backward()
    for label, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, label


@every_pair
def test_rows_do_not_see_each_other_when_predicting(name: str, kind: str, build: Build) -> None:
    network = build(name, SPECS[kind]).eval()
    inputs = rows(SPECS[kind], 8)
    alone = network(*some(inputs, slice(0, 1)))
    assert torch.allclose(network(*inputs)[:1], alone, atol=1e-6)


@every_padded
def test_padding_changes_nothing(name: str, kind: str, build: Build) -> None:
    """A short row predicts the same beside a longer one, and rows may be longer than any in training."""
    spec = SPECS[kind]
    network = build(name, spec).eval()
    x, lengths = rows(spec, 8)
    assert x is not None and lengths is not None
    padded = torch.cat([x, torch.zeros_like(x)], dim=1)
    output, longer = network(x, lengths), network(padded, lengths)
    for row, length in enumerate(lengths.tolist()):
        part = slice(length) if spec.every_step else slice(None)
        assert torch.allclose(output[row][part], longer[row][part], atol=1e-6)
    full = torch.full_like(lengths, padded.shape[1])
    assert network(padded.clamp(min=1) if spec.form == "tokens" else padded, full).isfinite().all()


@pytest.mark.parametrize("name", [name for name, kind in PAIRS if SPECS[kind].every_step])
def test_later_steps_do_not_change_earlier_outputs(name: str, build: Build) -> None:
    spec = SPECS["language"]
    network = build(name, spec).eval()
    x, _ = rows(spec, 4)
    assert x is not None
    lengths, other = torch.full((4,), 7), x.clone()
    other[:, 4:] = 1 + (x[:, 4:] + 1) % 9
    before, after = network(x.clamp(min=1), lengths), network(other.clamp(min=1), lengths)
    assert torch.allclose(before[:, :4], after[:, :4], atol=1e-6)
    assert not torch.allclose(before[:, 4:], after[:, 4:], atol=1e-3)


@every_architecture
def test_initial_weights_follow_the_seed(name: str, kind: str, build: Build) -> None:
    first, same, other = (build(name, SPECS[kind], seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[key], same[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


@every_architecture
def test_takes_the_activation_it_is_given(
    name: str, kind: str, build: Build, component: Callable[[str, str], Component]
) -> None:
    if "activation" not in component("architecture", name).needs:
        pytest.skip("has an activation of its own")
    kinds = [type(module) for module in build(name, SPECS[kind]).modules()]
    assert torch.nn.Tanh in kinds and torch.nn.ReLU not in kinds


def twice_as_large(spec: InputSpec) -> InputSpec:
    """The same form with another number of columns, channels or tokens."""
    channels = {"image": 0, "sequence": 1}.get(spec.form)
    shape = tuple(size * (1 + (place == channels)) for place, size in enumerate(spec.shape))
    return dataclasses.replace(
        spec,
        n_numeric=2 * spec.n_numeric,
        cardinalities=2 * spec.cardinalities,
        shape=shape,
        n_tokens=2 * spec.n_tokens,
    )


@every_pair
def test_roles_cover_the_parameters(name: str, kind: str, build: Build) -> None:
    network: Any = build(name, SPECS[kind])
    roles, parameters = network.parameter_roles(), dict(network.named_parameters())
    assert set(roles) == set(parameters)
    assert set(roles.values()) <= set(PARAMETER_ROLES)
    assert {"embedding", "hidden", "output", "bias"} <= set(roles.values())
    matrices = ("embedding", "hidden", "output")
    assert all(parameters[key].ndim > 1 for key, role in roles.items() if role in matrices)
    # What Muon orthogonalises is a matrix between hidden representations: it knows neither input nor output.
    other = dict(build(name, twice_as_large(SPECS[kind]), n_outputs=6).named_parameters())
    assert all(parameters[key].shape == other[key].shape for key, role in roles.items() if role == "hidden")


def test_tabm_members_differ(build: Build) -> None:
    output = build("tabm", SPECS["numbers"]).eval()(*rows(SPECS["numbers"], 4))
    assert output.shape == (4, 8, 3)
    assert not torch.allclose(output[:, 0], output[:, 1])
