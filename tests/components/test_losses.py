"""Every loss against its formula, and what each of them is smallest at."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.catalog import open_catalog
from benchmark.config import instantiate
from benchmark.plan.compatibility import incompatibility
from benchmark.resolve.components import read_component
from benchmark.spec import CLASSIFICATION, TASK_TYPES, Pipeline, Task
from components.loss.classes import CrossEntropy, Focal, GeneralizedCrossEntropy
from components.loss.values import Huber

CATALOG = open_catalog()
COMPONENTS = {
    name: read_component("loss", name, CATALOG.document("loss", name), str(CATALOG.path("loss", name)))
    for name in CATALOG.names("loss")
}


def fitting(task_type: str) -> list[str]:
    """The losses that are for tasks of a type."""
    wanted = {
        name: [need for need in component.needs if need.startswith("task:")]
        for name, component in COMPONENTS.items()
    }
    return [name for name, needs in wanted.items() if not needs or f"task:{task_type}" in needs]


every_class_loss = pytest.mark.parametrize("name", fitting("multiclass"))
every_value_loss = pytest.mark.parametrize("name", fitting("regression"))


def made(name: str, task_type: str, n_outputs: int) -> Any:
    return instantiate(COMPONENTS[name])(task_type, n_outputs)


def softmax(row: list[float]) -> list[float]:
    powers = [math.exp(value) for value in row]
    return [power / sum(powers) for power in powers]


OF_CLASSES: dict[str, Callable[[list[float], int], float]] = {
    "brier": lambda p, k: sum((q - (c == k)) ** 2 for c, q in enumerate(p)),
    "cross_entropy": lambda p, k: -math.log(p[k]),
    "focal": lambda p, k: -((1 - p[k]) ** 2) * math.log(p[k]),
    "generalized_cross_entropy": lambda p, k: (1 - p[k] ** 0.7) / 0.7,
    "label_smoothing": lambda p, k: (
        -sum((0.9 * (c == k) + 0.1 / len(p)) * math.log(q) for c, q in enumerate(p))
    ),
    "likelihood": lambda p, k: -math.log(p[k]),
}
OF_VALUES: dict[str, Callable[[float], float]] = {
    "huber": lambda e: e**2 / 2 if abs(e) <= 1 else abs(e) - 0.5,
    "likelihood": lambda e: e**2,
    "log_cosh": lambda e: math.log(math.cosh(e)),
    "mae": abs,
    "mse": lambda e: e**2,
}


def test_a_loss_is_for_classes_or_for_numbers_and_refused_elsewhere() -> None:
    assert set(fitting("binary")) == set(fitting("multiclass")) == set(fitting("language")) == set(OF_CLASSES)
    assert set(fitting("regression")) == set(fitting("forecasting")) == set(OF_VALUES)


@every_class_loss
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_class_losses_follow_their_formula(name: str, data: st.DataObject) -> None:
    n_classes = data.draw(st.integers(2, 5))
    row = st.lists(st.floats(-5, 5), min_size=n_classes, max_size=n_classes)
    outputs = data.draw(st.lists(row, min_size=1, max_size=4))
    codes = [data.draw(st.integers(0, n_classes - 1)) for _ in outputs]
    expected = [OF_CLASSES[name](softmax(output), code) for output, code in zip(outputs, codes, strict=True)]
    loss = made(name, "multiclass", n_classes)
    value = loss(torch.tensor(outputs, dtype=torch.float64), torch.tensor(codes))
    assert float(value) == pytest.approx(sum(expected) / len(expected), rel=1e-6, abs=1e-9)


@every_value_loss
@given(errors=st.lists(st.floats(-8, 8), min_size=1, max_size=5), shift=st.floats(-3, 3))
@settings(max_examples=30, deadline=None)
def test_value_losses_follow_their_formula(name: str, errors: list[float], shift: float) -> None:
    output = torch.tensor(errors, dtype=torch.float64) + shift
    value = made(name, "regression", 1)(output, torch.full_like(output, shift))
    expected = [OF_VALUES[name](error) for error in (output - shift).tolist()]
    assert float(value) == pytest.approx(sum(expected) / len(expected), rel=1e-6, abs=1e-9)


@every_class_loss
def test_class_losses_fall_towards_the_right_class_alone(name: str) -> None:
    loss, codes = made(name, "multiclass", 3), torch.tensor([0, 2])
    output = torch.tensor([[0.3, -0.2, 0.1], [2.0, 0.5, -1.0]], requires_grad=True)
    (gradient,) = torch.autograd.grad(loss(output, codes), output)
    right = torch.nn.functional.one_hot(codes, 3).bool()
    assert (gradient[right] < 0).all() and (gradient[~right] > 0).sum() >= 3
    torch.testing.assert_close(gradient.sum(-1), torch.zeros(2), atol=1e-6, rtol=0)


@every_class_loss
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_class_losses_survive_outputs_far_from_zero(name: str, dtype: torch.dtype) -> None:
    for far in (30.0, 200.0, 1e4):
        output = torch.tensor([[far, -far], [-far, far], [far, far]], dtype=dtype, requires_grad=True)
        value = made(name, "binary", 2)(output, torch.tensor([0, 0, 1]))
        (gradient,) = torch.autograd.grad(value, output, create_graph=True)
        (second,) = torch.autograd.grad(gradient.square().sum(), output)
        assert value.isfinite() and gradient.isfinite().all() and second.isfinite().all()


@every_value_loss
def test_value_losses_are_smallest_at_the_target_and_rise_from_there(name: str) -> None:
    loss, errors = made(name, "regression", 1), torch.linspace(0, 300, 301)
    below, above = (
        torch.stack([loss(torch.tensor([1 + side * e]), torch.ones(1)) for e in errors]) for side in (-1, 1)
    )
    assert float(above[0]) == pytest.approx(0, abs=1e-6)
    assert (above.diff() > 0).all() and above.isfinite().all()
    torch.testing.assert_close(above, below)


def fitted_probability(loss: torch.nn.Module, share: float) -> float:
    """What a single output says of a class that a share of the rows has."""
    output = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    codes = torch.tensor([0] * round(100 * share) + [1] * round(100 * (1 - share)))
    optimizer = torch.optim.LBFGS([output], max_iter=200, tolerance_grad=1e-10)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value: torch.Tensor = loss(output.expand(100, 2), codes)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return float(output.detach().softmax(-1)[0, 0])


@pytest.mark.parametrize("name", ["brier", "cross_entropy", "likelihood"])
def test_proper_scores_are_smallest_at_the_true_probability(name: str) -> None:
    for share in (0.2, 0.5, 0.9):
        assert fitted_probability(made(name, "binary", 2), share) == pytest.approx(share, abs=1e-4)


def test_the_other_losses_for_classes_find_the_likeliest_and_say_it_too_softly_or_too_loudly() -> None:
    assert fitted_probability(made("label_smoothing", "binary", 2), 0.8) == pytest.approx(
        0.8 * 0.9 + 0.05, abs=1e-4
    )
    assert 0.5 < fitted_probability(made("focal", "binary", 2), 0.8) < 0.75
    assert fitted_probability(made("generalized_cross_entropy", "binary", 2), 0.8) > 0.9


def test_constants_have_the_meaning_they_are_named_after() -> None:
    output, codes = torch.tensor([[1.0, -0.5, 0.2]]), torch.tensor([1])
    expected = CrossEntropy("multiclass", 3)(output, codes)
    torch.testing.assert_close(Focal("multiclass", 3, gamma=0.0)(output, codes), expected)
    close = GeneralizedCrossEntropy("multiclass", 3, q=1e-4)(output, codes)
    torch.testing.assert_close(close, expected, rtol=1e-3, atol=0)
    half = Huber("regression", 1, delta=1e6)(output[0], torch.zeros(3))
    torch.testing.assert_close(2 * half, output[0].square().mean())


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 5.0])
def test_focal_has_gradients_where_a_row_is_certain(gamma: float) -> None:
    output = torch.tensor([[200.0, -200.0], [9.0, -9.0]], requires_grad=True)
    (gradient,) = torch.autograd.grad(Focal("binary", 2, gamma)(output, torch.tensor([0, 0])), output)
    assert gradient.isfinite().all()


@pytest.mark.parametrize("task_type", TASK_TYPES)
def test_the_plan_refuses_a_loss_of_the_other_kind(task_type: str) -> None:
    classes = task_type in (*CLASSIFICATION, "language")
    task = Task("any", "any", "tabular", task_type, "any", 9, 1, 2 * classes, "")
    for name in COMPONENTS:
        host = Pipeline("mlp", "neural", {**_host(), "loss": COMPONENTS[name]})
        refused = incompatibility(host, task, "cpu") == f"{name} is not for {task_type} tasks"
        assert refused == (name not in (OF_CLASSES if classes else OF_VALUES))


def _host() -> dict[str, Any]:
    names = {"preprocessor": "standard", "architecture": "mlp"}
    return {
        slot: read_component(slot, name, CATALOG.document(slot, name), str(CATALOG.path(slot, name)))
        for slot, name in names.items()
    }
