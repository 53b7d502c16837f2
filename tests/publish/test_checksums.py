"""Checksums: every difference is named, and coreutils agrees."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmark.publish.archive import write
from benchmark.publish.checksums import check, checksums
from benchmark.publish.layout import CHECKSUMS, FILES, PLAN, README, SIGNATURE, STUDY

CONTENT = {name: f"content of {name}\n".encode() for name in FILES if name != CHECKSUMS}
BUNDLE = {**CONTENT, CHECKSUMS: checksums(CONTENT)}


def test_nothing_is_wrong() -> None:
    assert check(BUNDLE) == []
    assert check({**BUNDLE, SIGNATURE: b"anything"}) == []


def test_sha256sum_reads_it(tmp_path: Path) -> None:
    if shutil.which("sha256sum") is None:
        pytest.skip("there is no sha256sum")
    write(BUNDLE, tmp_path / "b")
    command = ["sha256sum", "--strict", "-c", CHECKSUMS]
    assert subprocess.run(command, cwd=tmp_path / "b", capture_output=True, check=False).returncode == 0
    (tmp_path / "b" / README).write_text("other")
    assert subprocess.run(command, cwd=tmp_path / "b", capture_output=True, check=False).returncode == 1


def test_every_difference_is_named() -> None:
    changed = {**BUNDLE, README: b"other", "sources/a.py": b"x"}
    del changed[STUDY]
    assert {(one.file, one.what) for one in check(changed)} == {
        (README, "SHA-256"),
        ("sources/a.py", "SHA-256"),
        (CHECKSUMS, f"line {sorted(CONTENT).index(STUDY) + 1}"),
    }
    assert PLAN in str(check({**BUNDLE, PLAN: b""})[0])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe" + BUNDLE[CHECKSUMS],
        BUNDLE[CHECKSUMS].replace(b"\n", b"\r\n"),
        BUNDLE[CHECKSUMS] + BUNDLE[CHECKSUMS].splitlines(keepends=True)[0],
        BUNDLE[CHECKSUMS] + b"\n",
        BUNDLE[CHECKSUMS][:-1],
        b"".join(reversed(BUNDLE[CHECKSUMS].splitlines(keepends=True))),
        BUNDLE[CHECKSUMS].upper(),
        BUNDLE[CHECKSUMS].replace(b"  ", b" *"),
    ],
)
def test_checksums_in_another_form(content: bytes) -> None:
    found = check({**BUNDLE, CHECKSUMS: content})
    assert found and all(len(str(one).splitlines()) == 1 and str(one).isprintable() for one in found)


def test_every_flipped_bit_is_found() -> None:
    draw = random.Random(0)
    for name, content in BUNDLE.items():
        for _ in range(60):
            flipped = bytearray(content)
            flipped[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
            assert check({**BUNDLE, name: bytes(flipped)}), (name, flipped)
