"""What differs between two judged studies: nothing of a thing with itself, and what was planted is named."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.publish.around import Side
from benchmark.publish.differences import Differences, differences, lines
from benchmark.records.schema import COORDINATE, RECORD_COLUMNS

HOSTILE = "\x1b[2Jradam\n=cmd"
MIRROR = {"added": "gone", "gone": "added"}


def table(tasks: Sequence[str] = ("iris", "wine"), folds: int = 3, candidate: str = "radam") -> pd.DataFrame:
    """A candidate, a baseline and its A/A arm, whose errors lie within 1 % of the baseline's."""
    arms = [("candidate", candidate, 0), ("baseline", "adamw", 0), ("aa", "adamw", 1)]
    rows = [
        {
            "role": role,
            "component": name,
            "host": "mlp",
            "task": task,
            "repeat": 0,
            "fold": fold,
            "seed": 0,
            "setting": setting,
            "replicate": replicate,
            "control": "",
            "key": f"{name}-{replicate}-{task}-{fold}-{setting}",
            "status": "ok",
            "error": 0.2 + 0.05 * fold + 0.002 * replicate,
            "score": 0.8 - 0.05 * fold - 0.002 * replicate,
            "metric_auc": 0.9,
        }
        for (role, name, replicate), task, fold, setting in itertools.product(
            arms, tasks, range(folds), ("default", "tuned")
        )
    ]
    return pd.DataFrame(rows).reindex(columns=[*RECORD_COLUMNS, "metric_auc"])


def verdict(name: str = "EQUIVALENT", mean: float = 0.001, candidate: str = "radam") -> dict[str, Any]:
    known = {"candidate": candidate, "baseline": "adamw", "setting": "tuned", "verdict": name}
    return {"comparisons": [{**known, "effect": {"mean": mean}, "volatile": {"cost_ratio": mean}}]}


def side(**fields: Any) -> Side:
    known: dict[str, Any] = {
        "name": "demo",
        "records": table(),
        "verdict": verdict(),
        "study": {"name": "demo", "protocol": {"rope": 0.01, "splits": {"folds": 3}}, "seed": 0},
        "tasks": {"iris": "a" * 64, "wine": "b" * 64},
        "splits": {"iris": "s1", "wine": "s2"},
        "components": {
            "arm radam": {"optimizer.radam": {"make": {"lr": 0.1}, "code": "c1", "packages": {"radams": "1"}}}
        },
        "environment": [{"digest": "p", "cpu": "EPYC", "commit": "f00", "packages": {"torch": "2.0"}}],
    }
    return Side(**{**known, **fields})


def altered(where: Callable[[pd.DataFrame], pd.Series], **values: Any) -> pd.DataFrame:
    records = table()
    for name, value in values.items():
        records.loc[where(records), name] = value
    return records


def radam(records: pd.DataFrame) -> pd.Series:
    return records["component"] == "radam"


def first(records: pd.DataFrame) -> pd.Series:
    """The candidate's cells of one split on one task: a default and a tuned one."""
    return radam(records) & (records["task"] == "iris") & (records["fold"] == 0)


def test_a_thing_does_not_differ_from_itself() -> None:
    found = differences(side(), side())
    assert not found and found.cells.counts["same"] == 36 and found.same_verdicts == 1
    assert found.unknown == () and not found.to_json()["differ"]
    assert any("No difference: 36 cells and 1 verdict the same" in line for line in lines(found))


def test_what_a_side_does_not_say_is_listed_and_not_compared() -> None:
    found = differences(side(study=None, components=None), side(environment=None))
    assert not found and found.unknown == ("study", "components", "environment")
    assert "study, components, environment" in "\n".join(lines(found))


@pytest.mark.parametrize(
    ("fields", "kind", "what"),
    [
        (
            {"study": {"protocol": {"rope": 0.02, "splits": {"folds": 3}}, "seed": 0}},
            "protocol",
            "protocol.rope",
        ),
        ({"tasks": {"iris": "a" * 64, "wine": "x"}}, "data", "wine"),
        ({"splits": {"iris": "other", "wine": "s2"}}, "split", "iris"),
        (
            {"components": {"arm radam": {"optimizer.radam": {"make": {"lr": 0.2}, "code": "c1"}}}},
            "component",
            "optimizer.radam: make.lr",
        ),
        (
            {"components": {"arm radam": {"optimizer.radam": {"make": {"lr": 0.1}, "code": "c2"}}}},
            "component",
            "optimizer.radam: code",
        ),
        (
            {"environment": [{"cpu": "EPYC", "commit": "f00", "packages": {"torch": "2.1"}}]},
            "library",
            "packages.torch",
        ),
        (
            {"environment": [{"cpu": "EPYC", "commit": "bad", "packages": {"torch": "2.0"}}]},
            "harness",
            "commit",
        ),
        (
            {"environment": [{"cpu": "Xeon", "commit": "f00", "packages": {"torch": "2.0"}}]},
            "hardware",
            "cpu",
        ),
        ({"records": table(("iris",))}, "task", "wine"),
        ({"records": table(candidate="lion")}, "arm", "candidate lion"),
    ],
)
def test_what_differs_around_the_numbers_is_named(fields: dict[str, Any], kind: str, what: str) -> None:
    found = differences(side(), side(**fields))
    assert (kind, what) in {(one.kind, one.what) for one in found.around}
    assert {one.kind for one in found.around} == {kind}
    assert any(f"{kind}: {what}" in line for line in lines(found))


