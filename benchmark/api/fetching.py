"""Gets the data of tasks ready on a machine that will be offline later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.api.planning import members_of
from benchmark.catalog import open_catalog
from benchmark.errors import RequestError
from benchmark.resolve.compose import compose_study
from benchmark.resolve.tasks import task_cards

__all__ = ["Fetched", "fetch"]


@dataclass(frozen=True)
class Fetched:
    """How fetching one task went."""

    task: str
    status: str
    """``here`` needs no download; ``cached`` was downloaded before; ``downloaded`` now; or ``failed``."""
    n_rows: int = 0
    reason: str = ""
    """One line, where it failed."""


def fetch(overrides: Sequence[str], config_dirs: Sequence[Path] = ()) -> Iterator[Fetched]:
    """Download, verify and parse what the tasks of ``overrides`` need, one task after the other.

    What is here already is verified and not downloaded again; a task that fails leaves the others alone.

    Raises
    ------
    RequestError
        When the overrides name nothing.
    """
    from benchmark import data
    from benchmark.data import openml

    catalog = open_catalog(config_dirs)
    config, _ = compose_study(catalog, overrides)
    for name, card in task_cards(catalog, config, members_of).items():
        try:
            status = openml.fetch(card) if card.source == "openml" else "here"
            yield Fetched(name, status, len(data.load(card)))
        except RequestError as error:
            yield Fetched(name, "failed", reason=str(error))
