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

A preprocessor gives a ``table``, whatever the data (images and sequences flattened, texts counted), or it
gives ``native``: each modality in its own form. The forms, and what ``forward`` is passed of each:

============  ===================================================  ====================================
form          from a preprocessor                                  ``forward`` takes
============  ===================================================  ====================================
``table``     ``pandas.DataFrame``, float and integer columns      ``x_num, x_cat``, either may be None
``image``     array ``(n_rows, channels, height, width)``, float   ``x``
``sequence``  list of arrays ``(time, channels)``, float           ``x, lengths``; zeros after the end
``tokens``    list of int64 arrays ``(time,)``, codes from 1       ``x, lengths``; code 0 after the end
============  ===================================================  ====================================

What a component may ask for in ``needs``, beyond packages, modality and task type:

``input:FORM`` (architecture, booster, estimator; several may be given)
    The forms it takes; a component that names none takes tables alone.
``input:missing`` (architecture, booster, weak_learner, estimator)
    It takes missing numbers (NaN) in a table. Where a task has some, a preprocessor that ``gives: [missing]``
    leaves them in, and every component of the pipeline that names slots here must take them.
``rows:N``, ``columns:N`` (any slot)
    It is not for tasks of more rows or features: what grows with their square or cube says so.
``roles`` (optimizer)
    ``params`` is a list of groups, each with its ``role`` (one of PARAMETER_ROLES); only with an
    architecture that gives ``roles``.
``train_eval`` (optimizer)
    ``optimizer.train()`` and ``optimizer.eval()`` are called around training and evaluation.
``closure`` (optimizer)
    ``optimizer.step(closure)`` is called with no gradients made beforehand. ``closure()`` clears the
    gradients, computes the loss of the step's batch and its gradients, and returns the loss, as often as it
    is called; it switches gradients on itself. ``closure(create_graph=True)`` makes gradients that can be
    differentiated again. Each call spends one pass of the budget, with ``create_graph`` two, so that a budget
    means the same for every optimizer.
``attention_logits`` (optimizer)
    ``make(params, attention_logits=f)``; ``f()`` returns one :class:`AttentionLayer` per attention layer, as
    of the last pass in training mode. Only with an architecture that gives ``attention_logits``.
``alone`` (architecture, optimizer)
    It is never trained in a stack (``protocol.stacking``), because it does what ``torch.func.vmap`` cannot
    batch or looks at more of a network than its parameters and gradients. Where it does not say so and cannot
    be stacked, the stack's members are trained alone after all, and their records say why.
``validation_error`` (schedule)
    ``schedule.step(error)`` is called after every evaluation on the validation rows, and at no other time;
    other schedules step once per pass of the budget (or per thousandth of a budget in seconds).
``activation`` (architecture)
    ``make`` is passed ``activation``, a function without arguments that returns a new module. An
    architecture that does not ask has an activation of its own: swapping that slot is incompatible.
``training_rows`` (architecture)
    ``make`` is passed ``training_rows``: all of them, as the tuple of tensors that ``forward`` takes; never
    their targets. For what is read off the data, such as the bins of piecewise linear embeddings.
``validation`` (booster, estimator)
    ``fit`` is passed ``validation=(X, y)``, for early stopping.
``weights`` (booster, estimator)
    ``fit`` is passed ``sample_weight`` ``(n_rows,)`` where the task's rows carry weights; and, if it asks for
    ``validation`` too, ``validation_weight``. A learner that does not ask is incompatible with such a task;
    networks need not ask, since their loss is weighted for them.
``binned`` (booster, estimator)
    It has rows in a form of its own, as columns in bins, that fits can share: :class:`Binner`. ``fit`` is
    passed ``binned``, what ``bin`` returned of the same rows. What that took counts in the time of every fit.
``tree_shape`` (booster)
    The booster grows trees of its own and only wants their shape: a weak learner that gives
    ``tree_shape``, with the attributes ``num_leaves``, ``min_samples_leaf``, ``max_depth`` (-1: no
    bound) and ``feature_fraction``.
``regressor`` (booster)
    The booster fits many weak learners: scikit-learn regressors ``fit(X, y[, sample_weight])``,
    ``predict(X)``, which can be cloned. A weak learner that gives ``regressor`` is one.

A ``seed`` is a whole number below 2**31.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import torch

__all__ = [
    "GIVES",
    "NEEDS",
    "TAKES_INPUT",
    "TAKES_MISSING",
    "Architecture",
    "AttentionGiver",
    "AttentionLayer",
    "Binner",
    "Estimator",
    "Loss",
    "Preprocessor",
    "RoleGiver",
]

NEEDS: Mapping[str, tuple[str, ...]] = {
    "optimizer": ("roles", "train_eval", "closure", "attention_logits", "alone"),
    "schedule": ("validation_error",),
    "architecture": ("activation", "training_rows", "alone"),
    "booster": ("validation", "weights", "binned", "tree_shape", "regressor"),
    "estimator": ("validation", "weights", "binned"),
}
"""Which words a component of each slot may put into ``needs``."""

