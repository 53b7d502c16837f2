"""Whether labels may be passed on under what a data set's card says of its licence."""

from __future__ import annotations

import re

from benchmark.spec import Dataset

__all__ = ["may_be_shared"]

_OPEN = re.compile(
    r"(public domain|none needed|cc0|cc[ -]by|odbl|odc[ -]by|pddl|mit\b|bsd|apache|gpl)",
    re.IGNORECASE,
)
_CLOSED = re.compile(r"\b(nc|nd|non-?commercial|no[ -]derivatives)\b", re.IGNORECASE)


def may_be_shared(dataset: Dataset) -> bool:
    """Whether the card names a licence under which anybody may pass the data on, or the data is made."""
    licence = dataset.about.get("licence", "")
    if dataset.source == "generated":
        return True
    return _OPEN.match(licence.strip()) is not None and _CLOSED.search(licence) is None
