"""What comparisons rest on, in the words of captions: n, and the kind of their interval."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.judge import Comparison
from benchmark.report.words import counted

__all__ = ["interval_kind", "sample"]


def sample(*found: Comparison) -> str:
    """What comparisons rest on: ``n = 9 independent data sets, 2 hosts (fixed), 2 splits × 3 seeds``."""
    n = {name: _span([c.n[name] for c in found], noun) for name, noun in _COUNTED.items()}
    kinds = " or ".join(dict.fromkeys(c.host_effects for c in found))
    hosts = f"{n['hosts']} ({kinds}), " if any(host for c in found for host in c.hosts["host"]) else ""
    return f"n = {n['origins']}, {hosts}{n['splits']} × {n['seeds']}"


_COUNTED = {"origins": "independent data set", "hosts": "host", "splits": "split", "seeds": "seed"}


def _span(counts: Sequence[int], noun: str) -> str:
    """``3 hosts``, or ``2 to 3 hosts`` where comparisons differ."""
    most = counted(max(counts), noun)
    return most if min(counts) == max(counts) else f"{min(counts)} to {most}"


def interval_kind(c: Comparison) -> str:
    """Which interval a verdict was read off, and its alpha."""
    over = "data sets and hosts, two-way cluster" if c.host_effects == "random" else "independent data sets"
    family = f", simultaneous over {counted(c.family, 'comparison')}" if c.family > 1 else ""
    kind = f"t interval over {over}"
    if c.sequential is not None:
        kind = f"confidence sequence ({c.sequential.sequence}) that holds at every look"
    return f"{kind}, alpha {1 - c.level:.3g}{family}"
