"""``swapbench judge TABLE``: other people's results, from the file to the verdict."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmark.cli import main

Judge = Callable[..., Any]
HEAVY = ("torch", "sklearn", "lightgbm", "optuna", "hydra", "openml")


@pytest.fixture
def judge(capsys: pytest.CaptureFixture[str]) -> Judge:
    """Judge a table; its JSON comes back."""

    def judge(table: Path, *options: str) -> Any:
        capsys.readouterr()
        assert main(["judge", str(table), *options, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return judge


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Judge a table that cannot be judged; the one line comes back."""

    def refused(table: Path, *options: str) -> str:
        capsys.readouterr()
        assert main(["judge", str(table), *options]) == 2
        said = capsys.readouterr().err
        assert said.startswith("swapbench: ") and said.count("\n") == 1, said
        return said

    return refused


def long_table(tasks: int = 10, seeds: int = 3, root: int = 0) -> pd.DataFrame:
    """Three methods; ``good`` makes a fifth less error than ``base``, ``same`` as much."""
    gains = {"base": 0.0, "good": 0.2, "same": 0.0}
    grid = pd.MultiIndex.from_product(
        [gains, range(tasks), range(seeds)], names=["method", "dataset", "seed"]
    )
    table = grid.to_frame(index=False)
    wobble = np.random.default_rng(root).normal(0, 0.01, len(table))
    error = (0.1 + 0.02 * table["dataset"]) * (1 - table["method"].map(gains)) * (1 + wobble)
    return table.assign(dataset="d" + table["dataset"].astype(str), error=error)


def save(table: pd.DataFrame, path: Path) -> Path:
    table.to_csv(path, index=False)
    return path


def verdicts(found: Any) -> dict[str, str]:
    return {c["candidate"]: c["verdict"] for c in found["comparisons"]}


def test_every_other_method_is_judged_where_only_the_baseline_is_named(tmp_path: Path, judge: Judge) -> None:
    found = judge(save(long_table(), tmp_path / "mine.csv"), "--baseline", "base")
    assert verdicts(found) == {"good": "HELPS", "same": "EQUIVALENT"}
    assert (found["study"], found["slot"], found["metric"]) == ("mine", "", "error")
    assert all(c["noise_floor"] is None for c in found["comparisons"])
    assert "no_floor" in found["comparisons"][1]["flags"]
    assert found["table"] == {
        "form": "long",
        "columns": {"dataset": "dataset", "error": "error", "method": "method", "seed": "seed"},
        "guessed": ["dataset", "error", "method", "seed"],
        "methods": 3,
        "rows": 90,
        "missing": 0,
        "dropped": 0,
        "failures": 0,
    }


def test_long_and_wide_give_the_same_numbers(tmp_path: Path, judge: Judge) -> None:
    table = long_table()
    wide = table.pivot(index=["dataset", "seed"], columns="method", values="error").reset_index()
    (tmp_path / "wide").mkdir()
    arms = ("--candidate", "good", "--candidate", "same", "--baseline", "base")
    one = judge(save(table, tmp_path / "t.csv"), *arms, "--leaderboard")
    other = judge(save(wide, tmp_path / "wide" / "t.csv"), *arms, "--leaderboard")
    assert one.pop("table") != other.pop("table")
    assert one["board"]["n"] == other["board"]["n"]
    assert json.dumps(one["comparisons"]) == json.dumps(other["comparisons"])
    assert one["board"]["standing"] == other["board"]["standing"]


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(90)), called=st.sampled_from(["error", "How Bad", "x;y"]))
def test_the_order_of_rows_and_the_names_of_columns_change_nothing(
    order: list[int], called: str, tmp_path: Path, judge: Judge
) -> None:
    table = long_table()
    arms = ("--candidate", "good", "--baseline", "base")
    expected = judge(save(table, tmp_path / "t.csv"), *arms)
    shuffled = table.iloc[order].rename(columns={"error": called, "dataset": "Place"})[
        ["seed", called, "method", "Place"]
    ]
    found = judge(save(shuffled, tmp_path / "t.csv"), *arms, "--error", called, "--dataset", "Place")
    assert found["comparisons"] == expected["comparisons"]


def test_all_pairs_have_verdicts_on_the_board(tmp_path: Path, judge: Judge) -> None:
    path = save(long_table(), tmp_path / "t.csv")
    found = judge(path, "--all-pairs")
    assert found["comparisons"] == []
    pairs = {(p["first"], p["second"]): p["verdict"] for p in found["board"]["pairs"]}
    assert pairs == {("base", "good"): "HARMS", ("base", "same"): "EQUIVALENT", ("good", "same"): "HELPS"}
    assert "verdict" not in judge(path, "--leaderboard")["board"]["pairs"][0]


