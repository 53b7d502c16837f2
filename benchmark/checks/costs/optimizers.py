"""What an optimizer's step costs beside AdamW's: memory, time, and where the time goes."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from benchmark.checks.check import Rule, expect
from benchmark.checks.costs.blocks import Blocks
from benchmark.checks.costs.loops import Effort, effort
from benchmark.checks.subject import Subject
from benchmark.execute.counting import Counter

__all__ = ["RULES", "costs"]

SIZES = (("1e4 parameters", 32, 1), ("1e6", 144, 4), ("1e7", 512, 3))
"""Parameters, in words, and the width and number of the blocks that have about so many."""
TINY = (8, 1)
"""So small that its kernels take no time: what is left is Python."""
CYCLE = 20
"""Steps that are averaged: some optimizers do something costly every tenth."""
ROUNDS, ROUND_SECONDS = 3, 0.15
SLOW_SECONDS, LATE_SECONDS = 0.5, 3.0
"""Where two steps take longer they are all that is measured; where one may take so long, it is skipped."""
GROWTH = 2.5
"""Times the lines or operators of a step on a sixteenth of the parameters, in as many tensors. It is 1 where
whole tensors are computed with, and 4 or more where their rows or elements are gone through one by one."""
CACHED = 2**20
"""Bytes of parameters that stay in a core's own cache, so that nothing travels."""
LEAK_STEPS = 32
MOST_FLOATS, MOST_TIMES = 50.0, 500.0
"""Floats a parameter, and times AdamW's step, beyond which nobody will train a network. Ten pairs of
vectors, as L-BFGS keeps them, are 20 floats, and roots of matrices, as Shampoo takes them, some 130 times."""


def costs(subject: Subject) -> str:
    """A step computes with whole tensors; its time and memory are bearable and do not grow step by step.

    A loop over rows or elements in Python takes hundreds of times as long as one operator on the whole
    tensor, and what piles up ends a long run: nobody will use it, however good it is, and a budget in seconds
    judges the loop instead of the optimizer.
    """
    growth, tiny = _growth(subject), Blocks.of(subject, *TINY)
    steps, skipped = _measured(subject, loops=growth >= GROWTH)
    floats = max(step.floats for step in steps)
    said = _said(steps, floats, skipped)
    expect(growth < GROWTH, "operators on whole tensors", f"{growth:.1f} x {_LOOP}; {said}")
    held = [_held(tiny) for _ in range(3)]
    piling = held[0] < held[1] < held[2]
    piled = f"{held[0]:.1f}, {held[1]:.1f} and {held[2]:.1f} floats a parameter after {LEAK_STEPS} steps each"
    expect(not piling, "a state that keeps its size", f"{piled}; {said}")
    expect(floats <= MOST_FLOATS, f"at most {MOST_FLOATS:.0f} floats a parameter", said)
    expect(max(step.times for step in steps) <= MOST_TIMES, f"at most {MOST_TIMES:.0f} x AdamW's time", said)
    return said


_LOOP = "as many lines of Python or operators a step with 16 x the parameters in as many tensors"


@dataclass(frozen=True)
class _Step:
    """A step at one size: seconds, and what they are spent on."""

    label: str
    blocks: Blocks
    own: float
    adamw: float
    python: float
    """What it takes with as many tensors and nearly nothing in them."""
    traffic: float
    """What the bytes that go in and out of its operators take where there is nothing else to do."""
    calls: int
    """Operators."""

    @property
    def times(self) -> float:
        """AdamW's step."""
        return self.own / self.adamw

    @property
    def floats(self) -> float:
        """What it keeps by parameter."""
        return self.blocks.state_bytes() / 4 / self.blocks.size

    def __str__(self) -> str:
        kinds = {"Python": self.python, "memory traffic": self.traffic}
        kinds["kernels"] = self.own - self.python - self.traffic
        most = max(kinds, key=lambda kind: kinds[kind])
        share = f"{100 * kinds[most] / self.own:.0f} % {most}"
        return f"{self.times:.{int(self.times < 10)}f} x at {self.label} ({share})"

    def seconds_with(self, parameters: int, tensors: int) -> float:
        """What a step may take at another size; what is done with a matrix grows faster than the matrix."""
        times: float = (parameters / self.blocks.size) ** 1.5
        return self.python * tensors / len(self.blocks.parameters) + (self.own - self.python) * times


