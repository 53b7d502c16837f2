from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.errors import RequestError
from benchmark.judge import compare, judge
from benchmark.judge.pairing import MEASURED, impute, pair, tabulate
from benchmark.records.schema import RECORD_COLUMNS

Table = Callable[..., pd.DataFrame]


def small(**columns: object) -> pd.DataFrame:
    rows = pd.DataFrame(
        {"component": ["a", "b", "a", "b"], "task": ["x", "x", "y", "y"], "error": [0.1, 0.2, 0.3, 0.4]}
    )
    return rows.assign(**columns)


def test_measured_columns_are_record_columns() -> None:
    assert set(MEASURED) <= set(RECORD_COLUMNS)


def test_foreign_table_needs_three_columns_only() -> None:
    blocks = pair(tabulate(small()), "a", "b", "unstated")
    assert blocks["error_candidate"].tolist() == [0.1, 0.3]
    assert blocks["origin"].tolist() == ["x", "y"]
    assert set(blocks["host"]) == {""}


@pytest.mark.parametrize(
    "change",
    [
        {"rows": [10, 20, 30, 30]},
        {"rows": [0, 0, 5, 5]},
        {"rows": [10, None, 30, 30]},
        {"width": "wide"},
        {"width": [1, 2, 3, 4]},
        {"width": -3.0},
        {"width": np.inf},
        {"rows": ["many", "many", "7", "7"], "width": None},
    ],
)
def test_what_only_shares_its_name_with_a_size_is_no_size(change: dict[str, object]) -> None:
    table = tabulate(small(**change))
    assert table["rows"].isna().all() and table["width"].isna().all()
    plain, found = (compare(rows, "a", "b") for rows in (small(), small(**change)))
    assert found.sentence == plain.sentence
    assert judge(small(**change), candidates=["a"], baselines=["b"]).scaling == ()


def test_sizes_are_read_where_they_are_sizes() -> None:
    table = tabulate(small(rows=["10", "10", "20", "20"], width=64))
    assert dict(zip(table["task"], table["rows"], strict=True)) == {"x": 10, "y": 20}
    assert set(table["width"]) == {64}
    told = tabulate(small(rows=[10, 10, None, None]))
    assert told.loc[told["task"] == "x", "rows"].eq(10).all()
    assert told.loc[told["task"] == "y", "rows"].isna().all()


def test_missing_block_is_counted_and_named(table: Table) -> None:
    records = table({"new": 0.1})
    lacking = (records["component"] == "new") & (records["task"] == "t3") & (records["seed"] == 1)
    with pytest.raises(
        RequestError, match=r"'new' lacks 4 of 96 blocks: task=t3 host=h0 repeat=0 fold=0 seed=1"
    ):
        compare(records[~lacking], "new", "base")


def test_missing_block_of_an_aa_arm_is_refused(table: Table) -> None:
    records = table({"new": 0.1})
    lacking = (records["role"] == "aa") & (records["task"] == "t3")
    with pytest.raises(RequestError, match="incomplete blocks"):
        compare(records[~lacking], "new", "base")


def test_two_rows_of_one_cell_are_refused(table: Table) -> None:
    records = table({"new": 0.1})
    with pytest.raises(RequestError, match="1 rows repeat a cell, first component=base setting=tuned"):
        compare(pd.concat([records, records.iloc[[5]]]), "new", "base")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"error": [0.1, -0.2, 0.3, 0.4]}, "error=-0.2 in row 1"),
        ({"error": ["0.1", "zero", "0.3", "0.4"]}, "error='zero' in row 1 is not a number"),
        ({"seed": [0, None, 0, 0]}, "column 'seed' is empty in 1 rows, first in row 1"),
        ({"replicate": [0, "x", 0, 0]}, "replicate='x' in row 1 is not a number"),
        ({"component": ["a", None, "a", "b"]}, "column 'component' is empty in 1 rows, first in row 1"),
        ({"origin": ["p", "q", "r", "r"]}, "task 'x' has more than one origin"),
    ],
)
def test_bad_values_are_refused_in_one_line(change: dict[str, list[object]], message: str) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        compare(small(**change), "a", "b")
    assert "\n" not in str(caught.value)


