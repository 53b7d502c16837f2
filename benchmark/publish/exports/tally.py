"""What a study took: its fits, its time, its machines and its software."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmark.publish.exports.published import Published

__all__ = ["Tally", "tally"]


@dataclass(frozen=True)
class Tally:
    """Numbers of a whole study, controls and A/A arms among them; what two arms share is counted once."""

    cells: int
    trials: int
    failed: Mapping[str, int]
    """Cells and trials that are not ok, by status."""
    seconds: float
    """Of fitting, by the clock of every single fit."""
    machines: tuple[str, ...]
    software: tuple[str, ...]
    """Names with their versions; where machines differed every version is there."""
    commits: tuple[str, ...]
    dirty: bool
    """Whether some of it was computed by code that was not committed."""


def tally(published: Published) -> Tally:
    """The numbers, from records, trials and environments."""
    bundle = published.bundle
    cells, trials = (table.drop_duplicates("key") for table in (bundle.records, bundle.trials))
    statuses = Counter([*cells["status"], *trials["status"]])
    return Tally(
        cells=len(cells),
        trials=len(trials),
        failed={status: count for status, count in sorted(statuses.items()) if status != "ok"},
        seconds=float(cells["fit_seconds"].sum() + trials["fit_seconds"].sum()),
        machines=tuple(dict.fromkeys(map(_machine, bundle.environments))),
        software=tuple(sorted({said for facts in bundle.environments for said in _software(facts)})),
        commits=tuple(sorted({str(facts["commit"]) for facts in bundle.environments if facts.get("commit")})),
        dirty=any(facts.get("dirty") for facts in bundle.environments),
    )


def _machine(facts: Mapping[str, Any]) -> str:
    gpus = f" with {facts['gpus']}" if facts.get("gpus") else ""
    memory = f", {facts['memory_gb']:g} GB" if facts.get("memory_gb") else ""
    return f"{facts.get('cores')} cores of {facts.get('cpu')}{gpus}{memory}"


def _software(facts: Mapping[str, Any]) -> list[str]:
    named = {"Swapbench": facts.get("swapbench"), "Python": facts.get("python"), **facts.get("packages", {})}
    return [f"{name} {version}" for name, version in named.items() if version]
