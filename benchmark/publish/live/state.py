"""What the live page says of a study, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

__all__ = ["Arm", "Failure", "Provisional", "State"]


class Arm(NamedTuple):
    """How far an arm is."""

    name: str
    role: str
    done: int
    """Evaluated fits that are in the store."""
    planned: int
    """Of a study that may stop early, at most."""
    failures: int
    seconds: float | None
    """Mean seconds of a fit."""


class Failure(NamedTuple):
    """Fits that failed alike."""

    status: str
    component: str
    host: str
    reason: str
    fits: int
    tasks: Sequence[str]


class Provisional(NamedTuple):
    """What the complete data sets say so far of a candidate."""

    candidate: str
    baseline: str
    setting: str
    verdict: str
    effect: str
    interval: str
    origins: int


@dataclass(frozen=True, slots=True)
class State:
    """A study at one moment."""

    study: str
    question: str
    status: str
    """``not begun``, ``running``, ``stopped`` (nobody is at it, and something is missing) or ``finished``."""
    at: str
    """In UTC (ISO 8601)."""
    done: int
    """Fits, trials of tuning included."""
    planned: int
    at_most: bool
    """Whether a part may turn out not to be needed."""
    failures: int
    per_minute: float | None
    """Fits, over the last minutes that somebody watched."""
    seconds_left: float | None
    """At that rate."""
    arms: Sequence[Arm]
    tasks: Sequence[tuple[str, int, int]]
    """Name, evaluated fits that are there, and that are planned."""
    verdicts: Sequence[Provisional]
    verdicts_said: str
    """What the verdicts so far may be used for, or why there are none."""
    anytime: bool
    """Whether they hold whenever one looks."""
    failed: Sequence[Failure]

    @property
    def share(self) -> float:
        """Done, in percent; of what is at most planned."""
        return round(100 * self.done / self.planned, 1) if self.planned else 100.0

    def summary(self) -> str:
        """One line for those who listen."""
        most = "at most " if self.at_most else ""
        failed = f", {self.failures} failed" if self.failures else ""
        return f"{self.status}: {self.done} of {most}{self.planned} fits{failed}"

    def to_json(self) -> dict[str, Any]:
        """Plain values; what is a tuple here has names there."""
        plain = asdict(self)
        for name in ("arms", "verdicts", "failed"):
            plain[name] = [one._asdict() for one in getattr(self, name)]
        plain["tasks"] = [{"name": name, "done": done, "planned": n} for name, done, n in self.tasks]
        return {"schema": 1, "summary": self.summary(), **plain}
