"""Networks trained in narrower types than float32."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmark.data import TaskData
from benchmark.execute.fitting.fit import Fit, fit
from benchmark.execute.fitting.precision import Precision, fix_kernels
from benchmark.execute.fitting.rows import Tables
from benchmark.execute.fitting.train import Pace, Parts
from benchmark.execute.fitting.train import train as run
from benchmark.plan.compatibility import incompatibility
from benchmark.spec import Budget, Pipeline, Seeds, Split, Task

SEEDS = Seeds(5, 6, 7)
BUDGET = Budget("steps", 40, batch_size=64, evaluations=2)
NARROW = ("bfloat16", "float16")
NETWORKS = {
    "iris": ("mlp", "resnet", "tabm", "mlp_plr", "mlp_ple", "ft_transformer"),
    "digits_images": ("cnn", "vit", "resnet_image"),
    "co2": ("gru", "lstm", "tcn", "ssm", "transformer", "spiking"),
}
PAIRS = [(task, name) for task, names in NETWORKS.items() for name in names]
OPTIMIZERS = ("muon", "schedule_free", "lookahead", "prodigy", "soap")
FitNetwork = Callable[..., Fit]


@pytest.fixture
def fitted(
    pipeline: Callable[..., Pipeline], real_task: Callable[[str], tuple[TaskData, Task, Split]]
) -> FitNetwork:
    def one(task: str, name: str, precision: str, budget: Budget = BUDGET, **swapped: str) -> Fit:
        data, facts, split = real_task(task)
        few = {"train": split.train[:256], "validation": split.validation[:64]}
        split = dataclasses.replace(split, **few, digest="few")
        whole = pipeline(name, **swapped)
        assert incompatibility(whole, facts, "cpu", precision) is None
        known: dict[str, Any] = {"metric": facts.metric, "budget": budget, "seeds": SEEDS}
        return fit(whole, data, facts, split, precision=precision, **known)

    return one


@pytest.mark.parametrize("precision", NARROW)
@pytest.mark.parametrize(("task", "name"), PAIRS)
def test_a_network_does_nearly_as_in_float32(
    task: str, name: str, precision: str, fitted: FitNetwork
) -> None:
    few = Budget("steps", 6, batch_size=64, evaluations=2)
    result, full = (fitted(task, name, which, few) for which in (precision, "float32"))
    assert result.prediction.dtype == np.float32 and result.remark == ""
    assert result.prediction.tobytes() != full.prediction.tobytes()
    np.testing.assert_allclose(result.prediction, full.prediction, rtol=0.1, atol=0.1)


@pytest.mark.parametrize("precision", NARROW)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers_need_not_know(optimizer: str, precision: str, fitted: FitNetwork) -> None:
    result = fitted("iris", "mlp", precision, optimizer=optimizer)
    assert result.validation_error < fitted("iris", "featureless", "float32").validation_error
    again = fitted("iris", "mlp", precision, optimizer=optimizer)
    assert again.prediction.tobytes() == result.prediction.tobytes()


def test_learners_that_are_no_networks_ignore_it(fitted: FitNetwork) -> None:
    narrow, full = (fitted("iris", "lightgbm", precision) for precision in ("float16", "float32"))
    assert narrow.prediction.tobytes() == full.prediction.tobytes()


def test_a_closure_goes_with_bfloat16_alone(
    fitted: FitNetwork,
    pipeline: Callable[..., Pipeline],
    real_task: Callable[[str], tuple[TaskData, Task, Split]],
) -> None:
    assert fitted("iris", "mlp", "bfloat16", optimizer="sam").remark == ""
    task = real_task("iris")[1]
    assert incompatibility(pipeline("mlp", optimizer="sam"), task, "cpu", "float16") == (
        "sam makes its gradients itself, and float16 scales them; bfloat16 will do"
    )


def train(scale: float, precision: Precision, steps: int) -> tuple[Tensor, Tensor]:
    """A weight before and after some steps on a loss whose gradient in the output is about ``scale``.

    A warning of the schedule would be an error here.
    """
    torch.manual_seed(0)
    network = torch.nn.Linear(4, 1, bias=False)
    before = network.weight.detach().clone()
    rows = Tables(torch.rand(64, 4), None)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1 / scale)
    trained = Parts(
        Named(network),
        lambda output, target: scale * (output - target).mean(),
        optimizer,
        torch.optim.lr_scheduler.LambdaLR(optimizer, lambda _: 1.0),
        precision=precision,
    )
    budget = Budget("steps", steps, batch_size=64, evaluations=1)
    run(
        trained,
        rows,
        torch.zeros(64),
        pace=Pace.of(budget, 64),
        budget=budget,
        seeds=SEEDS,
        validation_error=lambda: 0.0,
    )
    return before, network.weight.detach()


class Named(torch.nn.Module):
    """A layer that takes what tables are given as."""

    def __init__(self, layer: torch.nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x_num: Tensor, x_cat: None) -> Tensor:
        assert x_cat is None
        output: Tensor = self.layer(x_num)
        return output


def test_gradients_that_float16_cannot_hold_are_scaled_up() -> None:
    unscaled = dataclasses.replace(Precision.of("float16", "cpu"), scaler=Precision().scaler)
    before, lost = train(1e-7, unscaled, 5)
    assert torch.equal(before, lost)  # each of 64 rows has a gradient of 1e-7 / 64, below the smallest number
    before, kept = train(1e-7, Precision.of("float16", "cpu"), 5)
    _, full = train(1e-7, Precision(), 5)
    torch.testing.assert_close(kept, full, rtol=0.01, atol=0.001)
    assert not torch.equal(before, kept)


def test_a_step_whose_gradients_overflow_is_skipped_and_the_scale_lowered() -> None:
    precision = Precision.of("float16", "cpu")
    at_first = precision.scaler.get_scale()
    before, once = train(100.0, precision, 1)
    assert torch.equal(before, once) and precision.scaler.get_scale() == at_first / 2
    before, then = train(100.0, Precision.of("float16", "cpu"), 12)
    assert not torch.equal(before, then) and then.isfinite().all()


def test_float32_leaves_everything_as_it_is() -> None:
    value = torch.ones(2, dtype=torch.float64)
    assert Precision.of("float32", "cpu").run(lambda given: given, value) is value
    assert not Precision.of("bfloat16", "cpu").scaler.is_enabled()


def test_float32_means_float32_on_every_gpu() -> None:
    torch.backends.cudnn.allow_tf32 = True
    fix_kernels()
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cudnn.allow_tf32 and not torch.backends.cuda.matmul.allow_tf32
    with torch.backends.cudnn.flags(enabled=False):  # as training does for second derivatives
        pass
    assert not torch.backends.cudnn.allow_tf32 and not torch.backends.cuda.matmul.allow_tf32
