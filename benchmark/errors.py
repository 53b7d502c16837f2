"""The one error a person sees as a single line: the request was wrong (exit code 2)."""

from __future__ import annotations

import difflib
import os.path
from collections.abc import Iterable

__all__ = ["RequestError", "nearest"]


class RequestError(ValueError):
    """A request that cannot be carried out; the message is one line for the person who made it.

    Whatever is quoted in it, the cell of a table say, may hold any of the characters that end a line.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.splitlines()))


def nearest(name: str, choices: Iterable[str]) -> str:
    """A hint such as ``did you mean 'radam'?``, or the list of choices when nothing is near.

    Examples
    --------
    >>> nearest("radm", ["radam", "lion"])
    "did you mean 'radam'?"
    >>> nearest("zzz", ["radam", "lion"])
    'choose from lion, radam'
    """
    names = sorted(set(choices))
    folded = {choice.casefold() for choice in names}
    if close := difflib.get_close_matches(name.casefold(), folded, n=len(folded) or 1, cutoff=0.6):
        near = [choice for choice in names if choice.casefold() in close]
        return f"did you mean '{max(near, key=lambda choice: _likeness(name, choice))}'?"
    if not names:
        return "there is nothing to choose from"
    shown = names[:12]
    rest = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return f"choose from {', '.join(shown)}{rest}"


def _likeness(name: str, choice: str) -> tuple[float, int, float]:
    """Alike apart from case; then a common beginning, since people mistype ends; then case."""
    alike = difflib.SequenceMatcher(None, choice.casefold(), name.casefold()).ratio()
    start = len(os.path.commonprefix([choice.casefold(), name.casefold()]))
    return alike, start, difflib.SequenceMatcher(None, choice, name).ratio()
