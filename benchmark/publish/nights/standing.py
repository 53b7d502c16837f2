"""The studies that a night keeps up to date, as a YAML file names them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from benchmark.errors import RequestError, nearest
from benchmark.parse import check_keys, duration, read

__all__ = ["StandingStudy", "Watched", "read_watched"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")
_RESERVED = ("nights",)
"""Names of folders beside those of studies."""
_ENTRANTS = ("named", "all")
_OURS = ("name", "results_dir")
"""What overrides may not say, since the file does."""


@dataclass(frozen=True)
class StandingStudy:
    """A study whose question stays while entrants come and go."""

    name: str
    """Of its folder of results."""
    overrides: tuple[str, ...] = ()
    """What ``swapbench run`` would be told, without name= and results_dir=."""
    entrants: str = "named"
    """``named``: the candidates that the study or its overrides name; ``all``: every component of its slot in
    the catalog that is no baseline of it."""
    held_back: bool = False
    """Whether its data sets are known to the night alone: of it the site has verdicts only."""


@dataclass(frozen=True)
class Watched:
    """All that a night is told. Places are relative to the folder of the file."""

    studies: tuple[StandingStudy, ...]
    results_dir: str = "results"
    site: str = ""
    """Where the leaderboard is written; empty: nowhere."""
    title: str = "Leaderboard"
    budget: str = ""
    """Time for the fits of a whole night (``90s``, ``30m``, ``2h``); empty: as long as it takes."""
    config_dirs: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    """Of every study: ``workers=2``, ``executor=slurm``."""
    folder: Path = field(default=Path())

    @property
    def budget_seconds(self) -> float | None:
        """The budget; None where there is none."""
        return duration(self.budget) if self.budget else None

    @property
    def results(self) -> Path:
        """Where the store is."""
        return self.folder / self.results_dir

    @property
    def roots(self) -> list[Path]:
        """Further catalog roots."""
        return [self.folder / name for name in self.config_dirs]


def read_watched(file: Path) -> Watched:
    """What a file tells the nights.

    Raises
    ------
    RequestError
        In one line that names the file, the key and the value.
    """
    try:
        told = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise RequestError(f"{file}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(f"{file}: is no YAML: {' '.join(str(error).split())[:300]}") from error
    if isinstance(told, dict) and "studies" in told and not isinstance(told["studies"], list):
        raise RequestError(f"{file}: studies: expected a list of standing studies, got {told['studies']!r}")
    for number, study in enumerate(told["studies"] if isinstance(told, dict) and "studies" in told else ()):
        check_keys(study, tuple(StandingStudy.__dataclass_fields__), f"{file}: studies.{number}")
    found = read(Watched, told, str(file), folder=file.parent)
    if not found.studies:
        raise RequestError(f"{file}: studies: expected at least one")
    if found.budget:
        _seconds(found.budget, f"{file}: budget")
    _check(found.overrides, f"{file}: overrides")
    names = [study.name for study in found.studies]
    for number, study in enumerate(found.studies):
        where = f"{file}: studies.{number}"
        if not _NAME.fullmatch(study.name) or study.name in _RESERVED:
            raise RequestError(
                f"{where}: name: '{study.name[:80]}': a name is of letters, digits, '_', '.', '-'"
            )
        if names.count(study.name) > 1:
            raise RequestError(f"{where}: name: '{study.name}' stands there twice")
        if study.entrants not in _ENTRANTS:
            raise RequestError(f"{where}: entrants: {nearest(study.entrants, _ENTRANTS)}")
        _check(study.overrides, f"{where}: overrides")
        if study.entrants == "all" and any(item.startswith("candidates=") for item in study.overrides):
            raise RequestError(f"{where}: candidates= does not go with entrants: all")
    return found


def _seconds(text: str, where: str) -> float:
    try:
        return duration(text)
    except ValueError as error:
        raise RequestError(f"{where}: {error}") from error


def _check(overrides: tuple[str, ...], where: str) -> None:
    for item in overrides:
        key = item.partition("=")[0].lstrip("+~")
        if key in _OURS:
            raise RequestError(f"{where}: '{item}': the file itself says that, with the key '{key}'")
