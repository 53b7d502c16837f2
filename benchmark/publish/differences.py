"""What differs between two studies that have been judged: around the numbers, in them, in the verdicts."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmark.publish.around import Around, Side, around
from benchmark.publish.movements import KINDS, Cells, Group, cells_of
from benchmark.report.words import counted, label, number, percent, printable

__all__ = ["Differences", "Turn", "causes_of", "differences", "lines"]

_NUMBER = 1e-9
"""Relative difference up to which two numbers are one."""
_CAUSES = {
    "protocol": "other protocol",
    "data": "new data",
    "split": "new data",
    "task": "new data",
    "component": "new code",
    "library": "new library version",
    "harness": "other Swapbench",
    "hardware": "other hardware",
    "arm": "other arms",
    "host": "other hosts",
}
"""What a difference around the numbers makes likely, the likeliest first."""
_KINDS = tuple(_CAUSES)
_DIGEST = re.compile(r"[0-9a-f]{16,}")
_SHORT = {"error": "changed", "status": "of another status"}
"""What a kind of change is called in a list."""
_SHOWN = 12
"""Lines of one kind on a terminal."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What became of one comparison."""

    candidate: str
    baseline: str
    setting: str
    kind: str
    """``flipped`` (another verdict), ``moved`` (other numbers), ``added`` or ``gone``."""
    before: str | None
    """The verdict."""
    after: str | None
    effect_before: float | None
    effect_after: float | None
    causes: tuple[str, ...] = ()
    """What may have moved it, the likeliest first: ``new data``, ``new code: optimizer.radam``, …, ``noise``
    where nothing else differs. Empty for what was added or is gone."""


@dataclass(frozen=True)
class Differences:
    """All that differs from one side to another; false where nothing does.

    Cells under another key with the same outcome are no difference by themselves.
    """

    before: str
    after: str
    around: tuple[Around, ...]
    """The likeliest cause of another number first."""
    unknown: tuple[str, ...]
    """What could not be compared, because a side does not say it."""
    cells: Cells
    verdicts: tuple[Turn, ...]
    """Flipped ones first."""
    same_verdicts: int
    """Comparisons with the same verdict and numbers."""

    def __bool__(self) -> bool:
        return bool(self.around or self.cells or self.verdicts)

    def __str__(self) -> str:
        return "\n".join(lines(self))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "schema": 1,
            "before": self.before,
            "after": self.after,
            "differ": bool(self),
            "around": [asdict(one) for one in self.around],
            "unknown": list(self.unknown),
            "cells": self.cells.to_json(),
            "verdicts": [asdict(one) | {"causes": list(one.causes)} for one in self.verdicts],
            "same_verdicts": self.same_verdicts,
        }


def differences(before: Side, after: Side) -> Differences:
    """What differs from ``before`` to ``after``. Cells are matched by their coordinates, not by key."""
    found = tuple(sorted(around(before, after), key=lambda one: (_KINDS.index(one.kind), one.what)))
    cells = cells_of(before.records, after.records)
    turns, same = _turns(before, after, found, cells)
    sides = ("study", "tasks", "splits", "components", "environment")
    unknown = tuple(name for name in sides if None in (getattr(before, name), getattr(after, name)))
    return Differences(before.name, after.name, found, unknown, cells, tuple(turns), same)


def _turns(a: Side, b: Side, around: Sequence[Around], cells: Cells) -> tuple[list[Turn], int]:
    old, new = (_comparisons(side.verdict) for side in (a, b))
    turns, same = [], 0
    for name in sorted(old.keys() | new.keys()):
        sides = old.get(name), new.get(name)
        if None not in sides and _equal(*sides):
            same += 1
            continue
        verdicts = _verdict(sides[0]), _verdict(sides[1])
        kind = "added" if sides[0] is None else "gone" if sides[1] is None else "moved"
        if kind == "moved" and verdicts[0] != verdicts[1]:
            kind = "flipped"
        causes = causes_of(name[:2], around, cells) if kind in ("moved", "flipped") else ()
        turns.append(Turn(*name, kind, *verdicts, _effect(sides[0]), _effect(sides[1]), causes))
    return sorted(turns, key=lambda one: ("flipped", "moved", "added", "gone").index(one.kind)), same


def _comparisons(verdict: Mapping[str, Any]) -> dict[tuple[str, str, str], Mapping[str, Any]]:
    """The comparisons by candidate, baseline and setting, without what is volatile."""
    found = verdict.get("comparisons")
    return {
        (str(one.get("candidate")), str(one.get("baseline")), str(one.get("setting"))): {
            key: value for key, value in one.items() if key != "volatile"
        }
        for one in (found if isinstance(found, (list, tuple)) else ())
        if isinstance(one, Mapping)
    }


def _verdict(comparison: Mapping[str, Any] | None) -> str | None:
    return None if comparison is None else str(comparison.get("verdict"))


def _effect(comparison: Mapping[str, Any] | None) -> float | None:
    effect = (comparison or {}).get("effect")
    mean = effect.get("mean") if isinstance(effect, Mapping) else None
    return float(mean) if isinstance(mean, (int, float)) else None


