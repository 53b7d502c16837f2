"""The bugs that networks are known for, looked for in every architecture of the catalog."""

from __future__ import annotations

import pytest
import torch

from tests.components.networks import ONE_KIND, PAIRS, SPECS, build, each, rows, some

STEPS = [pair for pair in PAIRS if SPECS[pair[1]].form in ("sequence", "tokens")]
CAUSAL = [pair for pair in PAIRS if SPECS[pair[1]].every_step]
TELLING = ("numbers", "both", "grey", "colour", "sequence", "tokens", "language")
"""Kinds whose rows are all different, so that any targets can be learned."""


def without_dropout(network: torch.nn.Module) -> torch.nn.Module:
    for module in network.modules():
        if isinstance(module, torch.nn.modules.dropout._DropoutNd):
            module.p = 0.0
    return network


def has_batch_norm(network: torch.nn.Module) -> bool:
    return any(isinstance(module, torch.nn.modules.batchnorm._BatchNorm) for module in network.modules())


@each(PAIRS)
def test_gradients_reach_every_parameter(name: str, kind: str) -> None:
    # Not in training mode, where a batch norm takes away whatever the biases before it add.
    network = build(name, SPECS[kind]).eval()
    (network(*rows(SPECS[kind], 64)) ** 2).mean().backward()
    for label, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 1e-8, label


@each(PAIRS)
def test_one_row_is_enough_to_train_on(name: str, kind: str) -> None:
    network = build(name, SPECS[kind]).train()
    if has_batch_norm(network):
        pytest.skip("batch norm has nothing to compare a single row with, and the harness never asks it to")
    output = network(*rows(SPECS[kind], 1))
    (output**2).mean().backward()
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())


@each(PAIRS)
def test_rows_do_not_see_each_other_when_predicting(name: str, kind: str) -> None:
    network = build(name, SPECS[kind]).eval()
    inputs = rows(SPECS[kind], 8)
    together = network(*inputs)
    for row in range(8):
        assert torch.allclose(together[[row]], network(*some(inputs, slice(row, row + 1))), atol=1e-6)


@each(PAIRS)
def test_dropout_switches_with_the_mode(name: str, kind: str) -> None:
    network, inputs = build(name, SPECS[kind]), rows(SPECS[kind], 32)
    network.train()
    assert not torch.equal(network(*inputs), network(*inputs))
    network.eval()
    assert torch.equal(network(*inputs), network(*inputs))
    with torch.no_grad():
        kept = network(*inputs)
    if not has_batch_norm(network):
        assert torch.allclose(without_dropout(network).train()(*inputs), kept, atol=1e-6)


@each(PAIRS)
def test_predicting_changes_nothing(name: str, kind: str) -> None:
    network, inputs = build(name, SPECS[kind]), rows(SPECS[kind], 32)
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    network.eval()(*inputs)
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())
    network.train()(*inputs)
    moved = any(not torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())
    assert moved == has_batch_norm(network)


@each(STEPS)
def test_padding_changes_nothing(name: str, kind: str) -> None:
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


@each(STEPS)
def test_the_last_step_of_a_row_matters(name: str, kind: str) -> None:
    spec = SPECS[kind]
    network = build(name, spec).eval()
    x, lengths = rows(spec, 8)
    assert x is not None and lengths is not None
    last = (torch.arange(8), lengths - 1)
    other = x.clone()
    other[last] = (1 + x[last] % 10) if spec.form == "tokens" else x[last] + 1
    before, after = network(x, lengths), network(other, lengths)
    before, after = (before[last], after[last]) if spec.every_step else (before, after)
    assert ((before - after).abs().amax(-1) > 1e-5).all()


@each(CAUSAL)
def test_later_steps_do_not_change_earlier_outputs(name: str, kind: str) -> None:
    network = build(name, SPECS[kind]).eval()
    x, lengths = rows(SPECS[kind], 4, full=True)
    assert x is not None
    for first in range(1, 7):
        other = x.clone()
        other[:, first:] = 1 + x[:, first:] % 10
        before, after = network(x, lengths), network(other, lengths)
        assert torch.allclose(before[:, :first], after[:, :first], atol=1e-6)
        assert not torch.allclose(before[:, first:], after[:, first:], atol=1e-4)


@each([pair for pair in PAIRS if pair[1] in TELLING])
def test_learns_one_batch_by_heart(name: str, kind: str) -> None:
    spec = SPECS[kind]
    network = without_dropout(build(name, spec)).train()
    inputs = rows(spec, 12, full=True)
    generator = torch.Generator().manual_seed(0)
    target = torch.randint(0, 3, (12,), generator=generator)
    if spec.every_step and inputs[0] is not None:
        target = inputs[0] % 3  # of the token just shown: targets at random would contradict each other
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2, weight_decay=0.0)
    for _ in range(400):
        optimizer.zero_grad()
        output = network(*inputs)
        members = 1 if spec.every_step or output.ndim == 2 else output.shape[1]
        loss = torch.nn.functional.cross_entropy(
            output.reshape(-1, 3), target.flatten().repeat_interleave(members)
        )
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if loss < 0.02:
            return
    pytest.fail(f"the loss is still {float(loss):.3f}")


@each(ONE_KIND)
def test_gradients_have_gradients(name: str, kind: str) -> None:
    """Second-order optimizers ask for them (``closure(create_graph=True)``)."""
    network = without_dropout(build(name, SPECS[kind]))
    parameters = [*network.parameters()]
    value = (network(*rows(SPECS[kind], 16)) ** 2).mean()
    gradients = torch.autograd.grad(value, parameters, create_graph=True)
    total = torch.stack([gradient.square().sum() for gradient in gradients]).sum()
    seconds = torch.autograd.grad(total, parameters, allow_unused=True)
    assert all(second is None or second.isfinite().all() for second in seconds)
    assert any(second is not None and second.abs().max() > 0 for second in seconds)
