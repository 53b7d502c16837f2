"""Has components examined, as somebody names them on the command line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.errors import RequestError

if TYPE_CHECKING:
    from benchmark.checks import Examination

__all__ = ["examined"]


def examined(
    entries: Sequence[str],
    config_dirs: Sequence[str | Path] = (),
    *,
    slot: str = "",
    seconds: float = 60.0,
    trusted: Sequence[str] = (),
) -> Iterator[Examination]:
    """What the doctor finds of every component, each as soon as it is examined.

    All names are looked up before anything runs.

    Parameters
    ----------
    entries
        ``radam``, ``optimizer/radam``, ``torch.optim.RAdam`` or ``mine.py:Mine``.
    slot
        Where an entry fits several slots.
    seconds
        For each component.
    trusted
        Further packages that files may name.

    Raises
    ------
    RequestError
        When an entry stands for nothing, is ambiguous, or needs a package that is not installed.
    """
    from benchmark.catalog import open_catalog
    from benchmark.checks import examine
    from benchmark.config import trust
    from benchmark.load.components import missing_reason
    from benchmark.load.typed import asked_component

    trust(trusted)
    catalog = open_catalog([Path(folder) for folder in config_dirs])
    parts = [asked_component(catalog, entry, slot) for entry in entries]
    for part in parts:
        if reason := missing_reason(part):
            raise RequestError(f"{part.slot} {part.name}: {reason[1]}")
    return (examine(part, catalog, seconds=seconds) for part in parts)
