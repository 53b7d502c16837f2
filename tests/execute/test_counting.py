"""What a piece of computation consists of."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from benchmark.execute.counting import Counter

X = torch.randn(5, 7, 4, generator=torch.Generator().manual_seed(0))


def counted(run: Callable[[], object]) -> Counter:
    counter = Counter()
    with counter:
        run()
    return counter


def test_operators_and_bytes_of_arithmetic() -> None:
    a, b = torch.ones(100), torch.ones(100)
    found = counted(lambda: (a + b).view(10, 10).t().neg_())
    assert (found.calls, found.flop) == (2, 0)  # views are none
    assert found.moved == 4 * (3 * 100 + 2 * 100)


def test_a_foreach_operator_is_one() -> None:
    tensors = [torch.ones(3), torch.ones(4)]
    assert counted(lambda: torch._foreach_add_(tensors, 1.0)).calls == 1
    assert counted(lambda: [tensor.add_(1.0) for tensor in tensors]).calls == 2


def test_forward_and_backward_of_a_layer() -> None:
    layer, x = nn.Linear(4, 3), X[0].clone().requires_grad_()
    products = 2 * 7 * 4 * 3
    assert counted(lambda: layer(x)).flop == products
    assert counted(lambda: layer(x).sum().backward()).flop == 3 * products


@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)])
def test_recurrent_layers_whatever_kernel_they_have(kind: type[nn.LSTM], gates: int) -> None:
    layer = kind(4, 6, num_layers=2, batch_first=True)
    every_step = 2 * gates * 6 * (4 + 6 + 6 + 6)
    with torch.no_grad():
        assert counted(lambda: layer(X)).flop == 5 * 7 * every_step
    forward = 5 * 7 * every_step
    trained = counted(lambda: layer(X)[0].sum().backward()).flop
    assert 2.5 * forward < trained <= 3 * forward  # the first layer's input asks for no gradient


def test_attention_by_the_kernel_of_a_processor() -> None:
    heads = torch.randn(2, 3, 8, 4, requires_grad=True)
    both = 2 * (2 * 2 * 3 * 8 * 8 * 4)
    attend = nn.functional.scaled_dot_product_attention
    assert counted(lambda: attend(heads, heads, heads)).flop == both
    assert counted(lambda: attend(heads, heads, heads).sum().backward()).flop > 2 * both  # type: ignore[no-untyped-call]


def test_it_only_looks_on() -> None:
    def trained() -> Tensor:
        torch.manual_seed(1)
        network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2))
        network(X).square().mean().backward()
        return torch.cat([parameter.grad.flatten() for parameter in network.parameters()])  # type: ignore[union-attr]

    alone = trained()
    with Counter():
        watched = trained()
    assert torch.equal(alone, watched)
