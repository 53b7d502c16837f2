"""A night: what is missing of standing studies is run, they are judged, what changed is told and shown."""

from __future__ import annotations

import datetime
import json
import shutil
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.errors import RequestError

if TYPE_CHECKING:
    from benchmark.publish.nights import Changes, Log, Night, Watched

__all__ = ["Tonight", "nightly"]

_NIGHTS_SHOWN = 60
"""Nights that the site tells of, the newest."""


@dataclass(frozen=True)
class Tonight:
    """How a night went."""

    changes: Changes
    folder: Path
    """Where ``changes.md`` and ``changes.json`` are."""
    site: Path | None
    """The front page; None where none was written."""
    left_out: tuple[str, ...] = ()
    """Why a study is not on the site, a line each."""


def nightly(
    file: Path,
    *,
    budget_seconds: float | None = None,
    say: Callable[[str], object] = print,
) -> Tonight | None:
    """Bring the studies that a file lists up to date; None where another night is at it.

    Whatever is computed is kept at once. A night that dies tells nothing, and the next one finishes it and
    tells what both have changed. One study that fails leaves the others alone.

    Parameters
    ----------
    budget_seconds
        For all fits of the night; what the file says unless given.
    say
        Is told which study is next.

    Raises
    ------
    RequestError
        When the file makes no sense, or the site's place is something else than a site.
    """
    from benchmark.api.leading import check_site
    from benchmark.publish.nights import read_watched
    from benchmark.records.leases import alone

    watched = read_watched(file)
    if watched.site:
        check_site(watched.folder / watched.site, "site")
    watched.results.mkdir(parents=True, exist_ok=True)
    budget = watched.budget_seconds if budget_seconds is None else budget_seconds
    with alone(watched.results / "nightly.lock") as ours:
        return _night(watched, budget, say) if ours else None


def _night(watched: Watched, budget: float | None, say: Callable[[str], object]) -> Tonight:
    from benchmark.api.standing import Told, bring_up_to_date
    from benchmark.publish.nights import Changes, Log, Night, StudyChanges

    start, at = time.monotonic(), datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    log = Log(watched.results)
    last = ([Night("", ""), *log.nights()])[-1]
    told: dict[str, Told] = {}
    for study in sorted(
        watched.studies, key=lambda one: last.reported.get(one.name, "")
    ):  # longest not judged
        say(study.name)
        left = None if budget is None else max(0.0, budget - (time.monotonic() - start))
        before = Told.of(last, study.name)
        try:
            told[study.name] = bring_up_to_date(watched, study, before, left)
        except RequestError as error:
            told[study.name] = before.failed(study, str(error))
        except Exception as error:  # an unattended night tells of it, and goes on with the other studies
            traceback.print_exc()
            said = " ".join(f"{type(error).__name__}: {error}".split())
            told[study.name] = before.failed(study, said)
    changes = Changes(
        at,
        round(time.monotonic() - start, 1),
        tuple(told[study.name].changes or StudyChanges(study.name, "same") for study in watched.studies),
    )
    folder = watched.results / "nights" / at.replace(":", "")
    _write(folder, changes)
    site, left_out = _site(watched, log, changes) if watched.site else (None, ())
    # A study that is off the list tonight may come back.
    reported = {**last.reported, **{name: one.reported for name, one in told.items() if one.reported}}
    anchors = {**last.anchors, **{name: one.anchors for name, one in told.items()}}
    log.add(Night(at, changes.summary(), reported, anchors))
    return Tonight(changes, folder, site, left_out)


def _write(folder: Path, changes: Changes) -> None:
    """What the night changed, for its owner; ``public.json`` is what the site tells of it."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "changes.md": changes.to_markdown(),
        "changes.json": json.dumps(changes.to_json(), indent=1) + "\n",
        "public.json": json.dumps(changes.public().to_json(), indent=1) + "\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", errors="replace")


def _site(watched: Watched, log: Log, changes: Changes) -> tuple[Path | None, tuple[str, ...]]:
    """Write the site of the studies that were ever judged, with what its nights changed."""
    from benchmark.api.leading import leaderboard

    places = {watched.results / study.name: study.held_back for study in watched.studies}
    there = [place for place in places if (place / "study.lock").is_file()]
    hidden = [place for place in there if places[place]]  # whatever their last report was allowed to say
    past = [found for night in log.nights()[-_NIGHTS_SHOWN:] if (found := _told(watched, night))]
    nights = [changes.public().to_json(), *reversed(past)]
    out = watched.folder / watched.site
    try:
        site = leaderboard(there, out, title=watched.title, nights=nights, held_back=hidden)
    except RequestError as error:
        if hidden and out.is_dir():  # what is there may name what nobody is to know
            shutil.rmtree(out)
        return None, (str(error),)
    return site.page, site.left_out


def _told(watched: Watched, night: Night) -> Mapping[str, Any] | None:
    """What the site told of a night; None where it is gone, or told of a study that is held back since."""
    file = watched.results / "nights" / night.at.replace(":", "") / "public.json"
    hidden = {study.name for study in watched.studies if study.held_back}
    try:
        told: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        open_then = {study["study"] for study in told["studies"] if not study["held_back"]}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None if open_then & hidden else told