def test_unknown_names_get_the_nearest(table: Table) -> None:
    with pytest.raises(RequestError, match="no column 'component', did you mean 'Component'"):
        tabulate(small().rename(columns={"component": "Component"}))
    records = table({"radam": 0.1})
    with pytest.raises(RequestError, match="no component 'radm', did you mean 'radam'"):
        compare(records, "radm", "base")
    with pytest.raises(RequestError, match="no setting 'tune', did you mean 'tuned'"):
        compare(records, "radam", "base", setting="tune")
    with pytest.raises(RequestError, match="no row has role=candidate"):
        judge(small())


def test_references_are_never_paired(table: Table) -> None:
    records = table({"new": 0.1})
    whole = records[records["component"] == "new"].assign(role="reference", error=9.0)
    assert (
        compare(pd.concat([records, whole]), "new", "base").effect == compare(records, "new", "base").effect
    )


def test_failures_cost_the_worse_of_featureless_and_the_other_arm() -> None:
    records = small(seed=0, featureless_error=[0.5, 0.5, 0.2, 0.2], status=["failed", "ok", "timeout", "ok"])
    blocks = impute(pair(tabulate(records), "a", "b", "unstated"))
    assert blocks["error_candidate"].tolist() == [0.5, 0.4]
    assert blocks["error_baseline"].tolist() == [0.2, 0.4]
    assert blocks["failed_candidate"].all() and not blocks["failed_baseline"].any()


def test_failures_in_a_foreign_table_cost_the_tasks_worst() -> None:
    records = pd.concat(
        [
            small(error=[np.nan, 0.2, np.inf, 0.4]),
            small(component="c", error=[0.7, 0.1, 0.2, 0.3]).iloc[[0, 2]],
        ]
    )
    blocks = impute(pair(tabulate(records), "a", "b", "unstated"))
    assert blocks["error_candidate"].tolist() == [0.7, 0.4]


def test_both_arms_failing_is_no_difference() -> None:
    for featureless in (0.5, np.nan):
        records = small(featureless_error=featureless, error=[np.nan, np.nan, 0.3, 0.4])
        found = compare(records, "a", "b")
        assert found.effects["effect"].tolist() == pytest.approx([0.0, 0.25])
        assert dict(found.failures) == {"candidate": 1, "baseline": 1}


def test_excluded_hosts_leave_both_arms(table: Table) -> None:
    records = table({"new": 0.1}, hosts=3)
    rest = records[~((records["component"] == "new") & (records["host"] == "h1"))]
    with pytest.raises(RequestError, match="'new' lacks 48 of 144 blocks"):
        compare(rest, "new", "base")
    found = compare(rest, "new", "base", excluded={("new", "h1"), ("other", "h0")})
    assert found.n["hosts"] == 2
    assert found.left_out == {"hosts": ("h1",), "tasks": (), "combinations": ()}
    assert "hosts_excluded" in found.flags
    assert "h1" in found.sentence
    with pytest.raises(RequestError, match="nothing of 'new' is left outside the excluded"):
        compare(rest, "new", "base", excluded={("new", f"h{host}") for host in range(3)})


def test_excluded_tasks_and_combinations_leave_both_arms(table: Table) -> None:
    records = table({"new": 0.1}, tasks=8, hosts=2)
    rest = records[~((records["component"] == "new") & (records["task"] == "t1"))]
    excluded = {("new", "h0", "t1"), ("new", "h1", "t1")}
    found = compare(rest, "new", "base", excluded=excluded)
    assert found.left_out == {"hosts": (), "tasks": ("t1",), "combinations": ()}
    assert (found.n["tasks"], found.flags) == (7, ("tasks_excluded",))
    one = records[~((records["component"] == "new") & (records["task"] == "t1") & (records["host"] == "h0"))]
    found = compare(one, "new", "base", excluded={("new", "h0", "t1")})
    assert (found.n["tasks"], len(found.effects), found.flags) == (8, 15, ("combinations_excluded",))
    assert "Combinations left out because an arm does not fit: t1 in h0." in found.sentence


def test_rows_survive_a_csv(table: Table, tmp_path: Path) -> None:
    records = table({"new": 0.05}, hosts=1).assign(host="")
    records.to_csv(tmp_path / "records.csv", index=False)
    read = pd.read_csv(tmp_path / "records.csv")
    assert compare(read, "new", "base").effect == compare(records, "new", "base").effect
