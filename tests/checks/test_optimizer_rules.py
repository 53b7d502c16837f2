"""What the doctor says of optimizers and schedules that are sound, and of those that are merely peculiar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import torch

from benchmark.catalog import open_catalog
from benchmark.checks import Check, checks_of
from benchmark.checks.check import Rule
from benchmark.checks.optimizers import RULES, descending, gradients, stepping
from benchmark.checks.optimizers.toys import Problem, quadratic, rosenbrock, small_network
from benchmark.checks.schedules import RULES as SCHEDULE_RULES
from benchmark.findings import Finding
from benchmark.resolve.typed import asked_component

UNCOUPLED = """
import torch
class Mine(torch.optim.SGD):
    def __init__(self, params, lr=0.05, weight_decay=0.01):
        super().__init__(params, lr=lr)
        for group in self.param_groups: group["weight_decay"] = weight_decay
    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.mul_(1 - group["weight_decay"]).sub_(p.grad, alpha=group["lr"])
"""
UNUSED_DECAY = """
import torch
class Mine(torch.optim.Optimizer):
    def __init__(self, params, lr=0.05, weight_decay=0.01):
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})
    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.sub_(p.grad, alpha=group["lr"])
"""
POLYAK = """
import torch
class Mine(torch.optim.Optimizer):
    def __init__(self, params, lr=1.0):
        super().__init__(params, {"lr": lr})
    @torch.no_grad()
    def step(self, closure):
        loss = closure()
        given = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        length = sum(float(p.grad.square().sum()) for p in given)
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.sub_(p.grad, alpha=0.5 * group["lr"] * float(loss) / (length + 1e-12))
"""
CENTRALISED = """
import torch
class Mine(torch.optim.SGD):
    def __init__(self, params, lr=0.1): super().__init__(params, lr, momentum=0.9)
    @torch.no_grad()
    def step(self, closure=None):
        for p in (p for group in self.param_groups for p in group["params"]):
            if p.grad is not None and p.ndim > 1:
                p.grad.sub_(p.grad.mean(1, keepdim=True))
        return super().step(closure)
"""
DELAYED = """
import torch
class Mine(torch.optim.Optimizer):
    def __init__(self, params, lr=0.05):
        super().__init__(params, {"lr": lr})
    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    kept = self.state[p].setdefault("kept", [])
                    kept.append(p.grad.clone())
                    if len(kept) > 10:
                        p.sub_(kept.pop(0), alpha=group["lr"])
"""
SMALL_STEPS = """
import torch
class Mine(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3):
        super().__init__(params, {"lr": lr})
    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.sub_(p.grad / p.grad.norm().clamp(min=1e-12), alpha=group["lr"] * SIZE)
"""
LOW_PRECISION = """
import torch
class Mine(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3):
        super().__init__(params, {"lr": lr})
    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    state = self.state[p]
                    mean = state.setdefault("mean", torch.zeros_like(p, dtype=torch.float32))
                    mean.mul_(0.9).add_(p.grad.float(), alpha=0.1)
                    p.sub_(mean.to(p.dtype), alpha=group["lr"])
"""
DIVIDES_BY_ITS_RATE = """
import torch
class Mine(torch.optim.SGD):
    def __init__(self, params, lr=0.05): super().__init__(params, lr)
    def step(self, closure=None):
        for group in self.param_groups: 1 / group["lr"]
        return super().step(closure)
"""
SCHEDULE = """
import torch
class Mine(torch.optim.lr_scheduler.LambdaLR):
    def __init__(self, optimizer, total_steps):
        super().__init__(optimizer, lambda step: {factor})
    def step(self, *args):
        {step}
        super().step()
