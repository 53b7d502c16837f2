"""Every check of a component within a given time, whatever the component does to its process."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmark.checks.check import Check
from benchmark.checks.pool import Gather, Pool, Request
from benchmark.checks.suite import checks_of
from benchmark.findings import Finding, nested, worst_first
from benchmark.spec import Component

__all__ = ["Examination", "examine"]

_MEMORY_SHARE = 0.5
"""Of the machine's memory, what all checks that run at the same time may use together."""


@dataclass(frozen=True)
class Examination:
    """What the checks of a component found."""

    component: Component
    findings: tuple[Finding, ...]
    """The worst first, each with what it explains below it."""
    checks: int
    """Those that were run to their end."""
    skipped: tuple[str, ...]
    """Those for which the time did not suffice."""
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Plain values; what is empty is left out of the findings."""
        part = self.component
        return {
            "slot": part.slot,
            "component": part.name,
            "source": part.file,
            "checks": self.checks,
            "skipped": list(self.skipped),
            "seconds": round(self.seconds, 1),
            "findings": [finding.to_json() for finding in self.findings],
        }


def examine(
    component: Component,
    config_dirs: Sequence[str | Path] = (),
    *,
    trusted: Sequence[str] = (),
    seconds: float = 60.0,
    memory_mb: float | None = None,
    processes: int = 2,
    only: Collection[str] = (),
    checks: Gather = checks_of,
) -> Examination:
    """Run every check of a component, the slow ones last, and leave out what the time does not suffice for.

    Checks run in guarded workers, so that one which ends its process, fills the memory or never comes back
    is a finding like any other, and nothing that it started lives on.

    Parameters
    ----------
    component
        As :func:`benchmark.resolve.typed.asked_component` gives it.
    config_dirs
        Folders with components of one's own, beside Swapbench's.
    trusted
        Further packages that files may name.
    seconds
        For all checks together, from when the first can run.
    memory_mb
        What the checks of one process may add to its memory (MiB); None: its share of half the machine's.
    processes
        Checks that run at the same time.
    only
        Names of the checks to run; all where it is empty.
    checks
        What there is to check; a function of a module, since every worker calls it.
    """
    begun = time.monotonic()
    if memory_mb is None:
        memory_mb = _MEMORY_SHARE * psutil.virtual_memory().total / 2**20 / processes
    request = Request(component, tuple(map(str, config_dirs)), tuple(trusted), memory_mb, checks)
    every = [check for check in request.checks().values() if not only or check.name in only]
    ordered = sorted(every, key=lambda check: check.slow)
    pool = Pool(request, ordered, seconds)
    pool.run(processes)
    found = [pool.found[check.name] for check in ordered if check.name in pool.found]
    return Examination(
        component,
        worst_first(nested(found, _causes(ordered, found))),
        len(ordered) - len(pool.skipped),
        tuple(check.name for check in ordered if check.name in pool.skipped),
        time.monotonic() - begun,
    )


def _causes(checks: Sequence[Check], found: Sequence[Finding]) -> Mapping[str, Collection[str]]:
    """By rule those that explain it: as it says; not to be built; the same words about the same line before.

    No rule explains another that explains it.
    """
    causes = {check.name: {"builds", *check.rule.causes} - {check.name} for check in checks}
    first: dict[tuple[str, str], str] = {}
    for finding in found:
        alike = first.setdefault((finding.seen, finding.look), finding.name)
        if alike != finding.name:
            causes[alike] = {one for one in causes.get(alike, ()) if not _explains(finding.name, one, causes)}
            causes.setdefault(finding.name, set()).add(alike)
    return causes


def _explains(cause: str, name: str, causes: Mapping[str, Collection[str]]) -> bool:
    """Whether one is or explains the other, by others or by itself."""
    return cause == name or any(_explains(cause, one, causes) for one in causes.get(name, ()))
