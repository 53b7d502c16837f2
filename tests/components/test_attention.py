"""Self-attention against torch's own, and the logits that it reports."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import torch
from einops import rearrange
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from benchmark.catalog import open_catalog
from benchmark.execute.fitting import assemble
from benchmark.execute.fitting.rows import to_rows
from benchmark.resolve.components import read_pipeline
from benchmark.spec import Component
from components.architecture.attention import SelfAttention, TransformerBlock

HEADS = 3


def made(rotary: bool = False, seed: int = 0) -> SelfAttention:
    torch.manual_seed(seed)
    return SelfAttention(12, HEADS, rotary=rotary).double()


def numbers(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def some_mask(time: int, seed: int, batch: int = 1) -> Tensor:
    """Random pairs, and every step itself."""
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(batch, 1, time, time, generator=generator) < 0.5) | torch.eye(time, dtype=torch.bool)


def plain_logits(attention: SelfAttention, x: Tensor) -> Tensor:
    query, key = (
        rearrange(layer(x), "b t (h e) -> b h t e", h=HEADS) for layer in (attention.query, attention.key)
    )
    logits: Tensor = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    return logits


@pytest.mark.parametrize("masked", [False, True])
@given(seed=st.integers(0, 999), time=st.integers(1, 9))
@settings(max_examples=15, deadline=None)
def test_attention_is_what_torch_makes_of_it(masked: bool, seed: int, time: int) -> None:
    attention, x = made(seed=seed).eval(), numbers(2, time, 12, seed=seed)
    mask = some_mask(time, seed, batch=2) if masked else None
    query, key, value = (
        rearrange(layer(x), "b t (h e) -> b h t e", h=HEADS)
        for layer in (attention.query, attention.key, attention.value)
    )
    heads = scaled_dot_product_attention(query, key, value, attn_mask=mask)
    expected = attention.output(rearrange(heads, "b h t e -> b t (h e)"))
    torch.testing.assert_close(attention(x, mask), expected, rtol=0, atol=1e-12)


@given(seed=st.integers(0, 999))
@settings(max_examples=15, deadline=None)
def test_largest_logits_are_those_of_the_allowed_pairs_of_each_head(seed: int) -> None:
    attention, x, mask = made(seed=seed), numbers(4, 6, 12, seed=seed), some_mask(6, seed)
    attention(x, mask)
    layer = attention.layer()
    allowed = plain_logits(attention, x).masked_fill(~mask, -torch.inf)
    torch.testing.assert_close(layer.largest, allowed.amax((0, 2, 3)), rtol=0, atol=1e-12)
    assert not layer.largest.requires_grad and layer.largest.shape == (HEADS,)


def test_largest_logits_are_those_of_training() -> None:
    attention, x = made(), numbers(2, 5, 12)
    attention(x)
    kept = attention.layer().largest.clone()
    attention.eval()(10 * x)
    assert torch.equal(attention.layer().largest, kept)
    assert "largest" not in attention.state_dict()


@pytest.mark.parametrize("rotary", [False, True])
def test_rows_of_the_parameters_are_blocks_by_head(rotary: bool) -> None:
    """What clips a head's logits by scaling its block of queries and keys reaches that head alone."""
    attention, x = made(rotary), numbers(2, 5, 12)
    attention(x)
    before, layer = attention.layer().largest.clone(), attention.layer()
    with torch.no_grad():
        for (parameter,) in (layer.query, layer.key):
            rearrange(parameter, "(head entry) column -> head entry column", head=HEADS)[1] *= 3
    attention(x)
    torch.testing.assert_close(attention.layer().largest, before * torch.tensor([1.0, 9.0, 1.0]).double())


def test_nothing_to_attend_to_gives_zeros_and_finite_gradients() -> None:
    attention, x = made(), numbers(2, 4, 12).requires_grad_()
    mask = torch.ones(2, 1, 4, 4, dtype=torch.bool).tril()
    mask[1] = False
    output = attention(x, mask)
    torch.testing.assert_close(output[1], attention.output.bias.expand(4, 12))
    output.pow(2).sum().backward()
    assert x.grad is not None and x.grad.isfinite().all() and not x.grad[1].any()
    torch.testing.assert_close(output[:1], attention(x[:1], mask[:1]))


