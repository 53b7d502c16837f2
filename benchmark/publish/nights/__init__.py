"""Nights: which studies stand, what changed since they were last told of, and which of it is a regression."""

from __future__ import annotations

from benchmark.publish.nights.changes import Changes, Entrance, StudyChanges, changes_of
from benchmark.publish.nights.drift import Drift, drift, moved_settings
from benchmark.publish.nights.log import Log, Night
from benchmark.publish.nights.standing import StandingStudy, Watched, read_watched

__all__ = [
    "Changes",
    "Drift",
    "Entrance",
    "Log",
    "Night",
    "StandingStudy",
    "StudyChanges",
    "Watched",
    "changes_of",
    "drift",
    "moved_settings",
    "read_watched",
]