def test_a_changed_error_is_named_with_its_place_and_held_against_the_floor() -> None:
    slight = differences(side(), side(records=altered(first, error=0.2005, key="new")))
    assert slight.cells.counts["error"] == 2 and slight.cells.beyond == 0 and slight.cells.same_key == 0
    far = differences(side(), side(records=altered(first, error=0.3)))
    assert (far.cells.counts["error"], far.cells.beyond, far.cells.same_key) == (2, 2, 2)
    (group,) = far.cells.groups
    assert (group.component, group.task, group.counts) == ("radam", "iris", {"error": 2})
    assert group.largest is not None and group.largest.coordinate["fold"] == 0
    assert group.largest.change == pytest.approx(1 / 3)
    assert any("radam on iris" in line and "0.2 → 0.3" in line for line in lines(far))


def test_every_kind_of_change_is_counted_once() -> None:
    assert differences(side(), side(records=altered(radam, key="new"))).cells.counts["recomputed"] == 12
    failed = altered(first, status="failed", error=None, score=None)
    assert differences(side(), side(records=failed)).cells.counts["status"] == 2
    metric = differences(side(), side(records=altered(first, metric_auc=0.5))).cells
    assert metric.counts["error"] == 2 and metric.groups[0].largest is None
    fewer = table()[~first(table())]
    assert differences(side(), side(records=fewer)).cells.counts["gone"] == 2
    rounded = altered(radam, error=table()["error"] * (1 + 1e-12))
    assert not differences(side(), side(records=rounded))


def test_computing_the_same_again_is_said_and_is_no_difference() -> None:
    found = differences(side(), side(records=altered(radam, key="new")))
    assert not found and not found.to_json()["differ"]
    assert lines(found)[1] == (
        "No difference: 36 cells and 1 verdict the same; 12 cells computed again under another key"
    )


def test_a_component_is_compared_within_every_host_and_named_once() -> None:
    def hosts(*widths: int) -> dict[str, Any]:
        made = ({"make": {"width": width}, "code": "c"} for width in widths)
        return {f"host mlp-{n}": {"architecture.mlp": one} for n, one in enumerate(made)}

    def named(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
        return [one.what for one in differences(side(components=before), side(components=after)).around]

    assert named(hosts(16, 64), hosts(16, 64)) == []
    assert named(hosts(16, 64), hosts(16, 32)) == ["architecture.mlp of host mlp-1: make.width"]
    assert named(hosts(16, 16), hosts(8, 8)) == ["architecture.mlp: make.width"]


@pytest.mark.parametrize(
    "facts",
    [{"memory_gb": 8}, {"commit": None, "dirty": None}, {"digest": "q"}, {"commit": None, "dirty": "d"}],
)
def test_memory_and_a_withheld_commit_are_no_difference(facts: dict[str, Any]) -> None:
    known = {"digest": "p", "cpu": "EPYC", "commit": "f00", "dirty": None, "memory_gb": 4}
    assert not differences(side(environment=[known]), side(environment=[{**known, **facts}]))


def test_without_aa_arms_nothing_is_said_of_the_floor() -> None:
    records = altered(first, error=0.3)
    alone = [one[one["role"] != "aa"] for one in (table(), records)]
    found = differences(side(records=alone[0]), side(records=alone[1]))
    assert found.cells.beyond is None and "no A/A arms" in "\n".join(lines(found))


FLIPPED = verdict("HELPS", 0.05)
NEW_CODE = {"arm radam": {"optimizer.radam": {"make": {"lr": 0.1}, "code": "c2"}}}

NEW_PACKAGE = {
    "arm radam": {"optimizer.radam": {"make": {"lr": 0.1}, "code": "c1", "packages": {"radams": "2"}}}
}


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({}, "noise"),
        ({"records": altered(radam, error=0.1)}, "noise"),
        ({"tasks": {"iris": "x", "wine": "b" * 64}}, "new data: iris"),
        ({"components": NEW_CODE}, "new code: optimizer.radam"),
        ({"components": NEW_CODE, "tasks": {"iris": "x"}}, "new code: optimizer.radam"),
        ({"components": None, "records": altered(radam, key="new", error=0.1)}, "new code: radam"),
        (
            {"environment": [{"cpu": "EPYC", "commit": "f00", "packages": {"torch": "3"}}]},
            "new library version: ",
        ),
        (
            {"components": NEW_PACKAGE, "records": altered(radam, key="new", error=0.1)},
            "new library version: packages.radams",
        ),
        (
            {"study": {"protocol": {"rope": 1, "splits": {"folds": 3}}, "seed": 0}},
            "other protocol: protocol.rope",
        ),
    ],
)
def test_a_flipped_verdict_is_shown_with_both_and_its_likely_cause(
    fields: dict[str, Any], cause: str
) -> None:
    found = differences(side(), side(verdict=FLIPPED, **fields))
    (turn,) = found.verdicts
    assert (turn.kind, turn.before, turn.after) == ("flipped", "EQUIVALENT", "HELPS")
    assert turn.causes[0].startswith(cause)
    assert any("EQUIVALENT → HELPS (+0.1 % → +5.0 %)" in line and cause in line for line in lines(found))


