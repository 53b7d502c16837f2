"""Where networks train: which worker has which GPU, when a GPU is done, and how much memory that took."""

from __future__ import annotations

import gc
import os
import platform
import time
from collections.abc import Mapping
from typing import Any

import torch

from benchmark.errors import RequestError

__all__ = [
    "clock",
    "default_workers",
    "empty_cache",
    "is_out_of_memory",
    "is_usable",
    "peak_gpu_memory_mb",
    "place",
    "reset_peak_gpu_memory",
    "take_gpu",
]

_CONTEXTS = 0.1
"""Share of a GPU left alone where several processes are on it: each holds kernels and workspaces of its own,
which no limit on what it allocates covers."""

_ALLOCATION_FAILED = (
    "bad_alloc",  # C++: what LightGBM and XGBoost pass on as an error of their own
    "bad allocation",
    "can't allocate memory",  # torch's allocator for the CPU
    "not enough memory",  # the same on Windows
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "cudaErrorMemoryAllocation",
)


def default_workers(device: str, options: Mapping[str, Any]) -> int:
    """How many workers there are where nobody says: one per core, or ``cells_per_gpu`` on every GPU.

    Raises
    ------
    RequestError
        When ``executor.cells_per_gpu`` is no number of cells.
    """
    cells = options.get("cells_per_gpu", 1)
    if not isinstance(cells, int) or isinstance(cells, bool) or cells < 1:
        raise RequestError(f"executor.cells_per_gpu={cells}: expected a whole number from 1")
    return max(1, torch.cuda.device_count() * cells) if device == "cuda" else len(os.sched_getaffinity(0))


def take_gpu(number: int, workers: int) -> None:
    """Make this process use one GPU: the workers are dealt out to the GPUs in turn.

    Of a GPU that several share, each may allocate an equal part and no more. What one of them takes then
    never makes another run out of memory, so that this is an outcome of a cell and not of its neighbours.

    Parameters
    ----------
    number
        Which of the workers of this machine this is, from 0.
    workers
        How many there are.

    Raises
    ------
    RequestError
        When there is no GPU.
    """
    if not (gpus := torch.cuda.device_count()):
        raise RequestError(f"device=cuda: torch sees no CUDA device on {platform.node()}; choose cpu")
    gpu, sharing = place(number, workers, gpus)
    torch.cuda.set_device(gpu)
    if sharing > 1:
        torch.cuda.set_per_process_memory_fraction((1 - _CONTEXTS) / sharing)


def place(number: int, workers: int, gpus: int) -> tuple[int, int]:
    """Which GPU a worker has, and how many workers that GPU has."""
    gpu = number % gpus
    return gpu, len(range(gpu, workers, gpus))


def clock(device: str) -> float:
    """Seconds of a clock, read once the device is done with everything that it was asked for."""
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def reset_peak_gpu_memory(device: str) -> None:
    """Start measuring the peak of allocated GPU memory anew."""
    if device == "cuda":
        torch.cuda.init()  # type: ignore[no-untyped-call]
        torch.cuda.reset_peak_memory_stats()


def peak_gpu_memory_mb(device: str) -> float:
    """Highest memory allocated on the GPU since :func:`reset_peak_gpu_memory`, in MiB; 0 on a CPU."""
    return torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else 0.0


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory could not be had, whoever raised it."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return any(words in str(error) for words in _ALLOCATION_FAILED)


def empty_cache(device: str) -> None:
    """Give the memory back that a fit left behind, so that it is not missing in the next."""
    gc.collect()  # an exception's frames hold tensors in cycles
    if device == "cuda":
        torch.cuda.empty_cache()


def is_usable(device: str) -> bool:
    """Whether this process can still use its GPU.

    An assertion that failed in a kernel, or an address that is not there, spoils the process's context for
    good: everything that it computes there afterwards fails too, whoever asks.
    """
    try:
        clock(device)
    except RuntimeError:
        return False
    return True
