"""An estimator that is healthy or in trouble, by the seed of its cell alone: every try ends alike."""

from __future__ import annotations

import importlib.util
import os
import signal
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

__all__ = ["STATUS", "Chaotic", "kind_of"]

_spec: Any = importlib.util.spec_from_file_location(
    "trouble", Path(__file__).parents[3] / "execute" / "trouble.py"
)
trouble: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(trouble)


def raise_error() -> None:
    raise ValueError("chaos")


def hang() -> None:
    time.sleep(1000)


def leave_children() -> None:
    """Children of every kind; one of them hides from those who look at environments."""
    trouble.leave_children(os.environ["MARK"])
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execve("/bin/sh", ["sh", "-c", "sleep 1000; exit", os.environ["MARK"]], {})
        os._exit(0)


def leave_children_and_crash() -> None:
    leave_children()
    trouble.segfault()


def leak_in_forks() -> None:
    """Each child stays below the limit of 120 MiB; together they do not."""
    signal.setitimer(signal.ITIMER_REAL, 0)  # on a busy machine the limit of time would come first
    for _ in range(2):
        if os.fork() == 0:
            kept = np.ones(80 << 17)
            time.sleep(1000 + kept[0])
    time.sleep(1000)


def write_garbage() -> None:
    trouble.write_garbage(2)


def turn_everything() -> None:
    os.chdir(tempfile.mkdtemp())
    trouble.turn_everything()


def close_files() -> None:
    """Every descriptor: also the one that leads to the driver."""
    os.closerange(0, 256)


_HEALTHY = 10
"""How many of the kinds are none."""
_TROUBLE: Mapping[str, tuple[Callable[[], None], str]] = {
    "raise": (raise_error, "failed"),
    "wrong shape": (trouble.nothing, "failed"),
    "not a number": (trouble.nothing, "diverged"),
    "exit": (trouble.exit_3, "crashed"),
    "exit in order": (trouble.exit_0, "crashed"),
    "segfault": (trouble.segfault, "crashed"),
    "children and a segfault": (leave_children_and_crash, "crashed"),
    "closed files": (close_files, "crashed"),
    "hang": (hang, "timeout"),
    "hang in C": (trouble.hang_in_c, "timeout"),
    "ignored signals": (trouble.ignore_signals, "timeout"),
    "leak": (trouble.leak, "out_of_memory"),
    "leak in children": (leak_in_forks, "out_of_memory"),
    "children": (leave_children, "ok"),
    "garbage": (write_garbage, "ok"),
    "everything turned": (turn_everything, "ok"),
}
_KINDS = (*_TROUBLE, *["healthy"] * _HEALTHY)

STATUS = {"healthy": "ok", **{kind: status for kind, (_, status) in _TROUBLE.items()}}
"""What becomes of a cell, by kind."""


def kind_of(seed: int, salt: int) -> str:
    """What a cell is in for."""
    return "healthy" if salt == 0 else _KINDS[(seed // salt) % len(_KINDS)]


class Chaotic(BaseEstimator):  # type: ignore[misc]
    """A small tree, unless its kind is another; it notes every fit in the file ``$FITS``.

    Parameters
    ----------
    salt
        Makes several candidates of this one; 0: always healthy.
    depth
        Of the tree.
    seconds
        How long a fit takes beside that.
    """

    def __init__(self, task_type: str, seed: int, salt: int, depth: int = 2, seconds: float = 0) -> None:
        self.task_type = task_type
        self.seed = seed
        self.salt = salt
        self.depth = depth
        self.seconds = seconds

    def fit(self, X: Any, y: np.ndarray) -> Self:
        """Fit the tree, after whatever trouble there is."""
        with Path(os.environ["FITS"]).open("a") as fits:
            fits.write(f"{self.salt} {self.seed}\n")
        self.kind_ = kind_of(self.seed, self.salt)
        tree = DecisionTreeRegressor if self.task_type == "regression" else DecisionTreeClassifier
        self.tree_ = tree(max_depth=self.depth, max_features=0.5, random_state=self.seed).fit(X, y)
        self.classes_ = getattr(self.tree_, "classes_", None)
        time.sleep(self.seconds)
        if self.kind_ == "healthy":
            trouble.expect_order()
        else:
            _TROUBLE[self.kind_][0]()
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The tree's predictions ``(n_rows,)``."""
        return self._spoiled(self.tree_.predict(X))

    def predict_proba(self, X: Any) -> np.ndarray:
        """The tree's probabilities ``(n_rows, n_classes)``."""
        return self._spoiled(self.tree_.predict_proba(X))

    def _spoiled(self, said: np.ndarray) -> np.ndarray:
        if self.kind_ == "wrong shape":
            return np.ones((len(said), 7))
        return said * np.nan if self.kind_ == "not a number" else said
