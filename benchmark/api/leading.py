"""The leaderboard: finished studies of a store, or bundles, as a site."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.errors import RequestError

if TYPE_CHECKING:
    from benchmark.api.loading import LoadedStudy
    from benchmark.publish.site import Shown

__all__ = ["Site", "check_site", "leaderboard"]


@dataclass(frozen=True)
class Site:
    """What was written."""

    page: Path
    """The front page."""
    studies: tuple[str, ...]
    left_out: tuple[str, ...]
    """Studies that could not be shown, each with why, in a line."""
    files: int
    size: int
    """Bytes of all files."""


def leaderboard(
    places: Sequence[Path],
    out: Path,
    *,
    title: str = "Leaderboard",
    nights: Sequence[Mapping[str, Any]] = (),
    held_back: Collection[Path] = (),
) -> Site:
    """Write the site of every finished study of some stores and bundles.

    Parameters
    ----------
    places
        A folder of results (its finished studies), the folder of one study, or a bundle.
    out
        A folder; one that is there already must be a site, and is written anew, whole or not at all.
    nights
        What nights changed (``publish.nights.Changes.to_json``), the newest first.
    held_back
        Places of studies whose data sets are named nowhere, beside those that say so themselves.

    Raises
    ------
    RequestError
        When there is nothing to show, or ``out`` is something else than a site.
    """
    from benchmark.api.loading import load
    from benchmark.publish.archive import put
    from benchmark.publish.site import site_files

    check_site(out)
    loaded: dict[Path, LoadedStudy] = {}
    left_out = []
    for study in dict.fromkeys(study for place in places for study in _studies(place)):
        try:
            loaded[study] = load(study)
        except RequestError as error:
            left_out.append(str(error))
        except (KeyError, ValueError) as error:  # its records are of another question than its lock by now
            left_out.append(f"{study}: cannot be judged as it is asked now: {type(error).__name__}: {error}")
    if not loaded:
        raise RequestError("; ".join(left_out) or "there is no finished study to show")
    studies = [
        replace(study, held_back=study.held_back or place in held_back)
        for place, study in zip(loaded, _apart(loaded), strict=True)
    ]
    content = site_files(studies, title, nights)
    put(content, out)
    names = tuple(study.name for study in studies)
    return Site(out / "index.html", names, tuple(left_out), len(content), sum(map(len, content.values())))


def check_site(out: Path, said: str = "--out") -> None:
    """Refuse to write a site where something else is.

    Raises
    ------
    RequestError
        In one line, which begins with what ``said`` so.
    """
    from benchmark.publish.site import SITE_MARK

    if out.suffix == ".zip" or (out.exists() and not out.is_dir()):
        raise RequestError(f"{said} {out}: a folder is written, and this is the name of a file")
    if out.is_dir() and any(out.iterdir()) and not (out / SITE_MARK).is_file():
        raise RequestError(f"{said} {out}: is there already, and is no site (it has no {SITE_MARK})")


def _studies(place: Path) -> Iterator[Path]:
    """The places of the studies at a place."""
    if (place / "store.sqlite").is_file():
        found = sorted(lock.parent for lock in place.glob("*/study.lock"))
        if not found:
            raise RequestError(f"{place}: no study was run there; `swapbench run` runs one")
        yield from found
    else:
        yield place


def _apart(loaded: dict[Path, LoadedStudy]) -> list[Shown]:
    """What is shown of every study; those of one name are told apart by their places."""
    names = [study.name for study in loaded.values()]
    return [
        study.shown(study.name if names.count(study.name) == 1 else f"{study.name} ({place})")
        for place, study in loaded.items()
    ]
