"""What a night changed: new entrants, verdicts that turned and why, baselines that drifted, what broke."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from benchmark.publish.around import Around
from benchmark.publish.differences import Differences, Turn
from benchmark.publish.nights.drift import Drift
from benchmark.report.tables import escape_markdown
from benchmark.report.words import counted, label, p_value, percent

__all__ = ["Changes", "Entrance", "StudyChanges", "changes_of"]

_DATA = ("new data: ", "other protocol: ")
"""Beginnings of causes that may name a data set."""
_AROUND = ("protocol", "data", "split", "library", "harness", "hardware", "host")
"""Kinds of difference that are told of as such; components and arms are entrances."""
_TOLD = 3
"""Things of a kind that the line for a chat names in a study."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """A component that is new among those that are judged, has other code, or is gone."""

    component: str
    kind: str
    """``new``, ``changed`` or ``gone``."""
    verdicts: Mapping[str, str] = field(default_factory=dict)
    """By setting; of a baseline none."""


@dataclass(frozen=True, slots=True)
class StudyChanges:
    """What a night did to one study."""

    study: str
    status: str
    """``judged``; ``same``: nothing differs from what was told before; ``unfinished``: time ran out before
    anything could be judged; ``failed``."""
    reason: str = ""
    """Of a failure, one line."""
    executed: int = 0
    """Fits that the night computed."""
    left: int = 0
    """Fits that are still missing."""
    entrances: tuple[Entrance, ...] = ()
    flipped: tuple[Turn, ...] = ()
    drifts: tuple[Drift, ...] = ()
    around: tuple[str, ...] = ()
    """What else differs: ``library packages.torch: 2.12.0 → 2.13.0``."""
    failing: Mapping[str, int] = field(default_factory=dict)
    """Arms with fits that have another status than before, and how many."""
    broken: Mapping[str, str] = field(default_factory=dict)
    """Components that could not enter, with the reason."""
    waiting: tuple[str, ...] = ()
    """Candidates whose fits are not complete: they are judged by a later night."""
    held_back: bool = False

    @property
    def is_news(self) -> bool:
        """Whether somebody should look: a verdict turned, a baseline drifted, fits of one fail now."""
        return bool(self.flipped or self.drifts or self.failing)

    @property
    def is_done(self) -> bool:
        """Whether it was judged and nothing is left to do."""
        return self.status in ("judged", "same") and not (self.waiting or self.left)

    def public(self) -> StudyChanges:
        """The same without anything that may name a held-back data set."""
        if not self.held_back:
            return self
        return replace(
            self,
            reason="see the night's own changes.md" if self.reason else "",
            flipped=tuple(replace(turn, causes=_veiled(turn.causes)) for turn in self.flipped),
            drifts=tuple(replace(one, causes=_veiled(one.causes), largest=()) for one in self.drifts),
            around=tuple(what for what in self.around if what.startswith(("library", "harness", "hardware"))),
            broken=dict.fromkeys(self.broken, "see the night's own changes.md"),
        )


@dataclass(frozen=True, slots=True)
class Changes:
    """What a night changed."""

    at: str
    """When it began (UTC)."""
    seconds: float
    studies: tuple[StudyChanges, ...]

    @property
    def is_done(self) -> bool:
        """Whether every study was judged and nothing is left to do."""
        return all(study.is_done for study in self.studies)

    @property
    def is_news(self) -> bool:
        """Whether somebody should look."""
        return any(study.is_news for study in self.studies)

    def public(self) -> Changes:
        """The same without anything that may name a held-back data set."""
        return replace(self, studies=tuple(study.public() for study in self.studies))

    def summary(self) -> str:
        """One line for a chat, which names no held-back data set."""
        fits = sum(study.executed for study in self.studies)
        said = [f"{counted(len(self.studies), 'study', 'studies')}, {counted(fits, 'new fit')}"]
        for study in self.public().studies:
            parts = list(_in_short(study))
            if parts:
                said.append(f"{study.study}: {', '.join(parts)}")
        return "; ".join(said)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"schema": 1, "summary": self.summary(), **asdict(self)}

    def to_markdown(self) -> str:
        """For people; every name is escaped."""
        lines = [f"# Night of {self.at}", "", escape_markdown(self.summary()), ""]
        for study in self.studies:
            lines += [f"## {escape_markdown(study.study)}", "", *_in_full(study), ""]
        return "\n".join(lines)


def changes_of(found: Differences, drifts: Iterable[Drift] = ()) -> dict[str, Any]:
    """The fields of :class:`StudyChanges` that follow from the differences between two reports."""
    verdicts: dict[str, dict[str, str]] = {}
    for turn in found.verdicts:
        if turn.after is not None:
            verdicts.setdefault(turn.candidate, {})[turn.setting] = turn.after
    kinds = {**dict.fromkeys(_with_other_code(found.around), "changed"), **_moved_arms(found.around)}
    failing: dict[str, int] = {}
    for group in found.cells.groups:
        if group.role in ("candidate", "baseline") and (count := group.counts.get("status", 0)):
            failing[group.component] = failing.get(group.component, 0) + count
    return {
        "entrances": tuple(
            Entrance(name, kind, {} if kind == "gone" else verdicts.get(name, {}))
            for name, kind in sorted(kinds.items())
        ),
        "flipped": tuple(turn for turn in found.verdicts if turn.kind == "flipped"),
        "drifts": tuple(drifts),
        "around": tuple(
            f"{one.kind} {one.what}: {_value(one.before)} → {_value(one.after)}"
            for one in found.around
            if one.kind in _AROUND
        ),
        "failing": failing,
    }


def _moved_arms(around: Sequence[Around]) -> dict[str, str]:
    """Arms that came or went."""
    arms = [one for one in around if one.kind == "arm" and one.what.split(" ", 1)[0] != "reference"]
    return {one.what.split(" ", 1)[1]: "new" if one.before is None else "gone" for one in arms}


def _with_other_code(around: Sequence[Around]) -> set[str]:
    """Components whose own code or arguments differ: of ``slot.name of …: leaf`` the name."""
    places = (one.what.partition(": ")[0].partition(" of ")[0] for one in around if one.kind == "component")
    return {place.partition(".")[2] for place in places}


def _value(value: Any) -> str:
    return "none" if value is None else label(str(value), 60)


def _veiled(causes: Iterable[str]) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(cause.partition(":")[0] if cause.startswith(_DATA) else cause for cause in causes)
    )


def _in_short(study: StudyChanges) -> Iterator[str]:
    if study.status in ("failed", "unfinished"):
        yield study.status
    drifts = {one.arm: one for one in reversed(study.drifts)}
    for one in list(drifts.values())[:_TOLD]:
        yield f"{label(one.arm)} {one.kind} {percent(one.effect)}{_because(one.causes)}"
    turns = [
        f"{label(turn.candidate)} {turn.before} → {turn.after}{_because(turn.causes)}"
        for turn in study.flipped
    ]
    yield from list(dict.fromkeys(turns))[:_TOLD]  # once for all settings and baselines
    for arm, count in list(study.failing.items())[:_TOLD]:
        yield f"{counted(count, 'fit')} of {label(arm)} with another status"
    for kind in ("new", "gone"):
        if names := [label(one.component) for one in study.entrances if one.kind == kind]:
            more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
            yield f"{kind}: {' '.join(names[:_TOLD])}{more}"
    if study.broken:
        yield f"{counted(len(study.broken), 'component')} could not enter"
    if study.waiting:
        yield f"{counted(len(study.waiting), 'candidate')} waiting"


def _because(causes: Sequence[str]) -> str:
    return f" ({label(causes[0], 60)})" if causes else ""


def _in_full(study: StudyChanges) -> Iterator[str]:
    said = {"judged": "Judged", "same": "Nothing differs", "unfinished": "Unfinished", "failed": "Failed"}
    because = f": {escape_markdown(study.reason)}" if study.reason else ""
    yield f"{said[study.status]}{because}. {counted(study.executed, 'fit')} computed, {study.left} left."
    rows = list(_rows(study))
    if rows:
        yield ""
    yield from (f"- {row}" for row in rows)


def _rows(study: StudyChanges) -> Iterator[str]:
    escape = escape_markdown
    for one in study.drifts:
        floor = "no A/A floor" if one.floor is None else f"floor {percent(one.floor).lstrip('+')}"
        yield (
            f"**{one.kind}** of the baseline {escape(one.arm)} ({escape(one.setting)}): "
            f"{percent(one.effect)}, p {p_value(one.p)}, {floor}, {counted(one.origins, 'data set')}, "
            f"most on {escape(', '.join(f'{task} {percent(change)}' for task, change in one.largest))}, "
            f"held against {one.since}; {escape('; '.join(one.causes))}"
        )
    for turn in study.flipped:
        yield (
            f"**flipped**: {escape(turn.candidate)} against {escape(turn.baseline)} "
            f"({escape(turn.setting)}): {turn.before} ({percent(turn.effect_before)}) → "
            f"{turn.after} ({percent(turn.effect_after)}); {escape('; '.join(turn.causes))}"
        )
    for arm, count in study.failing.items():
        yield f"**status**: {counted(count, 'fit')} of {escape(arm)} with another status than before"
    for entrance in study.entrances:
        verdicts = ", ".join(f"{name}: {verdict}" for name, verdict in entrance.verdicts.items())
        yield f"{entrance.kind}: {escape(entrance.component)}{f' ({escape(verdicts)})' if verdicts else ''}"
    yield from (f"around: {escape(what)}" for what in study.around)
    yield from (f"could not enter: {escape(name)}: {escape(why)}" for name, why in study.broken.items())
    yield from (f"waiting: {escape(name)}" for name in study.waiting)
