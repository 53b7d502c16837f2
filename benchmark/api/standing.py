"""A standing study in one night: who enters today, what is missing of them, a verdict, what that changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from benchmark.api.planning import PlannedStudy, members_of, plan_study
from benchmark.api.running import run
from benchmark.catalog import Catalog, open_catalog
from benchmark.errors import RequestError
from benchmark.resolve.compose import as_override

if TYPE_CHECKING:
    from benchmark.execute.engine import Progress
    from benchmark.publish.around import Side
    from benchmark.publish.nights import Drift, Night, StandingStudy, StudyChanges, Watched
    from benchmark.records.history import Note
    from benchmark.records.store import Store

__all__ = ["Told", "bring_up_to_date"]


@dataclass(frozen=True)
class Told:
    """What has been told of a study, and what a night has to tell of it."""

    reported: str
    """When the report was judged whose changes have been told; empty before the first."""
    anchors: Mapping[str, str]
    """By baseline, when the report was judged that it is held against for drift."""
    changes: StudyChanges | None = None

    @classmethod
    def of(cls, last: Night, study: str) -> Told:
        """What was told by the end of a night."""
        return cls(last.reported.get(study, ""), last.anchors.get(study, {}))

    def failed(self, study: StandingStudy, reason: str) -> Told:
        """That it failed; the rest is for another night to tell."""
        from benchmark.publish.nights import StudyChanges

        return replace(self, changes=StudyChanges(study.name, "failed", reason, held_back=study.held_back))


def bring_up_to_date(
    watched: Watched, study: StandingStudy, before: Told, budget_seconds: float | None
) -> Told:
    """Run what is missing of a study within a budget, judge what is complete, say what that changed.

    Raises
    ------
    RequestError
        When nothing of it can be planned or judged.
    """
    from benchmark.api.reporting import write_report
    from benchmark.api.stages import complete
    from benchmark.publish.nights import StudyChanges
    from benchmark.records.store import open_store

    planned, broken = _planned(watched, study)
    progress = _run(planned, budget_seconds)
    if progress.stopped == "interrupted":
        raise KeyboardInterrupt
    with open_store(planned.resolved.results_dir, write=False) as store:
        able = complete(planned, store) if progress.left else list(planned.study.candidates)
        known = _Notes(planned.name, store).candidates(before.reported)
    changes = StudyChanges(
        study.name,
        "unfinished",
        executed=progress.executed,
        left=progress.left,
        broken=broken,
        waiting=tuple(name for name in planned.study.candidates if name not in able),
        held_back=study.held_back,
    )
    if not able or {*known, planned.study.primary} & set(changes.waiting):
        return replace(before, changes=changes)  # nobody leaves the board because time ran out
    if changes.waiting:
        planned = plan_study([*planned.asked, _candidates(able)], watched.roots)
    write_report(planned, standing=True, held_back=study.held_back)
    with open_store(planned.resolved.results_dir, write=False) as store:
        return _compared(planned, store, before, changes, len(watched.studies))


def _planned(watched: Watched, study: StandingStudy) -> tuple[PlannedStudy, dict[str, str]]:
    """The study with all entrants that can be, and why the others cannot."""
    overrides = [
        *watched.overrides,
        *study.overrides,
        f"name={as_override(study.name)}",
        f"results_dir={as_override(str(watched.results))}",
    ]
    catalog = open_catalog(watched.roots)
    names = _entrants(catalog, overrides, study)
    broken: dict[str, str] = {}
    try:
        planned = plan_study([*overrides, _candidates(names)], watched.roots)
    except Exception:  # a file of an entrant may be anything
        broken = _broken(catalog, watched, overrides, names)
        if not broken or len(broken) == len(names):
            raise
        able = [name for name in names if name not in broken]
        planned = plan_study([*overrides, _candidates(able)], watched.roots)
    return planned, broken


def _entrants(catalog: Catalog, overrides: Sequence[str], study: StandingStudy) -> list[str]:
    """The candidates of tonight; none of their files is read."""
    from benchmark.config import compose
    from benchmark.resolve.compose import overrides_a_component
    from benchmark.resolve.names import names_of, slots_of

    config = compose(catalog.roots, [item for item in overrides if not overrides_a_component(item)])
    names, slots = names_of(config), slots_of(config)
    if study.entrants == "named":
        return names["candidates"]
    if len(slots) > 1:
        raise RequestError(f"{study.name}: entrants: all is for a study of one slot; name the candidates")
    not_one = {*names["baselines"], "featureless"}
    return [name for name in catalog.names(slots[0]) if name not in not_one]


def _candidates(names: Iterable[str]) -> str:
    return f"candidates=[{','.join(map(as_override, names))}]"


def _broken(
    catalog: Catalog, watched: Watched, overrides: Sequence[str], names: Sequence[str]
) -> dict[str, str]:
    """The entrants that cannot be read alone, with the reason."""
    from benchmark.resolve.study import resolve_study

    found = {}
    for name in names:
        try:
            alone = [*overrides, _candidates([name]), "primary=null"]
            resolve_study(catalog, alone, members_of, watched.roots)
        except Exception as error:  # whatever is in its file
            said = str(error) if isinstance(error, RequestError) else f"{type(error).__name__}: {error}"
            found[name] = " ".join(said.split())[:500]
    return found


def _run(planned: PlannedStudy, budget_seconds: float | None) -> Progress:
    from benchmark.api.linking import left_of
    from benchmark.execute.engine import Progress
    from benchmark.records.store import open_store

    if budget_seconds is None or budget_seconds > 0:
        return run(planned, budget_seconds=budget_seconds, standing=True)
    with open_store(planned.resolved.results_dir, write=True) as store:  # other studies have used it all
        return Progress(0, 0.0, "budget", left_of(planned.plan, store))


def _compared(planned: PlannedStudy, store: Store, before: Told, changes: StudyChanges, studies: int) -> Told:
    """What the report that was just written changed; ``studies`` are watched tonight."""
    from benchmark.publish.differences import differences
    from benchmark.publish.nights import Entrance, changes_of

    notes = _Notes(planned.name, store)
    now = notes.last
    drifts, anchors = _drifts(planned, notes, before.anchors, studies)
    told = Told(now.at, anchors)
    if before.reported not in notes.by_at:
        compared = [(one["candidate"], one["setting"], one["verdict"]) for one in now.verdict["comparisons"]]
        new = tuple(
            Entrance(name, "new", {setting: verdict for who, setting, verdict in compared if who == name})
            for name in dict.fromkeys(who for who, *_ in compared)
        )
        return replace(told, changes=replace(changes, status="judged", entrances=new))
    if before.reported == now.at and not drifts:
        return replace(told, changes=replace(changes, status="same"))
    found = differences(notes.side(before.reported), notes.side(now.at))
    return replace(told, changes=replace(changes, status="judged", **changes_of(found, drifts)))


class _Notes:
    """The reports of a study, each read once."""

    def __init__(self, study: str, store: Store) -> None:
        self._study, self._store = study, store
        self._sides: dict[str, Side] = {}
        self.by_at = {note.at: note for note in store.history(study)}

    @property
    def last(self) -> Note:
        """The newest."""
        return list(self.by_at.values())[-1]

    def candidates(self, at: str) -> set[str]:
        """Who was a candidate in a report; nobody where there is no such report."""
        return set(self.by_at[at].facts["study"]["candidates"]) if at in self.by_at else set()

    def side(self, at: str) -> Side:
        """The study as it was judged then."""
        from benchmark.api.diffing import side_of

        if at not in self._sides:
            self._sides[at] = side_of(self._store, self._study, self.by_at[at])
        return self._sides[at]


def _drifts(
    planned: PlannedStudy, notes: _Notes, anchors: Mapping[str, str], studies: int
) -> tuple[list[Drift], dict[str, str]]:
    """The baselines that are no longer what they were, and what each is held against from now on.

    A baseline is held against one report until it has drifted away from it, so that many small steps are seen
    as well, and each drift is told once. ``studies`` is how many of them the night asks.
    """
    from benchmark.publish.differences import causes_of, differences
    from benchmark.publish.nights import drift, moved_settings

    now, protocol = notes.last, planned.study.protocol
    kept = {
        arm: at
        for arm, at in anchors.items()
        if arm in planned.study.baselines and at in notes.by_at and _same_rules(notes.by_at[at], now)
    }
    sides = {arm: (notes.side(at), notes.side(now.at)) for arm, at in kept.items() if at != now.at}
    asked = [
        (arm, setting)
        for arm, (then, today) in sides.items()
        for setting in moved_settings(then.records, today.records, arm)
    ]
    found: list[Drift] = []
    for arm, setting in asked:
        then, today = (side.records for side in sides[arm])
        rule: dict[str, Any] = {"rope": protocol.rope, "asked": studies * len(asked)}
        one = drift(then, today, arm, setting, since=kept[arm], **rule)
        if one is not None:
            between = differences(*sides[arm])
            around = [what for what in between.around if what.kind != "arm"]  # which no arm is moved by
            found.append(replace(one, causes=causes_of([arm], around, between.cells)))
    gone = {one.arm for one in found}
    return found, {arm: now.at if arm in gone else kept.get(arm, now.at) for arm in planned.study.baselines}


def _same_rules(then: Note, now: Note) -> bool:
    """Whether what is asked now was all asked then: by one protocol, in the same hosts, on the same data."""
    rules: list[tuple[Any, ...]] = [
        tuple(note.facts["study"].get(key) for key in ("protocol", "seed", "metric", "hosts", "widths"))
        for note in (then, now)
    ]
    same = (now.facts[part].items() <= then.facts[part].items() for part in ("tasks", "splits"))
    return rules[0] == rules[1] and all(same)
