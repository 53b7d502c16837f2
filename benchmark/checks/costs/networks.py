"""What training a network costs, and how much of what the machine can do it uses."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.checks.bench import Bench
from benchmark.checks.check import Rule, expect
from benchmark.checks.costs.loops import Effort, effort
from benchmark.checks.subject import Place, Subject, fitted
from benchmark.execute.counting import Counter
from benchmark.execute.fitting.rows import Padded
from benchmark.execute.peak import machine_peak
from benchmark.execute.profile import STEP_PHASES, Training, reporting

__all__ = ["RULES", "costs"]

FEW, TIMES = 8, 4
"""Rows of a batch, and how often they stand in a larger one."""
BATCH, STEPS = 128, 24
ALONE = 2
"""Rows of a batch that is nearly nothing to compute."""
GROWTH = 1.5
"""Times the lines or operators of a pass over fewer rows, or steps. It is 1 where whole tensors are computed
with, and nearly as many times as there are more where they are gone through one by one."""
MANY = 1000
"""Operators of a pass from which a loop over time is worth a warning."""


def costs(subject: Subject) -> str:
    """A pass computes with whole batches and whole sequences.

    A loop in Python over rows or time steps calls thousands of operators on a few numbers each, and most of
    the time goes into calling them: the machine idles, and a budget in seconds judges the loop instead of the
    architecture.
    """
    place = subject.place
    bench, small, large = Bench.at(place), _trained(place, ALONE), _trained(place, BATCH)
    said = _said(subject, _pass(bench, *bench.rows.part(slice(0, FEW))), small, large)
    if grown := _wasteful(bench):
        expect(False, "a pass over whole batches and sequences at once", f"{grown}; {said}")
    return said


def _wasteful(bench: Bench) -> str:
    """What grows with the rows, or with the time steps, that should not; empty where nothing does."""
    inputs = bench.rows.part(slice(0, FEW))
    few, many = (_pass(bench, *_repeated(inputs, times)) for times in (1, TIMES))
    if many.growth(few) > GROWTH:
        return f"{_times(few, many)} with {TIMES} x the rows"
    if isinstance(bench.rows, Padded):
        half = _pass(bench, *_halved(*inputs))
        # Kernels of the library loop too; what counts is a loop that is written down.
        if few.calls > MANY and min(few.calls / half.calls, few.lines / half.lines) > GROWTH:
            return f"{_times(half, few)} with twice the time steps"
    return ""


def _pass(bench: Bench, *inputs: Tensor | None) -> Effort:
    """The effort of a forward pass without gradients."""
    bench.network.eval()
    with torch.no_grad():
        return effort(lambda: bench.network(*inputs))


def _repeated(inputs: tuple[Tensor | None, ...], times: int) -> tuple[Tensor | None, ...]:
    return tuple(None if part is None else part.repeat_interleave(times, 0) for part in inputs)


def _halved(x: Tensor | None, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
    """Rows cut off after half of their time."""
    assert x is not None and lengths is not None
    half = max(1, x.shape[1] // 2)
    return x[:, :half], lengths.clamp(max=half)


def _times(smaller: Effort, larger: Effort) -> str:
    return (
        f"{smaller.calls} operators and {smaller.lines} lines of Python a forward pass, "
        f"and {larger.calls} and {larger.lines}"
    )


def _trained(place: Place, batch_size: int) -> Training:
    """What some steps of training took in its pipeline."""
    with reporting(machine_peak()) as spent:
        fitted(place, STEPS, batch_size=batch_size, evaluations=1)
    return Training.of(spent)


def _said(subject: Subject, few: Effort, small: Training, large: Training) -> str:
    """Size, speed, and where the time goes, in a sentence."""
    sizes = "; ".join(_size(place) for place in subject.one_place_a_form())
    parts = {name: getattr(large, name) for name in STEP_PHASES}
    shares = ", ".join(f"{name} {_percent(seconds / large.seconds)}" for name, seconds in parts.items())
    speed = f"{large.rows / large.seconds:,.0f} rows/s at batch {large.rows / large.steps:.0f}"
    reached = f"{large.flop / large.seconds / 1e9:.2g} GFLOP/s, {_percent(large.flop / large.possible)}"
    # On two rows there is next to nothing to compute: what a pass takes there, it takes on any number.
    a_pass = (large.forward + large.backward) / large.steps
    calling = max((small.forward + small.backward) / small.steps / a_pass, large.calling / large.seconds)
    return (
        f"{sizes}; trains {speed} ({shares}); {reached} of what a thread reaches here; "
        f"{few.calls} operators a forward pass, and calling them is {_percent(min(1.0, calling))} of it"
    )


def _size(place: Place) -> str:
    """Parameters, and floating point operations of a forward pass by row."""
    bench = Bench.at(place)
    bench.network.eval()
    with torch.no_grad(), Counter() as counter:
        bench.network(*bench.rows.part(slice(None)))
    number, flop = sum(part.numel() for part in bench.network.parameters()), counter.flop / len(bench.rows)
    return f"{number:,} parameters and {flop:,.0f} FLOP a row forward on {place.task.name}"


def _percent(share: float) -> str:
    return f"{100 * share:.{int(share < 0.1)}f} %"


RULES = (Rule(costs, slow=True, severity="warning", look="forward"),)
