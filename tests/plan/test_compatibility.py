"""Why a pipeline cannot run on a task."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from benchmark.plan.compatibility import form_of, incompatibility, swap_reason
from benchmark.spec import Pipeline

Make = Callable[..., Any]


@pytest.mark.parametrize(
    ("needs", "device", "facts", "reason"),
    [
        ((), "cpu", {}, None),
        (("package:torch",), "cpu", {}, None),
        (("modality:text",), "cpu", {}, "x is not for tabular data"),
        (("modality:text", "modality:tabular"), "cpu", {}, None),
        (("task:regression",), "cpu", {}, "x is not for binary tasks"),
        (("task:regression", "task:binary"), "cpu", {}, None),
        (("task:regression",), "cpu", {"task_type": "regression"}, None),
        (("gpu",), "cpu", {}, "x needs a GPU"),
        (("gpu",), "cuda", {}, None),
        (("roles",), "cpu", {}, "x needs roles, which own-architecture does not give"),
    ],
)
def test_what_a_component_needs(
    make_part: Make,
    make_pipeline: Make,
    make_task: Make,
    needs: tuple[str, ...],
    device: str,
    facts: dict[str, Any],
    reason: str | None,
) -> None:
    pipeline = make_pipeline("h", optimizer=make_part("optimizer", "x", needs=needs))
    assert incompatibility(pipeline, make_task("t", **facts), device) == reason


@pytest.mark.parametrize("slot", ["preprocessor", "architecture", "loss"])
def test_any_slot_may_be_the_reason(make_part: Make, make_pipeline: Make, make_task: Make, slot: str) -> None:
    pipeline = make_pipeline("h", **{slot: make_part(slot, "x", needs=("task:regression",))})
    assert incompatibility(pipeline, make_task("t"), "cpu") == "x is not for binary tasks"


@pytest.mark.parametrize(
    ("gives", "needs", "facts", "reason"),
    [
        ((), (), {}, None),
        ((), (), {"modality": "image"}, None),
        (("native",), (), {}, None),
        (("native",), (), {"modality": "image"}, "x takes table, and p gives image"),
        (("native",), ("input:image",), {"modality": "image"}, None),
        (("native",), ("input:image",), {}, "x takes image, and p gives table"),
        ((), ("input:image",), {"modality": "image"}, "x takes image, and p gives table"),
        (("native",), ("input:image", "input:table"), {}, None),
        (("native",), ("input:sequence", "input:tokens"), {"modality": "text"}, None),
        (
            ("native",),
            ("input:sequence", "input:tokens"),
            {"modality": "image"},
            "x takes sequence or tokens, and p gives image",
        ),
        (("native",), ("input:tokens",), {"modality": "text", "task_type": "language"}, None),
        (
            (),
            (),
            {"modality": "text", "task_type": "language"},
            "a table, which p gives, has no positions to predict",
        ),
        ((), (), {"task_type": "forecasting", "modality": "sequence"}, None),
    ],
)
@pytest.mark.parametrize("slot", ["architecture", "estimator"])
def test_the_form_of_the_input(
    make_part: Make,
    make_pipeline: Make,
    make_task: Make,
    slot: str,
    gives: tuple[str, ...],
    needs: tuple[str, ...],
    facts: dict[str, Any],
    reason: str | None,
) -> None:
    parts = {
        "preprocessor": make_part("preprocessor", "p", gives=gives),
        slot: make_part(slot, "x", needs=needs),
    }
    pipeline = Pipeline("h", "estimator", parts) if slot == "estimator" else make_pipeline("h", **parts)
    assert incompatibility(pipeline, make_task("t", **facts), "cpu") == reason
    assert form_of(pipeline, "sequence") == ("sequence" if gives else "table")


@pytest.mark.parametrize("slot", ["booster", "estimator"])
def test_row_weights_need_a_learner_that_takes_them(make_part: Make, make_task: Make, slot: str) -> None:
    def pipeline(*needs: str) -> Pipeline:
        parts = {"preprocessor": make_part("preprocessor", "p"), slot: make_part(slot, "x", needs=needs)}
        return Pipeline("h", slot, parts)

    weighted = make_task("t", weighted=True)
    assert incompatibility(pipeline(), weighted, "cpu") == "x takes no row weights"
    assert incompatibility(pipeline("weights"), weighted, "cpu") is None
    assert incompatibility(pipeline(), make_task("t"), "cpu") is None


def test_networks_take_row_weights_through_their_loss(make_pipeline: Make, make_task: Make) -> None:
    assert incompatibility(make_pipeline("h"), make_task("t", weighted=True), "cpu") is None


def test_a_host_with_an_activation_of_its_own(make_part: Make, make_pipeline: Make) -> None:
    component = make_part("activation", "x")
    assert swap_reason([component], make_pipeline("h")) is not None
    asking = make_part("architecture", "a", needs=("activation",))
    assert swap_reason([component], make_pipeline("h", architecture=asking)) is None


def test_half_of_what_fills_two_slots_cannot_be_swapped(make_part: Make, make_pipeline: Make) -> None:
    both = make_part("optimizer", "both", fills=("optimizer", "schedule"))
    host = make_pipeline("h").swap(both)
    assert (
        swap_reason([make_part("optimizer", "x")], host)
        == "both of h fills schedule too, which would stay empty"
    )
    assert swap_reason([make_part("optimizer", "y", fills=("optimizer", "schedule"))], host) is None
    assert swap_reason([both], make_pipeline("plain")) is None


@pytest.mark.parametrize("slot", ["architecture", "estimator"])
def test_missing_numbers_that_are_left_in_need_a_learner_that_takes_them(
    make_part: Make, make_pipeline: Make, make_task: Make, slot: str
) -> None:
    def reason(gives: tuple[str, ...], needs: tuple[str, ...], **facts: Any) -> str | None:
        parts = {
            "preprocessor": make_part("preprocessor", "p", gives=gives),
            slot: make_part(slot, "x", needs=("input:table", "input:sequence", *needs)),
        }
        pipeline = Pipeline("h", "estimator", parts) if slot == "estimator" else make_pipeline("h", **parts)
        return incompatibility(pipeline, make_task("t", **{"missing": True, **facts}), "cpu")

    assert reason(("missing",), ()) == "x takes no missing numbers, and p leaves them in"
    assert reason(("missing",), ("input:missing",)) is None
    assert reason((), ()) is None
    assert reason(("missing",), (), missing=False) is None
    assert reason(("missing",), (), modality="sequence") is not None
    assert reason(("missing", "native"), (), modality="sequence") is None, "a sequence is no table"


def test_sizes_that_a_component_is_not_for(make_part: Make, make_pipeline: Make, make_task: Make) -> None:
    pipeline = make_pipeline("h", architecture=make_part("architecture", "x", needs=("rows:90", "columns:5")))
    task = make_task("t", n_rows=90, n_features=5)
    assert incompatibility(pipeline, task, "cpu") is None
    more = dataclasses.replace(task, n_rows=91)
    assert incompatibility(pipeline, more, "cpu") == "x is for at most 90 rows, and there are 91"
    wide = dataclasses.replace(task, n_features=6)
    assert incompatibility(pipeline, wide, "cpu") == "x is for at most 5 columns, and there are 6"
