"""Parsed tasks on disk, memory-mapped by whoever needs them, and the place where downloads are kept."""

from __future__ import annotations

from benchmark.data.cache.places import code_digest, folder, limit
from benchmark.data.cache.store import find, keep
from benchmark.data.cache.upkeep import Entry, clear, downloaded, entries, prune, verify

__all__ = [
    "Entry",
    "clear",
    "code_digest",
    "downloaded",
    "entries",
    "find",
    "folder",
    "keep",
    "limit",
    "prune",
    "verify",
]
