"""What an optimizer or a schedule promises."""

from __future__ import annotations

import math
from typing import Any

import torch

from benchmark.checks.bench import Bench
from benchmark.checks.check import CheckFailed, Rule, expect
from benchmark.checks.subject import Subject
from benchmark.execute.fitting import assemble
from benchmark.spec import PARAMETER_ROLES

__all__ = [
    "OPTIMIZER",
    "SCHEDULE",
    "calls_the_closure",
    "optimizer_survives_state_dict",
    "rates_are_sound",
    "reads_the_attention_logits",
    "reads_the_roles",
    "reads_the_validation_error",
    "schedule_survives_state_dict",
    "steps_as_the_slot_calls_it",
    "switches_between_train_and_eval",
]

STEPS, TOTAL = 6, 20


def steps_as_the_slot_calls_it(subject: Subject) -> None:
    """It is a torch optimizer; steps change the weights, which stay finite."""
    bench = Bench.at(subject.place)
    expect(isinstance(bench.optimizer, torch.optim.Optimizer), "a torch.optim.Optimizer", bench.optimizer)
    before = [parameter.detach().clone() for parameter in bench.network.parameters()]
    bench.train(STEPS)
    after = [*bench.network.parameters()]
    expect(all(bool(weights.isfinite().all()) for weights in after), "finite weights")
    moved = [not torch.equal(old, new) for old, new in zip(before, after, strict=True)]
    expect(all(moved), "every parameter moved", f"{moved.count(False)} of {len(moved)} where they were")


def optimizer_survives_state_dict(subject: Subject) -> None:
    """Loaded from a ``state_dict``, it goes on bit by bit as the one that never stopped."""
    whole, begun = Bench.at(subject.place), Bench.at(subject.place)
    begun.train(STEPS)
    resumed = Bench.at(subject.place, seed=1).resumed(begun)
    resumed.train(STEPS)
    whole.train(2 * STEPS)
    _expect_same_weights(whole, resumed)


def calls_the_closure(subject: Subject) -> None:
    """It calls the closure that it asks for, and cannot step without one."""
    bench = Bench.at(subject.place)
    for step in range(STEPS):
        before = len(bench.calls)
        bench.train(1)
        expect(len(bench.calls) > before, "a call of the closure", f"none in step {step + 1}")
    bench.closure()
    try:
        bench.optimizer.step()
    except Exception:  # whatever it raises, it does need the closure
        return
    raise CheckFailed("expected that step() without the closure fails; it does not, so none is needed")


def reads_the_roles(subject: Subject) -> None:
    """Other roles of the same parameters make other steps."""
    right, wrong = Bench.at(subject.place), Bench.at(subject.place)
    groups = assemble.role_groups(wrong.network)
    for group in groups:
        place = PARAMETER_ROLES.index(group["role"])
        group["role"] = PARAMETER_ROLES[(place + 1) % len(PARAMETER_ROLES)]
    try:
        extra = {}
        if subject.says("attention_logits"):
            extra["attention_logits"] = wrong.network.attention_logits
        wrong.optimizer = subject.make(groups, **extra)
        wrong.train(STEPS)
    except (KeyError, ValueError, RuntimeError, AssertionError):
        return  # refusing what has the wrong shape for a role is reading it
    right.train(STEPS)
    differ = any(not torch.equal(a, b) for a, b in _pairs(right, wrong))
    expect(differ, "steps that depend on the roles", "the same weights whatever they are")


def switches_between_train_and_eval(subject: Subject) -> None:
    """Its ``eval()`` changes the weights, and its ``train()`` brings them back."""
    bench = Bench.at(subject.place)
    bench.train(STEPS)
    training, optimizer = bench.weights(), bench.optimizer
    optimizer.eval()  # type: ignore[attr-defined]
    changed = any(not torch.equal(training[name], tensor) for name, tensor in bench.weights().items())
    expect(changed, "other weights after eval()", "the same")
    optimizer.train()  # type: ignore[attr-defined]
    for name, tensor in bench.weights().items():
        expect(torch.allclose(training[name], tensor, atol=1e-5), f"{name} as before eval() after train()")


