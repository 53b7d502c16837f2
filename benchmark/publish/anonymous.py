"""What tells who made a bundle, and where: taken out, or found where it cannot be."""

from __future__ import annotations

import getpass
import os
import re
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

__all__ = ["identities", "named_in", "without_identity", "without_paths"]

_PATH = re.compile(r"(?<![\w/:.])(?:[A-Za-z]:)?(?:[\\/][^\s\"'<>|:*?\\/]+)+[\\/](?=[^\s\"'<>|:*?\\/])")
_TEXTS = ("reason", "traceback")
_COMMON = {"root", "user", "ubuntu", "localhost", "admin", "home", "test", "build", "runner", "main", "data"}
"""Names that say nothing of anybody."""


def without_paths(table: pd.DataFrame) -> pd.DataFrame:
    """Records or trials whose reasons and tracebacks name files without their folders."""
    return table.assign(
        **{name: table[name].str.replace(_PATH, "", regex=True) for name in _TEXTS if name in table}
    )


def without_identity(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a machine and installation without the commit, which a search engine may know."""
    return {**facts, "commit": None, "dirty": None}


def identities() -> dict[str, str]:
    """What this machine says of its person and of itself: (what it is, by the word)."""
    found = {_user(): "user name", socket.gethostname().partition(".")[0]: "host name"}
    found |= {Path.home().name: "home folder", _git("user.name"): "git user.name"}
    mail = _git("user.email")
    found |= {mail: "git user.email", mail.partition("@")[0]: "git user.email"}
    return {word: what for word, what in found.items() if len(word) > 3 and word.lower() not in _COMMON}


def named_in(files: Mapping[str, bytes], words: Mapping[str, str]) -> Iterator[str]:
    """Where a text of a bundle has one of some words: a line each."""
    for name, content in sorted(files.items()):
        try:
            lines = content.decode("utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(lines, start=1):
            for word, what in words.items():
                if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", line, re.IGNORECASE):
                    yield f"{name}: line {number} has the {what} '{word}'"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return os.environ.get("USER", "")


def _git(key: str) -> str:
    try:
        done = subprocess.run(
            ["git", "config", "--get", key], capture_output=True, text=True, timeout=20, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
