"""Values of a protocol that have the right type and still make no sense."""

from __future__ import annotations

from typing import Any

from benchmark.errors import RequestError, nearest
from benchmark.spec import CONTROLS, SCHEMES, Protocol

__all__ = ["check_protocol"]


def check_protocol(protocol: Protocol, n_hosts: int, n_slots: int = 1) -> None:
    """Refuse such a protocol.

    ``n_hosts`` counts base hosts, ``n_slots`` the slots that the study varies.

    Raises
    ------
    RequestError
        Names the key, the value and what would do.
    """
    limit, memory = protocol.limits.seconds, protocol.limits.memory_mb
    held_back = protocol.splits.validation
    rules: list[tuple[str, Any, bool, str]] = [
        ("splits.folds", protocol.splits.folds, protocol.splits.folds >= 2, "at least 2"),
        ("splits.repeats", protocol.splits.repeats, protocol.splits.repeats >= 1, "at least 1"),
        ("splits.test", protocol.splits.test, 0 < protocol.splits.test < 1, "between 0 and 1"),
        ("splits.validation", held_back, 0 < held_back < 1, "between 0 and 1"),
        ("seeds", protocol.seeds, protocol.seeds >= 1, "at least 1"),
        ("aa", protocol.aa, protocol.aa >= 0, "at least 0"),
        ("tuning.trials", protocol.tuning.trials, protocol.tuning.trials >= 1, "at least 1"),
        (
            "tuning.repeats",
            protocol.tuning.repeats,
            1 <= protocol.tuning.repeats <= protocol.seeds,
            f"from 1 to protocol.seeds={protocol.seeds} (more seeds allow more)",
        ),
        ("budget.amount", protocol.budget.amount, protocol.budget.amount > 0, "above 0"),
        ("budget.batch_size", protocol.budget.batch_size, protocol.budget.batch_size >= 2, "at least 2"),
        ("budget.evaluations", protocol.budget.evaluations, protocol.budget.evaluations >= 1, "at least 1"),
        ("budget.patience", protocol.budget.patience, protocol.budget.patience >= 1, "at least 1"),
        ("limits.seconds", limit, limit is None or limit > 0, "above 0, or null"),
        ("limits.memory_mb", memory, memory is None or memory > 0, "above 0, or null"),
        ("limits.retries", protocol.limits.retries, protocol.limits.retries >= 0, "at least 0"),
        ("rope", protocol.rope, 0 <= protocol.rope < 1, "from 0 to below 1"),
        ("level", protocol.level, 0.5 < protocol.level < 1, "between 0.5 and 1"),
    ]
    for key, value, holds, wanted in rules:
        if not holds:
            raise RequestError(f"protocol.{key}: expected a value {wanted}, got {value!r}")
    words = [
        ("splits.scheme", protocol.splits.scheme, SCHEMES),
        ("tuning.sampler", protocol.tuning.sampler, ("sobol", "random", "tpe")),
        ("tuning.what", protocol.tuning.what, ("slot", "host", "joint")),
        ("budget.unit", protocol.budget.unit, ("epochs", "steps", "seconds")),
        ("stacking", protocol.stacking, ("auto", "on", "off")),
        ("precision", protocol.precision, ("float32", "bfloat16", "float16")),
        ("host_effects", protocol.host_effects, ("auto", "fixed", "random")),
        ("stop", protocol.stop, ("never", "sequential")),
        ("sequence", protocol.sequence, ("bounded", "normal")),
        ("confirm", protocol.confirm, ("none", "split")),
    ]
    words += [("controls", control, CONTROLS) for control in protocol.controls]
    for key, value, choices in words:
        if value not in choices:
            raise RequestError(f"protocol.{key}: there is no '{value}'; {nearest(str(value), choices)}")
    if len(set(protocol.controls)) < len(protocol.controls):
        raise RequestError(f"protocol.controls: one of them is there twice, got {list(protocol.controls)}")
    if protocol.host_effects == "random" and n_hosts == 1:
        raise RequestError("protocol.host_effects: random needs at least two hosts; choose fixed")
    _check_stages(protocol, n_slots)


def _check_stages(protocol: Protocol, n_slots: int) -> None:
    sequential, split = protocol.stop == "sequential", protocol.confirm == "split"
    if protocol.sequence != "bounded" and not sequential:
        raise RequestError(f"protocol.sequence: {protocol.sequence} means nothing without stop=sequential")
    if sequential and split:
        raise RequestError("protocol.confirm: split does not go with stop=sequential; choose one of them")
    if sequential and protocol.host_effects == "random":
        raise RequestError(
            "protocol.stop: sequential does not go with host_effects=random: the same hosts recur in every "
            "data set, so the next one brings no new sample of hosts; choose fixed"
        )
    if (sequential or split) and n_slots > 1:
        asked = "stop: sequential" if sequential else "confirm: split"
        raise RequestError(
            f"protocol.{asked} is for one slot: interactions need every arm on every data set; leave it out"
        )
