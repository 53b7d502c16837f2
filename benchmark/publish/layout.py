"""What a bundle consists of: the names of its files, and how large any of it may be."""

from __future__ import annotations

import re

__all__ = [
    "CHECKSUMS",
    "CLAIMS",
    "ENVIRONMENT",
    "FILES",
    "LABELS",
    "LOCK",
    "MAX_BYTES",
    "MAX_FILES",
    "PLAN",
    "PREDICTIONS",
    "README",
    "RECORDS",
    "SIGNATURE",
    "SOURCES",
    "STUDY",
    "TRIALS",
    "VERDICT",
    "is_source",
]

README = "README.md"
"""For people: what was asked, what came out, how to check it."""
STUDY = "study.json"
"""The study with everything that its names stand for."""
PLAN = "plan.parquet"
"""Every cell with its key, and every combination that could not run."""
RECORDS = "records.parquet"
TRIALS = "trials.parquet"
PREDICTIONS = "predictions.parquet"
"""Of the test rows of every record that is ok."""
LABELS = "labels.parquet"
"""Of the test rows of every split, where the data's licence allows; else without the task's rows."""
VERDICT = "verdict.json"
CLAIMS = "claims.json"
ENVIRONMENT = "environment.json"
"""Machines and installations that computed records."""
LOCK = "requirements.txt"
"""Every installed package with its version."""
CHECKSUMS = "SHA256SUMS"
"""Of every other file but the signature, as ``sha256sum -c`` reads it."""
SIGNATURE = "SHA256SUMS.sig"
"""Of the checksums, by ssh-keygen; optional."""
SOURCES = "sources"
"""Folder of the code of components that are in no catalog."""

FILES = (
    README,
    STUDY,
    PLAN,
    RECORDS,
    TRIALS,
    PREDICTIONS,
    LABELS,
    VERDICT,
    CLAIMS,
    ENVIRONMENT,
    LOCK,
    CHECKSUMS,
)
"""What every bundle has."""

MAX_FILES = 1000
MAX_BYTES = 4 * 2**30
"""Of all files together, unpacked."""

_SOURCE = re.compile(rf"{SOURCES}(/[A-Za-z0-9_][A-Za-z0-9_-]{{0,99}}){{1,6}}\.(py|yaml)")


def is_source(name: str) -> bool:
    """Whether a name, with ``/`` between its parts, may be that of a file of code in a bundle."""
    return _SOURCE.fullmatch(name) is not None
