"""What an optimizer promises by the contract of its slot, in a pipeline."""

from __future__ import annotations

from typing import Any

import torch

from benchmark.checks.bench import Bench
from benchmark.checks.check import CheckFailed, Rule, expect
from benchmark.checks.optimizers.toys import SILENT, silent_steps
from benchmark.checks.subject import Subject
from benchmark.execute.fitting import assemble
from benchmark.spec import PARAMETER_ROLES

__all__ = [
    "RULES",
    "calls_the_closure",
    "optimizer_survives_state_dict",
    "reads_the_attention_logits",
    "reads_the_roles",
    "steps_as_the_slot_calls_it",
    "switches_between_train_and_eval",
]

STEPS = 6


def steps_as_the_slot_calls_it(subject: Subject) -> None:
    """It is a torch optimizer; steps change the weights, which stay finite.

    What does not move is not trained: the arm measures its initial weights and nothing else.
    """
    bench = Bench.at(subject.place)
    expect(isinstance(bench.optimizer, torch.optim.Optimizer), "a torch.optim.Optimizer", bench.optimizer)
    before = [parameter.detach().clone() for parameter in bench.network.parameters()]
    after = [*bench.network.parameters()]
    for steps in (STEPS, SILENT):
        bench.train(steps)
        expect(all(bool(weights.isfinite().all()) for weights in after), "finite weights")
        moved = [not torch.equal(old, new) for old, new in zip(before, after, strict=True)]
        if any(moved):
            break  # where nothing has, the first gradients may be waiting for later ones
    expect(all(moved), "every parameter moved", f"{moved.count(False)} of {len(moved)} where they were")


def optimizer_survives_state_dict(subject: Subject) -> None:
    """Loaded from a ``state_dict``, it goes on bit by bit as the one that never stopped.

    What is kept elsewhere is not saved: whoever resumes a run from a checkpoint goes on with another
    optimizer.
    """
    whole, begun = Bench.at(subject.place), Bench.at(subject.place)
    begun.train(STEPS)
    resumed = Bench.at(subject.place, seed=1).resumed(begun)
    resumed.train(STEPS)
    whole.train(2 * STEPS)
    _expect_same_weights(whole, resumed)


def calls_the_closure(subject: Subject) -> None:
    """It calls the closure that it asks for, and cannot step without one.

    Each call is a pass of the budget: without one there are no gradients, and with one that is not needed
    the component is left out of studies for nothing.
    """
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
    """Other roles of the same parameters make other steps.

    What asks for roles and does not look at them is a plain optimizer under a better name.
    """
    right, wrong = Bench.at(subject.place), Bench.at(subject.place)
    steps = STEPS + silent_steps(subject)
    groups = assemble.role_groups(wrong.network)
    for group in groups:
        place = PARAMETER_ROLES.index(group["role"])
        group["role"] = PARAMETER_ROLES[(place + 1) % len(PARAMETER_ROLES)]
    try:
        extra = {}
        if subject.says("attention_logits"):
            extra["attention_logits"] = wrong.network.attention_logits
        wrong.optimizer = subject.make(groups, **extra)
        wrong.train(steps)
    except (KeyError, ValueError, RuntimeError, AssertionError):
        return  # refusing what has the wrong shape for a role is reading it
    right.train(steps)
    differ = any(not torch.equal(a, b) for a, b in _pairs(right, wrong))
    expect(differ, "steps that depend on the roles", "the same weights whatever they are")


def switches_between_train_and_eval(subject: Subject) -> None:
    """Its ``eval()`` changes the weights, and its ``train()`` brings them back.

    What is evaluated and kept are otherwise the wrong weights, or training goes on from the wrong ones.
    """
    bench = Bench.at(subject.place)
    bench.train(STEPS + silent_steps(subject))
    training, optimizer = bench.weights(), bench.optimizer
    optimizer.eval()  # type: ignore[attr-defined]
    changed = any(not torch.equal(training[name], tensor) for name, tensor in bench.weights().items())
    expect(changed, "other weights after eval()", "the same")
    optimizer.train()  # type: ignore[attr-defined]
    for name, tensor in bench.weights().items():
        expect(torch.allclose(training[name], tensor, atol=1e-5), f"{name} as before eval() after train()")


def reads_the_attention_logits(subject: Subject) -> None:
    """It asks for the attention logits that it is passed.

    Clipping that never looks at what it clips never happens.
    """
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


def _pairs(first: Bench, second: Bench) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [*zip(first.network.parameters(), second.network.parameters(), strict=True)]


def _expect_same_weights(first: Bench, second: Bench) -> None:
    apart = max(float((a - b).detach().abs().max()) for a, b in _pairs(first, second))
    expect(apart == 0, "the same weights", f"differences up to {apart:.3g}")


def _asks(word: str) -> Any:
    return lambda subject: subject.says(word)


_STEPS = ("steps_as_the_slot_calls_it",)
RULES = (
    Rule(
        steps_as_the_slot_calls_it,
        look="step",
        causes=("calls_the_closure", "stays_finite_at_zero_gradients"),
    ),
    Rule(optimizer_survives_state_dict, look="load_state_dict", causes=("is_deterministic",)),
    Rule(calls_the_closure, applies=_asks("closure"), look="step"),
    Rule(reads_the_roles, applies=_asks("roles"), causes=_STEPS),
    Rule(switches_between_train_and_eval, applies=_asks("train_eval"), look="eval", causes=_STEPS),
    Rule(reads_the_attention_logits, applies=_asks("attention_logits"), look="step"),
)