def test_which_way_a_wide_table_is_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wide = long_table().pivot_table(index="dataset", columns="method", values="error").reset_index()
    path = save(wide, tmp_path / "t.csv")
    for options, said in (((), "errors, smaller is better"), (("--higher-is-better",), "scores, higher is")):
        assert main(["judge", str(path), "--wide", "--leaderboard", *options]) == 0
        assert said in capsys.readouterr().err


def test_a_page_is_not_written_over_a_file(tmp_path: Path, refused: Callable[..., str]) -> None:
    path = save(long_table(), tmp_path / "t.csv")
    assert "a file of that name is there" in refused(path, "--leaderboard", "--out", str(path))


def test_people_read_who_leads_and_who_may_as_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save(long_table(), tmp_path / "t.csv")
    assert main(["judge", str(path), "--all-pairs", "--baseline", "base"]) == 0
    said = capsys.readouterr()
    assert said.err == "read as: dataset=dataset, method=method, seed=seed, error=error\n"
    assert "good helps" in said.out and "mean rank" in said.out
    assert "good over base" in said.out and "every pair" in said.out
    assert all(len(line) <= 100 for line in said.out.splitlines())


def test_rows_that_are_not_there_are_refused_failed_or_dropped_aloud(
    tmp_path: Path, judge: Judge, refused: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    table = long_table()
    gone = (table["method"] == "good") & (table["dataset"] == "d3") & (table["seed"] == 1)
    path = save(table[~gone], tmp_path / "t.csv")
    arms = ("--candidate", "good", "--baseline", "base")
    said = refused(path, *arms)
    assert "1 of 60 results are not there: good lacks dataset=d3 seed=1; --missing fail" in said
    failed = judge(path, *arms, "--missing", "fail")
    assert failed["comparisons"][0]["failures"] == {"candidate": 1, "baseline": 0}
    assert (failed["table"]["missing"], failed["table"]["failures"]) == (1, 1)
    dropped = judge(path, *arms, "--missing", "drop")
    assert dropped["comparisons"][0]["n"]["blocks"] == 29
    assert (dropped["table"]["missing"], dropped["table"]["dropped"]) == (1, 1)
    assert main(["judge", str(path), *arms, "--missing", "drop"]) == 0
    assert "1 result not there: 1 block left out of every method" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ((), "--candidate A --baseline B"),
        (("--candidate", "good"), "--baseline B: what good is compared with; choose from base, good, same"),
        (("--candidate", "goood", "--baseline", "base"), "no method 'goood', did you mean 'good'?"),
        (("--candidate", "base", "--baseline", "base"), "'base' is both candidate and baseline"),
        (("--candidate", "seed", "--baseline", "base"), "'seed' is a column and no method: --wide"),
        (("--baseline", "base", "--score", "error"), "--score error --higher-is-better"),
        (("--baseline", "base", "--missing", "droop"), "--missing droop: did you mean 'drop'?"),
        (("--baseline", "base", "--where", "seed"), "'seed' is no condition; write COL=VALUE"),
        (("--baseline", "base", "--test-to-train", "x"), "'x' is no ratio; write 0.25 or 1/9"),
        (("--baseline", "base", "--host-effects", "randm"), "did you mean 'random'?"),
        (("--baseline", "base", "--rope", "2"), "rope=2"),
        (("--leaderboard", "--alpha", "2"), "alpha=2"),
        (("--baseline", "base", "--eror", "error"), "unrecognized arguments: --eror"),
    ],
)
def test_a_wrong_request_gets_one_line(
    options: tuple[str, ...], line: str, tmp_path: Path, refused: Callable[..., str]
) -> None:
    assert line in refused(save(long_table(tasks=5, seeds=1), tmp_path / "t.csv"), *options)


@pytest.mark.parametrize("error", [0.0, 0.3])
def test_constants_and_ties_are_judged(error: float, tmp_path: Path, judge: Judge) -> None:
    found = judge(
        save(long_table().assign(error=error), tmp_path / "t.csv"), "--baseline", "base", "--all-pairs"
    )
    assert verdicts(found) == {"good": "EQUIVALENT", "same": "EQUIVALENT"}
    assert all("identical" in c["flags"] for c in found["comparisons"])


