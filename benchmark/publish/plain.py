"""Plain values from JSON that anybody may have written, and the one JSON text of some plain values."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from benchmark.errors import RequestError

__all__ = ["dumped", "loaded"]

_DEEPEST = 40
_LONGEST = 512 * 2**20
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{\]}]', re.DOTALL)


def dumped(values: Mapping[str, Any]) -> bytes:
    """The one JSON text of some plain values, in UTF-8 with a line's end.

    Raises
    ------
    ValueError
        Where a number is not finite.
    """
    text = json.dumps(values, indent=1, sort_keys=True, allow_nan=False)
    return f"{text}\n".encode()


def loaded(content: bytes, name: str) -> Mapping[str, Any]:
    """The mapping that a JSON text holds.

    Raises
    ------
    RequestError
        In one line that begins with ``name``: no JSON, no mapping, too deep or too long, a key that stands
        twice, a number that is not finite or too large to be a number of ours.
    """
    if len(content) > _LONGEST:
        raise RequestError(f"{name}: longer than {_LONGEST >> 20} MiB")
    if _depth(content) > _DEEPEST:
        raise RequestError(f"{name}: nested more than {_DEEPEST} deep")
    try:
        values = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=lambda pairs: _mapping(pairs, name),
            parse_constant=lambda word: _refused(f"{name}: {word} is no number"),
            parse_int=lambda digits: _integer(digits, name),
            parse_float=lambda digits: _float(digits, name),
        )
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{name}: not readable as JSON: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(values, Mapping):
        raise RequestError(f"{name}: expected a mapping of keys to values")
    return values


def _depth(content: bytes) -> int:
    """How deep brackets are nested, those inside strings left out."""
    return max(_depths(content), default=0)


def _depths(content: bytes) -> Iterator[int]:
    depth = 0
    for found in _BRACKETS.finditer(content):
        sign = found[0]
        if sign in (b"[", b"{"):
            depth += 1
            yield depth
        elif sign in (b"]", b"}"):
            depth -= 1


def _mapping(pairs: list[tuple[str, Any]], name: str) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise RequestError(f"{name}: the key {twice[:100]!r} stands there twice")
    return mapping


def _integer(digits: str, name: str) -> int:
    if len(digits) > 20 or not -(2**63) <= int(digits) < 2**64:
        raise RequestError(f"{name}: {digits[:40]} is too large a number")
    return int(digits)


def _float(digits: str, name: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise RequestError(f"{name}: {digits[:40]} is too large a number")
    return value


def _refused(said: str) -> Any:
    raise RequestError(said)
