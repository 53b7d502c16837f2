"""From outputs to losses and predictions, for every shape that a task type gives them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from benchmark.execute.fitting.outputs import mean_loss, predict
from benchmark.execute.fitting.rows import Tables, to_rows

Loss = Callable[[Tensor, Tensor], Tensor]
CROSS_ENTROPY, SQUARES = torch.nn.CrossEntropyLoss(), torch.nn.MSELoss()


def drawn(kind: str, n_rows: int, seed: int) -> tuple[Loss, Tensor, Tensor]:
    """A loss, an output and a target of some kind."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(n_rows, *shape, generator=generator)

    def codes(*shape: int, lowest: int = 0) -> Tensor:
        return torch.randint(lowest, 3, (n_rows, *shape), generator=generator)

    if kind == "language":
        # Asked at the first position, so that no row is left out altogether.
        asked = torch.cat([codes(1), codes(3, lowest=-1)], dim=1)
        return CROSS_ENTROPY, normal(4, 3), asked
    outputs: dict[str, tuple[Loss, Tensor, Tensor]] = {
        "classes": (CROSS_ENTROPY, normal(3), codes()),
        "members of classes": (CROSS_ENTROPY, normal(2, 3), codes()),
        "values": (SQUARES, normal(1), normal()),
        "members of values": (SQUARES, normal(2, 1), normal()),
        "forecast": (SQUARES, normal(5), normal(5)),
        "members of forecast": (SQUARES, normal(2, 5), normal(5)),
    }
    return outputs[kind]


KINDS = ["classes", "members of classes", "values", "members of values", "forecast", "members of forecast"]


def gradient(loss: Loss, output: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    leaf = output.clone().requires_grad_()
    mean_loss(loss, leaf, target, weights).backward()  # type: ignore[no-untyped-call]
    assert leaf.grad is not None
    return leaf.grad


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 1000), n_rows=st.integers(1, 6))
@settings(max_examples=15, deadline=None)
def test_a_weight_is_a_number_of_equal_rows(kind: str, seed: int, n_rows: int) -> None:
    """Training steps are those of repeated rows: the gradients of equal rows add up to the weighted one."""
    loss, output, target = drawn(kind, n_rows, seed)
    times = torch.randint(1, 4, (n_rows,), generator=torch.Generator().manual_seed(seed))
    weighted = gradient(loss, output, target, times.float())
    row = torch.arange(n_rows).repeat_interleave(times)
    repeated = torch.zeros_like(output).index_add(0, row, gradient(loss, output[row], target[row]))
    torch.testing.assert_close(weighted, repeated)


def test_positions_of_a_text_carry_the_weight_of_their_row() -> None:
    loss, output, target = drawn("language", 4, 0)
    weighted = gradient(loss, output, target, torch.tensor([1.0, 2, 1, 3]))
    row = torch.tensor([0, 1, 1, 2, 3, 3, 3])
    repeated = torch.zeros_like(output).index_add(0, row, gradient(loss, output[row], target[row]))
    torch.testing.assert_close(weighted, repeated)
    assert (weighted[target < 0] == 0).all() and (weighted[target >= 0] != 0).all()


def test_weights_ask_nothing_of_the_loss() -> None:
    """A loss in numpy's manner, which no vectorised map over rows could take apart."""

    def loss(output: Tensor, target: Tensor) -> Tensor:
        return ((output - target) ** 2).sum() / float(len(target))

    _, output, target = drawn("values", 5, 0)
    weights = torch.rand(5) + 0.1
    torch.testing.assert_close(
        gradient(loss, output, target, weights), gradient(SQUARES, output, target, weights)
    )


def test_a_loss_of_a_text_is_over_the_asked_positions_alone() -> None:
    loss, output, target = drawn("language", 5, 1)
    asked = target >= 0
    expected = loss(output[asked], target[asked])
    torch.testing.assert_close(mean_loss(loss, output, target), expected)
    longer = torch.cat([target, torch.full((5, 2), -1)], dim=1)
    torch.testing.assert_close(mean_loss(loss, output, longer), expected)


