"""Hyperparameter settings to try, and the choice among them by validation error alone."""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy.stats import qmc

from benchmark.plan.seeds import derive
from benchmark.spec import Choice, Component, Pipeline, Range, Trial

__all__ = ["START_UP", "apply", "best", "propose"]

START_UP = 8
"""Trials (the default and Sobol' points) before TPE has seen enough to propose one."""

Space = Mapping[str, Range | Choice]


def propose(
    space: Space, sampler: str, seed: int, number: int, default: Mapping[str, Any], tried: Sequence[Trial]
) -> dict[str, Any]:
    """The setting of trial ``number`` by ``slot.argument``: for trial 0 the default (empty).

    It depends on the arguments alone, so a tuning study that goes on after an interruption is the one that
    would have been; and never on how many trials are still to come.

    Parameters
    ----------
    sampler
        ``sobol`` (scrambled Sobol' points), ``random``, or ``tpe``: Sobol' points up to trial START_UP, then
        the multivariate tree-structured Parzen estimator of Optuna (Bergstra et al. 2011; Falkner et al.
        2018, arXiv:1807.01774), proposing from all trials before. A failed trial counts as the worst.
    default
        Values of the default setting, which trial 0 was run with.
    tried
        The trials before this one in order; only ``tpe`` reads them.
    """
    if number == 0 or not space:
        return {}
    if sampler == "tpe" and number >= START_UP:
        return _most_promising(space, derive("tpe", seed, number), default, tried)
    if sampler == "random":
        point = np.random.default_rng(seed).random((number, len(space)))[-1]
    else:
        engine = qmc.Sobol(len(space), scramble=True, rng=np.random.default_rng(seed))
        point = engine.random_base2(math.ceil(math.log2(number + 1)))[number - 1]
    return {path: _value(space[path], u) for path, u in zip(sorted(space), point, strict=True)}


def _most_promising(
    space: Space, seed: int, default: Mapping[str, Any], tried: Sequence[Trial]
) -> dict[str, Any]:
    """What TPE proposes after some trials; made anew every time, so that nothing but these can matter."""
    import optuna

    with _silent():
        sampler = optuna.samplers.TPESampler(multivariate=True, n_startup_trials=START_UP, seed=seed % 2**32)
        study = optuna.create_study(sampler=sampler)
        distributions = {path: _distribution(space[path]) for path in sorted(space)}
        for trial in tried:
            values = {**default, **trial.setting}
            failed = trial.validation_error is None
            study.add_trial(
                optuna.trial.create_trial(
                    params={path: _coded(space[path], values[path]) for path in distributions},
                    distributions=distributions,
                    value=math.inf if failed else trial.validation_error,
                )
            )
        asked = study.ask(distributions).params
    return {path: _decoded(space[path], asked[path]) for path in distributions}


@contextmanager
def _silent() -> Iterator[None]:
    """Optuna without its log lines and its remarks on what is experimental."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)


def _distribution(dimension: Range | Choice) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(dimension, Choice):
        return CategoricalDistribution(range(len(dimension.choices)))
    if dimension.integer:
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def _coded(dimension: Range | Choice, value: Any) -> Any:
    """The value as Optuna knows it: a choice by its position, since it may be anything."""
    return dimension.choices.index(value) if isinstance(dimension, Choice) else value


def _decoded(dimension: Range | Choice, value: Any) -> Any:
    if isinstance(dimension, Choice):
        return dimension.choices[value]
    return int(value) if dimension.integer else float(value)


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
        value = min(max(value, dimension.low), dimension.high)  # the exponential may round beyond an end
    else:
        value = dimension.low + u * (dimension.high - dimension.low)
    return round(value) if dimension.integer else float(value)
