"""What a schedule promises: rates that follow from the steps taken and from the optimizer's own rate."""

from __future__ import annotations

import inspect
import itertools
import math
import time
from collections.abc import Sequence
from typing import Any

import torch

from benchmark.checks.check import Rule, expect
from benchmark.checks.subject import Subject

__all__ = [
    "RULES",
    "changes_rates_alone",
    "every_step_counts",
    "follows_the_budget",
    "goes_by_steps_alone",
    "goes_on_past_its_end",
    "groups_keep_their_ratio",
    "leaves_the_weights_alone",
    "rates_are_sound",
    "reads_the_validation_error",
    "schedule_survives_state_dict",
    "scales_with_the_optimizers_rate",
    "shape",
    "stays_down",
    "takes_any_optimizer",
    "trains_until_the_end",
]

TOTAL, LONG = 20, 100
RATE = 0.1
NOTHING = 1e-6
"""Share of the highest rate that trains nothing."""
FALLEN, HIGH = 0.1, 0.5
"""Shares of the highest rate: far below it, and near it."""


def rates_are_sound(subject: Subject) -> None:
    """Through budgets of 1 to 20 steps, every rate is finite and at least 0, and some rate is above 0.

    A negative rate climbs, and a budget of one step is what a quick try spends.
    """
    for total in (1, 2, 3, TOTAL):
        rates = _rates(subject, total)
        sound = all(math.isfinite(rate) and rate >= 0 for rate in rates)
        expect(sound and max(rates) > 0, f"sound rates over {total} steps", rates)