def test_moved_numbers_are_no_flip_and_volatile_ones_nothing() -> None:
    (turn,) = differences(side(), side(verdict=verdict(mean=0.002))).verdicts
    assert (turn.kind, turn.causes) == ("moved", ("noise",))
    other = verdict()
    other["comparisons"][0]["volatile"] = {"cost_ratio": 99}
    assert not differences(side(), side(verdict=other))
    (gone,) = differences(side(), side(verdict={"comparisons": []})).verdicts
    assert (gone.kind, gone.before, gone.after, gone.causes) == ("gone", "EQUIVALENT", None, ())


@pytest.mark.parametrize("content", [{}, {"comparisons": None}, {"comparisons": [1, {"effect": 3}]}])
def test_a_verdict_that_is_none_is_no_error(content: dict[str, Any]) -> None:
    assert lines(differences(side(), side(verdict=content)))


def test_hostile_names_stay_one_printable_line() -> None:
    hostile = side(
        name=HOSTILE,
        records=table((HOSTILE,), candidate=HOSTILE),
        verdict=verdict(HOSTILE, candidate=HOSTILE),
        tasks={HOSTILE: HOSTILE},
        environment=[{HOSTILE: HOSTILE}],
        study={HOSTILE: HOSTILE},
    )
    for found in (differences(side(), hostile), differences(hostile, side())):
        assert all(line.isprintable() for line in lines(found))
        assert json.loads(json.dumps(found.to_json(), allow_nan=False))


CHANGE = st.tuples(
    st.integers(0, 35),
    st.sampled_from(["error", "key", "status", "gone", "metric_auc"]),
    st.floats(0.0, 1.0),
)


def planted(changes: Sequence[tuple[int, str, float]]) -> pd.DataFrame:
    records = table()
    for row, what, value in changes:
        if what == "gone":
            records = records.drop(index=row, errors="ignore")
        elif row in records.index:
            text = {"key": f"k{value}", "status": "failed"}
            records.loc[row, what] = text.get(what, value)
    return records


def mirrored(found: Differences) -> tuple[Any, ...]:
    around = {(one.kind, one.what, repr(one.after), repr(one.before)) for one in found.around}
    counts = {MIRROR.get(kind, kind): count for kind, count in found.cells.counts.items()}
    groups = {
        (one.component, one.task): {MIRROR.get(kind, kind): count for kind, count in one.counts.items()}
        for one in found.cells.groups
    }
    turns = {(one.candidate, MIRROR.get(one.kind, one.kind), one.after, one.before) for one in found.verdicts}
    return around, counts, groups, turns, found.cells.same_key


def straight(found: Differences) -> tuple[Any, ...]:
    around = {(one.kind, one.what, repr(one.before), repr(one.after)) for one in found.around}
    groups = {(one.component, one.task): dict(one.counts) for one in found.cells.groups}
    turns = {(one.candidate, one.kind, one.before, one.after) for one in found.verdicts}
    return around, dict(found.cells.counts), groups, turns, found.cells.same_key


@settings(max_examples=40, deadline=None)
@given(st.lists(CHANGE, max_size=5), st.sampled_from(["EQUIVALENT", "HELPS"]), st.sampled_from(["c1", "c2"]))
def test_swapping_the_sides_mirrors_what_differs(changes: Any, name: str, code: str) -> None:
    components: Mapping[str, Any] = {"arm radam": {"optimizer.radam": {"make": {"lr": 0.1}, "code": code}}}
    other = side(records=planted(changes), verdict=verdict(name), components=components)
    there, back = differences(side(), other), differences(other, side())
    assert mirrored(there) == straight(back)
    assert not differences(other, other)
    order = np.random.default_rng(0).permutation(len(other.records))
    assert not differences(other, dataclasses.replace(other, records=other.records.iloc[order]))


def test_ten_thousand_cells_a_side_take_well_under_a_second(seconds: Callable[..., float]) -> None:
    tasks = [f"task{number}" for number in range(20)]
    records = table(tasks, folds=90)
    assert len(records) > 10_000 and records[list(COORDINATE)].duplicated().sum() == 0
    other = records.assign(error=records["error"] * 1.5, key="new")
    assert seconds(lambda: lines(differences(side(records=records), side(records=other)))) < 1
