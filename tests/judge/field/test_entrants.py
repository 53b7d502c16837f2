"""Several methods on the same blocks: what is refused, what a failure costs, what is averaged first."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from benchmark.errors import RequestError
from benchmark.judge.effects import grid
from benchmark.judge.field.entrants import Entrants, cell_means, entrants
from benchmark.judge.pairing import tabulate

Table = Callable[..., pd.DataFrame]
METHODS = ["base", "one", "two", "three"]


def arms(table: Table, **more: object) -> pd.DataFrame:
    return table({"one": 0.1, "two": 0.0, "three": -0.1}, noise=0.05, **more)


def of(records: pd.DataFrame, methods: list[str] | None = None, **more: object) -> Entrants:
    return entrants(tabulate(records), methods or METHODS, "tuned", **more)  # type: ignore[arg-type]


def test_errors_stand_side_by_side(table: Table) -> None:
    records = arms(table)
    found = of(records.sample(frac=1, random_state=0))
    assert found.methods == tuple(METHODS)
    assert found.blocks.index.names == ["origin", "task", "host", "repeat", "fold", "seed"]
    assert found.blocks.index.is_monotonic_increasing
    assert found.blocks.shape == (8 * 2 * 2 * 3, 4) and found.cells.shape == (16, 4)
    plain = records[records["role"] != "aa"]
    means = plain.groupby(["origin", "task", "host", "component"])["error"].mean().unstack()[METHODS]
    np.testing.assert_allclose(found.cells, means)
    assert found.seconds.mean().to_dict() == {"base": 1.0, "one": 3.0, "two": 4.0, "three": 5.0}
    assert not found.failed.any(axis=None) and found.failures.sum() == 0


def test_replicates_references_and_other_settings_stay_out(table: Table) -> None:
    records = arms(table, settings=("default", "tuned"))
    reference = records[records["component"] == "one"].assign(role="reference", error=0.0)
    found = of(pd.concat([records, reference.assign(component="two")]))
    alone = of(records[(records["setting"] == "tuned") & (records["role"] != "aa")])
    pd.testing.assert_frame_equal(found.blocks, alone.blocks)
    mixed = entrants(tabulate(records), ["base", "one"], {"base": "tuned", "one": "default"})
    default = records[(records["component"] == "one") & (records["setting"] == "default")]
    assert mixed.blocks["one"].mean() == pytest.approx(default["error"].mean())


def test_missing_blocks_are_refused_aloud(table: Table) -> None:
    records = arms(table)
    lacking = (records["component"] == "two") & (records["task"] == "t3") & (records["seed"] == 1)
    with pytest.raises(
        RequestError, match=r"'two' lacks 4 of 96 blocks: task=t3 host=h0 repeat=0 fold=0 seed=1"
    ):
        of(records[~lacking])
    surplus = records[(records["component"] != "three") | (records["task"] == "t3")]
    with pytest.raises(RequestError, match="'three' lacks 84 of 96 blocks"):
        of(surplus)
    only = records[(records["component"] == "three") | (records["task"] == "t3")]
    with pytest.raises(RequestError, match=r"'base' lacks 84 of 96 .* 'two' lacks") as refused:
        of(only)
    assert str(refused.value).count("lacks") == 3


def test_of_many_that_lack_blocks_three_are_named(table: Table) -> None:
    names = [f"m{i}" for i in range(9)]
    records = table(dict.fromkeys(names, 0.0))
    lacking = records["component"].isin(names) & (records["task"] == "t0")
    with pytest.raises(RequestError, match="'m2' lacks 12 .*; and 6 more components lack some$"):
        of(records[~lacking], ["base", *names])


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        (["base"], "at least two"),
        (["base", "base"], "each of them once"),
        (["base", "oen"], "no component 'oen', did you mean 'one'"),
    ],
)
def test_methods_that_make_no_sense_are_refused(table: Table, methods: list[str], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        of(arms(table), methods)


def test_excluded_combinations_leave_for_all(table: Table) -> None:
    records = arms(table)
    gone = (records["component"] == "two") & (records["host"] == "h1") & (records["task"] == "t2")
    found = of(records[~gone], excluded=[("two", "h1", "t2"), ("unknown", "h0")])
    assert len(found.cells) == 15 and ("t2", "t2", "h1") not in found.cells.index
    assert found.cells.notna().all(axis=None)
    without_host = of(
        records[(records["component"] != "two") | (records["host"] == "h0")], excluded=[("two", "h1")]
    )
    assert set(without_host.cells.index.get_level_values("host")) == {"h0"}
    with pytest.raises(RequestError, match="nothing of"):
        of(records, excluded=[("two", "h0"), ("one", "h1")])


def test_a_failed_block_costs_the_worst_and_a_failed_cell_ranks_last(table: Table) -> None:
    records = arms(table)
    cell = (records["task"] == "t1") & (records["host"] == "h0")
    one_block = cell & (records["fold"] == 0) & (records["seed"] == 0) & (records["component"] == "one")
    records.loc[one_block, ["status", "error"]] = ["diverged", np.nan]
    records.loc[cell & records["component"].isin(["two", "three"]), "status"] = "timeout"
    found = of(records)
    assert found.failures.to_dict() == {"base": 0, "one": 1, "two": 6, "three": 6}
    assert found.blocks.loc[("t1", "t1", "h0", 0, 0, 0), "one"] == 0.5  # featureless, worse than all others
    assert found.cells.loc[("t1", "t1", "h0"), ["two", "three"]].isna().all()
    assert found.blocks.loc[("t1", "t1", "h0")][["two", "three"]].isna().all(axis=None)
    assert found.ranks().loc[("t1", "t1", "h0")].to_dict() == {"base": 1, "one": 2, "two": 3.5, "three": 3.5}
    unknown = of(records.assign(featureless_error=np.nan))
    worst = records.loc[(records["task"] == "t1") & (records["status"] == "ok"), "error"].max()
    assert unknown.blocks.loc[("t1", "t1", "h0", 0, 0, 0), "one"] == worst


def test_units_are_origins_and_base_hosts(table: Table) -> None:
    records = arms(table, tasks=6, hosts=3)
    records["origin"] = records["task"].map(lambda task: "twins" if task in ("t0", "t1") else task)
    records["base_host"] = records["host"].map(lambda host: "wide" if host in ("h0", "h1") else host)
    found = of(records)
    units, ranks = found.unit_ranks(), found.ranks()
    assert list(units.index) == ["t2", "t3", "t4", "t5", "twins"]
    tasks, hosts = ["t0", "t1"], ranks.index.get_level_values("host")
    for method in METHODS:
        of_twins = ranks[method][ranks.index.get_level_values("task").isin(tasks)]
        wide = of_twins[of_twins.index.get_level_values("host") != "h2"].mean()
        assert units.loc["twins", method] == pytest.approx(
            (wide + of_twins.xs("h2", level="host").mean()) / 2
        )
    assert set(hosts) == {"h0", "h1", "h2"}
    effects = ranks["one"].rename("effect").reset_index().assign(base_host=found.base_hosts.to_numpy())
    np.testing.assert_allclose(units["one"], grid(effects).mean(axis=1))
    np.testing.assert_allclose(units.sum(axis=1), 10)


def test_one_cell_per_origin_is_the_textbook_table(table: Table) -> None:
    found = of(arms(table, hosts=1))
    np.testing.assert_array_equal(found.unit_ranks(), found.ranks())


@pytest.mark.parametrize("scale", [1e-300, 1e300, 1.7e308])
def test_means_of_the_largest_and_smallest_numbers(scale: float) -> None:
    rows = np.array([[1.0, 0.5], [1.0, 0.25], [0.5, np.nan]])
    found = cell_means(rows * scale, np.array([0, 2]))
    np.testing.assert_allclose(found, np.array([[1.0, 0.375], [0.5, np.nan]]) * scale, rtol=1e-15)


def test_a_table_of_huge_errors_keeps_its_ranks(table: Table) -> None:
    records = arms(table)
    plain = of(records).unit_ranks()
    for scale in (1e-300, 1e308):
        huge = records.assign(error=records["error"] * scale, featureless_error=np.nan)
        pd.testing.assert_frame_equal(of(huge).unit_ranks(), plain)
    flat = of(records.assign(error=1e300)).unit_ranks()
    assert (flat == 2.5).all(axis=None)
