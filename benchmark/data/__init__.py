"""A task's arrays: where they come from, what types they have, and the digests that stand for them."""

from __future__ import annotations

from benchmark.data.load import at_hand, describe, load
from benchmark.data.taskdata import Ragged, TaskData

__all__ = ["Ragged", "TaskData", "at_hand", "describe", "load"]
