"""What differs between two published or noted studies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.errors import RequestError
from benchmark.publish.layout import STUDY

if TYPE_CHECKING:
    from benchmark.publish.around import Side
    from benchmark.publish.differences import Differences
    from benchmark.records.history import Note
    from benchmark.records.store import Store

__all__ = ["diff", "side_of"]

_LISTED = 8
"""Dates that a refusal names, the newest."""


def diff(before: str, after: str, overrides: Sequence[str] = ()) -> Differences:
    """What differs from one study to another.

    Parameters
    ----------
    before, after
        The place of a bundle; or the name of a study in the store, which means its newest report; or
        ``NAME@DATE``, its newest report on or before that date (UTC).
    overrides
        ``results_dir=…``, where the store is.

    Raises
    ------
    RequestError
        When there is no such bundle, study or report.
    """
    from benchmark.publish.differences import differences

    results = _results(overrides)
    return differences(*(_side(word, results) for word in (before, after)))


def _results(overrides: Sequence[str]) -> Path:
    results = Path("results")
    for word in overrides:
        name, _, value = word.partition("=")
        if name != "results_dir":
            raise RequestError(f"{word}: diff compares two things and takes results_dir=… beside them")
        results = Path(value)
    return results


def _side(word: str, results: Path) -> Side:
    place = Path(word)
    is_place = place.name != word or place.suffix == ".zip" or place.is_file() or (place / STUDY).exists()
    return _of_bundle(place) if is_place else _of_store(word, results)


def _of_bundle(place: Path) -> Side:
    from benchmark.api.noting import facts_of
    from benchmark.api.verifying import in_order, opened_bundle, planned_of
    from benchmark.publish.around import Side

    if (place / "study.lock").exists():
        raise RequestError(
            f"{place}: a folder of results and no bundle; say {place.name} results_dir={place.parent}"
        )
    bundle = opened_bundle(place)
    with in_order(place):
        facts = facts_of(planned_of(bundle.document, {}), bundle.document.code)
    return Side(str(place), bundle.records, bundle.verdict, environment=bundle.environments, **facts)


def _of_store(word: str, results: Path) -> Side:
    from benchmark.api.naming import newest_run
    from benchmark.records.store import open_store

    name, _, when = word.partition("@")
    study = newest_run(name, results).name
    with open_store(results, write=False) as store:
        return side_of(store, study, _note(word, when, store.history(study)))


def side_of(store: Store, study: str, note: Note) -> Side:
    """A study as one of its reports judged it."""
    from benchmark.publish.around import Side

    records = store.record_table(study, at=note.at)
    environment = store.provenance(study, at=note.at)
    return Side(f"{study}@{note.at}", records, note.verdict, environment=environment, **note.facts)


def _note(word: str, when: str, notes: Sequence[Note]) -> Note:
    """The newest note on or before a date or moment; without one the newest of all."""
    from benchmark.records.history import moment

    if not notes:
        raise RequestError(f"{word}: no report of it was noted; `swapbench report` writes one")
    dates = ", ".join(note.at for note in notes[-_LISTED:])
    there = f"it was reported at {'… ' if len(notes) > _LISTED else ''}{dates}"
    try:
        until = moment(when) if when else notes[-1].at
    except RequestError as error:
        raise RequestError(f"{word}: {error}; {there}") from error
    if found := [note for note in notes if note.at <= until]:
        return found[-1]
    raise RequestError(f"{word}: nothing was reported by then; {there}")
