"""Do two slots interact: the gain of each part of one slot, at every part of the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmark.judge import Interaction
from benchmark.report.figures.canvas import INK, MARKERS, PALETTE, PLAIN, Drawing, percent_axis
from benchmark.report.words import counted, label, percent

__all__ = ["interaction"]

_SPREAD = 0.5


def interaction(found: Interaction, rope: float) -> Drawing | None:
    """One line per level of the first slot over the levels of the second, or None without two of each."""
    slot, other = found.base
    gains = [term for term in found.of("gain") if term.slot == slot]
    levels = list(dict.fromkeys(term.level for term in gains))
    places = [
        at for at in (found.base[other], *_others(found, other)) if any(at in term.over for term in gains)
    ]
    if not levels or len(places) < 2:
        return None
    width = 2.4 + 0.35 * len(places) * max(2, len(levels) ** 0.5)
    figure = Figure(figsize=(max(width, 5.6), 3.4))
    axes = figure.add_axes((0.13, 0.16, 0.62, 0.76))
    axes.axhspan(-rope, rope, color=PLAIN, alpha=0.28, lw=0)
    axes.axhline(0, color=INK, lw=0.9, ls="--")
    shifts = np.linspace(-_SPREAD / 2, _SPREAD / 2, len(levels)) if len(levels) > 1 else np.zeros(1)
    for number, level in enumerate(levels):
        line = [term for term in gains if term.level == level]
        at = [places.index(term.over[0]) + shifts[number] for term in line]
        look: dict[str, Any] = {"color": PALETTE[number % len(PALETTE)], "lw": 1.2}
        for x, term in zip(at, line, strict=True):
            if term.ci95 is not None:
                axes.plot((x, x), term.ci95, **look)
        means = [term.found.mean for term in line]
        mark = MARKERS[number % len(MARKERS)]
        axes.plot(at, means, marker=mark, ms=5, alpha=0.85, label=label(level, 20), **look)
    axes.set_xticks(range(len(places)), [label(place, 14) for place in places])
    axes.set_xlim(-0.6, len(places) - 0.4)
    axes.set_xlabel(other)
    axes.set_ylabel(f"gain over {label(found.base[slot], 16)}, %")
    percent_axis(axes, "y")
    axes.set_title(f"What each {slot} gains, by {other}")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), title=slot)
    alt = "; ".join(f"{term.level} with {term.over[0]} {percent(term.found.mean)}" for term in gains)
    return Drawing(
        "interaction",
        axes.get_title("left"),
        _caption(found, slot, other),
        f"Gains: {alt}.",
        figure,
        _table(found),
    )


def _others(found: Interaction, slot: str) -> list[str]:
    return list(dict.fromkeys(term.level for term in found.terms if term.slot == slot))


def _caption(found: Interaction, slot: str, other: str) -> str:
    n = found.of("gain")[0].found
    failed = [
        f"{one.level} with {one.over[0]}" for one in found.of("gain") if one.slot == slot and one.imputed
    ]
    imputed = f" Failures count as imputed: {', '.join(failed)}." if failed else ""
    return (
        f"Effect of each {slot} against {found.base[slot]} (dashed) within each {other}: a level line means "
        "that the two slots do not interact, that is, that their effects multiply. Vertical lines: 95 % t "
        f"intervals over {counted(n.origins, 'independent data set')} ({n.host_effects} hosts), alpha 0.05, "
        f"each for itself. Grey: too small to count (ROPE).{imputed}"
    )


def _table(found: Interaction) -> pd.DataFrame:
    rows = []
    for term in found.of("gain"):
        low, high = term.ci95 or (None, None)
        row: dict[str, Any] = {"slot": term.slot, "level": term.level, "base": term.base}
        row |= {
            "with": term.over[0],
            "gain": term.found.mean,
            "low": low,
            "high": high,
            "origins": term.found.origins,
        }
        rows.append(row | {"imputed": term.imputed})
    return pd.DataFrame(rows)
