"""The one error a person sees as a single line: the request was wrong (exit code 2)."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["RequestError", "nearest"]


class RequestError(ValueError):
    """A request that cannot be carried out; the message is one line for the person who made it."""


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
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    if close:
        same = [choice for choice in names if choice.casefold() == close[0]]
        return f"did you mean '{difflib.get_close_matches(name, same, n=1, cutoff=0)[0]}'?"
    if not names:
        return "there is nothing to choose from"
    shown = names[:12]
    rest = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return f"choose from {', '.join(shown)}{rest}"