def trains_until_the_end(subject: Subject) -> None:
    """Of 100 steps, at most a tenth is taken at a rate of 0, or of less than a millionth of the highest.

    What is at its end after a half of the budget, because it is stepped more often than it counts on, counts
    something else than passes or multiplies the rate of now instead of the first one, leaves the other half
    unused.
    """
    better = [1 / (1 + step) for step in range(LONG)]  # so that what waits for a plateau has none
    rates = _rates(subject, LONG, errors=better)[:LONG]
    idle = [step for step, rate in enumerate(rates) if rate <= NOTHING * max(rates)]
    seen = f"{len(idle)} of {LONG} at next to nothing, step {idle[0] + 1} the first" if idle else ""
    expect(len(idle) <= LONG // 10, "a rate that trains something in nearly every step", seen)


def stays_down(subject: Subject) -> None:
    """Once it has fallen below a tenth of its highest rate, its last rate is no longer above half of it.

    A low rate at the end lets the weights settle. What is back at the top there, since its period is not
    that of the budget, throws away what the low rate had brought.
    """
    rates = _rates(subject, LONG)[:LONG]
    highest = max(rates)
    at = rates.index(highest)
    low = min(range(at, LONG), key=rates.__getitem__)
    back = rates[low] < FALLEN * highest and rates[-1] > HIGH * highest
    fallen = f"{rates[low] / highest:.3g} of it in step {low + 1} of {LONG}"
    seen = f"{fallen}, and {rates[-1] / highest:.3g} in the last"
    expect(not back, "a last rate well below the highest", seen)


def every_step_counts(subject: Subject) -> None:
    """No step is taken at a rate of 0, the first and the last neither.

    A warm-up that begins at 0 spends a pass on nothing, which in a short budget is a good part of it.
    """
    rates = _rates(subject, TOTAL)[:TOTAL]
    idle = [step + 1 for step, rate in enumerate(rates) if rate == 0]
    expect(not idle, "a rate above 0 in every step", f"0 in step {', '.join(map(str, idle))} of {TOTAL}")


def goes_on_past_its_end(subject: Subject) -> None:
    """It can be stepped past ``total_steps``, where its rate stays finite and at least 0.

    An optimizer that takes several passes a step ends a little past its budget; a schedule that raises
    there loses the whole fit.
    """
    for total in (1, TOTAL):
        after = _rates(subject, total, total + 3)[total:]
        expect(all(math.isfinite(rate) and rate >= 0 for rate in after), f"rates after step {total}", after)


def scales_with_the_optimizers_rate(subject: Subject) -> None:
    """Of an optimizer with ten times the rate, its highest rate is ten times as high.

    A schedule that brings its own rates takes the optimizer's away: tuned for one arm, or made up, they
    suit that one alone, and whatever is tuned for the others has no effect.
    """
    low, high = (max(_rates(subject, TOTAL, rate=rate)) for rate in (RATE, 10 * RATE))
    expect(8 < high / low < 12, f"{10 * low:.3g}, ten times {low:.3g}", f"{high:.3g}")


def groups_keep_their_ratio(subject: Subject) -> None:
    """Of two groups with rates 10 to 1, each keeps a rate of its own in that ratio.

    One rate for all groups undoes what an optimizer set up for its layers.
    """
    optimizer = _groups()
    schedule = subject.make(optimizer, TOTAL)
    rates = [_both(optimizer)]
    for _ in range(TOTAL):
        _step(subject, schedule, optimizer, 1.0)
        rates.append(_both(optimizer))
    low, high = (max(each) for each in zip(*rates, strict=True))
    expect(8 < high / low < 12, "highest rates in the ratio 10 to 1", f"{high:.3g} to {low:.3g}")


def goes_by_steps_alone(subject: Subject) -> None:
    """The same number of steps leads to the same rates, whatever the clock and the random numbers say.

    Two arms, or the same arm twice, would otherwise not be under the same schedule.
    """
    torch.manual_seed(0)
    quick = _rates(subject, TOTAL)
    torch.manual_seed(1)
    slow = _rates(subject, TOTAL, pause=0.005)
    apart = [step for step, (a, b) in enumerate(zip(quick, slow, strict=True)) if a != b]
    seen = f"{quick[apart[0]]:.6g} and {slow[apart[0]]:.6g} after step {apart[0]}" if apart else ""
    expect(not apart, "the same rates, with pauses between the steps or without", seen)


def leaves_the_weights_alone(subject: Subject) -> None:
    """Its ``step()`` moves no weight.

    A second step of the optimizer hidden in the schedule is a second pass that no other arm gets.
    """
    schedule, optimizer = _schedule(subject, TOTAL)
    for _ in range(3):
        optimizer.step()
        before = _weight(optimizer)
        _advance(subject, schedule, 1.0)
        expect(_weight(optimizer) == before, "weights as they were", "others")


def changes_rates_alone(subject: Subject) -> None:
    """It changes nothing of the optimizer but its rates.

    What cycles the momentum too is more than a schedule of the rate, and means something else for every
    optimizer.
    """
    schedule, optimizer = _schedule(subject, TOTAL)
    changed: set[str] = set()
    before = dict(torch.optim.SGD([torch.zeros(1)], lr=RATE, momentum=0.9).param_groups[0])
    for _ in range(TOTAL):
        _step(subject, schedule, optimizer, 1.0)
        now = optimizer.param_groups[0]
        changed |= {key for key in before if key not in ("params", "lr") and now.get(key) != before[key]}
    expect(not changed, "changes of lr alone", f"of {', '.join(sorted(changed))} too")


def takes_any_optimizer(subject: Subject) -> None:
    """It takes an optimizer that has neither a momentum nor betas.

    In a study it meets every optimizer of the catalog.
    """
    optimizer = torch.optim.Adagrad([torch.nn.Parameter(torch.ones(1))], lr=RATE)
    schedule = subject.make(optimizer, TOTAL)
    for _ in range(TOTAL):
        _step(subject, schedule, optimizer, 1.0)


def follows_the_budget(subject: Subject) -> None:
    """Over twice the steps, it has the same rates at the same shares of the budget.

    A number of steps that is written down fits one budget; in another the rate falls too early, or never.
    """
    short, long = _rates(subject, LONG), _rates(subject, 2 * LONG)
    peak = max(short)
    apart = [abs(long[2 * step] - short[step]) / peak for step in range(LONG)]
    worst = max(range(LONG), key=apart.__getitem__)
    seen = f"{short[worst]:.3g} and {long[2 * worst]:.3g} at {worst} % of it"
    expect(apart[worst] < 0.2, f"the same rates in budgets of {LONG} and {2 * LONG} steps", seen)


def shape(subject: Subject) -> str:
    """Where its rates begin, where they are highest and where they end, in units of the optimizer's own.

    The rate of the optimizer is tuned below the schedule: it means what the schedule makes of it.
    """
    rates = [rate / RATE for rate in _rates(subject, LONG)[:LONG]]
    highest = max(rates)
    if min(rates) == highest:
        return f"{highest:.3g} x the optimizer's rate in every step, as long as the errors stay the same"
    at = rates.index(highest) + 1
    said = (
        f"{rates[0]:.3g} x the optimizer's rate in the first of {LONG} steps, {rates[-1]:.3g} x in the last"
    )
    return f"{said}, at most {highest:.3g} x in step {at}"


def schedule_survives_state_dict(subject: Subject) -> None:
    """Loaded from a ``state_dict``, it goes on with the rates of the one that never stopped.

    A run that is interrupted and goes on is otherwise another run.
    """
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
    """Errors that rise and errors that fall lead to different rates.

    What asks for the validation error and does not look at it is a constant rate under another name.
    """
    rising = _rates(subject, TOTAL, errors=[1.0 + step for step in range(TOTAL)])
    falling = _rates(subject, TOTAL, errors=[1.0 / (1 + step) for step in range(TOTAL)])
    expect(rising != falling, "rates that depend on the error", "the same")


def _schedule(subject: Subject, total: int, rate: float = RATE) -> tuple[Any, torch.optim.Optimizer]:
    weight = torch.nn.Parameter(torch.ones(1))
    weight.grad = torch.ones(1)
    optimizer = torch.optim.SGD([weight], lr=rate, momentum=0.9)
    return subject.make(optimizer, total), optimizer


def _groups() -> torch.optim.Optimizer:
    """With rates in the ratio 1 to 10."""
    parameters = [torch.nn.Parameter(torch.ones(1)) for _ in range(2)]
    rates = (RATE, 10 * RATE)
    groups = [{"params": [p], "lr": rate} for p, rate in zip(parameters, rates, strict=True)]
    return torch.optim.SGD(groups, lr=RATE, momentum=0.9)


def _both(optimizer: torch.optim.Optimizer) -> tuple[float, float]:
    first, second = (float(group["lr"]) for group in optimizer.param_groups)
    return first, second


def _weight(optimizer: torch.optim.Optimizer) -> float:
    weight: torch.Tensor = optimizer.param_groups[0]["params"][0]
    return float(weight.detach())


def _advance(subject: Subject, schedule: Any, error: float) -> None:
    if subject.says("validation_error"):
        schedule.step(error)
    else:
        schedule.step()


def _step(subject: Subject, schedule: Any, optimizer: torch.optim.Optimizer, error: float) -> None:
    optimizer.step()
    _advance(subject, schedule, error)


def _rates(
    subject: Subject,
    total: int,
    steps: int | None = None,
    *,
    errors: Sequence[float] = (),
    rate: float = RATE,
    pause: float = 0.0,
) -> list[float]:
    """The rates of the first step and after each of some steps; of the whole budget, if it is not said."""
    schedule, optimizer = _schedule(subject, total, rate)
    rates = [float(optimizer.param_groups[0]["lr"])]
    for error in itertools.islice(itertools.chain(errors, itertools.repeat(1.0)), steps or total):
        time.sleep(pause)
        _step(subject, schedule, optimizer, error)
        rates.append(float(optimizer.param_groups[0]["lr"]))
    return rates


def _asks(subject: Subject) -> bool:
    return subject.says("validation_error")


def _says_no_cycles(subject: Subject) -> bool:
    """Whether no argument of its constructor is a number or length of cycles."""
    names = " ".join(inspect.signature(subject.make).parameters).lower()
    return not any(word in names for word in ("cycle", "period", "restart", "t_0"))


def _goes_by_steps(subject: Subject) -> bool:
    return not subject.says("validation_error")


RULES = (
    Rule(rates_are_sound, look="get_lr"),
    Rule(
        trains_until_the_end,
        look="get_lr",
        causes=("rates_are_sound", "reads_the_validation_error"),
    ),
    Rule(
        stays_down,
        applies=_says_no_cycles,
        severity="warning",
        look="get_lr",
        advice="Let the last cycle end with the budget; if it need not, make the cycles an argument.",
        causes=("rates_are_sound", "trains_until_the_end", "goes_by_steps_alone"),
    ),
    Rule(every_step_counts, severity="warning", look="get_lr", causes=("trains_until_the_end",)),
    Rule(goes_on_past_its_end, look="get_lr", causes=("rates_are_sound",)),
    Rule(scales_with_the_optimizers_rate, look="get_lr", causes=("rates_are_sound",)),
    Rule(groups_keep_their_ratio, look="get_lr", causes=("scales_with_the_optimizers_rate",)),
    Rule(goes_by_steps_alone, look="get_lr"),
    Rule(leaves_the_weights_alone, look="step"),
    Rule(changes_rates_alone, severity="warning", look="step"),
    Rule(takes_any_optimizer),
    Rule(
        follows_the_budget,
        applies=_goes_by_steps,
        severity="warning",
        look="get_lr",
        causes=("rates_are_sound", "trains_until_the_end", "goes_by_steps_alone"),
    ),
    Rule(shape),
    Rule(schedule_survives_state_dict, look="load_state_dict", causes=("goes_by_steps_alone",)),
    Rule(reads_the_validation_error, applies=_asks, look="step"),
)
