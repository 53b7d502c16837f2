"""Values of the right type that make no sense."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from benchmark.errors import RequestError
from benchmark.resolve.protocol import check_protocol
from benchmark.spec import Protocol


def changed(path: str, value: Any) -> Protocol:
    """The default protocol with one value changed."""
    part, _, key = path.rpartition(".")
    if not part:
        return dataclasses.replace(Protocol(), **{key: value})
    inner = dataclasses.replace(getattr(Protocol(), part), **{key: value})
    return dataclasses.replace(Protocol(), **{part: inner})


@pytest.mark.parametrize(
    ("path", "value", "wanted"),
    [
        ("splits.folds", 1, "at least 2"),
        ("splits.repeats", 0, "at least 1"),
        ("splits.test", 0.0, "between 0 and 1"),
        ("splits.test", 1.0, "between 0 and 1"),
        ("splits.validation", 0.0, "between 0 and 1"),
        ("splits.validation", 1.0, "between 0 and 1"),
        ("seeds", 0, "at least 1"),
        ("aa", -1, "at least 0"),
        ("tuning.trials", 0, "at least 1"),
        ("tuning.repeats", 0, "from 1 to protocol.seeds=3 (more seeds allow more)"),
        ("tuning.repeats", 4, "from 1 to protocol.seeds=3 (more seeds allow more)"),
        ("budget.amount", 0.0, "above 0"),
        ("budget.amount", -1.0, "above 0"),
        ("budget.batch_size", 1, "at least 2"),
        ("budget.evaluations", 0, "at least 1"),
        ("budget.patience", 0, "at least 1"),
        ("limits.seconds", 0.0, "above 0, or null"),
        ("limits.seconds", -1.0, "above 0, or null"),
        ("rope", -0.1, "from 0 to below 1"),
        ("rope", 1.0, "from 0 to below 1"),
        ("level", 0.5, "between 0.5 and 1"),
        ("level", 1.0, "between 0.5 and 1"),
    ],
)
def test_a_number_out_of_range_names_key_value_and_range(path: str, value: Any, wanted: str) -> None:
    with pytest.raises(RequestError) as caught:
        check_protocol(changed(path, value), 2)
    assert str(caught.value) == f"protocol.{path}: expected a value {wanted}, got {value!r}"


@pytest.mark.parametrize(
    ("path", "value", "near"),
    [
        ("splits.scheme", "groups", "group"),
        ("splits.scheme", "leave-one-out", "leave_one_out"),
        ("tuning.sampler", "sobl", "sobol"),
        ("tuning.sampler", "tbe", "tpe"),
        ("tuning.what", "slots", "slot"),
        ("budget.unit", "epoch", "epochs"),
        ("host_effects", "rand", "random"),
        ("stop", "sequentially", "sequential"),
        ("sequence", "bound", "bounded"),
        ("confirm", "splits", "split"),
        ("controls", ("handicaped",), "handicapped"),
    ],
)
def test_an_unknown_word_comes_with_the_nearest(path: str, value: Any, near: str) -> None:
    with pytest.raises(RequestError) as caught:
        check_protocol(changed(path, value), 2)
    told = value if isinstance(value, str) else value[0]
    assert str(caught.value) == f"protocol.{path}: there is no '{told}'; did you mean '{near}'?"


def test_a_control_is_asked_for_once() -> None:
    check_protocol(changed("controls", ("permuted", "planted")), 2)
    with pytest.raises(RequestError, match="protocol.controls: one of them is there twice"):
        check_protocol(changed("controls", ("planted", "planted")), 2)


def test_random_hosts_need_two() -> None:
    check_protocol(changed("host_effects", "random"), 2)
    with pytest.raises(RequestError, match="random needs at least two hosts"):
        check_protocol(changed("host_effects", "random"), 1)


@pytest.mark.parametrize(
    ("fields", "slots", "says"),
    [
        ({"stop": "sequential", "confirm": "split"}, 1, "does not go with stop=sequential"),
        ({"stop": "sequential", "host_effects": "random"}, 1, "the same hosts recur in every data set"),
        ({"stop": "sequential"}, 2, "interactions need every arm on every data set"),
        ({"confirm": "split"}, 2, "interactions need every arm on every data set"),
        ({"sequence": "normal"}, 1, "normal means nothing without stop=sequential"),
    ],
)
def test_what_does_not_go_together_is_refused_with_the_reason(
    fields: dict[str, str], slots: int, says: str
) -> None:
    with pytest.raises(RequestError, match=says) as caught:
        check_protocol(dataclasses.replace(Protocol(), **fields), 4, slots)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_stopping_early_takes_hosts_as_fixed_or_leaves_it_open() -> None:
    for host_effects in ("auto", "fixed"):
        stopping = dataclasses.replace(Protocol(), stop="sequential", host_effects=host_effects)
        check_protocol(stopping, 4)
        check_protocol(dataclasses.replace(stopping, sequence="normal"), 4)


def test_the_default_makes_sense() -> None:
    check_protocol(Protocol(), 1)
    check_protocol(changed("limits.seconds", None), 1)
    check_protocol(changed("tuning.repeats", 3), 1)
    check_protocol(changed("tuning.sampler", "tpe"), 1)
