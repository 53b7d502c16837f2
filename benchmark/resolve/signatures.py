"""What the signatures of a class that has no YAML say about it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from benchmark.slots import GIVES
from benchmark.targets import PASSED_IF_ASKED

__all__ = ["forms_of", "is_called_like", "takes", "words_of"]

_OF_TABLES, _OF_STEPS = {"x_num", "x_cat"}, {"lengths"}
_TARGETS = {"target", "targets", "y", "y_true"}
_ERRORS = {"error", "metrics", "validation_error"}
_ANY = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def takes(found: type) -> Mapping[str, inspect.Parameter]:
    """The constructor's arguments; those of the next class that names some where it passes on ``*args``."""
    for owner in found.__mro__:
        own = vars(owner).get("__init__")
        if own is None or owner is object:
            continue
        named = _named(own)
        passes_on = any(one.kind in _ANY for one in inspect.signature(own).parameters.values())
        if named or not passes_on:
            return named
    return {}


def is_called_like(found: type, slot: str) -> bool:
    """Whether ``forward`` and a constructor that says something are those of the slot.

    An activation's ``forward`` takes one tensor, a loss's a target, an architecture's none.
    """
    if slot not in ("activation", "architecture", "loss"):
        return True
    forward = inspect.signature(found.forward)  # type: ignore[attr-defined]
    names = {*forward.parameters}
    if slot == "activation":
        made = all(one.default is not inspect.Parameter.empty for one in takes(found).values())
        return made and _binds(forward, 2)
    if {"task_type", "n_outputs"} <= {*takes(found)}:
        return slot == "loss"
    return (slot == "loss") == bool(names & _TARGETS)


def forms_of(forward: Any) -> tuple[str, ...]:
    """The forms of input that an architecture's ``forward`` could take, by its arguments."""
    signature = inspect.signature(forward)
    names = {*signature.parameters}
    if names & _OF_TABLES:
        return ("table",)
    if names & _OF_STEPS:
        return ("sequence", "tokens")
    pairs = ("table", "sequence", "tokens") if _binds(signature, 3) else ()
    return (*pairs, *(("image",) if _binds(signature, 2) else ()))


def words_of(found: type, slot: str) -> tuple[list[str], list[str]]:
    """What a class for a slot needs and gives, as far as its signatures and methods tell."""
    named = takes(found)
    must = {name for name, one in named.items() if one.default is inspect.Parameter.empty}
    needs = [word for word in PASSED_IF_ASKED.get(slot, ()) if word in must]
    asked = {"optimizer": _of_step, "schedule": _of_schedule, "booster": _of_fit, "estimator": _of_fit}
    if slot in asked:
        needs += asked[slot](found)
    return needs, [*_given(found, slot, named)]


def _of_step(found: Any) -> list[str]:
    """What an optimizer's ``step`` cannot do without, and whether it has two modes."""
    closure = _named(found.step).get("closure")
    must = closure is not None and closure.default is inspect.Parameter.empty
    modes = callable(getattr(found, "train", None)) and callable(getattr(found, "eval", None))
    return [*(["closure"] if must else []), *(["train_eval"] if modes else [])]


def _of_schedule(found: Any) -> list[str]:
    """Whether a schedule's ``step`` takes an error."""
    first = next(iter(_named(found.step).values()), None)
    reads = first is not None and (first.default is inspect.Parameter.empty or first.name in _ERRORS)
    return ["validation_error"] if reads else []


def _of_fit(found: Any) -> list[str]:
    """What a learner's ``fit`` has an argument for."""
    if not hasattr(found, "fit"):
        return []
    named = _named(found.fit)
    asked: list[str] = [word for word in ("validation", "binned") if word in named]
    weighs = "sample_weight" in named and ("validation" not in named or "validation_weight" in named)
    return [*asked, "weights"] if weighs else asked


def _given(found: type, slot: str, named: Iterable[str]) -> Iterable[str]:
    """What a weak learner can be used as, and what an architecture has a method for."""
    if slot == "weak_learner":
        if hasattr(found, "fit") and hasattr(found, "predict"):
            yield "regressor"
        if {"num_leaves", "min_samples_leaf", "max_depth"} <= {*named}:
            yield "tree_shape"
    if slot == "architecture":
        methods = {"roles": "parameter_roles", "attention_logits": "attention_logits"}
        yield from (word for word in GIVES[slot] if callable(getattr(found, methods[word], None)))


def _named(function: Any) -> dict[str, inspect.Parameter]:
    """A function's arguments without ``self``, ``*args`` and ``**kwargs``."""
    parameters = inspect.signature(function).parameters
    return {name: one for name, one in parameters.items() if name != "self" and one.kind not in _ANY}


def _binds(signature: inspect.Signature, number: int) -> bool:
    """Whether so many arguments, ``self`` among them, make a call."""
    try:
        signature.bind(*[None] * number)
    except TypeError:
        return False
    return True
