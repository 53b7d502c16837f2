"""The words that have one meaning throughout: families, slots, task types, forms of data, statuses."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "CLASSIFICATION",
    "CONTROLS",
    "FAMILIES",
    "FORMS",
    "MODALITIES",
    "PARAMETER_ROLES",
    "SCHEMES",
    "SETTINGS",
    "SLOTS",
    "STATUSES",
    "TASK_TYPES",
]

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "neural": ("preprocessor", "architecture", "activation", "loss", "optimizer", "schedule"),
    "boosting": ("preprocessor", "booster", "weak_learner"),
    "estimator": ("preprocessor", "estimator"),
}
"""Which slots a pipeline of each family fills, in the order in which they act on the data."""
SLOTS: tuple[str, ...] = tuple(dict.fromkeys(slot for slots in FAMILIES.values() for slot in slots))
TASK_TYPES = ("binary", "multiclass", "regression", "forecasting", "language")
"""``forecasting``: the next values of a series from those before; ``language``: the token at every position
from those before."""
CLASSIFICATION = ("binary", "multiclass")
MODALITIES = ("tabular", "image", "sequence", "text")
FORMS: Mapping[str, str] = {"tabular": "table", "image": "image", "sequence": "sequence", "text": "tokens"}
"""By modality: the form of input that a learner gets where the preprocessor does not make a table of it."""
SCHEMES = ("auto", "own", "kfold", "holdout", "group", "temporal", "leave_one_out")
SETTINGS = ("default", "tuned")
STATUSES = ("ok", "failed", "diverged", "timeout", "out_of_memory", "crashed", "incompatible")
CONTROLS = ("permuted", "handicapped", "planted")
"""What a study checks itself with, beside its A/A arms.

``permuted``: the baseline, taught permuted labels, has to fall to chance. ``handicapped``: the baseline,
taught partly wrong labels, has to be found worse. ``planted``: an effect of known size, put into the records,
has to be recovered; nothing is run for it.
"""
PARAMETER_ROLES = ("embedding", "hidden", "output", "norm", "bias")
"""What an architecture that gives ``roles`` may call a parameter.

``hidden`` is a matrix between two hidden representations; ``embedding`` is whatever first meets the
input (lookup tables and input projections alike); ``norm`` is any elementwise scale.
"""
