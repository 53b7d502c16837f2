"""Where cells train, and what becomes of one that asks for more memory than there is."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lightgbm.basic import LightGBMError

from benchmark.catalog import open_catalog
from benchmark.data import TaskData
from benchmark.errors import RequestError
from benchmark.execute.cell import run_job
from benchmark.execute.devices import default_workers, is_out_of_memory, place
from benchmark.execute.engine import Context
from benchmark.plan.grid import Job, PlannedCell
from benchmark.spec import Budget, Pipeline, Protocol, Record, Seeds, Split, Splitting, Task
from components.estimator.by_task_type import ByTaskType

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
SEEDS = Seeds(1, 2, 3)
BUDGET = Budget("steps", 40, batch_size=64, evaluations=4)
ReadTask = Callable[[str], tuple[TaskData, Task, Split]]


@given(gpus=st.integers(1, 9), workers=st.integers(1, 70))
def test_workers_are_spread_evenly_over_the_gpus(gpus: int, workers: int) -> None:
    places = [place(number, workers, gpus) for number in range(workers)]
    for gpu in range(min(gpus, workers)):
        sharing = [of for which, of in places if which == gpu]
        assert sharing == [len(sharing)] * len(sharing)
        assert len(sharing) in (workers // gpus, -(-workers // gpus))


@pytest.mark.parametrize("cells", [0, -1, True, 1.5, "2"])
def test_cells_per_gpu_is_a_number_of_cells(cells: Any) -> None:
    with pytest.raises(RequestError, match=rf"executor.cells_per_gpu={cells}: expected a whole number"):
        default_workers("cpu", {"cells_per_gpu": cells})


def test_a_gpu_is_asked_for_by_name_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(RequestError, match="device=cuda: torch sees no CUDA device on .*; choose cpu"):
        Context(1, (), (), device="cuda").prepare()


@pytest.mark.parametrize(
    "ask", [lambda: torch.empty(2**50), lambda: np.empty(2**52), lambda: bytearray(2**60)]
)
def test_an_allocation_that_fails_is_told_from_other_errors(ask: Callable[[], object]) -> None:
    with pytest.raises((RuntimeError, MemoryError)) as caught:
        ask()
    assert is_out_of_memory(caught.value)


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (LightGBMError("std::bad_alloc"), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("CUDA error: device-side assert triggered"), False),
        (ValueError("memory must be positive"), False),
    ],
)
def test_who_says_what_when_memory_is_out(error: Exception, is_memory: bool) -> None:
    assert is_out_of_memory(error) == is_memory


@pytest.fixture
def job(real_task: ReadTask, pipeline: Callable[..., Pipeline]) -> Callable[..., Job]:
    """One cell of a pipeline on a bundled task."""

    def made(name: str, device: str = "cpu", precision: str = "float32") -> Job:
        return Job(
            key="job",
            pipeline=pipeline(name),
            dataset=open_catalog().dataset("iris"),
            task=real_task("iris")[1],
            repeat=0,
            fold=0,
            root_seed=0,
            protocol=Protocol(Splitting(), budget=BUDGET, precision=precision),
            device=device,
            space={},
            tunings=(),
            cells=(PlannedCell(0, "default", "default", SEEDS),),
        )

    return made


def record(job: Job) -> Record:
    """What the one cell of a job leaves."""
    ((outcome,),) = run_job(job, {})
    assert isinstance(outcome.row, Record)
    return outcome.row


class Held(np.ndarray):
    """An array that can be referred to weakly."""


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, needs_gpu])])
def test_a_cell_that_gets_no_memory_says_so_and_leaves_none_behind(
    device: str, job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[weakref.ref[Held]] = []

    def greedy(*_: Any) -> None:
        held = np.ones(1000).view(Held)
        left.append(weakref.ref(held))
        try:
            torch.empty(2**50, device=device)
        except RuntimeError as error:
            again = error  # a cycle: the error knows this frame
            raise again from None

    monkeypatch.setattr(ByTaskType, "fit", greedy)
    gc.disable()
    try:
        found = record(job("linear", device))
    finally:
        gc.enable()
    assert (found.status, found.error) == ("out_of_memory", None)
    assert "memory" in found.reason and "greedy" in found.traceback
    assert [of() for of in left] == [None]


def test_on_a_cpu_nothing_is_said_of_a_gpu(job: Callable[..., Job]) -> None:
    found = record(job("mlp"))
    assert (found.status, found.peak_gpu_memory_mb) == ("ok", 0.0)
    assert found.peak_memory_mb > 0


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_gpu_repeats_its_bits_and_does_nearly_as_a_cpu(precision: str, job: Callable[..., Job]) -> None:
    Context(1, (), (), device="cuda").prepare()
    here = record(job("mlp", "cpu"))
    there, again = (record(job("mlp", "cuda", precision)) for _ in range(2))
    assert (there.status, there.error, there.steps) == ("ok", again.error, again.steps)
    assert there.peak_gpu_memory_mb > 0
    assert there.error is not None and here.error is not None
    assert abs(there.error - here.error) < 0.15


def gpu_script(text: str) -> str:
    """What a script printed in a process of its own."""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=300)
    assert not done.returncode, done.stderr
    return done.stdout.strip()


@pytest.mark.gpu
@needs_gpu
def test_a_process_whose_context_is_spoilt_is_of_no_more_use() -> None:
    said = gpu_script(
        """
import torch
from benchmark.execute.devices import is_usable
print(is_usable("cuda"))
try:
    torch.ones(3, device="cuda")[torch.tensor([7], device="cuda")].sum().item()
except RuntimeError:
    print(is_usable("cuda"), is_usable("cpu"))
"""
    )
    assert said == "True\nFalse True"


@pytest.mark.gpu
@needs_gpu
def test_who_shares_a_gpu_gets_a_part_of_it() -> None:
    said = gpu_script(
        """
import torch
from benchmark.execute.devices import take_gpu
gpus = torch.cuda.device_count()
take_gpu(gpus, 2 * gpus)
print(torch.cuda.current_device())
try:
    torch.empty(int(0.6 * torch.cuda.get_device_properties(0).total_memory), dtype=torch.uint8, device="cuda")
except torch.OutOfMemoryError:
    print("no more than a part")
"""
    )
    assert said == "0\nno more than a part"
