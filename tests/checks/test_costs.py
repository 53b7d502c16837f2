"""What components cost: exact where it is counted, and no false alarm about anything in the catalog."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from benchmark.catalog import open_catalog
from benchmark.checks.bench import Bench
from benchmark.checks.check import Check
from benchmark.checks.costs import ARCHITECTURE, LEARNER, OPTIMIZER, networks, optimizers
from benchmark.checks.costs.blocks import Blocks
from benchmark.checks.costs.loops import effort
from benchmark.checks.subject import Subject, component_named
from benchmark.resolve.components import missing_reason

OPTIMIZERS = open_catalog().names("optimizer")
ARCHITECTURES = open_catalog().names("architecture")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def subject(slot: str, name: str) -> Subject:
    catalog = open_catalog()
    part = component_named(catalog, slot, name)
    if reason := missing_reason(part):
        pytest.skip(reason[1])
    return Subject(part, catalog)


@pytest.mark.parametrize(
    ("make", "floats"),
    [(torch.optim.SGD, 0), (lambda params: torch.optim.SGD(params, momentum=0.9), 1), (torch.optim.Adam, 2)],
)
def test_memory_is_what_the_optimizer_keeps(make: Any, floats: int) -> None:
    blocks = Blocks.under(make, 16, 2)
    assert blocks.size == 2 * (12 * 16**2 + 2 * 16)
    blocks.step()
    assert blocks.state_bytes() / 4 / blocks.size == pytest.approx(floats, abs=0.01)  # Adam counts its steps


def test_memory_that_a_wrapped_optimizer_keeps_counts() -> None:
    blocks = Blocks.of(subject("optimizer", "lookahead"), 16, 1)
    blocks.step()
    assert blocks.state_bytes() / 4 / blocks.size == pytest.approx(3, abs=0.01)


@pytest.mark.parametrize("name", ["lbfgs", "sophia", "sam"])
def test_passes_are_not_the_optimizers_time(name: str) -> None:
    blocks = Blocks.of(subject("optimizer", name), 8, 1)
    begun = [parameter.detach().clone() for parameter in blocks.parameters]
    seconds = blocks.seconds(3, most=9.0)
    assert blocks.passes >= 3 and blocks.passes_seconds > 0 and seconds > 0
    assert not any(torch.equal(old, new) for old, new in zip(begun, blocks.parameters, strict=True))


def test_effort_counts_lines_and_operators_of_one_call() -> None:
    x, calls = torch.ones(6), []

    def looping(count: int) -> None:
        calls.append(count)
        for _ in range(count):
            x.add(1)

    few, many = effort(lambda: looping(10)), effort(lambda: looping(40))
    assert (few.calls, many.calls) == (10, 40)
    assert many.lines - few.lines == 2 * 30 and many.growth(few) == 4

    def twice() -> None:
        looping(10)
        looping(10)

    assert effort(twice, lambda: len(calls)).calls == 10


@pytest.mark.all
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_no_optimizer_of_the_catalog_is_called_a_loop(name: str) -> None:
    assert optimizers._growth(subject("optimizer", name)) < 1.5


@pytest.mark.all
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_no_architecture_of_the_catalog_computes_row_by_row(name: str) -> None:
    bench = Bench.at(subject("architecture", name).place)
    inputs = bench.rows.part(slice(0, networks.FEW))
    few, many = (networks._pass(bench, *networks._repeated(inputs, times)) for times in (1, 4))
    assert many.growth(few) < 1.1


class Steps(nn.Module):
    """Reads a sequence step by step, with so many operators each."""

    def __init__(self, spec: Any, n_outputs: int, operators: int = 300) -> None:
        super().__init__()
        self.operators = operators
        self.read = nn.Linear(spec.shape[1], n_outputs)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        del lengths
        total = torch.zeros(())
        for step in self.read(x).unbind(1):
            for _ in range(self.operators):
                step = step * 0.99
            total = total + step
        return total


def test_thousands_of_operators_in_a_loop_over_time_are_worth_a_warning() -> None:
    bench = Bench.at(subject("architecture", "gru").place, architecture=Steps)
    assert "with twice the time steps" in networks._wasteful(bench)
    few = Bench.at(subject("architecture", "gru").place, architecture=functools.partial(Steps, operators=2))
    assert not networks._wasteful(few)


def test_an_optimizer_is_told_what_it_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimizers, "SIZES", (("1e4 parameters", 32, 1), ("3e4", 32, 3)))
    found = Check(OPTIMIZER[0], subject("optimizer", "radam")).finding()
    assert found is not None and found.severity == "note"
    assert found.seen.startswith("2.0 floats a parameter (AdamW 2.0); a step beside AdamW's: ")
    assert " x at 1e4 parameters (" in found.seen and " x at 3e4 (" in found.seen


def test_a_size_that_takes_too_long_is_skipped_aloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimizers, "SIZES", (("1e4 parameters", 32, 1), ("1e7", 512, 3)))
    monkeypatch.setattr(optimizers, "LATE_SECONDS", 1e-9)
    found = Check(OPTIMIZER[0], subject("optimizer", "adamw")).finding()
    assert found is not None and ", 1e7 skipped, where one may take " in found.seen


def test_an_architecture_is_told_what_it_costs() -> None:
    found = Check(ARCHITECTURE[0], subject("architecture", "mlp")).finding()
    assert found is not None and found.severity == "note"
    for words in (
        " parameters and ",
        " FLOP a row forward on ",
        " rows/s at batch ",
        "forward",
        " GFLOP/s, ",
    ):
        assert words in found.seen


@pytest.mark.parametrize(("slot", "name"), [("estimator", "linear"), ("booster", "lightgbm")])
def test_a_learner_is_told_what_it_costs(slot: str, name: str) -> None:
    found = Check(LEARNER[0], subject(slot, name)).finding()
    assert found is not None and found.severity == "note"
    assert "HistGradientBoosting" in found.seen and "; predicts " in found.seen
