"""Has components examined, as somebody names them on the command line."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.errors import RequestError

if TYPE_CHECKING:
    from benchmark.catalog import Catalog
    from benchmark.checks import Examination
    from benchmark.execute.workers.watch import Board
    from benchmark.resolve.tried import Tried
    from benchmark.spec import Component

__all__ = ["examined", "looked_up", "typed_component"]

_TRIAL_SECONDS = 20.0


def examined(
    entries: Sequence[str],
    config_dirs: Sequence[str | Path] = (),
    *,
    slot: str = "",
    needs: Sequence[str] = (),
    gives: Sequence[str] = (),
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
    needs, gives
        Words of the slot's contract, for classes that have no YAML to say them.
    seconds
        For each component.
    trusted
        Further packages that files may name.

    Raises
    ------
    RequestError
        When an entry stands for nothing, is ambiguous, or needs a package that is not installed.
    """
    from benchmark.checks import examine

    parts = looked_up(entries, config_dirs, slot=slot, needs=needs, gives=gives, trusted=trusted)
    return (examine(part, config_dirs, trusted=trusted, seconds=seconds) for part in parts)


def looked_up(
    entries: Sequence[str],
    config_dirs: Sequence[str | Path] = (),
    *,
    slot: str = "",
    needs: Sequence[str] = (),
    gives: Sequence[str] = (),
    trusted: Sequence[str] = (),
) -> list[Component]:
    """The components that entries stand for, to be examined next; arguments as of :func:`examined`.

    Raises
    ------
    RequestError
        When an entry stands for nothing, is ambiguous, or needs a package that is not installed.
    """
    from benchmark.execute.workers.guard import bring_up

    bring_up()  # it imports what workers need while this process does

    from benchmark.catalog import open_catalog
    from benchmark.config import trust
    from benchmark.resolve.components import missing_reason

    trust(trusted)
    catalog = open_catalog([Path(folder) for folder in config_dirs])
    parts = [typed_component(catalog, entry, slot, needs, gives) for entry in entries]
    for part in parts:
        if reason := missing_reason(part):
            raise RequestError(f"{part.slot} {part.name}: {reason[1]}")
    return parts


def typed_component(
    catalog: Catalog, entry: str, slot: str = "", needs: Sequence[str] = (), gives: Sequence[str] = ()
) -> Component:
    """The component that somebody typed; a class without a YAML needs and gives what it is seen to.

    What is typed as ``needs`` counts before what is seen: a kind of word that is among them (``input:``,
    ``task:``, ``modality:``) is not looked for.

    Raises
    ------
    RequestError
        When it stands for nothing, or is a library's class that does not do what its slot asks.
    """
    from benchmark.resolve.libraries import is_of_a_library, relative
    from benchmark.resolve.typed import asked_component

    part = asked_component(catalog, entry, slot, needs, gives)
    if part.file.endswith(".yaml"):
        return part
    seen = _seen(part)
    if seen.failure and is_of_a_library(entry):
        alike = relative(catalog, entry, [part.slot])
        hint = (
            f"the catalog has {alike}" if alike else f"`swapbench new {part.slot} NAME` starts one that does"
        )
        raise RequestError(
            f"'{entry}' does not do what the slot {part.slot} asks for ({seen.failure}); {hint}"
        )
    kinds = {need.partition(":")[0] for need in needs}
    kinds |= {"tree_shape", "regressor"} if kinds & {"tree_shape", "regressor"} else set()
    added = [need for need in seen.needs if need.partition(":")[0] not in kinds]
    return dataclasses.replace(
        part,
        needs=tuple(dict.fromkeys([*part.needs, *added])),
        gives=tuple(dict.fromkeys([*part.gives, *seen.gives])),
    )


def _seen(part: Component) -> Tried:
    """What a trial sees, in a process of its own; nothing where that is lost or does not come back."""
    from multiprocessing.connection import wait

    from benchmark.execute.workers.guard import start
    from benchmark.resolve.tried import Tried

    guarded = start(_try, part)
    found: list[Tried] = []
    try:
        while not found and not guarded.line.closed and not guarded.line.receive():
            ends: list[Any] = [end for end in (guarded.channel, guarded.line) if not end.closed]
            wait(ends)
            found = guarded.channel.receive()
        found = found or guarded.channel.receive()  # it may have spoken before it went
    finally:
        guarded.end()
        guarded.wait()
    return found[0] if found else Tried()


def _try(channel: socket.socket, board: Board, said: int, part: Component) -> None:
    """What the worker does."""
    from benchmark.execute.limits import pin_threads, time_limit, watched
    from benchmark.execute.workers.channel import put
    from benchmark.execute.workers.surroundings import redirect
    from benchmark.resolve.tried import tried

    redirect(said)
    pin_threads()
    watched(board)
    with time_limit(_TRIAL_SECONDS, "{:g} s"):
        found = tried(part)
    put(channel, found)
