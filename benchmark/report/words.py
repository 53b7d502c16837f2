"""Numbers and names as people read them: the same on the page, in tables and in the terminal."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from benchmark.judge import Comparison

__all__ = [
    "NONE",
    "VERDICTS",
    "Look",
    "between",
    "bounds",
    "chance",
    "counted",
    "interval",
    "label",
    "number",
    "p_value",
    "percent",
    "printable",
    "ratio",
    "seconds",
    "share",
    "slugs",
    "verdict_of",
    "wrapped",
]

WIDTH = 100
"""Columns of a terminal."""
NONE = "–"
"""Stands where there is no number."""


class Look(NamedTuple):
    """How a verdict is shown: a sign and a tone for the eye, a meaning in words for everybody."""

    sign: str
    tone: str
    """``good``, ``bad`` or ``plain``; never the only carrier of the verdict."""
    meaning: str


VERDICTS: dict[str, Look] = {
    "HELPS": Look("▲", "good", "better by more than the smallest effect that counts and the noise floor"),
    "BETTER": Look("△", "good", "better, but by how much is open: it may be less than what counts"),
    "EQUIVALENT": Look("=", "plain", "no difference that counts, in either direction"),
    "INCONCLUSIVE": Look("?", "plain", "the data do not settle it"),
    "INSUFFICIENT": Look("…", "plain", "fewer than five independent data sets: numbers, but no verdict"),
    "WORSE": Look("▽", "bad", "worse, but by how much is open: it may be less than what counts"),
    "HARMS": Look("▼", "bad", "worse by more than the smallest effect that counts and the noise floor"),
}


def _missing(value: float | None) -> bool:
    return value is None or not math.isfinite(value)


def number(value: float | None, digits: int = 4) -> str:
    """``value`` with ``digits`` significant digits and a true minus sign."""
    if value is None or _missing(value):
        return NONE
    return f"{value:.{digits}g}".replace("-", "−")


def _signed(value: float, digits: int) -> str:
    text = f"{100 * value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")


def percent(value: float | None, digits: int = 1) -> str:
    """A fraction as a signed percentage, ``+3.2 %``; zero has no sign."""
    return NONE if value is None or _missing(value) else f"{_signed(value, digits)} %"


def share(value: float | None, digits: int = 1) -> str:
    """A fraction that has no direction as a percentage, ``3.2 %``."""
    return percent(value, digits).lstrip("+")


def bounds(pair: Sequence[float | None] | None) -> tuple[float, float] | None:
    """Both ends of an interval, or None where an end is missing or not finite."""
    if pair is None or len(pair) != 2:
        return None
    low, high = pair
    if low is None or high is None or _missing(low) or _missing(high):
        return None
    return float(low), float(high)


def interval(pair: Sequence[float | None] | None, digits: int = 1) -> str:
    """An interval of fractions in percent, ``−1.2 to +3.4 %``."""
    ends = bounds(pair)
    return NONE if ends is None else f"{_signed(ends[0], digits)} to {_signed(ends[1], digits)} %"


def between(pair: Sequence[float | None] | None, digits: int = 2) -> str:
    """An interval of plain numbers with ``digits`` decimals, ``1.20 to 3.41``."""
    ends = bounds(pair)
    return NONE if ends is None else f"{ends[0]:.{digits}f} to {ends[1]:.{digits}f}".replace("-", "−")


def ratio(value: float | None) -> str:
    """A factor, ``1.25×``."""
    if value is None or _missing(value):
        return NONE
    return f"{value:.2f}×" if 0.1 <= value < 10 else f"{value:.3g}×"


def chance(value: float) -> str:
    """A probability in whole percent; what is not certain is never shown as 0 % or 100 %."""
    if 0 < value < 0.01:
        return "< 1 %"
    return "> 99 %" if 0.99 < value < 1 else f"{100 * value:.0f} %"


def p_value(value: float | None) -> str:
    """A p-value with three decimals, ``< .001`` below that."""
    if value is None or _missing(value):
        return NONE
    return "< .001" if value < 0.001 else f"{value:.3f}".removeprefix("0")


def seconds(value: float | None) -> str:
    """A duration in the unit that suits it."""
    if value is None or _missing(value):
        return NONE
    for size, unit in ((3600, "h"), (60, "min"), (1, "s")):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{1000 * value:.3g} ms"


def verdict_of(c: Comparison) -> str:
    """The verdict, or ``not selected`` for a candidate that a confirming study gave none."""
    return "not selected" if "not_selected" in c.flags else c.verdict


def counted(count: int, noun: str, plural: str = "") -> str:
    """``1 task``, ``3 tasks``."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def label(name: str, width: int = 26) -> str:
    """``name`` on one line of printable characters, shortened in the middle to ``width``."""
    text = printable(str(name))
    if len(text) <= width:
        return text
    head = (width - 1) // 2
    return f"{text[:head]}…{text[head + 1 - width :]}"


def slugs(names: Iterable[str]) -> dict[str, str]:
    """A different, harmless file name stem for each of ``names``."""
    taken: dict[str, str] = {}
    for name in dict.fromkeys(names):
        stem = re.sub(r"[^a-z0-9_]+", "-", name.casefold()).strip("-")[:60] or "unnamed"
        choice, copy = stem, 2
        while choice in taken.values():
            choice, copy = f"{stem}-{copy}", copy + 1
        taken[name] = choice
    return taken


def printable(text: str) -> str:
    """``text`` on one line, with a sign for every character that a terminal might obey."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def wrapped(text: str, width: int = WIDTH, indent: str = "  ") -> list[str]:
    """``text`` as lines of printable characters for a terminal, those after the first indented."""
    # A number and its unit stay on one line.
    kept = re.sub(r"(?<=\d) (?=%|x\b)", "\N{NO-BREAK SPACE}", printable(text))
    lines = textwrap.wrap(kept, width, subsequent_indent=indent, break_on_hyphens=False)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]
