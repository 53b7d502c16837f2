"""Hyperparameter settings to try, and the choice among them by validation error alone."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import qmc

from benchmark.spec import Choice, Component, Pipeline, Range, Trial

__all__ = ["apply", "best", "settings"]


def settings(
    space: Mapping[str, Range | Choice], n_trials: int, sampler: str, seed: int
) -> list[dict[str, Any]]:
    """``n_trials`` settings by ``slot.argument``: first the default (empty), then points of the space.

    Parameters
    ----------
    sampler
        ``sobol`` (scrambled Sobol' points; the first n are the same whatever comes after) or ``random``.
    """
    if n_trials == 1 or not space:
        return [{}]
    if sampler == "sobol":
        engine = qmc.Sobol(len(space), scramble=True, rng=np.random.default_rng(seed))
        points = engine.random_base2(math.ceil(math.log2(n_trials)))[: n_trials - 1]
    else:
        points = np.random.default_rng(seed).random((n_trials - 1, len(space)))
    paths = sorted(space)
    return [
        {},
        *({path: _value(space[path], u) for path, u in zip(paths, row, strict=True)} for row in points),
    ]


def best(trials: Sequence[Trial]) -> Trial:
    """The trial with the least validation error, the earliest among equals; the default if none succeeded."""
    succeeded = [trial for trial in trials if trial.validation_error is not None]
    return min(succeeded, key=lambda trial: (trial.validation_error, trial.number), default=trials[0])


def apply(pipeline: Pipeline, setting: Mapping[str, Any]) -> Pipeline:
    """The pipeline with a setting's values in place of its components' defaults."""
    changed = pipeline
    for component in {(part.slot, part.name): part for part in pipeline.components.values()}.values():
        prefix = f"{component.slot}."
        values = {
            path.removeprefix(prefix): value for path, value in setting.items() if path.startswith(prefix)
        }
        if values:
            changed = changed.swap(_with_values(component, values))
    return changed


def _with_values(component: Component, values: Mapping[str, Any]) -> Component:
    make = component.make
    for path, value in values.items():
        make = _replaced(make, path.split("."), value)
    return dataclasses.replace(component, make=make)


def _replaced(node: Mapping[str, Any], path: Sequence[str], value: Any) -> dict[str, Any]:
    head, *rest = path
    return {**node, head: _replaced(node[head], rest, value) if rest else value}


def _value(dimension: Range | Choice, u: float) -> Any:
    """The value at position ``u`` in [0, 1) of a dimension."""
    if isinstance(dimension, Choice):
        return dimension.choices[int(u * len(dimension.choices))]
    if dimension.integer and not dimension.log:
        return int(dimension.low + math.floor(u * (dimension.high - dimension.low + 1)))
    if dimension.log:
        value = math.exp(math.log(dimension.low) + u * (math.log(dimension.high) - math.log(dimension.low)))
    else:
        value = dimension.low + u * (dimension.high - dimension.low)
    return round(value) if dimension.integer else float(value)