def reads_the_attention_logits(subject: Subject) -> None:
    """It asks for the attention logits that it is passed."""
    bench = Bench.at(subject.place)
    calls = []

    def watched() -> Any:
        calls.append(1)
        return bench.network.attention_logits()  # type: ignore[operator]

    roles = subject.says("roles")
    params = assemble.role_groups(bench.network) if roles else [*bench.network.parameters()]
    bench.optimizer = subject.make(params, attention_logits=watched)
    bench.train(1)
    expect(calls, "a call of attention_logits in a step", "none")


def rates_are_sound(subject: Subject) -> None:
    """Through budgets of 1 to 20 steps, every rate is finite and at least 0, and some rate is above 0."""
    for total in (1, 2, 3, TOTAL):
        rates = _rates(subject, total, [1.0] * (total + 1))
        sound = all(math.isfinite(rate) and rate >= 0 for rate in rates)
        expect(sound and max(rates) > 0, f"sound rates over {total} steps", rates)


def schedule_survives_state_dict(subject: Subject) -> None:
    """Loaded from a ``state_dict``, it goes on with the rates of the one that never stopped."""
    errors = [1.0, 0.9, *[1.1] * TOTAL]
    first, optimizer = _schedule(subject, TOTAL)
    for step in range(TOTAL // 2):
        _step(subject, first, optimizer, errors[step])
    second, other = _schedule(subject, TOTAL)
    other.load_state_dict(optimizer.state_dict())
    second.load_state_dict(first.state_dict())
    for step in range(TOTAL // 2, TOTAL):
        for schedule, under in ((first, optimizer), (second, other)):
            _step(subject, schedule, under, errors[step])
        rates = [under.param_groups[0]["lr"] for under in (optimizer, other)]
        expect(rates[0] == rates[1], f"the rate {rates[0]} after step {step + 1}", rates[1])


def reads_the_validation_error(subject: Subject) -> None:
    """Errors that rise and errors that fall lead to different rates."""
    rising = _rates(subject, TOTAL, [1.0 + step for step in range(TOTAL)])
    falling = _rates(subject, TOTAL, [1.0 / (1 + step) for step in range(TOTAL)])
    expect(rising != falling, "rates that depend on the error", "the same")


def _pairs(first: Bench, second: Bench) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [*zip(first.network.parameters(), second.network.parameters(), strict=True)]


def _expect_same_weights(first: Bench, second: Bench) -> None:
    apart = max(float((a - b).detach().abs().max()) for a, b in _pairs(first, second))
    expect(apart == 0, "the same weights", f"differences up to {apart:.3g}")


def _schedule(subject: Subject, total: int) -> tuple[Any, torch.optim.Optimizer]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1, momentum=0.9)
    return subject.make(optimizer, total), optimizer


def _step(subject: Subject, schedule: Any, optimizer: torch.optim.Optimizer, error: float) -> None:
    optimizer.step()
    if subject.says("validation_error"):
        schedule.step(error)
    else:
        schedule.step()


def _rates(subject: Subject, total: int, errors: list[float]) -> list[float]:
    schedule, optimizer = _schedule(subject, total)
    rates = [float(optimizer.param_groups[0]["lr"])]
    for error in errors[:total]:
        _step(subject, schedule, optimizer, error)
        rates.append(float(optimizer.param_groups[0]["lr"]))
    return rates


def _asks(word: str) -> Any:
    return lambda subject: subject.says(word)


OPTIMIZER = (
    Rule(steps_as_the_slot_calls_it),
    Rule(optimizer_survives_state_dict),
    Rule(calls_the_closure, applies=_asks("closure")),
    Rule(reads_the_roles, applies=_asks("roles")),
    Rule(switches_between_train_and_eval, applies=_asks("train_eval")),
    Rule(reads_the_attention_logits, applies=_asks("attention_logits")),
)
SCHEDULE = (
    Rule(rates_are_sound),
    Rule(schedule_survives_state_dict),
    Rule(reads_the_validation_error, applies=_asks("validation_error")),
)
