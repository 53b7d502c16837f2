"""The training loop by itself, on networks small enough to reason about."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from benchmark.execute.fitting import assemble
from benchmark.execute.fitting.outputs import mean_loss, predict
from benchmark.execute.fitting.rows import Tables
from benchmark.execute.fitting.train import Diverged, Pace, Parts, batches, train
from benchmark.spec import Budget, Pipeline, Seeds

SEEDS = Seeds(1, 2, 3)
CPU = torch.device("cpu")


class Network(torch.nn.Module):
    """Linear, behind dropout."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.dropout, self.linear = torch.nn.Dropout(0.3), torch.nn.Linear(3, 1)

    def forward(self, x_num: Tensor, x_cat: None) -> Tensor:
        assert x_cat is None
        output: Tensor = self.linear(self.dropout(x_num))
        return output


ROWS = Tables(torch.randn(40, 3, generator=torch.Generator().manual_seed(5)), None)
TARGET = torch.randn(40, generator=torch.Generator().manual_seed(6))


def run(errors: Callable[[int], float | None], budget: Budget, **changed: Any) -> tuple[Any, torch.nn.Module]:
    """Train with a scripted validation error, by number of evaluation from 1."""
    network = Network()
    count = itertools.count(1)
    parts = Parts(
        network, changed.get("loss", torch.nn.MSELoss()), torch.optim.SGD(network.parameters(), lr=0.01)
    )
    trained = train(
        parts,
        ROWS,
        TARGET,
        pace=Pace.of(budget, len(ROWS)),
        budget=budget,
        seeds=SEEDS,
        validation_error=lambda: errors(next(count)),
    )
    return trained, network


def budget(**changed: Any) -> Budget:
    return Budget(
        **{"unit": "steps", "amount": 40, "batch_size": 10, "evaluations": 10, "patience": 99, **changed}
    )


def test_keeps_the_best_checkpoint_and_the_later_of_equals() -> None:
    script = [3.0, 1.0, 2.0, 1.0, 5.0, 4.0, 4.0, 4.0, 4.0, 4.0]
    trained, network = run(lambda count: script[count - 1], budget())
    assert (trained.validation_error, trained.steps, trained.remark) == (1.0, 16, "")
    _, shorter = run(lambda count: -count, budget(amount=16, evaluations=4))
    assert torch.equal(network.linear.weight, shorter.linear.weight)  # type: ignore[union-attr, arg-type]


def test_patience_counts_evaluations_that_are_not_better() -> None:
    seen = []

    def errors(count: int) -> float:
        seen.append(count)
        return 1.0

    trained, _ = run(errors, budget(patience=3))
    assert seen == [1, 2, 3, 4]
    assert trained.steps == 16


def test_evaluations_take_nothing_from_the_training_streams() -> None:
    """However often it is evaluated, and whatever that draws, training ends at the same weights."""

    def greedy(count: int) -> float:
        torch.rand(100)
        return -count

    ends = [run(greedy, budget(evaluations=evaluations))[1].state_dict() for evaluations in (1, 10)]
    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, 10),
        ({"evaluations": 3}, 3),
        ({"evaluations": 40}, 10),
        ({"unit": "epochs", "amount": 5, "evaluations": 20}, 5),
        ({"unit": "epochs", "amount": 50, "evaluations": 20}, 20),
        ({"amount": 2}, 1),
        ({"unit": "epochs", "amount": 0.1}, 1),
    ],
)
def test_is_evaluated_as_often_as_asked_and_at_most_once_an_epoch(
    changed: dict[str, Any], expected: int
) -> None:
    seen = []

    def errors(count: int) -> float:
        seen.append(count)
        return -count

    spent = budget(**changed)
    trained, _ = run(errors, spent)
    assert len(seen) == expected
    assert trained.steps == max(1, round(spent.amount * (4 if spent.unit == "epochs" else 1)))


@pytest.mark.parametrize(
    ("broken", "remark"),
    [
        ({19, 20}, "the loss or the prediction was not finite at step 20; the model of step 16 was kept"),
        ({18}, "the loss was not finite in 1 of 20 steps; the model of step 16 was kept"),
        ({17, 19}, "the loss was not finite in 2 of 20 steps; the model of step 16 was kept"),
    ],
)
def test_a_loss_that_breaks_later_keeps_the_best_so_far_and_says_if_it_came_back(
    broken: set[int], remark: str
) -> None:
    calls = itertools.count(1)

    def loss(output: Tensor, target: Tensor) -> Tensor:
        value = ((output - target) ** 2).mean()
        return value + (float("inf") if next(calls) in broken else 0.0)

    trained, network = run(lambda count: -count, budget(), loss=loss)
    assert (trained.steps, trained.remark) == (16, remark)
    assert all(parameter.isfinite().all() for parameter in network.parameters())


def test_a_loss_that_came_back_before_anything_was_evaluated_is_divergence() -> None:
    calls = itertools.count(1)

    def loss(output: Tensor, target: Tensor) -> Tensor:
        return ((output - target) ** 2).mean() + (float("inf") if next(calls) == 2 else 0.0)

    with pytest.raises(Diverged, match="^the loss was not finite in 1 of 4 steps$"):
        run(lambda count: -count, budget(), loss=loss)