def test_a_line_search_sees_the_weighted_loss() -> None:
    """Value and gradient are those of repeated rows; without the option the value is the plain mean."""
    output, target = torch.tensor([[0.0], [2.0], [1.0]], requires_grad=True), torch.tensor([1.0, 0.0, 3.0])
    weights = torch.tensor([1.0, 3.0, 1.0])
    repeated = torch.tensor([0, 1, 1, 1, 2])
    value = mean_loss(SQUARES, output, target, weights, weigh_value=True)
    again = mean_loss(SQUARES, output[repeated], target[repeated])
    assert value.item() == pytest.approx(again.item())
    assert mean_loss(SQUARES, output, target, weights).item() == pytest.approx(
        SQUARES(output[:, 0], target).item()
    )
    gradients = [torch.autograd.grad(loss, output)[0] for loss in (value, again)]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("weights", [None, torch.ones(3)])
def test_a_batch_in_which_nothing_is_asked_teaches_nothing(weights: Tensor | None) -> None:
    loss, output, target = drawn("language", 3, 0)
    nothing = torch.full_like(target, -1)
    assert mean_loss(loss, output.requires_grad_(), nothing, weights) == 0.0
    assert (gradient(loss, output.detach(), nothing, weights) == 0).all()


def test_forecasts_are_compared_step_by_step() -> None:
    loss, output, target = drawn("forecast", 6, 0)
    torch.testing.assert_close(mean_loss(loss, output, target), ((output - target) ** 2).mean())
    members = drawn("members of forecast", 6, 0)[1]
    expected = torch.stack([((members[:, member] - target) ** 2).mean() for member in range(2)]).mean()
    torch.testing.assert_close(mean_loss(loss, members, target), expected)


class Constant(torch.nn.Module):
    """The same output for every row; of texts, at every position."""

    def __init__(self, output: Any, every_step: bool = False) -> None:
        super().__init__()
        self.output, self.every_step = torch.as_tensor(output), every_step

    def forward(self, x: Tensor, _: Tensor | None) -> Tensor:
        shape = x.shape[:2] if self.every_step else x.shape[:1]
        return self.output.expand(*shape, *self.output.shape)


def test_forecasts_keep_their_steps_also_when_there_is_one() -> None:
    rows = Tables(torch.zeros(5, 1), None)
    for output in ([1.0, 2.0, 4.0], [7.0]):
        said = predict(Constant(output), rows, "forecasting", len(output))
        np.testing.assert_array_equal(said, [output] * 5)
    members = predict(Constant([[1.0, 2.0], [3.0, 6.0]]), rows, "forecasting", 2)
    np.testing.assert_array_equal(members, [[2.0, 4.0]] * 5)


def test_a_text_gives_the_probability_of_what_came() -> None:
    rows = to_rows([np.array([2, 3, 4]), np.array([2])], "cpu")
    asked = torch.tensor([[0, 1, -1, -1], [1, -1, 0, -1]])
    network = Constant(np.log([0.25, 0.75]), every_step=True)
    said = predict(network, rows, "language", 2, asked=asked)
    # The last but one of the second row is asked beyond any text: nothing can have been said of it.
    np.testing.assert_allclose(said, [[0.25, 0.75, 1, 1], [0.75, 1, 0.25, 1]], rtol=1e-6)
    short = to_rows([np.array([2]), np.array([2])], "cpu")
    said = predict(network, short, "language", 2, asked=asked)
    np.testing.assert_allclose(said, [[0.25, 0, 1, 1], [0.75, 1, 0, 1]], rtol=1e-6)


def test_predictions_do_not_depend_on_how_many_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    network = torch.nn.Conv2d(1, 2, 3)

    class Averaged(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            output: Tensor = network(x).mean((-2, -1))
            return output

    rows = to_rows(np.random.default_rng(0).normal(size=(23, 1, 5, 5)).astype(np.float32), "cpu")
    whole = predict(Averaged(), rows, "binary", 2)
    monkeypatch.setattr("benchmark.execute.fitting.rows.CHUNK_NUMBERS", 5 * 5 * 64 * 4)
    np.testing.assert_allclose(predict(Averaged(), rows, "binary", 2), whole, rtol=1e-6)
