"""Fixtures that every part shares."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What tests and their subprocesses parse is kept apart from what the user's studies have parsed."""
    os.environ["SWAPBENCH_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    os.environ.pop("SWAPBENCH_CACHE_GB", None)


@pytest.fixture(scope="session")
def seconds() -> Callable[[Callable[[], object]], float]:
    """Measures what work takes of this process alone, whatever else runs; the best of three."""

    def measure(work: Callable[[], object]) -> float:
        taken = []
        for _ in range(3):
            start = time.process_time()
            work()
            taken.append(time.process_time() - start)
        return min(taken)

    return measure


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the checkout."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the folder ../shared is not here")
    return folder