def test_a_prediction_that_breaks_later_keeps_the_best_so_far() -> None:
    trained, _ = run(lambda count: 1.0 if count < 3 else None, budget())
    assert trained.steps == 8 and "at step 12" in trained.remark


def test_nothing_finite_at_all_is_divergence() -> None:
    with pytest.raises(Diverged, match="at step 4"):
        run(lambda _: None, budget())


@settings(max_examples=60, deadline=None)
@given(n_rows=st.integers(2, 70), batch_size=st.integers(2, 40), seed=st.integers(0, 2**63 - 1))
def test_an_epoch_has_every_row_once_and_no_batch_of_one(n_rows: int, batch_size: int, seed: int) -> None:
    per_epoch = Pace.of(Budget("epochs", 1, batch_size), n_rows).total
    stream = batches(n_rows, batch_size, seed, CPU)
    first, second = (list(itertools.islice(stream, per_epoch)) for _ in range(2))
    for epoch in (first, second):
        assert sorted(torch.cat(epoch).tolist()) == list(range(n_rows))
        assert all(2 <= len(batch) <= batch_size + 1 for batch in epoch)
    again = list(itertools.islice(batches(n_rows, batch_size, seed, CPU), per_epoch))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


def test_members_of_an_ensemble_are_trained_each_on_its_own_loss() -> None:
    output, codes = torch.randn(6, 4, 3), torch.tensor([0, 1, 2, 0, 1, 2])
    cross_entropy = torch.nn.CrossEntropyLoss()
    members = torch.stack([cross_entropy(output[:, member], codes) for member in range(4)]).mean()
    assert torch.allclose(mean_loss(cross_entropy, output, codes), members)
    numbers, values = torch.randn(6, 4, 1), torch.randn(6)
    members = torch.stack([((numbers[:, member, 0] - values) ** 2).mean() for member in range(4)]).mean()
    assert torch.allclose(mean_loss(torch.nn.MSELoss(), numbers, values), members)


class Constant(torch.nn.Module):
    """The same output for every row."""

    def __init__(self, output: list[Any]) -> None:
        super().__init__()
        self.output = torch.tensor(output)

    def forward(self, x_num: Tensor, x_cat: None) -> Tensor:
        assert x_cat is None
        return self.output.expand(len(x_num), *self.output.shape)


def test_predictions_average_probabilities_not_logits() -> None:
    rows = Tables(torch.zeros(5, 1), None)
    members = Constant([[0.0, np.log(3.0)], [0.0, 0.0]])
    np.testing.assert_allclose(predict(members, rows, "binary"), [[0.375, 0.625]] * 5, rtol=1e-6)
    np.testing.assert_allclose(predict(Constant([[1.0], [4.0]]), rows, "regression"), [2.5] * 5)
    np.testing.assert_allclose(predict(Constant([3.0]), rows, "regression"), [3.0] * 5)


def test_groups_carry_roles_in_one_order() -> None:
    class WithRoles(Network):
        roles = {"linear.weight": "output", "linear.bias": "bias"}

        def parameter_roles(self) -> dict[str, str]:
            return self.roles

    network = WithRoles()
    assert [group["role"] for group in assemble.role_groups(network)] == ["output", "bias"]
    network.roles = {"linear.weight": "hiden"}
    with pytest.raises(ValueError, match="gives linear.weight the role 'hiden', which is none of embedding"):
        assemble.role_groups(network)


def test_an_optimizer_that_fills_the_schedule_gets_none(pipeline: Callable[..., Pipeline]) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    for name, expected in (("adamw", True), ("schedule_free", False)):
        whole = pipeline("mlp", optimizer=name)
        built = assemble.schedule(whole, assemble.makers(whole), optimizer, 10)
        assert (built is not None) == expected


def test_averaged_weights_settle_batch_norm_and_leave_training_alone() -> None:
    """Schedule-Free's average has batch statistics of its own; measured here, and drawn from no stream."""
    torch.manual_seed(0)
    norm = torch.nn.BatchNorm1d(3, affine=False)

    class Normed(Network):
        def forward(self, x_num: Tensor, x_cat: None) -> Tensor:
            return super().forward(norm(x_num), x_cat)

    network = Normed()
    network.norm = norm

    class Averaging(torch.optim.SGD):
        def train(self) -> None: ...

        def eval(self) -> None: ...

    spent = budget(amount=1, batch_size=40)
    parts = Parts(
        network, torch.nn.MSELoss(), Averaging(network.parameters(), lr=0.0), schedule=None, train_eval=True
    )
    pace = Pace.of(spent, len(ROWS))
    train(parts, ROWS, TARGET, pace=pace, budget=spent, seeds=SEEDS, validation_error=lambda: 1.0)
    assert ROWS.x_num is not None and norm.running_mean is not None
    assert torch.allclose(norm.running_mean, ROWS.x_num.mean(0), atol=1e-6)
    assert norm.momentum == 0.1
