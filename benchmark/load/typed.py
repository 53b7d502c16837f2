"""Components as a person types them: a name of the catalog, a dotted path, or ``file.py:Class``."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.catalog import Catalog
from benchmark.errors import RequestError, nearest
from benchmark.load.components import read_component
from benchmark.records.code import is_file_target, missing_package, package_hint, split_file_target
from benchmark.spec import SLOTS, Component
from benchmark.targets import PASSED_IF_ASKED, check_call, check_fit, resolve

__all__ = ["absolute", "asked_component", "document_from_signature"]

_TUNED_AROUND_DEFAULT = 30.0
"""A typed component without a search space is tuned in lr, this factor down and up from its default."""

_MOST_PARTICULAR = (
    *("optimizer", "schedule", "activation", "loss", "architecture"),
    *("preprocessor", "booster", "estimator", "weak_learner"),
)
"""Slots, those first that ask most of a class: what can be built without arguments is an activation."""


def asked_component(catalog: Catalog, entry: str, slot: str = "") -> Component:
    """The component that ``entry`` stands for.

    Parameters
    ----------
    entry
        ``radam``, ``optimizer/radam``, ``torch.optim.RAdam`` or ``mine.py:Mine``.
    slot
        Empty: the only slot that has such a name, or the one that asks most of the class and that it fits.

    Raises
    ------
    RequestError
        When it stands for nothing, or a name for components of two slots.
    """
    if slot and slot not in SLOTS:
        raise RequestError(f"--slot {slot}: there is no such slot; {nearest(slot, SLOTS)}")
    wanted, _, name = entry.rpartition("/") if not is_file_target(entry) else ("", "", entry)
    if wanted and wanted not in SLOTS:
        raise RequestError(f"'{entry}': there is no slot '{wanted}'; {nearest(wanted, SLOTS)}")
    slots = [wanted or slot] if wanted or slot else [*SLOTS]
    holding = [one for one in slots if name in catalog.files[one]]
    if len(holding) > 1:
        choices = ", ".join(f"{one}/{name}" for one in holding)
        raise RequestError(f"'{entry}' is in {len(holding)} slots; write one of {choices}")
    if holding:
        file = catalog.path(holding[0], name)
        return read_component(holding[0], name, catalog.document(holding[0], name), str(file))
    if entry.endswith(".py"):
        raise RequestError(f"'{entry}' names a file; write {entry}:CLASS")
    if not is_file_target(entry) and "." not in entry:
        known = {name for one in slots for name in catalog.files[one]}
        raise RequestError(f"there is no component '{entry}'; {nearest(name, known)}")
    return _fitting(entry, slots)


def _fitting(entry: str, slots: Sequence[str]) -> Component:
    """The typed class as a component of the first slot that it fits."""
    name = entry.rpartition(":")[2] if is_file_target(entry) else entry.rpartition(".")[2]
    where, refused = f"'{entry}'", []
    for slot in (one for one in _MOST_PARTICULAR if one in slots):
        try:
            part = read_component(slot, name, document_from_signature(entry, slot), entry, trusted=True)
            made = resolve(absolute(entry), where)
            check_call(made, part.make, part, where)
        except RequestError as error:
            refused.append(error)
            continue
        if len(slots) == 1 or _is_called_like(made, slot):
            return part
    if len({str(error) for error in refused}) == 1:
        raise refused[0]
    raise RequestError(f"{where} fits no slot; --slot SLOT says why not one of them")


def _is_called_like(made: type, slot: str) -> bool:
    """Whether ``forward`` is an activation's, of one tensor, or an architecture's, without targets."""
    if slot not in ("activation", "architecture"):
        return True
    takes = inspect.signature(made.forward)  # type: ignore[attr-defined]
    if slot == "architecture":
        return "target" not in takes.parameters
    try:
        takes.bind(None, None)
    except TypeError:
        return False
    return True


def document_from_signature(entry: str, slot: str) -> Mapping[str, Any]:
    """A component document for a class that has no YAML: its default lr, tuned around that default.

    It asks for what its signature has to be passed and its slot passes to whoever asks, and for what its
    ``step`` and ``fit`` take.

    Raises
    ------
    RequestError
        When the class cannot be imported, or does not fit the slot.
    """
    target = absolute(entry)
    if package := missing_package(target):
        raise RequestError(f"'{entry}': no package '{package}' is installed; {package_hint(package)}")
    found = resolve(target, f"'{entry}'")
    check_fit(found, target, slot, f"'{entry}'")
    takes: Mapping[str, inspect.Parameter]
    make: dict[str, Any] = {"_target_": target, "_partial_": True}
    space: dict[str, Any] = {}
    try:
        takes = inspect.signature(found).parameters
    except (TypeError, ValueError):
        takes = {}
    parameter = takes.get("lr")
    if parameter is not None and isinstance(parameter.default, float) and parameter.default > 0:
        make["lr"] = parameter.default
        space["lr"] = {
            "low": parameter.default / _TUNED_AROUND_DEFAULT,
            "high": parameter.default * _TUNED_AROUND_DEFAULT,
            "log": True,
        }
    must = {name for name, one in takes.items() if one.default is inspect.Parameter.empty}
    needs = [word for word in PASSED_IF_ASKED.get(slot, ()) if word in must]
    asked = [*needs, *_asked_of_step(found, slot), *_asked_of_fit(found, slot)]
    words = {"needs": asked, "gives": _given(found, slot)}
    return {"make": make, "space": space, **words, "source": {"code": entry}}


def _asked_of_step(found: type, slot: str) -> list[str]:
    """What an optimizer's ``step`` cannot do without, and whether it has two modes."""
    if slot != "optimizer":
        return []
    closure = inspect.signature(found.step).parameters.get("closure")  # type: ignore[attr-defined]
    must = closure is not None and closure.default is inspect.Parameter.empty
    modes = callable(getattr(found, "train", None)) and callable(getattr(found, "eval", None))
    return [*(["closure"] if must else []), *(["train_eval"] if modes else [])]


def _asked_of_fit(found: type, slot: str) -> list[str]:
    """What a learner's ``fit`` has an argument for."""
    if slot not in ("booster", "estimator") or not hasattr(found, "fit"):
        return []
    takes = inspect.signature(found.fit).parameters
    asked = [word for word in ("validation", "binned") if word in takes]
    weighs = "sample_weight" in takes and ("validation" not in takes or "validation_weight" in takes)
    return [*asked, "weights"] if weighs else asked


def _given(found: type, slot: str) -> list[str]:
    """What a weak learner can be used as."""
    if slot != "weak_learner":
        return []
    takes = inspect.signature(found).parameters
    shape = ["tree_shape"] if {"num_leaves", "min_samples_leaf", "max_depth"} <= {*takes} else []
    return ["regressor", *shape] if hasattr(found, "fit") and hasattr(found, "predict") else shape


def absolute(target: str) -> str:
    """A target that names its file from the root on, wherever it is typed."""
    if not is_file_target(target):
        return target
    file, name = split_file_target(target)
    return f"{file.expanduser().resolve()}:{name}"
