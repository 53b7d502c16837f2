"""What the rules of losses say of sound losses that are no plain mean, and of broken ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from benchmark.catalog import open_catalog
from benchmark.checks import checks_of
from benchmark.checks.losses import RULES
from benchmark.findings import Finding
from benchmark.resolve.typed import asked_component

CODE = """
import torch
from torch.nn import functional as F
class Mine(torch.nn.Module):
    def __init__(self, task_type, n_outputs):
        super().__init__()
        self.n_outputs = n_outputs
    def forward(self, output, target):
        return {formula}
"""
CLASSES = ("task:binary", "task:multiclass", "task:language")
VALUES = ("task:regression", "task:forecasting")
SQUARED = "F.mse_loss(output, F.one_hot(target, self.n_outputs).float())"
NORMALISED = "F.cross_entropy(10 * F.normalize(output, dim=-1), target)"
WEIGHTED = "F.cross_entropy(output, target, weight=torch.linspace(1, 2, self.n_outputs))"
NOISY = "F.cross_entropy(output + 0.01 * torch.randn_like(output), target)"
NEIGHBOUR = "F.cross_entropy(output, target.roll(-1))"
SUM = "F.cross_entropy(output, target, reduction='sum')"
ALL_PAIRS = "(output - target[:, None]).square().mean()"


@pytest.fixture(autouse=True)
def same_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def found(folder: Path, formula: str, needs: tuple[str, ...] = CLASSES) -> list[Finding]:
    """What the slot's own rules find."""
    file = folder / "mine.py"
    file.write_text(CODE.format(formula=formula), encoding="utf-8")
    catalog = open_catalog()
    part = dataclasses.replace(asked_component(catalog, f"{file}:Mine", "loss"), needs=needs)
    own = {rule.name for rule in RULES}
    made = (check.finding() for check in checks_of(part, catalog) if check.name in own)
    return [finding for finding in made if finding is not None]


@pytest.mark.parametrize("formula", [SQUARED, NORMALISED])
def test_a_sound_loss_that_is_right_of_some_rows_already(formula: str, tmp_path: Path) -> None:
    assert found(tmp_path, formula) == []


@pytest.mark.parametrize("formula", [WEIGHTED, NOISY])
def test_a_loss_that_is_no_plain_mean_is_warned_of(formula: str, tmp_path: Path) -> None:
    (warning,) = found(tmp_path, formula)
    assert (warning.name, warning.severity) == ("is_the_mean_of_its_rows", "warning")
    assert warning.seen.startswith("expected the mean ") and "of the losses of 8 rows; saw " in warning.seen


@pytest.mark.parametrize(
    ("formula", "needs", "errors"),
    [
        (SUM, CLASSES, {"is_a_mean_over_rows"}),
        (NEIGHBOUR, CLASSES, {"is_a_mean_over_rows", "is_least_where_the_target_is"}),
        (ALL_PAIRS, VALUES, {"is_least_where_the_target_is"}),
        ("-" + SQUARED, CLASSES, {"costs_less_when_nearer"}),
    ],
)
def test_a_broken_loss_is_an_error(
    formula: str, needs: tuple[str, ...], errors: set[str], tmp_path: Path
) -> None:
    assert errors <= {one.name for one in found(tmp_path, formula, needs) if one.severity == "error"}