def _measured(subject: Subject, *, loops: bool) -> tuple[list[_Step], str]:
    """Its steps, and which sizes are skipped; one that loops takes the smallest alone, and all is Python."""
    a_tensor = math.inf if loops else _tensor_seconds(subject)
    steps: list[_Step] = []
    skipped = ""
    for label, width, n_blocks in SIZES:
        likely = steps[-1].seconds_with(12 * width**2 * n_blocks, 8 * n_blocks) if steps else 0.0
        if loops and steps:
            skipped += f", {label} skipped"
        elif likely > LATE_SECONDS:
            skipped += f", {label} skipped, where one may take {likely:.0f} s"
        else:
            steps.append(_timed(subject, label, width, n_blocks, a_tensor))
    return steps, skipped


def _said(steps: Sequence[_Step], floats: float, skipped: str) -> str:
    """What they take, in a sentence."""
    most = steps[-1]
    return (
        f"{floats:.1f} floats a parameter (AdamW 2.0); a step beside AdamW's: {', '.join(map(str, steps))}"
        f"{skipped}; {most.calls} operators for {len(most.blocks.parameters)} tensors"
    )


def _tensor_seconds(subject: Subject) -> float:
    """What a step takes by tensor, where there is nearly nothing in them."""
    tiny = Blocks.of(subject, *TINY)
    tiny.seconds(2, ROUND_SECONDS)
    return min(tiny.seconds(CYCLE, ROUND_SECONDS) for _ in range(ROUNDS)) / len(tiny.parameters)


def _timed(subject: Subject, label: str, width: int, n_blocks: int, a_tensor: float) -> _Step:
    """A step at one size, measured in turns with AdamW's."""
    blocks = Blocks.of(subject, width, n_blocks)
    adamw = Blocks.under(lambda params: torch.optim.AdamW(params, fused=True), width, n_blocks)
    started = time.thread_time()
    own, theirs = (each.seconds(1, ROUND_SECONDS) for each in (blocks, adamw))  # the state is made in it
    with Counter() as counter:
        blocks.step()
    if time.thread_time() - started < SLOW_SECONDS:
        pairs = [[each.seconds(CYCLE, ROUND_SECONDS) for each in (blocks, adamw)] for _ in range(ROUNDS)]
        own, theirs = (min(seconds) for seconds in zip(*pairs, strict=True))
    python = min(own, a_tensor * len(blocks.parameters))
    travels = 4 * blocks.size > CACHED
    traffic = min(own - python, counter.moved / blocks.bytes_per_second()) if travels else 0.0
    return _Step(label, blocks, own, theirs, python, traffic, counter.calls)


def _growth(subject: Subject) -> float:
    """Lines and operators of a step on larger tensors, in those on smaller ones."""
    width, n_blocks = TINY
    return _effort(subject, 4 * width, n_blocks).growth(_effort(subject, width, n_blocks))


def _effort(subject: Subject, width: int, n_blocks: int) -> Effort:
    """Of the third step, by pass where it takes some."""
    blocks = Blocks.of(subject, width, n_blocks)
    for _ in range(2):
        blocks.step()
    return effort(blocks.step, lambda: blocks.passes)


def _held(blocks: Blocks) -> float:
    """Floats a parameter after some more steps."""
    for _ in range(LEAK_STEPS):
        blocks.step()
    return blocks.state_bytes() / 4 / blocks.size


def _is_an_optimizer(subject: Subject) -> bool:
    return subject.component.slot == "optimizer"


RULES = (
    Rule(
        costs,
        slow=True,
        severity="warning",
        look="step",
        causes=("steps_as_the_slot_calls_it",),
    ),
)
