"""Where two JSON documents differ: what a bundle says, and what its records give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmark.publish.mismatch import Mismatch
from benchmark.publish.verify.scores import near

__all__ = ["check_same"]


def check_same(file: str, found: Any, expected: Any, where: str = "") -> Iterator[Mismatch]:
    """Every place where ``found``, in ``file``, is not what was ``expected``; numbers may differ by 1e-9."""
    if isinstance(found, Mapping) and isinstance(expected, Mapping):
        for key in sorted({*found, *expected}):
            below = f"{where}.{key}" if where else str(key)
            if key not in found or key not in expected:
                sides = ("is missing", "something") if key not in found else ("is there", "nothing")
                yield Mismatch(file, below, *sides)
            else:
                yield from check_same(file, found[key], expected[key], below)
    elif isinstance(found, list) and isinstance(expected, list):
        if len(found) != len(expected):
            yield Mismatch(file, where, f"{len(found)} entries", str(len(expected)))
        for number, (one, other) in enumerate(zip(found, expected, strict=False)):
            yield from check_same(file, one, other, f"{where}[{_name(one, number)}]")
    elif _is_number(found) and _is_number(expected):
        if not near(found, expected):
            yield Mismatch(file, where, str(found), str(expected))
    elif type(found) is not type(expected) or found != expected:
        yield Mismatch(file, where, str(found)[:200], str(expected)[:200])


def _name(entry: Any, number: int) -> str:
    """How an entry of a list is called: by what it says of itself, else by its number."""
    if isinstance(entry, Mapping):
        if "id" in entry:
            return str(entry["id"])
        if {"candidate", "baseline", "setting"} <= entry.keys():
            return f"{entry['candidate']} against {entry['baseline']}, {entry['setting']}"
    return str(number)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
