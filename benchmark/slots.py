"""The contract of every slot: what is passed in, what must come back.

A component imports nothing of the harness: it is an ordinary torch, scikit-learn or LightGBM object
that happens to fit one of these Protocols. ``make`` is what a component's YAML instantiates to: the
class with its constructor arguments bound (``_partial_: true``).

============  =========================================  =======================================
slot          called as                                  must come back
============  =========================================  =======================================
preprocessor  ``make()``                                 :class:`Preprocessor`
architecture  ``make(input_spec, n_outputs)``            :class:`Architecture`
activation    ``make()``                                 ``torch.nn.Module``, elementwise
loss          ``make(task_type, n_outputs)``             :class:`Loss`
optimizer     ``make(params)``                           ``torch.optim.Optimizer``
schedule      ``make(optimizer, total_steps)``           ``torch.optim.lr_scheduler.LRScheduler``
booster       ``make(weak_learner, task_type, seed)``    :class:`Estimator`
weak_learner  ``make(seed)``                             a scikit-learn regressor (or a tree's shape)
estimator     ``make(task_type, seed)``                  :class:`Estimator`
============  =========================================  =======================================

What a component may ask for in ``needs``, beyond packages, modality and task type:

``roles`` (optimizer)
    ``params`` is a list of groups, each with its ``role`` (one of PARAMETER_ROLES); only with an
    architecture that gives ``roles``.
``train_eval`` (optimizer)
    ``optimizer.train()`` and ``optimizer.eval()`` are called around training and evaluation.
``activation`` (architecture)
    ``make`` is passed ``activation``, a function without arguments that returns a new module. An
    architecture that does not ask has an activation of its own: swapping that slot is incompatible.
``validation`` (booster, estimator)
    ``fit`` is passed ``validation=(X, y)``, for early stopping.
``tree_shape`` (booster)
    The booster grows trees of its own and only wants their shape: a weak learner that gives
    ``tree_shape``, with the attributes ``num_leaves``, ``min_samples_leaf``, ``max_depth`` (-1: no
    bound) and ``feature_fraction``.

A ``seed`` is a whole number below 2**31.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import torch

__all__ = ["GIVES", "NEEDS", "Architecture", "Estimator", "Loss", "Preprocessor", "RoleGiver"]

NEEDS: Mapping[str, tuple[str, ...]] = {
    "optimizer": ("roles", "train_eval"),
    "architecture": ("activation",),
    "booster": ("validation", "tree_shape"),
    "estimator": ("validation",),
}
"""Which words a component of each slot may put into ``needs``."""

GIVES: Mapping[str, tuple[str, ...]] = {"architecture": ("roles",), "weak_learner": ("tree_shape",)}
"""Which words a component of each slot may put into ``gives``."""


@runtime_checkable
class Preprocessor(Protocol):
    """A scikit-learn transformer from a raw table to a table of numbers, fitted on training rows only.

    In: float64 columns (numeric, may hold NaN) and ``category`` columns (may be missing).
    Out: float columns (numeric, finite unless the pipeline's learner takes NaN) and integer columns
    (codes of categories, 0 for missing or not seen in training). Rows keep their order and index.
    """

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Any: ...

    def transform(self, X: pd.DataFrame) -> pd.DataFrame: ...


@runtime_checkable
class Architecture(Protocol):
    """A ``torch.nn.Module`` over tables.

    ``forward(x_num, x_cat)`` takes floats ``(batch, n_numeric)`` and int64 codes ``(batch,
    n_categorical)``, either of them None when the task has no such column, and returns ``(batch,
    n_outputs)``, or ``(batch, k, n_outputs)`` for k members that are trained each on its own loss and
    averaged to predict. ``n_outputs`` is the number of classes, or 1 for regression.
    """

    def forward(self, x_num: torch.Tensor | None, x_cat: torch.Tensor | None) -> torch.Tensor: ...

    def parameters(self) -> Any: ...


@runtime_checkable
class RoleGiver(Protocol):
    """An architecture that gives ``roles``."""

    def parameter_roles(self) -> Mapping[str, str]:
        """The role of every parameter, by its name in ``named_parameters()``."""
        ...


@runtime_checkable
class Loss(Protocol):
    """Mean loss over a batch.

    ``output`` is ``(batch, n_outputs)``; ``target`` is ``(batch,)``: int64 class codes, or floats
    standardised with the training rows' mean and deviation (``output`` is then squeezed to
    ``(batch,)``). Predictions are the softmax of the output, or the output itself for regression.
    """

    def __call__(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor: ...


@runtime_checkable
class Estimator(Protocol):
    """A scikit-learn style learner over the preprocessor's table.

    ``predict_proba`` (classification) returns one column per entry of ``classes_``, the class codes it
    was fitted on; the harness gives the codes that it never saw probability 0. ``predict``
    (regression) returns ``(n_rows,)``.
    """

    def fit(self, X: pd.DataFrame, y: np.ndarray, **validation: Any) -> Any: ...

    def predict(self, X: pd.DataFrame) -> np.ndarray: ...
