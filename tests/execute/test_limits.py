"""Limits of a worker: they are the same for every fit, and they are nobody else's."""

from __future__ import annotations

import os
import signal
import time

import pytest

from benchmark.execute.limits import FitTimeout, charge, pin_threads, time_limit


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
