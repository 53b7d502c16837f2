"""Classes of libraries that are called otherwise than a slot calls them, as the catalog takes them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.catalog import Catalog
from benchmark.records.code import is_file_target
from benchmark.resolve.signatures import takes, words_of
from benchmark.targets import LIBRARIES

__all__ = ["adopted", "is_of_a_library", "relative"]

_BY_TASK_TYPE = "components.estimator.by_task_type.ByTaskType"
_SCALED = "components.preprocessor.tables.Scaled"


def is_of_a_library(target: str) -> bool:
    """Whether it is of a declared library, and so no component that somebody is writing."""
    return not is_file_target(target) and target.partition(".")[0] in {*LIBRARIES} - {"components"}


def adopted(found: Any, target: str, slots: Sequence[str]) -> tuple[str, Mapping[str, Any]] | None:
    """The slot and the document by which the catalog's own code makes a component of scikit-learn's class.

    A classifier or regressor is one half of :class:`~components.estimator.by_task_type.ByTaskType`; what
    scales column by column is the scaler of :class:`~components.preprocessor.tables.Scaled`. Else None.
    """
    from sklearn.base import ClassifierMixin, OneToOneFeatureMixin, RegressorMixin

    if not is_of_a_library(target) or not isinstance(found, type):
        return None
    named = takes(found)
    if any(one.default is inspect.Parameter.empty for one in named.values()) or "task_type" in named:
        return None
    part = {"_target_": target, "_partial_": True}
    classifies = issubclass(found, ClassifierMixin)
    if "estimator" in slots and (classifies or issubclass(found, RegressorMixin)):
        make = {"_target_": _BY_TASK_TYPE, "_partial_": True, "classifier": part, "regressor": part}
        types = ("binary", "multiclass") if classifies else ("regression", "forecasting")
        needs = [*(f"task:{one}" for one in types), *words_of(found, "estimator")[0]]
        return "estimator", {"make": make, "needs": needs, "source": {"code": target}}
    if "preprocessor" in slots and issubclass(found, OneToOneFeatureMixin):
        make = {"_target_": _SCALED, "_partial_": True, "scaler": {"_target_": target}}
        return "preprocessor", {"make": make, "source": {"code": target}}
    return None


def relative(catalog: Catalog, target: str, slots: Sequence[str]) -> str:
    """A component of the catalog that is called like the class: ``schedule/one_cycle``, ``OneCycleLR``."""
    name = target.rpartition(".")[2].lower()
    alike = [
        (len(known), f"{slot}/{known}")
        for slot in slots
        for known in catalog.files[slot]
        if known.replace("_", "") in name
    ]
    return max(alike)[1] if alike else ""
