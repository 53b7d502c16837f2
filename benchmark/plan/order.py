"""The order of a study's data sets, fixed in advance by its seed."""

from __future__ import annotations

from collections.abc import Iterable

from benchmark.plan.seeds import derive

__all__ = ["halves", "task_order"]


def task_order(seed: int, origins: Iterable[str]) -> tuple[str, ...]:
    """Every origin once, in an order that ``seed`` fixes before any result is seen.

    Each has a place of its own (a hash of seed and name), so adding or removing one moves no other past
    another, and the order in which they are named does not matter.
    """
    return tuple(sorted(set(origins), key=lambda origin: (derive("order", seed, origin), origin)))


def halves(seed: int, origins: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The origins that select a candidate, and those that confirm it, alternating in :func:`task_order`.

    Of an odd number the confirming half, which the verdict rests on, gets one more.
    """
    ordered = task_order(seed, origins)
    return ordered[1::2], ordered[0::2]
