"""What a machine can do, measured."""

from __future__ import annotations

import pytest
import torch

from benchmark.execute.peak import machine_peak

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, needs_gpu])])
def test_a_call_is_worth_many_operations(device: str) -> None:
    peak = machine_peak(device)
    assert peak.flops * peak.call_seconds > 100
    assert 0 < peak.call_seconds < 1e-2


def test_it_is_measured_once() -> None:
    assert machine_peak() is machine_peak()
