"""A SLURM cluster of one node, started for real; and a file of optimizers."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.tiny import OPTIMIZERS

SCRIPT = Path(__file__).with_name("slurm.sh")


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("only root may start SLURM's daemons")
    for command in ("slurmctld", "slurmd", "munged"):
        if shutil.which(command) is None:
            pytest.skip(f"{command} is not installed: make system-deps")
    folder = tmp_path_factory.mktemp("slurm")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        subprocess.run([SCRIPT, "start", folder], check=True)
        try:
            yield
        finally:
            subprocess.run([SCRIPT, "stop", folder], check=True)


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of optimizers, in the folder that commands run in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEDGER", str(tmp_path / "ledger"))
    (tmp_path / "mine.py").write_text(OPTIMIZERS)
    (tmp_path / "ledger").touch()
    return tmp_path / "mine.py"