"""


@pytest.fixture(autouse=True)
def same_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def checks(entry: str, slot: str) -> Mapping[str, Check]:
    catalog = open_catalog()
    return {check.name: check for check in checks_of(asked_component(catalog, entry, slot), catalog)}


def typed(folder: Path, code: str, slot: str) -> Mapping[str, Check]:
    file = folder / "mine.py"
    file.write_text(code, encoding="utf-8")
    return checks(f"{file}:Mine", slot)


def seen(check: Check, severity: str) -> str:
    found = check.finding()
    assert isinstance(found, Finding)
    assert found.severity == severity, found
    return found.seen


@pytest.mark.parametrize("rules", [RULES, SCHEDULE_RULES], ids=["optimizer", "schedule"])
def test_every_rule_says_what_must_hold_and_why(rules: tuple[Rule, ...]) -> None:
    names = {rule.name for rule in rules}
    assert len(names) == len(rules)
    for rule in rules:
        assert rule.about.endswith(".") and rule.why.endswith("."), rule.name
        assert {*rule.causes} <= names | {"is_deterministic", "learns"}, rule.name


@pytest.mark.parametrize("problem", [quadratic(), quadratic(-1.0), rosenbrock(), small_network()])
def test_a_problem_has_parts_above_zero_that_depend_on_every_tensor(problem: Problem) -> None:
    tensors = [start.clone().requires_grad_() for _, start in problem.starts]
    parts = problem.parts(tensors)
    assert (parts > 0).all()
    assert all(bool(gradient.any()) for gradient in torch.autograd.grad(parts.sum(), tensors))


def test_weights_that_only_decay_come_no_nearer_to_the_target() -> None:
    problem = quadratic()
    starts = [start for _, start in problem.starts]
    assert (problem.parts([0.9 * start for start in starts]) > problem.parts(starts)).all()


@pytest.mark.parametrize("name", ["ASGD", "Adamax"])
def test_an_optimizer_of_torch_that_the_catalog_does_not_have_is_sound(name: str) -> None:
    made = checks(f"torch.optim.{name}", "optimizer")
    rules = [rule for rule in (*descending.RULES, *stepping.RULES, *gradients.RULES) if rule.name in made]
    found = [made[rule.name].finding() for rule in rules]
    assert [one for one in found if one is not None and one.severity != "note"] == []


@pytest.mark.parametrize("code", [CENTRALISED, DELAYED, LOW_PRECISION, DIVIDES_BY_ITS_RATE])
def test_a_peculiar_optimizer_is_no_broken_one(code: str, tmp_path: Path) -> None:
    made = typed(tmp_path, code, "optimizer")
    rules = [rule for rule in RULES if rule.name in made and rule.severity == "error"]
    found = [made[rule.name].finding() for rule in rules]
    assert [one for one in found if one is not None and one.severity == "error"] == []


@pytest.mark.parametrize("size", [1.0, 3e-4], ids=["small", "tiny"])
def test_short_steps_are_no_wrong_ones(size: float, tmp_path: Path) -> None:
    """The tiny ones need all the rates that there are, and all the steps."""
    made = typed(tmp_path, SMALL_STEPS.replace("SIZE", str(size)), "optimizer")
    assert [made[rule.name].finding() for rule in descending.RULES] == [None, None, None]


def test_what_is_written_into_the_gradients_is_a_warning(tmp_path: Path) -> None:
    centralised = typed(tmp_path, CENTRALISED, "optimizer")["leaves_gradients_alone"]
    assert "saw 12 of 18 with differences up to" in seen(centralised, "warning")
    assert checks("torch.optim.SGD", "optimizer")["leaves_gradients_alone"].finding() is None


def test_the_precision_of_a_state_is_a_note(tmp_path: Path) -> None:
    made = typed(tmp_path, LOW_PRECISION, "optimizer")
    said = seen(made["keeps_float64"], "note")
    assert said == "of weights in float64 it keeps a state in torch.float32"


def test_weights_that_are_moved_by_few_digits_keep_their_own(tmp_path: Path) -> None:
    """A float32 and such a step would make a float32."""
    short = LOW_PRECISION.replace("mean.to(p.dtype)", "torch.full_like(p, 2.0**-12)")
    made = typed(tmp_path, short.replace('group["lr"]', "1.0"), "optimizer")
    seen(made["keeps_float64"], "note")


def test_a_delay_does_not_hide_what_is_wrong(tmp_path: Path) -> None:
    copied = DELAYED.replace('alpha=group["lr"]', "alpha=0.05")
    made = typed(tmp_path, copied, "optimizer")
    assert "the same bits" in seen(made["heeds_a_changed_rate"], "error")
    assert "moved, by up to" in seen(made["obeys_lr_zero"], "error")


def test_a_rate_that_is_only_the_first_one_is_no_rate_that_a_schedule_can_set() -> None:
    assert "the same bits" in seen(checks("torch.optim.Rprop", "optimizer")["heeds_a_changed_rate"], "error")


def test_steps_that_grow_with_the_loss_and_steps_that_do_not() -> None:
    said = {
        name: seen(checks(f"torch.optim.{name}", "optimizer")["scale_and_shift"], "note")
        for name in ("SGD", "Adam")
    }
    assert said["SGD"] == "its steps grow with the loss: a thousandfold loss makes thousandfold steps"
    assert said["Adam"] == "its steps do not depend on the scale of the loss"


def test_an_optimizer_that_takes_no_groups_says_so() -> None:
    assert seen(checks("optimizer/lbfgs", "")["groups_keep_their_rates"], "note").startswith(
        "takes no parameter groups (LBFGS doesn't support"
    )


def test_decay_that_is_not_multiplied_by_the_rate_is_a_warning(tmp_path: Path) -> None:
    mine = typed(tmp_path, UNCOUPLED, "optimizer")
    assert seen(mine["decays_with_its_rate"], "warning").startswith("expected every parameter where it was")
    assert mine["obeys_lr_zero"].finding() is None
    assert mine["heeds_weight_decay"].finding() is None


def test_a_decay_that_is_not_used_is_a_warning(tmp_path: Path) -> None:
    mine = typed(tmp_path, UNUSED_DECAY, "optimizer")
    assert "other weights with a decay of 0.1" in seen(mine["heeds_weight_decay"], "warning")
    assert mine["weight_decay_shrinks_weights"].finding() is None


@pytest.mark.parametrize(
    ("factor", "step", "rule", "said"),
    [
        ("step / total_steps", "pass", "every_step_counts", "0 in step 1 of 20"),
        ("1e-9 + abs(1 - 2 * step / total_steps)", "pass", "stays_down", "and 0.98 in the last"),
        ("0.5 ** (step // 30)", "pass", "follows_the_budget", "in budgets of 100 and 200 steps"),
        ("1.0", "self.optimizer.param_groups[0]['momentum'] = 0.8", "changes_rates_alone", "of momentum too"),
    ],
)
def test_a_peculiar_schedule_is_warned_of(
    factor: str, step: str, rule: str, said: str, tmp_path: Path
) -> None:
    mine = typed(tmp_path, SCHEDULE.format(factor=factor, step=step), "schedule")
    assert said in seen(mine[rule], "warning")


@pytest.mark.parametrize(
    "factor",
    ["1.0001 - 4 * step / total_steps % 1", "min(1.0, step / 10) + 0.01"],
    ids=["cycles that end with the budget", "a warm-up"],
)
def test_a_rate_that_is_low_before_the_end_may_be_right(factor: str, tmp_path: Path) -> None:
    mine = typed(tmp_path, SCHEDULE.format(factor=factor, step="pass"), "schedule")
    assert mine["stays_down"].finding() is None


def test_cycles_that_are_an_argument_may_end_anywhere(tmp_path: Path) -> None:
    code = SCHEDULE.replace("total_steps):", "total_steps, n_cycles=4.02):")
    mine = typed(
        tmp_path, code.format(factor="1 - n_cycles * step / total_steps % 1", step="pass"), "schedule"
    )
    assert "stays_down" not in mine


def test_the_shape_of_a_schedule_is_told_in_units_of_the_optimizers_rate(tmp_path: Path) -> None:
    assert seen(checks("schedule/constant", "")["shape"], "note").startswith("1 x the optimizer's rate in")
    line = typed(tmp_path, SCHEDULE.format(factor="1 - step / total_steps", step="pass"), "schedule")
    assert seen(line["shape"], "note") == (
        "1 x the optimizer's rate in the first of 100 steps, 0.01 x in the last, at most 1 x in step 1"
    )
