"""What a user does with data, from the command line to the report: files, OpenML, sizes, schemes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from benchmark import plan_study
from benchmark.cli import main
from benchmark.records.store import open_store
from tests.data.openml.server import OpenmlServer, SmallTask, suite_xml


@pytest.fixture
def churn(tmp_path: Path) -> Path:
    """A table with a date, a row number, a group, text, and a copy of a row."""
    random = np.random.default_rng(3)
    n = 90
    usage = random.normal(size=n)
    table = pd.DataFrame(
        {
            "row": np.arange(n),
            "since": pd.date_range("2020-01-01", periods=n).strftime("%Y-%m-%d"),
            "usage": usage.round(3),
            "plan": random.choice(["free", "paid"], n),
            "churned": np.where(usage + random.normal(size=n) / 2 > 0, "yes", "no"),
        }
    )
    file = tmp_path / "given" / "churn.csv"
    file.parent.mkdir()
    table.to_csv(file, index=False)
    return file


def test_a_file_and_its_target_on_the_command_line(
    lab: Any, churn: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lab("run", f"tasks=[iris,{churn}:churned]", "candidates=[radam]", "name=a", "executor=serial") == 0
    said = capsys.readouterr().out
    assert "churn.csv: column 'row'" in said and "churn.csv: column 'since'" in said
    records = lab.records("a")
    assert set(records["task"]) == {"iris", "churn.csv"}
    page = (lab.folder / "results/a/report/index.html").read_text()
    assert "column &#39;row&#39;" in page
    tasks = pd.read_csv(lab.folder / "results/a/report/tables/tasks.csv").set_index("task")
    assert (tasks.loc["churn.csv", "type"], tasks.loc["churn.csv", "rows"]) == ("binary", 90)
    assert tasks.loc["churn.csv", "splits"] == "kfold"


def test_what_is_wrong_with_a_file_is_one_line(
    lab: Any, churn: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for wrong, says in (
        (f"{churn}:chruned", "did you mean 'churned'"),
        (f"{churn}", "target"),
        (f"{churn.parent}/chrun.csv:churned", "churn.csv"),
    ):
        assert lab("plan", f"tasks=[{wrong}]") == 2
        captured = capsys.readouterr()
        assert captured.err.count("\n") == 1 and says in captured.err, captured.err


def test_sizes_are_nested_tasks_of_one_origin(lab: Any, capsys: pytest.CaptureFixture[str]) -> None:
    overrides = ("tasks=[wine,engel]", "rows=[60,120,200]", "candidates=[radam]", "name=a")
    assert lab("run", *overrides, "executor=serial") == 0
    records = lab.records("a")
    assert set(records["task"]) == {"wine@60", "wine@120", "engel@60", "engel@120", "engel@200"}
    assert records.groupby("task")["origin"].first().to_dict()["engel@200"] == "engel"
    assert lab.verdict("a")["comparisons"][0]["n"]["origins"] == 2
    capsys.readouterr()
    assert lab("plan", *overrides, "--json") == 0
    refused = json.loads(capsys.readouterr().out)["refused"]
    assert {(item["task"], item["reason"]) for item in refused} == {
        ("wine@200", "the data set has fewer rows than that")
    }


def test_an_area_under_the_curve_in_leave_one_out_is_of_all_rows(lab: Any) -> None:
    overrides = ["tasks=[anes96@20]", "candidates=[radam]", "name=a", "executor=serial", "hosts=[mlp]"]
    scheme = ["protocol.splits.scheme=leave_one_out", "protocol.tuning.trials=1", "protocol.aa=0"]
    assert lab("run", *overrides, *scheme) == 0
    records = lab.records("a")
    assert (records["status"] == "ok").all() and records["error"].notna().all()
    planned = plan_study([*lab.tiny, *overrides, *scheme])
    adamw = records[(records["component"] == "adamw") & (records["setting"] == "default")].sort_values("fold")
    assert len(adamw) == 20 and adamw["error"].nunique() == 1
    with open_store(Path("results"), write=False) as store:
        predictions = [store.prediction(key) for key in adamw["key"]]
    from benchmark.data import load

    y = load(planned.resolved.datasets["anes96@20"]).y  # fold i of leave-one-out tests row i
    rows = [int(row) for row in adamw["fold"]]
    score = roc_auc_score(y[rows], np.concatenate([p for p in predictions if p is not None])[:, 1])
    assert adamw["score"].iloc[0] == pytest.approx(score, abs=1e-7)


def test_copies_of_one_file_are_one_piece_of_evidence(lab: Any, churn: Path) -> None:
    copies = [churn.with_name(f"copy{number}.csv") for number in range(3)]
    for copy in copies:
        copy.write_bytes(churn.read_bytes())
    for name in ("one", "two"):
        (churn.parent / f"{name}.yaml").write_text("source: file\nlocation: churn.csv\ntarget: churned\n")
    entries = [
        *(f"{copy}:churned" for copy in copies),
        *(str(churn.parent / f"{n}.yaml") for n in ("one", "two")),
    ]
    tasks = plan_study([*lab.tiny, f"tasks=[iris,{','.join(entries)}]", "candidates=[radam]"]).plan.tasks
    assert {task.origin for name, task in tasks.items() if name != "iris"} == {"copy0"}
    assert "shares data with the origin 'copy0'" in tasks["copy2.csv"].notes[-1]
    assert tasks["iris"].origin == "iris"


def test_a_study_that_cannot_run_says_so(lab: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert lab("plan", "tasks=[iris]", "rows=[10000]", "candidates=[radam]") == 2
    assert "nothing of this study can run" in capsys.readouterr().err
    assert lab("plan", "tasks=[sunspots]", "hosts=[cnn]", "candidates=[radam]") == 2
    assert "cnn takes image" in capsys.readouterr().err


def test_groups_stay_together_from_card_to_record(lab: Any, churn: Path) -> None:
    table = pd.read_csv(churn).assign(household=np.repeat(np.arange(30), 3))
    table.to_csv(churn, index=False)
    card = churn.parent / "churn.yaml"
    card.write_text("source: file\nlocation: churn.csv\ntarget: churned\ngroups: household\n")
    planned = plan_study([*lab.tiny, f"tasks=[{card}]", "candidates=[radam]"])
    assert planned.plan.tasks["churn"].scheme == "group"
    assert planned.plan.tasks["churn"].n_features == 3  # without the row number and the household


def test_fetch_prepares_a_machine_that_is_offline_later(
    lab: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SWAPBENCH_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("OPENML_CACHE_DIR", str(tmp_path / "users"))
    with OpenmlServer(SmallTask().files(), {7: suite_xml(7, [1]), 8: suite_xml(8, [1, 404])}) as server:
        monkeypatch.setenv("SWAPBENCH_OPENML_SERVER", server.url)
        assert main(["fetch", "suite=openml/s/7"]) == 0
        assert "openml/t/1: downloaded" in capsys.readouterr().out
        assert main(["fetch", "suite=openml/s/7"]) == 0
        assert "openml/t/1: cached" in capsys.readouterr().out
        assert main(["fetch", "suite=openml/s/8"]) == 1
        said = capsys.readouterr().out
        assert "openml/t/1: cached" in said and "openml/t/404: failed" in said and "1 failed" in said
    monkeypatch.setenv("SWAPBENCH_OPENML_SERVER", "http://127.0.0.1:9/api/v1/xml")
    overrides = [item for item in lab.tiny if not item.startswith("tasks=")]
    command = ["run", *overrides, "suite=openml/s/7", "candidates=[radam]", "name=a", "executor=serial"]
    assert main(command) == 0
    assert set(lab.records("a")["task"]) == {"openml/t/1"}
    capsys.readouterr()
    assert main(["plan", "tasks=[openml/t/404]"]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and "openml/t/404" in captured.err
