"""An optimizer brings a loss down: of a bowl, of a bent valley, of a small network."""

from __future__ import annotations

import math

from benchmark.checks.check import Rule, expect
from benchmark.checks.optimizers.toys import Problem, Toy, quadratic, rosenbrock, small_network
from benchmark.checks.subject import Subject

__all__ = ["RULES", "descends_a_quadratic", "descends_a_small_network", "descends_rosenbrock"]

RATES = (1.0, 0.1, 10.0, 0.01, 100.0, 0.001, 1e3, 1e4)
"""What the optimizer's own rate is multiplied by, in this order until one of them will do: a rate that is
right for a network need not be right here."""
STEPS, AT_ONCE = 60, 10
LONG = 600
"""Steps at the best rate where so few do not suffice at any: some optimizers start with small ones."""


def descends_a_quadratic(subject: Subject) -> None:
    """Of six squared distances, each of one tensor, it halves every one in 60 steps, or 600, at some rate.

    This is the easiest thing there is to minimise. What fails here goes the wrong way (a sign), nowhere, or
    treats some shapes of parameters wrongly, and no learning rate will make up for it.
    """
    _expect_descent(subject, quadratic(), 0.5)


def descends_rosenbrock(subject: Subject) -> None:
    """Of four of Rosenbrock's functions it takes a fifth off the sum in 60 steps, or 600, at some rate.

    Its valley is narrow and bent: what keeps a wrong direction for too long, or the wrong size of a step,
    never gets into it.
    """
    _expect_descent(subject, rosenbrock(), 0.8)


def descends_a_small_network(subject: Subject) -> None:
    """Of a small network on one batch of 64 points it halves the error in 60 steps, or 600, at some rate.

    Without noise, minibatches and generalisation, only the optimizer is left to be wrong.
    """
    _expect_descent(subject, small_network(), 0.5)


def _expect_descent(subject: Subject, problem: Problem, share: float) -> None:
    best, at = math.inf, 1.0
    for rate in RATES:
        left = _left(Toy.of(subject, problem, rate=rate), STEPS)
        if left < share:
            return
        if left < best:
            best, at = left, rate
    if best < math.inf:
        left = _left(Toy.of(subject, problem, rate=at), LONG)
        if left < share:
            return
        best = min(best, left)
    seen = f"{best:.3g} of it left at best, at {at:g} times its rate" if best < math.inf else "nothing finite"
    text = f"less than {share} of the start left after {STEPS} steps at one of {len(RATES)} rates"
    expect(False, f"{text}, or after {LONG} at the best of them", seen)


def _left(toy: Toy, steps: int) -> float:
    """The largest share of a part that is left; infinite where it diverges."""
    start = toy.parts()
    for _ in range(steps // AT_ONCE):
        toy.train(AT_ONCE)
        if not all(bool(weights.isfinite().all()) for weights in toy.weights()):
            return math.inf
    left = float((toy.parts() / start).max())
    return left if math.isfinite(left) else math.inf


_STILL = ("steps_as_the_slot_calls_it", "touches_every_group", "heeds_a_changed_rate")
RULES = (
    Rule(descends_a_quadratic, look="step", causes=_STILL),
    Rule(descends_rosenbrock, look="step", causes=(*_STILL, "descends_a_quadratic")),
    Rule(
        descends_a_small_network,
        look="step",
        causes=(*_STILL, "descends_a_quadratic", "descends_rosenbrock"),
    ),
)
