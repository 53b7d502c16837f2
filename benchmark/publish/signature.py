"""A signature of a bundle's checksums, by the ``ssh-keygen`` that comes with OpenSSH."""

from __future__ import annotations

import base64
import binascii
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmark.errors import RequestError
from benchmark.publish.layout import CHECKSUMS, SIGNATURE
from benchmark.report.words import label

__all__ = ["NAMESPACE", "checked", "signed"]

NAMESPACE = "swapbench"
"""What the signatures are for, so that none made for anything else is taken for one."""

_ARMOR = ("-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----")
_COLUMNS = 70
_SECONDS = 120
_FINGERPRINT = re.compile(r"with (\S+) key (SHA256:[A-Za-z0-9+/]{43})")


def signed(checksums: bytes, key: Path) -> bytes:
    """The signature of some checksums with a private key of ssh.

    Raises
    ------
    RequestError
        When there is no ``ssh-keygen``, or it cannot sign with that key.
    """
    if not key.is_file():
        raise RequestError(f"sign={key}: there is no such file")
    done = _ssh_keygen(["sign", "-f", str(key), "-n", NAMESPACE], checksums)
    if done.returncode != 0 or not _is_armored(done.stdout):
        raise RequestError(f"sign={key}: ssh-keygen cannot sign with it: {_said(done)}")
    return done.stdout


def checked(checksums: bytes, signature: bytes | None, signers: Path | None = None) -> str:
    """Whose signature of these checksums it is, in words.

    Parameters
    ----------
    signers
        A file as ``ssh-keygen`` describes below ALLOWED SIGNERS. Without it a valid signature says only that
        somebody who has the key has signed: compare its fingerprint with one that you trust.

    Raises
    ------
    RequestError
        When there is no signature, none of these checksums, or none by a signer; when there is no
        ``ssh-keygen``.
    """
    if signers is not None and not signers.is_file():
        raise RequestError(f"signers={signers}: there is no such file")
    if signature is None:
        raise RequestError(f"{SIGNATURE}: the bundle is not signed")
    if not _is_armored(signature):
        raise RequestError(f"{SIGNATURE}: not written as ssh-keygen writes a signature")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / SIGNATURE
        file.write_bytes(signature)
        common = ["-n", NAMESPACE, "-s", str(file)]
        done = _ssh_keygen(["check-novalidate", *common], checksums)
        made = _FINGERPRINT.search(done.stdout.decode("utf-8", "replace"))
        if done.returncode != 0 or made is None:
            raise RequestError(f"{SIGNATURE}: no signature of {CHECKSUMS}: {_said(done)}")
        key = " ".join(made.groups())
        if signers is None:
            return f"a valid signature by the {made[1]} key {made[2]}, of whom it does not say"
        known = ["-f", str(signers)]
        named = _ssh_keygen(["find-principals", "-s", str(file), *known], b"")
        for signer in named.stdout.decode("utf-8", "replace").splitlines() if named.returncode == 0 else ():
            if _ssh_keygen(["verify", *common, *known, "-I", signer], checksums).returncode == 0:
                return f"signed by {label(signer, 80)} with the {made[1]} key {made[2]}"
    raise RequestError(f"{SIGNATURE}: the key {key} is of nobody in {signers}")


def _is_armored(signature: bytes) -> bool:
    """Whether it is the one text that a signature has, so that no bit of it can be another."""
    try:
        lines = signature.decode("ascii").split("\n")
        blob = base64.b64decode("".join(lines[1:-2]), validate=True)
    except (UnicodeDecodeError, binascii.Error):
        return False
    text = base64.b64encode(blob).decode()
    wrapped = [text[start : start + _COLUMNS] for start in range(0, len(text), _COLUMNS)]
    return lines == [_ARMOR[0], *wrapped, _ARMOR[1], ""]


def _ssh_keygen(arguments: Sequence[str], given: bytes) -> subprocess.CompletedProcess[bytes]:
    command = ["ssh-keygen", "-Y", *arguments]
    try:
        return subprocess.run(command, input=given, capture_output=True, timeout=_SECONDS, check=False)
    except FileNotFoundError as error:
        raise RequestError("there is no ssh-keygen here, which signs: install OpenSSH") from error
    except subprocess.TimeoutExpired as error:
        raise RequestError(f"ssh-keygen gave no answer in {_SECONDS} seconds") from error


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    text = (done.stderr or done.stdout).decode("utf-8", "replace")
    return label(" ".join(text.split()), 200) or f"exit code {done.returncode}"
