"""Whatever numbers a table holds: no warning, no NaN in verdict.json, and the same rule as for any other."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.judge import Comparison, compare, judge
from benchmark.judge.verdict import MIRROR

Table = Callable[..., pd.DataFrame]

ODD = [0.0, 5e-324, 1e-310, 1e-300, 1e-9, 0.1, 0.2, 1.0, 3.0, 1e9, 1e300, 1.7e308, np.inf, np.nan]
"""Errors that a table may hold; the last two are failures."""

odd_errors = st.sampled_from(ODD)
shapes = st.tuples(st.integers(1, 7), st.integers(1, 5), st.integers(1, 2), st.integers(1, 2))


@pytest.fixture(autouse=True)
def every_warning_is_an_error() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@st.composite
def odd_tables(draw: st.DrawFn) -> pd.DataFrame:
    """Baseline and candidate in a full grid, with errors, featureless errors and costs of any size."""
    tasks, hosts, folds, seeds = draw(shapes)
    names = ["component", "task", "host", "fold", "seed"]
    axes = [["base", "new"], range(tasks), range(hosts), range(folds), range(seeds)]
    table = pd.MultiIndex.from_product(axes, names=names).to_frame(index=False)
    few = draw(st.lists(odd_errors, min_size=1, max_size=4))
    picks = np.random.default_rng(draw(st.integers(0, 10**6)))
    table["error"] = picks.choice(few, len(table))
    if draw(st.booleans()):
        table["featureless_error"] = draw(odd_errors)
    if draw(st.booleans()):
        table["fit_seconds"] = picks.choice([0.0, 1e-300, 1.0, 1e300, np.inf, np.nan], len(table))
    if draw(st.booleans()):
        table = table.assign(n_train=draw(st.sampled_from([0, 80])), n_test=20)
    if draw(st.booleans()):
        table["test_errors"] = picks.choice([0.0, 30.0, np.nan], len(table))
    return table.astype({"task": "str", "host": "str"})


def as_json(found: Comparison) -> dict[str, Any]:
    """The comparison as verdict.json has it, which holds no NaN and no infinity."""
    page: dict[str, Any] = json.loads(json.dumps(found.to_json(), allow_nan=False))
    return page


def mirrored(ends: list[float] | None) -> list[float] | None:
    return None if ends is None else [-ends[1], -ends[0]]


@given(odd_tables())
@settings(max_examples=30, deadline=None)
def test_any_table_is_judged(table: pd.DataFrame) -> None:
    judged(table)


def judged(table: pd.DataFrame) -> None:
    """Assert that everything that is said of the table is a number in its range."""
    found = compare(table, "new", "base")
    page = as_json(found)
    effect = page["effect"]
    assert -1 <= effect["mean"] <= 1
    assert "nan" not in found.sentence and "inf" not in found.sentence
    for name in ("ci95", "ci_verdict", "ci90", "prediction95", "pigeonhole95"):
        low, high = effect[name] or (-1, 1)
        assert -1 <= low <= high <= 1
    for row in page["hosts"]:
        assert -1 <= row["shrunken"] <= 1
    assert found.effects["effect"].between(-1, 1).all()
    assert (found.effects["lowest"] <= found.effects["effect"]).all()
    assert (found.effects["highest"] >= found.effects["effect"]).all()


@pytest.mark.all
@given(odd_tables())
@settings(max_examples=100, deadline=None)
def test_any_of_many_tables_is_judged(table: pd.DataFrame) -> None:
    judged(table)


@given(odd_tables())
@settings(max_examples=12, deadline=None)
def test_swapping_the_arms_mirrors_any_table(table: pd.DataFrame) -> None:
    one, two = as_json(compare(table, "new", "base")), as_json(compare(table, "base", "new"))
    assert two["verdict"] == MIRROR[one["verdict"]]
    assert two["effect"].pop("mean") == -one["effect"].pop("mean")
    assert two["effect"] == {name: mirrored(ends) for name, ends in one["effect"].items()}
    assert two["worst_case"] == mirrored(one["worst_case"])
    assert [row["shrunken"] for row in two["hosts"]] == [-row["shrunken"] for row in one["hosts"]]
    assert [row["shrunken95"] for row in two["hosts"]] == [
        mirrored(row["shrunken95"]) if None not in row["shrunken95"] else row["shrunken95"]
        for row in one["hosts"]
    ]
    swapped = {"better_inside_rope": "worse_inside_rope", "worse_inside_rope": "better_inside_rope"}
    assert two["flags"] == [swapped.get(flag, flag) for flag in one["flags"]]


@given(odd_tables(), st.integers(0, 10**6))
@settings(max_examples=6, deadline=None)
def test_the_order_of_rows_changes_no_byte(table: pd.DataFrame, root: int) -> None:
    shuffled = table.sample(frac=1, random_state=root)
    assert as_json(compare(table, "new", "base")) == as_json(compare(shuffled, "new", "base"))


@given(st.integers(0, 10**6), st.integers(1, 7), st.integers(1, 5), st.sampled_from([0.0, 0.2]))
@settings(max_examples=6, deadline=None)
def test_what_tasks_and_hosts_are_called_changes_nothing(
    table: Table, root: int, tasks: int, hosts: int, failing: float
) -> None:
    records = table({"new": 0.02}, tasks=tasks, hosts=hosts, folds=1, seeds=2, noise=0.1, root=root)
    rng = np.random.default_rng(root)
    records["error"] = records["error"].where(rng.random(len(records)) >= failing)
    renamed = records.copy()
    for name in ("task", "host"):
        known = sorted(set(records[name]))
        renamed[name] = records[name].map(dict(zip(known, rng.permutation(known), strict=True)))
    one, two = (compare(each.assign(origin=each["task"]), "new", "base") for each in (records, renamed))
    assert two.verdict == one.verdict
    assert two.flags == one.flags
    assert two.n == one.n
    for name in ("mean", "ci95", "ci_verdict", "ci90", "prediction95", "pigeonhole95"):
        assert getattr(two.effect, name) == pytest.approx(getattr(one.effect, name), abs=1e-12)
    assert two.worst_case == pytest.approx(one.worst_case, abs=1e-12)
    pulled = [sorted(found.hosts["shrunken"]) for found in (one, two)]
    assert pulled[1] == pytest.approx(pulled[0], abs=1e-9)


def test_an_arm_that_nobody_asked_about_changes_nothing(table: Table) -> None:
    records = table({"new": 0.03, "other": -0.2}, aa=2, noise=0.05)
    alone = records[records["component"] != "other"]
    assert as_json(compare(records, "new", "base")) == as_json(compare(alone, "new", "base"))
    both, one = (
        {found.candidate: as_json(found) for found in judge(each).comparisons} for each in (records, alone)
    )
    for page in (both["new"], one["new"]):
        del page["effect"]["ci_verdict"], page["p_holm"], page["family"], page["sentence"]
        del page["minimal_detectable_effect"], page["tasks_needed"]
    assert both["new"] == one["new"]


@given(st.lists(st.sampled_from(ODD), min_size=1, max_size=4), st.integers(0, 10**6))
@settings(max_examples=6, deadline=None)
def test_any_study_is_judged(few: list[float], root: int) -> None:
    axes = [["base", "new", "other"], list("abcdef"), list("xy"), range(2)]
    table = pd.MultiIndex.from_product(axes, names=["component", "task", "host", "seed"]).to_frame(
        index=False
    )
    table["error"] = np.random.default_rng(root).choice(few or [0.1], len(table))
    found = judge(table, candidates=["new", "other"], baselines=["base"])
    json.dumps(found.to_json(study="s", slot="optimizer", metric="error"), allow_nan=False)


@pytest.mark.parametrize("scale", [5e-324, 1e-310, 1e-300, 1e300, 3e307])
def test_means_over_many_runs_neither_overflow_nor_vanish(scale: float) -> None:
    """Of 40 runs the candidate loses all but one: a mean that a plain sum cannot tell at either end."""
    runs = pd.DataFrame({"seed": range(40)})
    parts = [
        runs.assign(component=arm, task=f"t{task}", error=np.where(runs["seed"] == 0, few, many) * scale)
        for task in range(6)
        for arm, few, many in (("base", 1.0, 1.0), ("new", 1.0, 0.0))
    ]
    found = compare(pd.concat(parts), "new", "base")
    assert found.effect.mean == pytest.approx(39 / 40)
    assert found.verdict == "HELPS"
    assert np.isfinite(found.effects[["error_candidate", "error_baseline"]]).all(axis=None)


def test_an_infinite_error_is_a_failure(table: Table) -> None:
    records = table({"new": 0.1})
    hit = (records["component"] == "new") & (records["seed"] == 0)
    infinite = compare(records.assign(error=records["error"].where(~hit, np.inf)), "new", "base")
    failed = compare(records.assign(status=np.where(hit, "failed", "ok")), "new", "base")
    assert as_json(infinite) == as_json(failed)
    assert infinite.failures == {"candidate": 32, "baseline": 0}


def test_a_featureless_error_without_a_value_is_not_known(table: Table) -> None:
    records = table({"new": 0.1})
    records.loc[(records["component"] == "new") & (records["seed"] == 0), "error"] = np.nan
    one = compare(records.assign(featureless_error=np.inf), "new", "base")
    two = compare(records.drop(columns="featureless_error"), "new", "base")
    assert as_json(one) == as_json(two)