TAKES_INPUT = ("architecture", "booster", "estimator")
"""The slots whose components say which forms of input they take."""

TAKES_MISSING = ("architecture", "booster", "weak_learner", "estimator")
"""The slots whose components meet what the preprocessor leaves in a table."""

GIVES: Mapping[str, tuple[str, ...]] = {
    "preprocessor": ("table", "native", "missing"),
    "architecture": ("roles", "attention_logits"),
    "weak_learner": ("tree_shape", "regressor"),
}
"""Which words a component of each slot may put into ``gives``."""


@runtime_checkable
class Preprocessor(Protocol):
    """A scikit-learn transformer from raw data to a learner's input, fitted on training rows only.

    In, by modality: a table of float64 columns (numeric, may hold NaN) and ``category`` columns (may be
    missing); images, uint8 or float32 ``(n_rows, channels, height, width)``; sequences, a list of float32
    arrays ``(time, channels)``, each of its own length; texts, a list of ``str``.

    Out: a table of float columns (numeric, finite unless the pipeline's learner takes NaN) and integer
    columns (codes of categories, 0 for missing or not seen in training); or, with ``gives: [native]``, the
    modality's own form as in the table above. Rows keep their order, a table its index.

    ``y`` is as an :class:`Estimator` gets it: integers are class codes, floats are values. The training rows
    go through ``fit_transform(X, y)``, so that an encoder that looks at the target can leave each row's own
    target out; all others through ``transform``.
    """

    def fit_transform(self, X: Any, y: np.ndarray) -> Any: ...

    def transform(self, X: Any) -> Any: ...


@runtime_checkable
class Architecture(Protocol):
    """A ``torch.nn.Module`` over one or more forms of input.

    ``forward`` takes what the table above says: floats are float32, codes and lengths int64, rows come first.
    It returns ``(batch, n_outputs)``, or ``(batch, k, n_outputs)`` for k members that are trained each on its
    own loss and averaged to predict. Where ``input_spec.every_step``, it returns ``(batch, time,
    n_outputs)``, the output at a position computed from that position and those before alone.
    ``n_outputs`` is the number of classes, the horizon of a forecast, or 1.
    """

    def forward(self, *inputs: torch.Tensor | None) -> torch.Tensor: ...

    def parameters(self) -> Any: ...


@runtime_checkable
class RoleGiver(Protocol):
    """An architecture that gives ``roles``."""

    def parameter_roles(self) -> Mapping[str, str]:
        """The role of every parameter, by its name in ``named_parameters()``."""
        ...


@runtime_checkable
class AttentionLayer(Protocol):
    """One attention layer, as of its last pass in training mode."""

    @property
    def query(self) -> Sequence[torch.nn.Parameter]:
        """What makes the queries: weight, and bias if there is one; one equal block of rows per head."""

    @property
    def key(self) -> Sequence[torch.nn.Parameter]:
        """What makes the keys, in the same way."""

    @property
    def largest(self) -> torch.Tensor:
        """Largest logit, before the softmax and outside masks, of each head ``(n_heads,)``."""


@runtime_checkable
class AttentionGiver(Protocol):
    """An architecture that gives ``attention_logits``."""

    def attention_logits(self) -> Sequence[AttentionLayer]:
        """Every attention layer, as of the last pass in training mode."""
        ...


@runtime_checkable
class Loss(Protocol):
    """Mean loss over a batch.

    ``output`` is ``(batch, n_outputs)`` and ``target`` int64 class codes ``(batch,)``; or both are floats
    ``(batch,)``, the target standardised with the training rows' mean and deviation. Steps of a forecast and
    positions of a text count as rows. Predictions are the softmax of the output, or the output itself.
    """

    def __call__(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor: ...


@runtime_checkable
class Estimator(Protocol):
    """A scikit-learn style learner over what the preprocessor gives.

    ``y`` is ``(n_rows,)`` class codes or values; ``(n_rows, horizon)`` values for forecasting; ``(n_rows,
    time)`` class codes for language, -1 where nothing is asked.

    ``predict_proba`` (classes) returns one column per entry of ``classes_``, the class codes it was fitted
    on; the harness gives the codes that it never saw probability 0. For language it returns ``(n_rows,
    time, n_columns)``. ``predict`` (values) returns ``(n_rows,)`` or ``(n_rows, horizon)``.
    """

    def fit(self, X: Any, y: np.ndarray, **extra: Any) -> Any: ...

    def predict(self, X: Any) -> np.ndarray: ...


@runtime_checkable
class Binner(Protocol):
    """An :class:`Estimator` that asks for ``binned``; ``fit`` bins for itself where it is passed nothing."""

    def binning(self) -> Hashable:
        """What ``bin`` depends on besides the rows: learners of one class that agree in it share."""
        ...

    def bin(self, X: Any, y: np.ndarray, **extra: Any) -> Any:
        """The rows that ``fit`` is passed, in a form of its own; fits must leave it as it is.

        With it a learner predicts the same bits as without. ``extra`` is what ``fit`` gets, ``binned`` apart.
        """
        ...
