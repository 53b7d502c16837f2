"""Limits of a worker: they are the same for every fit, and they are nobody else's."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import time

import numpy as np
import pytest
import torch

from benchmark.execute.limits import (
    FitTimeout,
    charge,
    limited,
    memory_limit,
    peak_memory_mb,
    pin_threads,
    reset_peak_memory,
    time_limit,
    watched,
)
from benchmark.execute.workers.watch import Board
from benchmark.spec import Limits


def test_a_charge_shortens_the_limit() -> None:
    with pytest.raises(FitTimeout, match="seconds=60"), time_limit(60):
        charge(50)
        assert 9 < signal.getitimer(signal.ITIMER_REAL)[0] <= 10
        charge(50)
        time.sleep(1)


def test_a_charge_without_a_limit_leaves_other_alarms_alone() -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the alarm went off")

    before = signal.signal(signal.SIGALRM, refuse)
    left, _ = signal.setitimer(signal.ITIMER_REAL, 60)
    try:
        with time_limit(None):
            charge(1000)
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 50
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, left)


@pytest.mark.parametrize(("given", "used"), [(None, ":4096:8"), (":16:8", ":16:8")])
def test_cublas_is_deterministic_unless_told_how(
    given: str | None, used: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", given or "")
    if given is None:
        monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    pin_threads()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == used


def test_a_timeout_is_no_exception_of_a_component() -> None:
    with pytest.raises(FitTimeout), time_limit(0.05):
        while True:
            with contextlib.suppress(Exception):
                time.sleep(0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits what is private and writable")
def test_memory_beyond_the_limit_cannot_be_had() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with memory_limit(1500):  # far more than what earlier tests freed and malloc kept, which counts as had
        kept = np.empty(128 << 20)  # 1 GiB, asked for and never used
        with pytest.raises(MemoryError):
            np.empty(128 << 20)
        with pytest.raises(RuntimeError, match="allocate memory"):
            torch.empty(256 << 20)
        del kept
        np.empty(128 << 20)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    np.empty(256 << 20)


def test_a_guard_is_told_the_limits_of_a_fit_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmark.execute.limits._boards", [])
    board = Board.shared()
    board.deadline = 1.0  # of its beginning
    watched(board)
    assert board.deadline == 0
    with limited(Limits(seconds=60, memory_mb=500)):
        assert 60 < board.deadline - time.monotonic() < 65
        charge(50)
        assert 10 < board.deadline - time.monotonic() < 15
        assert (board.limit, board.memory_mb) == (b"protocol.limits.seconds=60", 500)
        assert board.ceiling > 500 * 2**20
    assert (board.deadline, board.ceiling) == (0, 0)
    with time_limit(120, "{:g} s to import"):
        assert board.limit == b"120 s to import"
    with limited(Limits()):
        assert (board.deadline, board.ceiling) == (0, 0)


def test_peak_memory_is_that_since_the_last_reset() -> None:
    np.ones(16 << 20)  # 128 MiB
    assert peak_memory_mb() > 128
    reset_peak_memory()
    before = peak_memory_mb()
    np.ones(8 << 20)
    assert 60 < peak_memory_mb() - before < 100