@given(seed=st.integers(0, 999), before=st.integers(1, 200))
@settings(max_examples=15, deadline=None)
def test_rotary_attention_knows_distances_alone(seed: int, before: int) -> None:
    """Steps that may not be attended to move the others further on, and change nothing of them."""
    attention, x = made(rotary=True, seed=seed), numbers(1, 5, 12, seed=seed)
    later = torch.cat([numbers(1, before, 12, seed=seed + 1), x], dim=1)
    mask = torch.zeros(1, 1, before + 5, before + 5, dtype=torch.bool)
    mask[..., before:, before:] = True
    torch.testing.assert_close(attention(later, mask)[:, before:], attention(x), rtol=0, atol=1e-10)


def test_order_matters_to_rotary_attention_alone() -> None:
    x, order = numbers(1, 5, 12), torch.tensor([3, 0, 4, 1, 2])
    for rotary in (False, True):
        attention = made(rotary)
        same = torch.allclose(attention(x)[:, order], attention(x[:, order]), atol=1e-9)
        assert same != rotary


@pytest.mark.parametrize("rotary", [False, True])
def test_second_derivatives(rotary: bool) -> None:
    attention, mask = made(rotary).eval(), torch.ones(1, 1, 3, 3, dtype=torch.bool).tril()
    x = numbers(1, 3, 12).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x: attention(x, mask), [x])


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="d_model=10 cannot be divided into n_heads=3 heads"):
        SelfAttention(10, 3)
    with pytest.raises(ValueError, match="even"):
        SelfAttention(9, 3, rotary=True)


def test_a_block_adds_to_what_comes_in() -> None:
    torch.manual_seed(0)
    block = TransformerBlock(12, HEADS, torch.nn.GELU, 24, dropout=0.5).double()
    x = numbers(2, 5, 12)
    for last in (block.attention.output, block.feed_forward[-1]):
        assert isinstance(last, torch.nn.Linear)
        torch.nn.init.zeros_(last.weight)
        torch.nn.init.zeros_(last.bias)
    torch.testing.assert_close(block(x), x)


def largest_logits(optimizer: str, component: Callable[[str, str], Component]) -> list[float]:
    """Of a transformer that learns labels by heart, at a learning rate that makes them grow; one per step."""
    catalog = open_catalog()
    file = str(catalog.path("pipeline", "transformer"))
    pipeline = read_pipeline("transformer", catalog.document("pipeline", "transformer"), file, component)
    for part, changed in (
        (pipeline.components["architecture"], {"n_layers": 1, "dropout": 0.0}),
        (component("optimizer", optimizer), {"lr": 0.1}),
    ):
        pipeline = pipeline.swap(dataclasses.replace(part, make={**part.make, **changed}))
    make = assemble.makers(pipeline)
    random = np.random.default_rng(0)
    rows = to_rows([random.integers(2, 10, 8) for _ in range(16)], "cpu")
    target = torch.tensor(random.integers(0, 4, 16))
    torch.manual_seed(0)
    network = assemble.network(pipeline, make, rows, 4, every_step=False)
    optimiser, found = assemble.optimizer(pipeline, make, network), []
    for _ in range(120):
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(*rows.part(slice(None))), target)
        loss.backward()  # type: ignore[no-untyped-call]
        found.append(max(float(layer.largest.max()) for layer in network.attention_logits()))  # type: ignore[operator]
        optimiser.step()
    return found


def test_muon_clip_bounds_the_logits_that_grow_without_it(component: Callable[[str, str], Component]) -> None:
    """Its bound is 100; a step may carry a logit past it, which the next one takes back."""
    grown, clipped = (largest_logits(optimizer, component) for optimizer in ("muon", "muon_clip"))
    assert max(grown[:10]) < 50 and max(grown) > 300
    assert max(clipped) > 90, "or there was nothing to clip"
    assert np.median(clipped[60:]) < 110 and max(clipped) < 150
