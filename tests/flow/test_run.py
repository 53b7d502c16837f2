"""What must hold of a run, from the command line to the files it leaves."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmark.api import plan_study, run
from benchmark.errors import RequestError
from benchmark.records.store import open_store

ARMS = "candidates=[radam]"

OPTIMIZER = """
import torch


class Mine(torch.optim.SGD):
    def __init__(self, params, lr=0.01):
        super().__init__(params, lr=lr)
"""


def executed(output: str) -> int:
    """How many fits a run says it computed."""
    if "nothing to compute" in output:
        return 0
    return int(output.split(" fits in ")[0].split()[-1])


def write_component(folder: Path, name: str, text: str, slot: str = "optimizer") -> Path:
    file = folder / "components" / slot / f"{name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"# @package components.{slot}.{name}\n{text}\n")
    return file


def test_serial_and_two_processes_give_the_same_bytes(lab: Any) -> None:
    assert lab("run", ARMS, "name=a", "executor=serial", "results_dir=one") == 0
    assert lab("run", ARMS, "name=a", "executor=processes", "workers=2", "results_dir=two") == 0
    assert json.dumps(lab.verdict("a", "one")) == json.dumps(lab.verdict("a", "two"))
    pd.testing.assert_frame_equal(lab.records("a", "one"), lab.records("a", "two"), check_exact=True)


def test_the_same_command_again_computes_nothing(lab: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert lab("run", ARMS, "name=a", "executor=serial") == 0
    first = capsys.readouterr().out
    before = lab.verdict("a", "results")
    assert lab("run", ARMS, "name=a", "executor=serial") == 0
    assert executed(first) > 0 and executed(capsys.readouterr().out) == 0
    assert lab.verdict("a", "results") == before


def test_one_computation_serves_every_study_that_needs_it(
    lab: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lab("run", "candidates=[radam]", "name=a", "executor=serial") == 0
    both = executed(capsys.readouterr().out)
    assert lab("run", "candidates=[radam,nadam]", "name=b", "executor=serial") == 0
    added = executed(capsys.readouterr().out)
    assert 0 < added < both
    assert lab("plan", "candidates=[nadam]", "name=c") == 0
    assert "0 of them not in the store" in capsys.readouterr().out
    assert lab("report", "candidates=[nadam]", "name=c") == 0


def test_a_second_name_costs_nothing_and_is_identical(
    lab: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import components

    shipped = Path(components.__path__[0]) / "optimizer" / "adamw.yaml"
    body = shipped.read_text().split("\n", 1)[1]
    write_component(tmp_path / "mine", "twin", body)
    assert lab("run", ARMS, "name=a", "executor=serial") == 0
    capsys.readouterr()
    command = ("candidates=[radam,twin]", "name=b", "executor=serial", "--config-dir", str(tmp_path / "mine"))
    assert lab("run", *command) == 0
    assert executed(capsys.readouterr().out) == 0
    for setting in ("tuned", "default"):
        found = lab.comparison("b", "twin", setting)
        assert found["effect"]["mean"] == 0.0
        assert {"identical", "not_hooked_up"} <= set(found["flags"])
        told = found["findings"][0]
        assert (told["name"], told["severity"]) == ("not_hooked_up", "error")
        assert "the same predictions" in told["seen"]
        above = found["noise_floor"] >= 0.01
        assert found["verdict"] == ("INCONCLUSIVE" if above else "EQUIVALENT")


def test_a_learning_rate_of_almost_zero_harms(lab: Any, tmp_path: Path) -> None:
    write_component(
        tmp_path / "mine",
        "frozen",
        "make: {_target_: torch.optim.SGD, _partial_: true, lr: 1.0e-9}\nspace: {}",
    )
    command = ("candidates=[frozen]", "name=a", "executor=serial", "--config-dir", str(tmp_path / "mine"))
    assert lab("run", *command, "protocol.budget.amount=200") == 0
    assert lab.comparison("a", "frozen")["verdict"] == "HARMS"


def test_an_optimizer_that_raises_leaves_failed_records(lab: Any, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(
        OPTIMIZER + "\n    def step(self, closure=None):\n        raise RuntimeError('no step <today>')\n"
    )
    assert lab("run", "candidates=[broken.py:Mine]", "name=a", "executor=serial") == 1
    table = lab.records("a", "results")
    broken = table[table["component"] == "Mine"]
    assert set(broken["status"]) == {"failed"}
    assert set(broken["reason"]) == {"RuntimeError: no step <today>"}
    assert (table[table["component"] != "Mine"]["status"] == "ok").all()
    found = lab.comparison("a", "Mine")
    assert found["failures"] == {"candidate": len(broken) // 2, "baseline": 0}
    page = (tmp_path / "results" / "a" / "report" / "index.html").read_text()
    assert "no step &lt;today&gt;" in page and "<today>" not in page


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param("os._exit(7)", "crashed", marks=pytest.mark.all),
        ("os.kill(os.getpid(), 9)", "crashed"),
        pytest.param("time.sleep(60)", "timeout", marks=pytest.mark.all),
        ("signal.signal(signal.SIGALRM, signal.SIG_IGN), time.sleep(60)", "timeout"),
        ("raise MemoryError('too much')", "out_of_memory"),
        ("[p.data.fill_(float('nan')) for g in self.param_groups for p in g['params']]", "diverged"),
    ],
)
def test_a_worker_in_trouble_costs_one_fit(lab: Any, tmp_path: Path, body: str, status: str) -> None:
    (tmp_path / "bad.py").write_text(
        "import os, signal, time\n" + OPTIMIZER + f"\n    def step(self, closure=None):\n        {body}\n"
    )
    few = ("tasks=[engel]", "protocol.tuning.trials=1", "protocol.aa=0", "protocol.limits.seconds=3")
    assert lab("run", "candidates=[bad.py:Mine]", "name=a", "workers=2", *few) == 1
    table = lab.records("a", "results")
    assert set(table[table["component"] == "Mine"]["status"]) == {status}
    assert (table[table["component"] != "Mine"]["status"] == "ok").all()


@pytest.mark.parametrize("executor", ["serial", "processes"])
def test_data_that_is_gone_stops_the_run_and_fails_no_component(
    executor: str, lab: Any, tmp_path: Path
) -> None:
    file = tmp_path / "sales.csv"
    file.write_text("x,y\n" + "".join(f"{i % 7},{i * 0.37 % 5:.2f}\n" for i in range(60)))
    where = f"tasks=[{file}:y]", f"results_dir={tmp_path / 'results'}", f"executor={executor}"
    few = ("protocol.tuning.trials=1", "protocol.aa=0", "workers=2", "candidates=[radam]")
    planned = plan_study([*lab.tiny, *where, *few])
    text = file.read_bytes()
    file.unlink()
    with pytest.raises(RequestError, match="sales.csv"):
        run(planned, quiet=True)
    file.write_bytes(text)
    again = plan_study([*lab.tiny, *where, *few])
    assert run(again, quiet=True).left == 0
    with open_store(again.resolved.results_dir, write=False) as store:
        assert set(store.record_table(again.name)["status"]) == {"ok"}


def test_a_changed_file_runs_its_own_cells_again(
    lab: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(OPTIMIZER)
    command = ("candidates=[radam,mine.py:Mine]", "name=a", "executor=serial")
    assert lab("run", *command) == 0
    every = executed(capsys.readouterr().out)
    file.write_text(OPTIMIZER.replace("0.01", "0.02"))
    assert lab("run", *command) == 0
    again = executed(capsys.readouterr().out)
    # baseline, A/A, two candidates and a reference: one candidate's share
    assert 0 < again < every / 3


def test_a_third_party_optimizer_runs_by_its_dotted_path(lab: Any) -> None:
    few = ("tasks=[engel]", "protocol.aa=0")
    command = ("candidates=[prodigyopt.Prodigy,lion_pytorch.Lion]", "name=a", "executor=serial")
    assert lab("run", *command, *few) == 0
    table = lab.records("a", "results")
    assert {"Prodigy", "Lion"} <= set(table["component"])


def test_a_study_is_frozen_by_its_first_run(lab: Any, capsys: pytest.CaptureFixture[str]) -> None:
    few = ("tasks=[engel]", "protocol.aa=0", "executor=serial", "name=a")
    assert lab("run", ARMS, *few) == 0
    capsys.readouterr()
    assert lab("run", ARMS, *few, "protocol.rope=0.02") == 2
    error = capsys.readouterr().err
    assert "protocol.rope (0.01 then, 0.02 now)" in error and error.count("\n") == 1


def test_a_budget_stops_in_order_and_the_next_run_goes_on(
    lab: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lab("run", ARMS, "name=a", "executor=serial", "--budget", "0.2s") == 1
    stopped = capsys.readouterr().out
    assert "the time budget is spent" in stopped
    assert lab("report", ARMS, "name=a") == 2
    assert "are missing" in capsys.readouterr().err
    assert lab("run", ARMS, "name=a", "executor=serial") == 0
    rest = executed(capsys.readouterr().out)
    assert lab("run", ARMS, "name=a", "executor=serial", "results_dir=whole") == 0
    whole = executed(capsys.readouterr().out)
    assert rest == whole - executed(stopped)
    pd.testing.assert_frame_equal(lab.records("a", "results"), lab.records("a", "whole"), check_exact=True)


def test_every_record_that_is_ok_has_its_predictions(lab: Any, tmp_path: Path) -> None:
    assert lab("run", ARMS, "name=a", "executor=serial", "tasks=[iris]", "protocol.aa=0") == 0
    table = lab.records("a", "results")
    rows = sqlite3.connect(tmp_path / "results" / "predictions.sqlite").execute("SELECT key FROM predictions")
    assert {key for (key,) in rows} == set(table["key"])


def test_plan_counts_and_runs_nothing(lab: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lab("plan", ARMS, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    # 5 tasks × 2 splits × (3 arms + 1 reference) × 1 seed × 2 settings
    assert facts["counts"]["cells"] == 80
    assert facts["counts"]["left"] == facts["counts"]["fits"]
    assert facts["power"]["assumed"] and facts["power"]["minimal_detectable_effect"] > 0
    assert not (tmp_path / "results").exists()


def test_what_cannot_run_stays_in_the_plan_with_its_reason(
    lab: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_component(
        tmp_path / "mine",
        "picky",
        "make: {_target_: torch.optim.SGD, _partial_: true}\nneeds: [task:regression]",
    )
    command = ("candidates=[radam,picky]", "name=a", "--config-dir", str(tmp_path / "mine"))
    assert lab("plan", *command, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    refused = {(row["component"], row["task"]): row["reason"] for row in facts["refused"]}
    assert refused == {
        ("picky", t): "picky is not for multiclass tasks" for t in ("iris", "wine", "modechoice")
    }
