"""What workers import before their first cell, for the process that forks them all to import it once.

Nothing here may use a GPU or start a thread that does not see to forks itself, as those of jemalloc and
OpenBLAS do.
"""

import pyarrow.pandas_compat  # noqa: F401
import sklearn.impute
import sklearn.linear_model
import sklearn.pipeline
import sklearn.preprocessing  # noqa: F401
import torch

import benchmark.execute.workers.worker  # noqa: F401

__all__: list[str] = []

# The first optimizer of a process makes torch import its compiler, which takes seconds.
torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))])
