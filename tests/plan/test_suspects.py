"""What in a task's data is suspicious: planted in every form, and not in what is sound."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.catalog import open_catalog
from benchmark.data import describe, load
from benchmark.findings import Finding, flat
from benchmark.plan.leaks import Leak, leaks
from benchmark.plan.splits import splits
from benchmark.plan.suspects import SUSPECTS, suspects
from benchmark.spec import Dataset, Splitting, Task

Array = np.ndarray[Any, Any]
BUNDLED = [
    name for name in open_catalog().names("dataset") if open_catalog().dataset(name).source == "bundled"
]


def found_in(
    X: pd.DataFrame, y: Array, task_type: str, *leaked: Leak, rows: Any = None
) -> dict[str, Finding]:
    """By name, consequences too."""
    task = Task("t", "t", "tabular", task_type, "m", len(X), X.shape[1], 0, "f")
    rows = np.arange(len(X)) if rows is None else rows
    found = suspects(task, X, y, rows, leaked)
    names = [one.name for one in flat(found)]
    assert len(names) == len(set(names)) and set(names) <= set(SUSPECTS)
    assert all(one.subject == "t" and one.why and one.advice for one in flat(found))
    return {one.name: one for one in flat(found)}


def noise(n_rows: int = 300, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(random.normal(size=(n_rows, 3)), columns=["a", "b", "c"])


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 6), st.integers(0, 2**32 - 1), st.booleans())
def test_a_target_under_other_names_is_found_whatever_they_are(n: int, seed: int, category: bool) -> None:
    random = np.random.default_rng(seed)
    y = np.concatenate([np.arange(n), random.integers(0, n, 100)])
    names = random.permutation(n)[y]
    X = noise(len(y), seed).assign(copy=names.astype(float))
    if category:
        X["copy"] = pd.Categorical([f"name {name}" for name in names])
    found = found_in(X, y, "multiclass" if n > 2 else "binary")
    assert found["target_among_features"].severity == "error"
    assert f"column 'copy' has a value of its own for each of the target's {n}" in (
        found["target_among_features"].seen
    )
    assert "ignore: [copy]" in found["target_among_features"].advice


@pytest.mark.parametrize(
    "change",
    [np.exp, lambda y: -(y**3), lambda y: 5 * y - 3, lambda y: (3 * y + 1).astype(np.float32).astype(float)],
    ids=["growing", "falling", "other units", "rounded"],
)
def test_a_number_that_orders_the_rows_as_the_target_does(change: Callable[[Array], Array]) -> None:
    y = np.random.default_rng(0).normal(size=400)
    found = found_in(noise(400).assign(copy=change(y)), y, "regression")
    assert "column 'copy' orders all 400 rows" in found["target_among_features"].seen
    assert [one.name for one in found["target_among_features"].consequences] == ["one_feature_predicts"]


def test_a_copy_may_have_gaps() -> None:
    y = np.random.default_rng(0).integers(0, 3, 300)
    only_two = pd.Series(y, dtype=float).where(y > 0)  # missing is one of its three values
    assert "target_among_features" in found_in(noise().assign(copy=only_two), y, "multiclass")
    some = pd.Series(y, dtype=float).where(np.arange(300) % 3 > 0)
    assert "target_among_features" in found_in(noise().assign(copy=some), y, "multiclass")
    hardly = pd.Series(y, dtype=float).where(np.arange(300) % 3 == 0)
    assert not found_in(noise().assign(copy=hardly), y, "multiclass")


def test_what_agrees_by_chance_is_no_copy() -> None:
    y = np.array([0] * 29 + [1])
    assert not found_in(noise(30).assign(rare=y.astype(float)), y, "binary")  # one chance in 30
    few = np.arange(9.0)
    assert not found_in(noise(9).assign(trend=few), few, "regression")


@pytest.mark.parametrize("task_type", ["binary", "regression"])
def test_a_large_table_is_looked_at_in_part_and_a_copy_checked_in_all_of_it(task_type: str) -> None:
    random = np.random.default_rng(3)
    y = random.integers(0, 2, 20_000) if task_type == "binary" else random.normal(size=20_000)
    X = noise(20_000).assign(copy=y.astype(float))
    assert "all 20000 rows" in found_in(X, y, task_type)["target_among_features"].seen
    X.loc[19_000:, "copy"] = 7.0
    assert "target_among_features" not in found_in(X, y, task_type)


def test_a_single_column_that_predicts_is_told_with_its_number() -> None:
    random = np.random.default_rng(4)
    x = random.uniform(size=2000)
    wrong = random.random(2000) < 0.02
    found = found_in(noise(2000).assign(x=x), ((x > 0.5) ^ wrong).astype(np.int64), "binary")
    assert [*found] == ["one_feature_predicts"] and found["one_feature_predicts"].severity == "warning"
    assert "column 'x' alone gets 2." in found["one_feature_predicts"].seen
    often = random.random(2000) < 0.05
    assert not found_in(noise(2000).assign(x=x), ((x > 0.5) ^ often).astype(np.int64), "binary")
    curve = np.sin(9 * x)
    told = found_in(noise(2000).assign(x=x), curve + 0.05 * random.normal(size=2000), "regression")
    assert "of the variance" in told["one_feature_predicts"].seen
    assert not found_in(noise(2000).assign(x=x), curve + 0.3 * random.normal(size=2000), "regression")


def test_values_seen_once_predict_nothing() -> None:
    """What a column says of each training row by heart is no prediction."""
    y = np.random.default_rng(5).integers(0, 2, 400)
    X = noise(400).assign(name=pd.Categorical([f"n{row}" for row in range(400)]))
    found = found_in(X, y, "binary")
    assert [*found] == ["constant_or_id_column"] and found["constant_or_id_column"].severity == "note"


def test_columns_of_no_use_are_noted_and_only_some_named() -> None:
    X = noise(60).assign(**{f"k{place}": 1.0 for place in range(5)}, row=np.arange(60.0))
    seen = found_in(X, np.arange(60) % 2, "binary")["constant_or_id_column"].seen
    assert "column 'k0' has one value only" in seen and seen.endswith("; and 3 columns more")


def test_leaks_of_the_splits_are_findings() -> None:
    X, y = noise(), np.random.default_rng(0).integers(0, 2, 300)
    kinds = {"identical": 0, "group": 1, "time": 2}
    found = found_in(X, y, "binary", *(Leak(kind, 30, 60, 0.5) for kind in kinds))
    assert [*found] == ["duplicates_across_the_split", "groups_across_the_split", "tested_before_trained"]
    assert {one.severity for one in found.values()} == {"warning"}
    assert found["duplicates_across_the_split"].seen.startswith("30 of 60 test rows")
    slight = found_in(X, y, "binary", Leak("identical", 1, 60, 0.01))
    no_wonder = found_in(X, y, "binary", Leak("identical", 60, 60, 1.0), rows=np.arange(300) % 7)
    assert [one["duplicates_across_the_split"].severity for one in (slight, no_wonder)] == ["note", "note"]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["binary", "multiclass", "regression"]))
def test_what_is_sound_raises_nothing(seed: int, task_type: str) -> None:
    random = np.random.default_rng(seed)
    X = noise(int(random.integers(20, 300)), seed)
    X["kind"] = pd.Categorical(random.choice(["u", "v", "w"], len(X)))
    X.loc[random.random(len(X)) < 0.2, "a"] = np.nan
    signal = X["b"] + random.normal(size=len(X))
    y = (
        signal.to_numpy()
        if task_type == "regression"
        else pd.qcut(signal, 3 - (task_type == "binary")).cat.codes
    )
    assert not found_in(X, np.asarray(y), task_type)


def _said_of(card: Dataset) -> list[Finding]:
    data = load(card)
    task, basis = describe(card, data), data.basis()
    made = splits(task, basis, Splitting(), 0)
    return [*flat(suspects(task, data.X, data.y, basis.rows, leaks(made, basis)))]


@pytest.mark.parametrize("name", BUNDLED)
def test_no_bundled_task_has_an_error(name: str) -> None:
    assert not [one for one in _said_of(open_catalog().dataset(name)) if one.severity == "error"]


@pytest.mark.shared_data
def test_the_lifeboat_of_the_titanic_is_found(shared: Path) -> None:
    folder = shared / "data" / "tabular" / "titanic"
    theirs = yaml.safe_load(next(folder.glob("*.yaml")).read_text())
    card = Dataset("t", "file", str(folder / theirs["file"]), theirs["target"], task_type="binary")
    told = {one.name: one for one in _said_of(card)}["one_feature_predicts"]
    assert told.seen.startswith("column 'boat' alone gets 2.4")
    sound = dataclasses.replace(card, ignore=("boat", "body"))
    assert not [one for one in _said_of(sound) if one.name == "one_feature_predicts"]


@pytest.mark.all
@pytest.mark.shared_data
def test_no_task_of_the_shared_openml_cache_has_an_error(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    shutil.copytree(shared / "openml_cache", cache)
    monkeypatch.setenv("OPENML_CACHE_DIR", str(cache))
    monkeypatch.setenv("SWAPBENCH_CACHE", str(tmp_path / "own"))
    places = sorted((cache / "org" / "openml").glob("*/tasks/*"))
    assert len(places) == 42
    for place in places:
        server = place.parents[1].name
        location = place.name if server == "www" else f"{server}/{place.name}"
        said = _said_of(Dataset(f"openml/{location}", "openml", location))
        assert not [one for one in said if one.severity == "error"], location
