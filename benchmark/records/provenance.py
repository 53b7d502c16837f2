"""On what a number was computed: commit, packages and machine, without names of hosts or people."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

__all__ = ["facts", "facts_digest", "library_versions", "machine", "sampler_version"]

_NUMERIC = ("numpy", "scipy", "scikit-learn", "torch")
_NAMED = (
    *_NUMERIC,
    "hydra-core",
    "lightgbm",
    "optuna",
    "pandas",
    "pytorch_optimizer",
    "schedulefree",
    "statsmodels",
    "tabm",
)


def sampler_version(sampler: str) -> str:
    """Version of the library that proposes a sampler's settings; empty where we draw them."""
    return importlib.metadata.version("optuna") if sampler == "tpe" else ""


def library_versions() -> dict[str, str]:
    """Versions of the numeric libraries whose change may change any number."""
    return {name: importlib.metadata.version(name) for name in _NUMERIC}


def facts(device: str) -> dict[str, Any]:
    """The machine and installation as plain values.

    Keys: ``swapbench``, ``commit``, ``dirty`` (digest of uncommitted changes, null when clean),
    ``python``, ``packages``, ``cpu``, ``cores``, ``memory_gb``, ``os``, ``device``, ``gpus`` (names of those
    that can be used; null where ``device`` is not ``cuda``).
    """
    root = Path(__file__).resolve().parents[2]
    changes = _git(root, "status", "--porcelain") and _git(root, "diff", "HEAD")
    return {
        "swapbench": importlib.metadata.version("swapbench"),
        "commit": _git(root, "rev-parse", "HEAD"),
        "dirty": hashlib.sha256(changes.encode()).hexdigest()[:16] if changes else None,
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in sorted(_NAMED)},
        "device": device,
        **machine(device),
    }


def machine(device: str) -> dict[str, Any]:
    """Those of :func:`facts` in which the nodes of a cluster may differ."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "os": f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}",
        "gpus": _gpus() if device == "cuda" else None,
    }


def facts_digest(known: Mapping[str, Any]) -> str:
    """A short digest of :func:`facts`."""
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:16]


def _git(root: Path, *command: str) -> str | None:
    """What git says of the harness's checkout; None outside one."""
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *command], capture_output=True, text=True, timeout=20, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _gpus() -> list[str]:
    import torch

    return [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
