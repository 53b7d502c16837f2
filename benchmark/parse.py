"""From a mapping, as YAML gives it, to a frozen dataclass, or one clear line about what is wrong."""

from __future__ import annotations

import dataclasses
import math
import re
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from benchmark.errors import RequestError, nearest

__all__ = ["check_keys", "duration", "read"]

T = TypeVar("T")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smh]?)")


def duration(text: str) -> float:
    """The seconds of ``90``, ``90s``, ``30m`` or ``2h``.

    Raises
    ------
    ValueError
        For anything else; it says what to write.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no time; write 90s, 30m or 2h")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def check_keys(mapping: Any, allowed: Sequence[str], where: str) -> None:
    """Refuse anything that is not a mapping with keys out of ``allowed``.

    Raises
    ------
    RequestError
        Names the place, the key and the nearest allowed one.
    """
    if not isinstance(mapping, Mapping):
        keys = f" with the keys {', '.join(allowed)}" if allowed else ""
        raise RequestError(f"{where}: expected a mapping{keys}, got {mapping!r}")
    for key in mapping:
        if key not in allowed:
            raise RequestError(f"{where}: unknown key '{key}'; {nearest(str(key), allowed)}")


def read(cls: type[T], mapping: Any, where: str, **given: Any) -> T:
    """An instance of the dataclass ``cls`` from ``mapping``, every value checked against its annotation.

    Parameters
    ----------
    cls
        A frozen dataclass of :mod:`benchmark.spec`.
    mapping
        Keys are field names; missing ones take the field's default.
    where
        The file and key to name in messages.
    given
        Fields that the caller knows already; ``mapping`` may not set them.

    Raises
    ------
    RequestError
        For an unknown or missing key, or a value of the wrong type.
    """
    hints = typing.get_type_hints(cls)
    fields = [field for field in dataclasses.fields(cls) if field.name not in given]  # type: ignore[arg-type]
    check_keys(mapping, [field.name for field in fields], where)
    values = dict(given)
    for field in fields:
        if field.name in mapping:
            values[field.name] = _value(hints[field.name], mapping[field.name], f"{where}: {field.name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise RequestError(f"{where}: the key '{field.name}' is missing")
    return cls(**values)


def _value(hint: Any, value: Any, where: str) -> Any:
    """``value`` as ``hint`` wants it; ints pass for floats, lists for tuples, numbers for strings."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        return _value(_alternative(args, value), value, where)
    if dataclasses.is_dataclass(hint):
        return read(typing.cast(type[Any], hint), value, where)
    if origin is tuple:
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise RequestError(f"{where}: expected a list, got {value!r}")
        return tuple(_value(args[0], item, where) for item in value)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise RequestError(f"{where}: expected a mapping, got {value!r}")
        return {str(key): _value(args[1], item, f"{where}.{key}") for key, item in value.items()}
    return _scalar(hint, value, where)


def _alternative(args: Sequence[Any], value: Any) -> Any:
    """Which of a union ``value`` is meant to be: of several dataclasses the first that has all its keys."""
    known = [arg for arg in args if arg is not type(None)]
    keys = set(value) if isinstance(value, Mapping) else set()
    fits = (
        arg
        for arg in known
        if dataclasses.is_dataclass(arg) and keys <= {field.name for field in dataclasses.fields(arg)}
    )
    return next(fits, known[0])


def _scalar(hint: Any, value: Any, where: str) -> Any:
    if hint is float and isinstance(value, str):
        # YAML 1.1 reads 1e-3 (no dot) as text; people write it all the same.
        value = _number(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if hint is str and isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        kinds = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
        raise RequestError(f"{where}: expected {kinds.get(hint, hint)}, got {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise RequestError(f"{where}: expected a finite number, got {value!r}")
    return value


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
