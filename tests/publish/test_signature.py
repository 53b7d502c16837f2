"""Signatures by ssh-keygen: of these checksums, by a signer, or refused."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmark.errors import RequestError
from benchmark.publish.signature import checked, signed

TEXT = b"0" * 64 + b"  README.md\n"
needs_ssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="there is no ssh-keygen")


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file], check=True)
    return file


def signers(key: Path, who: str, options: str = "") -> Path:
    file = key.parent / f"signers-{who}"
    file.write_text(f"{who} {options} {key.with_suffix('.pub').read_text()}")
    return file


@needs_ssh
def test_signed_and_checked(key: Path) -> None:
    signature = signed(TEXT, key)
    assert signed(TEXT, key) == signature
    known = subprocess.run(
        ["ssh-keygen", "-lf", key], capture_output=True, text=True, check=True
    ).stdout.split()[1]
    assert known in checked(TEXT, signature) and "does not say" in checked(TEXT, signature)
    said = checked(TEXT, signature, signers(key, "ada@example.org"))
    assert "ada@example.org" in said and known in said


@needs_ssh
def test_of_something_else_or_somebody_else(key: Path, tmp_path: Path) -> None:
    signature = signed(TEXT, key)
    with pytest.raises(RequestError, match="no signature of"):
        checked(TEXT + b"x", signature)
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
    for place in (signers(other, "eve"), signers(key, "ada", 'namespaces="git"')):
        with pytest.raises(RequestError, match="of nobody"):
            checked(TEXT, signature, place)
    command = ["ssh-keygen", "-Y", "sign", "-n", "git", "-f", str(key)]
    of_git = subprocess.run(command, input=TEXT, capture_output=True, check=True).stdout
    with pytest.raises(RequestError, match="no signature of"):
        checked(TEXT, of_git)


@needs_ssh
def test_every_flipped_bit_is_found(key: Path) -> None:
    signature, draw = signed(TEXT, key), random.Random(0)
    for _ in range(100):
        flipped = bytearray(signature)
        flipped[draw.randrange(len(signature))] ^= 1 << draw.randrange(8)
        with pytest.raises(RequestError):
            checked(TEXT, bytes(flipped))


@needs_ssh
def test_a_file_that_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("no key")
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(RequestError, match="cannot sign"):
        signed(TEXT, tmp_path / "key")


def test_what_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RequestError, match="no such file"):
        signed(TEXT, tmp_path / "key")
    with pytest.raises(RequestError, match="no such file"):
        checked(TEXT, b"", tmp_path / "signers")
    with pytest.raises(RequestError, match="not signed"):
        checked(TEXT, None)
    (tmp_path / "key").write_text("")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RequestError, match="no ssh-keygen"):
        signed(TEXT, tmp_path / "key")
