"""The names in a composed study, and what they are made of: arms of two slots, hosts of a width."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.errors import RequestError, nearest
from benchmark.spec import FAMILIES, SLOTS

__all__ = ["hosts_of", "list_of", "names_of", "parts_of", "slots_of"]


def slots_of(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The slot that the study varies, or the two whose interaction it is about.

    Raises
    ------
    RequestError
        For what is no slot, more than two, or two that no family of pipelines has both.
    """
    value = config.get("slot")
    slots = tuple(str(slot) for slot in (value if isinstance(value, list) else [value]))
    for slot in slots:
        if slot not in SLOTS:
            raise RequestError(f"slot={slot}: there is no such slot; {nearest(slot, SLOTS)}")
    if len(slots) not in (1, 2) or len(set(slots)) < len(slots):
        raise RequestError(f"slot=[{','.join(slots)}]: expected one slot, or two different ones")
    if not any(set(slots) <= set(family) for family in FAMILIES.values()):
        raise RequestError(f"slot=[{','.join(slots)}]: no pipeline has both {' and '.join(slots)}")
    return slots


def names_of(config: Mapping[str, Any]) -> dict[str, list[str]]:
    """Candidates, baselines, hosts and references by these words; the featureless reference is always one.

    Raises
    ------
    RequestError
        For an empty list, and for a name that stands where it cannot.
    """
    slots = slots_of(config)
    names = {key: list_of(config, key) for key in ("candidates", "baselines", "references")}
    names["hosts"] = list(hosts_of(config))
    for key in ("candidates", "baselines", "hosts"):
        if not names[key]:
            raise RequestError(f"{key}: a study needs at least one")
    for key in ("candidates", "baselines"):
        for name in names[key]:
            parts_of(name, slots)
    if both := set(names["candidates"]) & set(names["baselines"]):
        raise RequestError(f"candidates: '{sorted(both)[0]}' is a baseline too")
    if "featureless" not in names["references"]:
        names["references"].append("featureless")  # the judge needs it to put a number on a failure
    return names


def parts_of(arm: str, slots: Sequence[str]) -> tuple[str, ...]:
    """What an arm puts into each of the study's slots: its own name, or ``radam+cosine`` for two.

    Raises
    ------
    RequestError
        For an arm of a study of two slots that does not name two components.
    """
    if len(slots) == 1:
        return (arm,)
    parts = tuple(arm.split("+"))
    if len(parts) != len(slots) or not all(parts):
        wanted = "+".join(slot.upper() for slot in slots)
        raise RequestError(f"'{arm}': this study varies {' and '.join(slots)}; write {wanted}")
    return parts


def hosts_of(config: Mapping[str, Any]) -> dict[str, tuple[str, int | None]]:
    """The pipeline and the width of every host, by its name: ``mlp@64``, or ``mlp`` at each of ``widths``.

    Raises
    ------
    RequestError
        For a width that is no whole number.
    """
    widths = config.get("widths")
    sizes = widths if isinstance(widths, list) else [] if widths is None else [widths]
    wrong = [s for s in sizes if not isinstance(s, int) or isinstance(s, bool) or not 0 < s < 10**7]
    if wrong or len(set(sizes)) < len(sizes):
        raise RequestError(f"widths={widths}: expected different whole numbers such as [32,64,128]")
    hosts: dict[str, tuple[str, int | None]] = {}
    for name in list_of(config, "hosts"):
        if sized := re.fullmatch(r"(.+)@(.*)", name):
            if not re.fullmatch(r"[1-9]\d{0,6}", sized[2]):
                raise RequestError(f"hosts: '{name}': expected a width from 1, as in {sized[1]}@64")
            hosts[name] = (sized[1], int(sized[2]))
        elif sizes:
            hosts |= {f"{name}@{size}": (name, size) for size in sizes}
        else:
            hosts[name] = (name, None)
    return hosts


def list_of(config: Mapping[str, Any], key: str) -> list[str]:
    """A list of different names.

    Raises
    ------
    RequestError
        For anything else.
    """
    value = config.get(key)
    if not isinstance(value, list):
        raise RequestError(f"{key}: expected a list such as [a,b], got {value!r}")
    if wrong := [item for item in value if isinstance(item, (dict, list)) or item in (None, "")]:
        raise RequestError(f"{key}: expected names, got {wrong[0]!r}")
    names = [str(item) for item in value]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise RequestError(f"{key}: '{sorted(repeated)[0]}' stands there twice")
    return names
