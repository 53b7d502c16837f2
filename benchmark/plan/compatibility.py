"""Why a pipeline cannot run on a task: the slot contracts, checked on what components declare."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from benchmark.slots import GIVES, TAKES_INPUT, TAKES_MISSING
from benchmark.spec import FORMS, Component, Pipeline, Task

__all__ = ["form_of", "incompatibility", "not_meant", "swap_reason"]

_GIVERS = {word: slot for slot, words in GIVES.items() for word in words if slot != "preprocessor"}
"""The slot that gives what others may need."""


def swap_reason(parts: Sequence[Component], host: Pipeline) -> str | None:
    """Why an arm's components cannot take their slots in ``host``, or None."""
    filled = {slot for part in parts for slot in part.fills}
    for part, other in itertools.permutations(parts, 2):
        if other.slot in part.fills:
            return f"{part.name} fills {other.slot} too, and leaves no place for {other.name}"
    chosen = {part.slot: part for part in parts}
    architecture = chosen.get("architecture", host.components.get("architecture"))
    for part in parts:
        if part.slot == "activation" and architecture and "activation" not in architecture.needs:
            return f"architecture {architecture.name} has an activation of its own"
        replaced = host.components.get(part.slot)
        if replaced is not None and (orphans := set(replaced.fills) - filled):
            empty = ", ".join(sorted(orphans))
            return f"{replaced.name} of {host.name} fills {empty} too, which would stay empty"
    return None


def incompatibility(pipeline: Pipeline, task: Task, device: str, precision: str = "float32") -> str | None:
    """Why ``pipeline`` cannot run on ``task`` here, in a few words, or None.

    Checks modality, task type, device, precision, that what an optimizer asks of the architecture is given,
    that the learner takes the form of input that the preprocessor gives, missing numbers, sizes and row
    weights.
    """
    if (stranger := not_meant(pipeline, task)) is not None:
        return stranger
    given = {word for component in pipeline.components.values() for word in component.gives}
    for component in pipeline.components.values():
        for what, number in (("rows", task.n_rows), ("columns", task.n_features)):
            most = [int(need.partition(":")[2]) for need in component.needs if need.startswith(f"{what}:")]
            if most and number > min(most):
                return f"{component.name} is for at most {min(most)} {what}, and there are {number}"
        if "gpu" in component.needs and device != "cuda":
            return f"{component.name} needs a GPU"
        if "closure" in component.needs and precision == "float16":
            return f"{component.name} makes its gradients itself, and float16 scales them; bfloat16 will do"
        for need in component.needs:
            giver = _GIVERS.get(need)
            if giver is not None and need not in given:
                return f"{component.name} needs {need}, which {pipeline.components[giver].name} does not give"
    return _input_reason(pipeline, task) or _missing_reason(pipeline, task) or _weights_reason(pipeline, task)


def not_meant(pipeline: Pipeline, task: Task) -> str | None:
    """Which component says that it is not for such a task or such data; None where none does."""
    for component in pipeline.components.values():
        for kind, value, what in (("modality", task.modality, "data"), ("task", task.task_type, "tasks")):
            wanted = [need for need in component.needs if need.startswith(f"{kind}:")]
            if wanted and f"{kind}:{value}" not in wanted:
                return f"{component.name} is not for {value} {what}"
    return None


def form_of(pipeline: Pipeline, modality: str) -> str:
    """The form in which the pipeline's learner gets data of a modality: one of FORMS' values."""
    return FORMS[modality] if "native" in pipeline.components["preprocessor"].gives else "table"


def _input_reason(pipeline: Pipeline, task: Task) -> str | None:
    form, preprocessor = form_of(pipeline, task.modality), pipeline.components["preprocessor"].name
    for slot in TAKES_INPUT:
        if slot not in pipeline.components:
            continue
        learner = pipeline.components[slot]
        named = [need.partition(":")[2] for need in learner.needs if need.startswith("input:")]
        taken = [form for form in named if form != "missing"] or ["table"]
        if form not in taken:
            return f"{learner.name} takes {' or '.join(taken)}, and {preprocessor} gives {form}"
    if task.task_type == "language" and form == "table":
        return f"a table, which {preprocessor} gives, has no positions to predict"
    return None


def _missing_reason(pipeline: Pipeline, task: Task) -> str | None:
    preprocessor = pipeline.components["preprocessor"]
    tabular = form_of(pipeline, task.modality) == "table"
    if not task.missing or not tabular or "missing" not in preprocessor.gives:
        return None
    for slot in TAKES_MISSING:
        learner = pipeline.components.get(slot)
        if learner is not None and "input:missing" not in learner.needs:
            return f"{learner.name} takes no missing numbers, and {preprocessor.name} leaves them in"
    return None


def _weights_reason(pipeline: Pipeline, task: Task) -> str | None:
    for slot in ("booster", "estimator"):
        learner = pipeline.components.get(slot)
        if task.weighted and learner is not None and "weights" not in learner.needs:
            return f"{learner.name} takes no row weights"
    return None