def _equal(a: Any, b: Any) -> bool:
    """Whether two plain values are equal, numbers within rounding."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(_equal, a, b))
    if isinstance(a, float) or isinstance(b, float):
        numbers = isinstance(a, (int, float)) and isinstance(b, (int, float))
        return numbers and (math.isclose(a, b, rel_tol=_NUMBER, abs_tol=1e-12) or (a != a and b != b))
    return bool(a == b)


def causes_of(arms: Collection[str], around: Sequence[Around], cells: Cells) -> tuple[str, ...]:
    """What may have moved these arms, the likeliest first: their own code before everything else.

    ``around`` has the likeliest kind first, as :class:`Differences` has it; ``noise`` where nothing differs.
    """
    own: list[str] = []
    rest: list[str] = []
    parts = {part for arm in arms for part in arm.split("+")}
    for one in around:
        if one.kind == "component":
            whole = one.what.partition(": ")[0]
            of_arm = whole.partition(" of ")[0].partition(".")[2] in parts
            (own if of_arm else rest).append(f"new code: {whole}")
        else:
            rest.append(f"{_CAUSES[one.kind]}: {one.what}")
    if not own and not any(one.kind == "library" for one in around):
        own = [f"new code: {arm}" for arm in _rekeyed_alone(arms, cells)]
    return tuple(dict.fromkeys([*own, *rest])) or ("noise",)


def _rekeyed_alone(arms: Collection[str], cells: Cells) -> list[str]:
    """Those of the arms whose keys changed while those of another arm did not: it is their code."""
    return sorted(set(arms) & cells.rekeyed) if cells.arms - cells.rekeyed else []


def lines(found: Differences) -> list[str]:
    """The differences for a terminal, each on one line of printable characters."""
    said = [f"{label(found.before, 60)} → {label(found.after, 60)}"]
    if not found:
        again = found.cells.counts["recomputed"]
        said.append(
            f"No difference: {counted(found.cells.counts['same'] + again, 'cell')} and "
            f"{counted(found.same_verdicts, 'verdict')} the same"
            + (f"; {counted(again, 'cell')} computed again under another key" if again else "")
        )
    if found.around:
        said += ["", "Around the numbers"]
        said += [f"  {one.kind}: {label(one.what, 60)}: {_value(one)}" for one in found.around[:_SHOWN]]
        said += _more(len(found.around))
    if found.unknown:
        said.append(f"  not compared, one side does not say: {', '.join(found.unknown)}")
    if found.cells:
        said += ["", "Cells", *_cell_lines(found.cells)]
    if found.verdicts:
        same = f", {found.same_verdicts} the same" if found.same_verdicts else ""
        said += ["", f"Verdicts{same}", *map(_turn_line, found.verdicts[:_SHOWN])]
        said += _more(len(found.verdicts))
    return said


def _value(one: Around) -> str:
    if one.before is None or one.after is None:
        return "only afterwards" if one.before is None else "only before"
    return " → ".join(_shown(value) for value in (one.before, one.after))


def _shown(value: Any) -> str:
    """A value in short: of a digest its beginning, of several all of them."""
    if isinstance(value, list):
        return " or ".join(map(_shown, value)) or "none"
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return label(text[:8] if _DIGEST.fullmatch(text) else text, 40)


def _more(count: int) -> list[str]:
    return [f"  … and {count - _SHOWN} more; --json has them all"] if count > _SHOWN else []


def _cell_lines(cells: Cells) -> Iterator[str]:
    for kind, meaning in KINDS.items():
        if count := cells.counts[kind]:
            yield f"  {counted(count, 'cell')}: {meaning}"
    if cells.same_key:
        yield f"  {cells.same_key} of the changed ones under the same key: not every run gives the same here"
    if cells.counts["error"]:
        floor = "no A/A arms to hold them against"
        if cells.beyond is not None:
            floor = f"{cells.beyond} of {cells.counts['error']} changed errors beyond the A/A floor"
        yield f"  {floor}"
    yield from map(_group_line, cells.groups[:_SHOWN])
    yield from _more(len(cells.groups))


def _group_line(group: Group) -> str:
    counts = ", ".join(f"{count} {_SHORT.get(kind, kind)}" for kind, count in group.counts.items())
    line = f"  {group.role} {label(group.component)} on {label(group.task)}: {counts}"
    if (largest := group.largest) is None:
        return printable(line)
    at = largest.coordinate
    where = ", ".join(f"{name} {label(str(at[name]))}" for name in ("host", "repeat", "fold", "seed"))
    moved = f"{number(largest.before)} → {number(largest.after)} ({percent(largest.change)})"
    return printable(f"{line}; most {moved} at {where}, {at['setting']}")


def _turn_line(turn: Turn) -> str:
    name = f"{label(turn.candidate)} against {label(turn.baseline)}, {label(turn.setting)}"
    effects = f"{percent(turn.effect_before)} → {percent(turn.effect_after)}"
    verdicts = turn.before if turn.before == turn.after else f"{turn.before} → {turn.after}"
    if turn.kind in ("added", "gone"):
        verdicts, effects = turn.after or turn.before, percent(turn.effect_after or turn.effect_before)
    causes = f"; likely {'; '.join(label(cause, 60) for cause in turn.causes[:3])}" if turn.causes else ""
    return printable(f"  {turn.kind}: {name}: {label(str(verdicts), 40)} ({effects}){causes}")
