"""A SLURM cluster of one node, started for real; and optimizers that do what no optimizer should."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("slurm.sh")

OPTIMIZERS = '''
import ctypes
import os
import time

import psutil
import torch


class Sound(torch.optim.SGD):
    """Leaves a line in the ledger for every fit, which tells it from others."""

    def __init__(self, params, lr=0.01):
        super().__init__(params, lr=lr)
        with open(os.environ["LEDGER"], "a") as ledger:
            ledger.write(f"{torch.initial_seed()}/{lr}\\n")


class Slow(Sound):
    def step(self, closure=None):
        time.sleep(0.1)
        return super().step(closure)


class Segfaults(Sound):
    def step(self, closure=None):
        ctypes.string_at(0)


class EndsItsElement(Sound):
    """Kills the process that its worker lives in, as a node that dies does; not with the default lr."""

    def step(self, closure=None):
        if self.defaults["lr"] != 0.01:
            lineage = psutil.Process().parents()
            next(p for p in lineage if "submitit.core._submit" in p.cmdline()).kill()
            time.sleep(600)
        return super().step(closure)
'''


@pytest.fixture(scope="session")
def _cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
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
def mine(_cluster: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of optimizers, in the folder that commands run in, on a machine with a cluster."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEDGER", str(tmp_path / "ledger"))
    (tmp_path / "mine.py").write_text(OPTIMIZERS)
    (tmp_path / "ledger").touch()
    return tmp_path / "mine.py"