def test_a_page_and_its_files_are_written(
    tmp_path: Path, judge: Judge, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save(long_table(), tmp_path / "t.csv")
    assert (
        main(["judge", str(path), "--baseline", "base", "--all-pairs", "--out", str(tmp_path / "out")]) == 0
    )
    page = tmp_path / "out" / "report" / "index.html"
    assert f"report: {page}" in capsys.readouterr().out
    assert "one of 2 methods better than base" in page.read_text(encoding="utf-8")
    written = json.loads((page.parent / "verdict.json").read_text())
    assert verdicts(written) == {"good": "HELPS", "same": "EQUIVALENT"}
    assert written == judge(path, "--baseline", "base", "--all-pairs")
    records = pd.read_parquet(page.parent / "records.parquet")
    assert len(records) == 90


def test_own_records_give_the_verdict_that_they_came_with(lab: Any, judge: Judge) -> None:
    small = ("tasks=[iris,wine,engel]", "protocol.tuning.trials=1", "protocol.budget.amount=10")
    assert lab("run", "candidates=[radam,nadam]", "name=a", "executor=serial", *small) == 0
    report = lab.folder / "results" / "a" / "report"
    expected = json.loads((report / "verdict.json").read_text())
    found = judge(report / "records.parquet")
    assert found["table"]["form"] == "records" and found["metric"] == expected["metric"]
    one, other = (
        {(c["setting"], c["candidate"]): c for c in verdict["comparisons"]} for verdict in (found, expected)
    )
    for key, comparison in one.items():
        volatile, before = comparison.pop("volatile"), other[key].pop("volatile")
        assert volatile["cost_ratio"] == before["cost_ratio"]
    assert one == other
    as_text = lab.folder / "records.csv"
    pd.read_parquet(report / "records.parquet").to_csv(as_text, index=False)
    again = judge(as_text)
    assert [c["verdict"] for c in again["comparisons"]] == [c["verdict"] for c in expected["comparisons"]]


def test_five_thousand_rows_import_nothing_heavy(tmp_path: Path) -> None:
    path = save(long_table(tasks=50, seeds=34), tmp_path / "t.csv")
    code = (
        "import sys, time; from benchmark.cli import main;"
        f"code = main(['judge', {str(path)!r}, '--baseline', 'base']);"
        "print(code, time.process_time(), *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    code, seconds, *modules = done.stdout.splitlines()[-1].split()
    assert code == "0" and not {*HEAVY, "matplotlib"} & set(modules)
    assert float(seconds) < 3


@pytest.mark.shared_data
def test_published_tables_are_judged(shared: Path, judge: Judge) -> None:
    tables = shared / "ground_truth"
    demsar = judge(
        tables / "demsar2006_table6_auc.csv",
        "--higher-is-better",
        "--candidate",
        "C4.5+m",
        "--baseline",
        "C4.5",
    )
    (one,) = demsar["comparisons"]
    assert one["n"]["origins"] == 14 and demsar["table"]["form"] == "wide"
    garcia = judge(
        tables / "garcia_herrera2008_table2_acc.csv", "--wide", "--higher-is-better", "--leaderboard"
    )
    assert garcia["board"]["friedman"]["p_f"] == pytest.approx(1.593e-09, rel=1e-3)
    assert garcia["board"]["n"] == {"methods": 5, "origins": 30, "tasks": 30, "hosts": 1, "blocks": 30}


@pytest.mark.shared_data
def test_the_corrected_test_of_one_data_set_is_as_published(shared: Path, judge: Judge) -> None:
    found = judge(
        shared / "ground_truth" / "sklearn_plot_grid_search_stats_auc.csv",
        *("--higher-is-better", "--candidate", "rbf", "--baseline", "linear", "--test-to-train", "1/9"),
    )
    (one,) = found["comparisons"]
    assert one["verdict"] == "INSUFFICIENT"
    assert one["single_task"]["t"] == pytest.approx(0.750, abs=5e-4)
    assert one["single_task"]["p_greater"] == pytest.approx(0.227, abs=5e-4)


@pytest.mark.shared_data
def test_repeated_folds_are_splits_and_no_data_sets(shared: Path, judge: Judge) -> None:
    path = shared / "ground_truth" / "scmamp_kcv_example_10ds_10x10cv_auc.csv"
    arms = (
        "--wide",
        "--higher-is-better",
        "--candidate",
        "AlgA",
        "--baseline",
        "AlgB",
        "--split",
        "Rep,Fold",
    )
    (whole,) = judge(path, *arms)["comparisons"]
    assert (whole["n"]["origins"], whole["n"]["splits"]) == (10, 100)
    one = judge(path, *arms, "--where", "DB=5", "--test-to-train", "0.111")["comparisons"][0]
    assert one["verdict"] == "INSUFFICIENT" and one["single_task"]["df"] == 99


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("table", "options", "failures"),
    [
        ("cls_bin", ("--higher-is-better",), 10),
        ("cls_multi", ("--higher-is-better",), 31),
        ("regression", (), 5),
    ],
)
def test_an_empty_cell_of_a_board_is_a_failure(
    table: str, options: tuple[str, ...], failures: int, shared: Path, judge: Judge
) -> None:
    path = shared / "ground_truth" / f"talent_{table}_mean.csv"
    found = judge(
        path, "--wide", *options, "--leaderboard", "--candidate", "catboost", "--baseline", "xgboost"
    )
    assert found["table"]["failures"] == failures
    assert sum(row["failures"] for row in found["board"]["standing"]) == failures
    assert (
        found["comparisons"][0]["n"]["tasks"] == {"cls_bin": 120, "cls_multi": 80, "regression": 100}[table]
    )
