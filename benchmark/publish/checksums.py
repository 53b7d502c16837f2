"""``SHA256SUMS``: the SHA-256 of every file of a bundle, as ``sha256sum -c`` reads it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping

from benchmark.publish.layout import CHECKSUMS, SIGNATURE
from benchmark.publish.mismatch import Mismatch

__all__ = ["check", "checksums"]

_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")


def checksums(files: Mapping[str, bytes]) -> bytes:
    """A line for every file but the checksums themselves and their signature, by name."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(_digests(files).items())).encode()


def check(files: Mapping[str, bytes]) -> list[Mismatch]:
    """Every file that is not what ``SHA256SUMS`` says, and every line there that says nothing of a file."""
    content = files.get(CHECKSUMS, b"")
    found = list(_contradictions(files, content.decode("utf-8", "replace")))
    if not found and content != checksums(files):
        said = "other line ends or another order of lines"
        found = [Mismatch(CHECKSUMS, "the lines", said, "one line a file, by name")]
    return found


def _contradictions(files: Mapping[str, bytes], text: str) -> Iterator[Mismatch]:
    digests = _digests(files)
    seen: set[str] = set()
    for number, line in enumerate(text.splitlines(), start=1):
        matched = _LINE.fullmatch(line)
        if matched is None:
            yield Mismatch(CHECKSUMS, f"line {number}", repr(line[:90]), "a SHA-256, two blanks and a name")
            continue
        said, name = matched.groups()
        if name not in digests:
            yield Mismatch(CHECKSUMS, f"line {number}", name, "a file of the bundle")
        elif name in seen:
            yield Mismatch(CHECKSUMS, f"line {number}", f"{name} again", "every file once")
        elif said != digests[name]:
            yield Mismatch(name, "SHA-256", digests[name], said)
        seen.add(name)
    for name in sorted(digests.keys() - seen):
        yield Mismatch(name, "SHA-256", digests[name], f"a line in {CHECKSUMS}, and there is none")


def _digests(files: Mapping[str, bytes]) -> dict[str, str]:
    return {
        name: hashlib.sha256(content).hexdigest()
        for name, content in files.items()
        if name not in (CHECKSUMS, SIGNATURE)
    }
