"""Every comparison of `make perf` runs and fills its rows; whether a budget is kept is no test's business."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parent / "perf" / "bench.py"


@pytest.mark.full
@pytest.mark.parametrize(
    "name", ["noop", "efficiency", "networks", "classical", "boosting", "stacking", "scale", "own"]
)
def test_a_comparison_fills_its_rows(name: str) -> None:
    if name == "noop" and importlib.util.find_spec("benchopt") is None:
        pytest.skip("benchopt is not installed: make .venv/rivals")
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, str(BENCH), "--quick", name], capture_output=True, text=True, env=environment
    )
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    assert len(rows) > 1, done.stdout  # the first is the head
