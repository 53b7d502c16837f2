from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.judge import compare
from benchmark.judge.effects import by_host, grid, leave_one_out, relative
from benchmark.judge.intervals import moments

Table = Callable[..., pd.DataFrame]

errors = st.floats(min_value=0, max_value=1e300)


@given(st.tuples(errors, errors), st.integers(min_value=-900, max_value=0))
def test_relative_effect_is_bounded_antisymmetric_and_scale_free(
    pair: tuple[float, float], power: int
) -> None:
    base, new = np.array([pair[0]]), np.array([pair[1]])
    effect = relative(base, new)
    assert -1 <= effect[0] <= 1
    assert effect[0] == -relative(new, base)[0]
    scaled = (np.ldexp(base, power), np.ldexp(new, power))
    if min(*scaled) > 1e-290 or base[0] == new[0]:
        assert relative(*scaled)[0] == effect[0]


def test_relative_effect_by_hand() -> None:
    base = np.array([0.2, 0.1, 0.0, 0.0, 0.3, np.nan, 5e-324])
    new = np.array([0.1, 0.2, 0.0, 0.1, 0.3, np.nan, 0.0])
    assert relative(base, new).tolist() == [0.5, -0.5, 0.0, -1.0, 0.0, 0.0, 1.0]


def test_errors_are_averaged_before_the_effect_is_taken() -> None:
    rows = [("new", 0, 0.1), ("new", 1, 0.5), ("base", 0, 0.3), ("base", 1, 0.5)]
    records = pd.DataFrame(rows, columns=["component", "seed", "error"]).assign(task="t")
    found = compare(records, "new", "base")
    assert found.effects["effect"].tolist() == pytest.approx([(0.4 - 0.3) / 0.4])
    assert found.probability_of_improvement == 0.75


def test_tasks_of_one_origin_count_once(table: Table) -> None:
    records = table({"new": 0.1}, tasks=6, noise=0)
    twin = records["task"].isin(["t4", "t5"])
    records.loc[twin, "origin"] = "twins"
    worse = (records["component"] == "new") & twin
    records.loc[worse, "error"] *= 1 / 0.9
    found = compare(records, "new", "base")
    assert (found.n["origins"], found.n["tasks"]) == (5, 6)
    assert found.effect.mean == pytest.approx(4 * 0.1 / 5)
    assert (found.wins, found.ties) == (4, 2)


@given(st.integers(0, 1000), st.integers(1, 3), st.booleans())
@settings(max_examples=30, deadline=None)
def test_leaving_one_out_equals_computing_it_again(root: int, hosts: int, holes: bool) -> None:
    rng = np.random.default_rng(root)
    index = pd.MultiIndex.from_product([range(5), range(hosts)], names=["task", "host"])
    effects = index.to_frame(index=False).assign(effect=rng.uniform(-1, 1, len(index)))
    effects["origin"] = effects["task"] // 2
    effects = effects.astype({"task": str, "host": str, "origin": str})
    if holes and hosts > 1:
        effects = effects.drop(index=[0])

    def mean(rows: pd.DataFrame) -> float:
        return float(moments(grid(rows)).mean)

    tasks, without_host = leave_one_out(effects)
    assert tasks == pytest.approx([mean(effects[effects["task"] != str(t)]) for t in range(5)])
    expected = [mean(effects[effects["host"] != str(h)]) for h in range(hosts)] if hosts > 1 else []
    assert without_host == pytest.approx(expected)


def test_hosts_have_their_own_means(table: Table) -> None:
    records = table({"new": 0.1}, hosts=2)
    records.loc[(records["component"] == "new") & (records["host"] == "h1"), "error"] *= 0.5
    found = compare(records, "new", "base")
    assert found.hosts["host"].tolist() == ["h0", "h1"]
    assert found.hosts["mean"].tolist() == pytest.approx([0.1, 0.55], abs=0.01)
    assert (found.hosts["low"] < found.hosts["mean"]).all()
    assert found.leave_one_host_out == pytest.approx(tuple(found.hosts["mean"]))
    assert list(by_host(found.effects)) == ["h0", "h1"]


def test_saturated_tasks_are_flagged_and_judged_apart(table: Table) -> None:
    records = table({"new": 0.1}, tasks=8, folds=2)
    records.loc[records["task"].isin(["t0", "t1"]), "test_errors"] = 2
    records.loc[records["task"] == "t2", "test_errors"] = 3
    found = compare(records, "new", "base")
    assert found.tasks.loc[found.tasks["saturated"], "task"].tolist() == ["t0", "t1"]
    assert "saturated" in found.flags
    assert found.without_saturated is not None
    assert (found.without_saturated.origins, found.without_saturated.verdict) == (6, "HELPS")
    failing = (records["component"] == "new") & (records["task"] == "t0")
    records.loc[failing & (records["seed"] == 0), ["status", "error", "test_errors"]] = [
        "failed",
        np.nan,
        np.nan,
    ]
    assert compare(records, "new", "base").tasks["saturated"].sum() == 1


def test_nothing_is_left_where_every_task_is_saturated(table: Table) -> None:
    found = compare(table({"new": 0.1}).assign(test_errors=1), "new", "base")
    assert found.without_saturated is not None
    assert found.without_saturated.mean is None
    assert found.without_saturated.verdict == "INSUFFICIENT"
    regression = compare(table({"new": 0.1}).assign(test_errors=np.nan), "new", "base")
    assert regression.without_saturated is None
