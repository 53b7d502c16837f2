"""The controls that a study runs: its arms again, taught labels that are wrong on purpose."""

from __future__ import annotations

from benchmark.spec import Protocol, Task

__all__ = ["control_reason", "run_controls", "seeds_of"]

_SEEDS = {"permuted": 1}
"""How many seeds a control runs: one for what is held against chance, all for what is paired by seed."""


def run_controls(protocol: Protocol, role: str) -> tuple[str, ...]:
    """The protocol's controls that are run of an arm of some role, in its order; ``planted`` takes no run.

    A candidate has to fall to chance as its baseline has; what is paired is shown of the baseline alone.
    """
    theirs = {"baseline": ("permuted", "handicapped"), "candidate": ("permuted",)}[role]
    return tuple(control for control in protocol.controls if control in theirs)


def seeds_of(control: str, seeds: int) -> int:
    """How many of the study's seeds such an arm runs; an arm that is no control (empty): all."""
    return min(_SEEDS.get(control, seeds), seeds)


def control_reason(control: str, task: Task) -> str | None:
    """Why a control would say nothing on a task, in a few words, or None."""
    if control == "permuted" and task.task_type == "forecasting":
        return (
            "the control permuted is not for forecasting: what follows is near what came before, whatever a "
            "learner is taught, so no labels bring a forecast to chance"
        )
    return None
