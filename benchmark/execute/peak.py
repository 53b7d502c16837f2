"""What this machine can do at most, measured: what a fit achieves is a share of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import torch

from benchmark.execute.counting import Counter
from benchmark.execute.devices import clock, empty_cache

__all__ = ["Peak", "machine_peak"]

_SIDE = {"cpu": 768, "cuda": 8192}
"""Of the matrices that are multiplied: large enough that nothing but the product takes time."""
_TRIES, _LINKS = 5, 100
_LONG_ENOUGH = 0.06
"""Seconds for which a measurement is repeated at most, beyond its first two tries."""


@dataclass(frozen=True)
class Peak:
    """Of one thread with its threads pinned as a worker's are, or of one GPU."""

    flops: float
    """Float32 operations per second of a large matrix product."""
    call_seconds: float
    """What an operator takes in training, forwards or backwards, that has nearly nothing to compute."""


@cache
def machine_peak(device: str = "cpu") -> Peak:
    """What this process reaches on ``device`` (``cpu`` or ``cuda``); measured once, in a fifth of a second.

    Each is the fastest of a few tries, and on a CPU of this thread's own time: whatever else happens on the
    machine only makes it slower.
    """
    try:
        return Peak(_flops(device), _call_seconds(device))
    finally:
        empty_cache(device)


def _flops(device: str) -> float:
    side = _SIDE[device]
    matrix = torch.full((side, side), 0.5, device=device)
    product = torch.empty_like(matrix)
    return 2 * side**3 / _fastest(lambda: torch.mm(matrix, matrix, out=product), device)


def _call_seconds(device: str) -> float:
    few = torch.full((16,), 0.5, device=device, requires_grad=True)
    with Counter() as counter:
        _chain(few)
    return _fastest(lambda: _chain(few), device) / float(counter.calls)


@torch.enable_grad()
def _chain(few: torch.Tensor) -> None:
    """Many small operators in a row, and their gradients."""
    value = few
    for _ in range(_LINKS):
        value = value.tanh()
    torch.autograd.grad(value.sum(), few)


def _fastest(run: Callable[[], object], device: str) -> float:
    """Seconds of the fastest of a few tries, fewer where one is slow; the first one warms up."""
    now = time.thread_time if device == "cpu" else partial(clock, device)
    with torch.no_grad():
        run()
        best, began = float("inf"), now()
        for number in range(_TRIES):
            started = now()
            run()
            best = min(best, now() - started)
            if number and now() - began > _LONG_ENOUGH:
                break
    return best
