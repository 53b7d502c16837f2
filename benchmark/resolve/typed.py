"""Components as a person types them: a name of the catalog, a dotted path, or ``file.py:Class``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.catalog import Catalog
from benchmark.errors import RequestError, nearest
from benchmark.records.code import is_file_target, missing_package, package_hint, split_file_target
from benchmark.resolve.components import read_component
from benchmark.resolve.libraries import adopted, relative
from benchmark.resolve.signatures import is_called_like, takes, words_of
from benchmark.spec import SLOTS, Component
from benchmark.targets import check_call, check_fit, resolve

__all__ = ["absolute", "asked_component", "document_from_signature"]

_TUNED_AROUND_DEFAULT = 30.0
"""A typed component without a search space is tuned in lr, this factor down and up from its default."""

_MOST_PARTICULAR = (
    *("optimizer", "schedule", "activation", "loss", "architecture"),
    *("preprocessor", "booster", "estimator", "weak_learner"),
)
"""Slots, those first that ask most of a class: what can be built without arguments is an activation."""


def asked_component(
    catalog: Catalog, entry: str, slot: str = "", needs: Sequence[str] = (), gives: Sequence[str] = ()
) -> Component:
    """The component that ``entry`` stands for.

    Parameters
    ----------
    entry
        ``radam``, ``optimizer/radam``, ``torch.optim.RAdam`` or ``mine.py:Mine``.
    slot
        Empty: the only slot that has such a name, or the one that asks most of the class and that it fits.
    needs, gives
        Words of the slot's contract, for a class that has no YAML to say them.

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
        if needs or gives:
            raise RequestError(f"--needs and --gives are for a class without a YAML; '{entry}' has one")
        file = catalog.path(holding[0], name)
        return read_component(holding[0], name, catalog.document(holding[0], name), str(file))
    if entry.endswith(".py"):
        raise RequestError(f"'{entry}' names a file; write {entry}:CLASS")
    if not is_file_target(entry) and "." not in entry:
        known = {name for one in slots for name in catalog.files[one]}
        raise RequestError(f"there is no component '{entry}'; {nearest(name, known)}")
    return _fitting(catalog, entry, slots, needs, gives)


def _fitting(
    catalog: Catalog, entry: str, slots: Sequence[str], needs: Sequence[str], gives: Sequence[str]
) -> Component:
    """The typed class as a component of the first slot that it fits."""
    where, target = f"'{entry}'", absolute(entry)
    found = _imported(entry)
    if own := adopted(found, target, slots):
        return _read(own[0], entry, own[1], needs, gives)
    refused: dict[str, RequestError] = {}
    strangers: list[RequestError] = []
    for slot in (one for one in _MOST_PARTICULAR if one in slots):
        try:
            check_fit(found, target, slot, where)
        except RequestError as error:
            strangers.append(error)
            continue
        try:
            part = _read(slot, entry, document_from_signature(entry, slot), needs, gives)
            check_call(found, part.make, part, where)
        except RequestError as error:
            refused[slot] = error
            continue
        if len(slots) == 1 or is_called_like(found, slot):
            return part
        refused[slot] = RequestError(f"{where}: its forward is not called as that of the slot {slot}")
    hint = f"; the catalog has {alike}" if (alike := relative(catalog, target, slots)) else ""
    if refused:
        raise RequestError(f"{refused[_meant(found, refused)]}{hint}")
    if len(strangers) == 1:
        raise strangers[0]
    raise RequestError(f"{where} fits no slot; --slot SLOT says why not one of them{hint}")


def _meant(found: Any, refused: Mapping[str, RequestError]) -> str:
    """The slot that a class that fits none was most likely made for."""
    if "loss" in refused and is_called_like(found, "loss"):
        return "loss"
    if "estimator" in refused and not hasattr(found, "transform"):
        return "estimator"
    return next((slot for slot in refused if slot not in ("activation", "loss")), next(iter(refused)))


def _read(
    slot: str, entry: str, document: Mapping[str, Any], needs: Sequence[str], gives: Sequence[str]
) -> Component:
    """A component of a document, with further words that somebody typed."""
    name = entry.rpartition(":")[2] if is_file_target(entry) else entry.rpartition(".")[2]
    words = {
        "needs": [*dict.fromkeys([*document.get("needs", ()), *needs])],
        "gives": [*dict.fromkeys([*document.get("gives", ()), *gives])],
    }
    return read_component(slot, name, {**document, **words}, entry, trusted=True)


def _imported(entry: str) -> Any:
    """What a person typed.

    Raises
    ------
    RequestError
        When it cannot be imported.
    """
    target = absolute(entry)
    if package := missing_package(target):
        raise RequestError(f"'{entry}': no package '{package}' is installed; {package_hint(package)}")
    return resolve(target, f"'{entry}'")


def document_from_signature(entry: str, slot: str) -> Mapping[str, Any]:
    """A component document for a class that has no YAML: its default lr, tuned around that default.

    It needs and gives what its signatures and methods tell.

    Raises
    ------
    RequestError
        When the class cannot be imported, or does not fit the slot.
    """
    target, found = absolute(entry), _imported(entry)
    check_fit(found, target, slot, f"'{entry}'")
    make: dict[str, Any] = {"_target_": target, "_partial_": True}
    space: dict[str, Any] = {}
    parameter = takes(found).get("lr")
    if parameter is not None and isinstance(parameter.default, float) and parameter.default > 0:
        make["lr"] = parameter.default
        space["lr"] = {
            "low": parameter.default / _TUNED_AROUND_DEFAULT,
            "high": parameter.default * _TUNED_AROUND_DEFAULT,
            "log": True,
        }
    needs, gives = words_of(found, slot)
    return {"make": make, "space": space, "needs": needs, "gives": gives, "source": {"code": entry}}


def absolute(target: str) -> str:
    """A target that names its file from the root on, wherever it is typed."""
    if not is_file_target(target):
        return target
    file, name = split_file_target(target)
    return f"{file.expanduser().resolve()}:{name}"
