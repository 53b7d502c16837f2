"""From a pipeline to its objects: what each slot passes in, according to what its component asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from benchmark.config import instantiate
from benchmark.execute.fitting.rows import Rows
from benchmark.spec import PARAMETER_ROLES, Pipeline

__all__ = ["Makers", "asks", "learner", "makers", "network", "optimizer", "role_groups", "schedule"]

Makers = Mapping[str, Callable[..., Any]]
"""By slot: a component's class with its constructor arguments bound."""


def makers(pipeline: Pipeline) -> Makers:
    """Every component's ``make``, instantiated; imports happen here.

    Raises
    ------
    RequestError
        When a component's target is not allowed or does not exist.
    """
    return {slot: instantiate(component) for slot, component in pipeline.components.items()}


def asks(pipeline: Pipeline, slot: str, need: str) -> bool:
    """Whether the component in ``slot`` has ``need`` among its needs."""
    return need in pipeline.components[slot].needs


def network(
    pipeline: Pipeline, make: Makers, rows: Rows, n_outputs: int, *, every_step: bool
) -> torch.nn.Module:
    """The architecture with fresh weights, drawn from torch's global generator.

    Parameters
    ----------
    rows
        The training rows.
    every_step
        An output is wanted at every position.
    """
    extra: dict[str, Any] = {}
    if asks(pipeline, "architecture", "activation"):
        extra["activation"] = make["activation"]
    if asks(pipeline, "architecture", "training_rows"):
        extra["training_rows"] = rows.part(slice(None))
    built: torch.nn.Module = make["architecture"](rows.spec(every_step), n_outputs, **extra)
    return built


def optimizer(pipeline: Pipeline, make: Makers, network: torch.nn.Module) -> torch.optim.Optimizer:
    """The optimizer over a network's parameters, with what else it asks for.

    Raises
    ------
    ValueError
        When the architecture's roles do not cover its parameters.
    """
    params = role_groups(network) if asks(pipeline, "optimizer", "roles") else [*network.parameters()]
    extra: dict[str, Any] = {}
    if asks(pipeline, "optimizer", "attention_logits"):
        extra["attention_logits"] = network.attention_logits
    built: torch.optim.Optimizer = make["optimizer"](params, **extra)
    return built


def schedule(
    pipeline: Pipeline, make: Makers, optimizer: torch.optim.Optimizer, total_steps: int
) -> torch.optim.lr_scheduler.LRScheduler | None:
    """The schedule, over the passes of the whole budget; None where the optimizer fills that slot itself."""
    if "schedule" in pipeline.components["optimizer"].fills:
        return None
    built: torch.optim.lr_scheduler.LRScheduler = make["schedule"](optimizer, total_steps)
    return built


def learner(pipeline: Pipeline, make: Makers, task_type: str, seed: int) -> Any:
    """The booster over its weak learner, or the estimator; ``seed`` is below 2**31."""
    if pipeline.family == "boosting":
        return make["booster"](make["weak_learner"](seed=seed), task_type=task_type, seed=seed)
    return make["estimator"](task_type=task_type, seed=seed)


def role_groups(network: torch.nn.Module) -> list[dict[str, Any]]:
    """Parameter groups ``{"params": […], "role": …}`` in the order of PARAMETER_ROLES, none of them empty.

    Raises
    ------
    ValueError
        When a parameter has no role, or one that is not in PARAMETER_ROLES.
    """
    roles: Mapping[str, str] = network.parameter_roles()  # type: ignore[operator]
    parameters = dict(network.named_parameters())
    for name in parameters:
        if roles.get(name) not in PARAMETER_ROLES:
            raise ValueError(
                f"{type(network).__name__}.parameter_roles() gives {name} the role {roles.get(name)!r}, "
                f"which is none of {', '.join(PARAMETER_ROLES)}"
            )
    groups = [
        {"params": [parameter for name, parameter in parameters.items() if roles[name] == role], "role": role}
        for role in PARAMETER_ROLES
    ]
    return [group for group in groups if group["params"]]
