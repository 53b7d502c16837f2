"""Every architecture over every form of input that it takes: what the slot's contract asks."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from benchmark.spec import PARAMETER_ROLES, InputSpec
from tests.components.networks import COMPONENTS, ONE_KIND, PAIRS, SPECS, build, each, rows


@each(PAIRS)
def test_output_shape_also_of_one_row(name: str, kind: str) -> None:
    network = build(name, SPECS[kind]).eval()
    for n_rows in (1, 9):
        output = network(*rows(SPECS[kind], n_rows))
        if SPECS[kind].every_step:
            assert output.shape == (n_rows, 7, 3)
        else:
            assert output.shape in {(n_rows, 3), (n_rows, *output.shape[1:-1], 3)} and output.ndim in (2, 3)


@each(ONE_KIND)
def test_initial_weights_follow_the_seed(name: str, kind: str) -> None:
    first, same, other = (build(name, SPECS[kind], seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[key], same[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


@each([pair for pair in ONE_KIND if "activation" in COMPONENTS[pair[0]].needs])
def test_takes_the_activation_it_is_given(name: str, kind: str) -> None:
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


@each([pair for pair in PAIRS if "roles" in COMPONENTS[pair[0]].gives])
def test_roles_cover_the_parameters(name: str, kind: str) -> None:
    # An activation may learn something of its own, as this one does.
    network = build(name, SPECS[kind], activation=torch.nn.PReLU)
    roles, parameters = network.parameter_roles(), dict(network.named_parameters())
    assert set(roles) == set(parameters)
    assert set(roles.values()) <= set(PARAMETER_ROLES)
    assert {"embedding", "hidden", "output", "bias"} <= set(roles.values())
    matrices = ("embedding", "hidden", "output")
    assert all(parameters[key].ndim > 1 for key, role in roles.items() if role in matrices)
    # What Muon orthogonalises is a matrix between hidden representations: it knows neither input nor output.
    larger = build(name, twice_as_large(SPECS[kind]), n_outputs=6, activation=torch.nn.PReLU)
    other = dict(larger.named_parameters())
    assert all(parameters[key].shape == other[key].shape for key, role in roles.items() if role == "hidden")


def test_roles_are_given_by_all_that_ship() -> None:
    assert [name for name, component in COMPONENTS.items() if "roles" not in component.gives] == []


@each(ONE_KIND)
def test_the_width_is_an_argument_that_widens(name: str, kind: str) -> None:
    component = COMPONENTS[name]
    assert component.width in component.make and component.width in component.space
    wider = {**component.make, component.width: 2 * component.make[component.width]}

    def size(network: torch.nn.Module) -> int:
        return sum(parameter.numel() for parameter in network.parameters())

    narrow = size(build(name, SPECS[kind]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(COMPONENTS, name, dataclasses.replace(component, make=wider))
        assert size(build(name, SPECS[kind])) > 1.5 * narrow


@each([pair for pair in ONE_KIND if "attention_logits" in COMPONENTS[pair[0]].gives])
def test_attention_logits_are_those_of_the_last_pass_in_training(name: str, kind: str) -> None:
    network, inputs = build(name, SPECS[kind]), rows(SPECS[kind], 8)
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0

    def largest() -> torch.Tensor:
        network.train()(*inputs)
        first: torch.Tensor = network.attention_logits()[0].largest.clone()
        network.eval()(*rows(SPECS[kind], 8, seed=1))
        assert torch.equal(network.attention_logits()[0].largest, first)
        return first

    before = largest()
    assert before.ndim == 1 and not before.requires_grad and (before != 0).all()
    layer = network.attention_logits()[0]
    n_heads = len(before)
    with torch.no_grad():
        # The first head's block of rows alone: its logits double, and those of no other head move.
        for parameter in layer.query:
            parameter[: len(parameter) // n_heads] *= 2
        torch.testing.assert_close(largest(), torch.cat([2 * before[:1], before[1:]]))
        for parameter in layer.key:
            parameter *= 3
        torch.testing.assert_close(largest(), torch.cat([6 * before[:1], 3 * before[1:]]))


def test_tabm_members_differ() -> None:
    output = build("tabm", SPECS["numbers"]).eval()(*rows(SPECS["numbers"], 4))
    assert output.shape == (4, 8, 3)
    assert not torch.allclose(output[:, 0], output[:, 1])
