"""Cells in MLflow, TensorBoard and Weights & Biases, read back as these libraries read them."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmark.api import PlannedStudy, plan_study, run, write_report
from benchmark.api.logged import _Keys, logged
from benchmark.cli import main
from benchmark.loggers import LOGGERS, made, numbers
from benchmark.records.store import open_store
from tests.publish.site.test_site import HOSTILE

STUDY = (
    "study=estimators",
    "baselines=[linear]",
    "candidates=[knn]",
    "tasks=[iris,wine,engel]",
    "hosts=[linear]",
    "references=[featureless]",
    "protocol=quick",
    "protocol.tuning.trials=1",
    "executor=serial",
    "name=small",
)
ALL = "log=[mlflow,tensorboard,wandb]"


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("MLFLOW_TRACKING_URI", "WANDB_MODE", "WANDB_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def records(planned: PlannedStudy) -> pd.DataFrame:
    with open_store(planned.resolved.results_dir, write=False) as store:
        return store.record_table(planned.name).drop_duplicates("key").set_index("key")


def in_mlflow(folder: Path, study: str = "small") -> list[Any]:
    """Every run, by MLflow's client."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{folder.resolve() / 'mlflow.db'}")
    experiment = client.get_experiment_by_name(study)
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id], max_results=5000))


def in_tensorboard(folder: Path) -> dict[tuple[str, str, int], float]:
    """Every scalar by run, tag and step, by TensorBoard's reader."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = {}
    for run_folder in sorted(
        path for path in folder.rglob("*") if path.is_dir() and any(path.glob("events*"))
    ):
        events = EventAccumulator(str(run_folder), size_guidance={"scalars": 0})
        events.Reload()
        for tag in events.Tags()["scalars"]:
            for one in events.Scalars(tag):
                place = (run_folder.name, tag, one.step)
                assert place not in found, place
                found[place] = one.value
    return found


def in_wandb(folder: Path, count: int) -> list[dict[str, Any]]:
    """Every row of all offline runs, once there are so many: the library's own process writes them."""
    deadline = time.monotonic() + 20
    while len(rows := _wandb_rows(folder)) < count and time.monotonic() < deadline:
        time.sleep(0.1)
    return rows


def _wandb_rows(folder: Path) -> list[dict[str, Any]]:
    """The rows that are there: LevelDB's log of records, decoded by the library's own types."""
    from wandb.proto import wandb_internal_pb2

    rows = []
    for file in folder.rglob("*.wandb"):
        for content in _records_of_log(file.read_bytes()):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(content)
            if record.WhichOneof("record_type") == "history":
                items = record.history.item
                row = {(item.key or ".".join(item.nested_key)): json.loads(item.value_json) for item in items}
                rows.append(row)
    return rows


def _records_of_log(content: bytes) -> Iterator[bytes]:
    """Blocks of 32 KiB after a header of seven bytes; a record may go on in the next block."""
    assert content[:4] in (b":W&B", b"")
    at, part = 7, b""
    while at < len(content):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        _, length, kind = struct.unpack("<IHB", content[at : at + 7])
        part += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield part
            part = b""


def test_all_three_have_every_cell_with_the_numbers_of_the_records(tmp_path: Path) -> None:
    planned = plan_study([*STUDY, ALL])
    run(planned, quiet=True)
    table, log = records(planned), tmp_path / "results" / "log"
    runs = in_mlflow(log / "mlflow")
    assert sorted(one.data.tags["key"] for one in runs) == sorted(table.index)
    for one in runs:
        row = table.loc[one.data.tags["key"]]
        assert one.data.metrics["error"] == row["error"]
        assert {one.data.params[name] for name in ("component", "task", "seed")} == {
            row["component"],
            row["task"],
            str(row["seed"]),
        }
        assert one.info.status == "FINISHED"
    scalars = in_tensorboard(log / "tensorboard")
    errors = {place: value for place, value in scalars.items() if place[1].startswith("error/")}
    assert len(errors) == len(table)
    assert sorted(errors.values()) == pytest.approx(sorted(table["error"]), rel=1e-6)
    rows = in_wandb(log / "wandb", len(table))
    assert {row["key"]: row["error"] for row in rows} == table["error"].to_dict()
    assert {row["metric_accuracy"] for row in rows if row["task"] == "iris"} == set(
        table.loc[table["task"] == "iris", "metric_accuracy"]
    )


def test_a_study_that_goes_on_logs_each_cell_once_and_is_the_same_study(tmp_path: Path) -> None:
    planned, plain = plan_study([*STUDY, ALL]), plan_study(STUDY)
    assert planned.resolved.digest == plain.resolved.digest and planned.name == plain.name
    assert [job.key for job in planned.plan.jobs()] == [job.key for job in plain.plan.jobs()]
    run(plain, budget_seconds=0, quiet=True)  # before anybody logged
    run(planned, budget_seconds=0, quiet=True)
    for _ in range(2):
        run(planned, quiet=True)
    keys, log = sorted(records(planned).index), tmp_path / "results" / "log"
    assert sorted(one.data.tags["key"] for one in in_mlflow(log / "mlflow")) == keys
    assert sorted(row["key"] for row in in_wandb(log / "wandb", len(keys))) == keys
    errors = [place for place in in_tensorboard(log / "tensorboard") if place[1].startswith("error/")]
    assert len(errors) == len(keys)
    write_report(plain)  # the question is the same with and without


def test_a_logger_that_breaks_harms_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "results" / "log").mkdir(parents=True)
    for name in LOGGERS:
        (tmp_path / "results" / "log" / name).write_text("a file in the way")
    assert main(["run", *STUDY, ALL]) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("swapbench: log=")]
    assert sorted(line.split(": ")[1] for line in said) == [f"log={name}" for name in sorted(LOGGERS)]
    assert all(line.endswith("the study goes on without it") for line in said)
    assert len(records(plan_study(STUDY))) > 0


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("[mlfow]", "log: there is no logger 'mlfow'; did you mean 'mlflow'?"),
        ("mlflow", "log: expected a list such as [a,b], got 'mlflow'"),
        ("[wandb,wandb]", "log: 'wandb' stands there twice"),
    ],
)
def test_a_wrong_logger_is_refused_before_anything_runs(
    log: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *STUDY, f"log={log}"]) == 2
    assert capsys.readouterr().err == f"swapbench: {said}\n" and not Path("results").exists()


def test_a_library_that_is_missing_is_named_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(LOGGERS, "wandb", (LOGGERS["wandb"][0], "no_such_package"))
    assert main(["run", *STUDY, "log=[wandb]"]) == 2
    assert capsys.readouterr().err == (
        "swapbench: log: 'wandb' is not installed; pip install 'swapbench[log]'\n"
    )


def hostile() -> list[dict[str, Any]]:
    """Cells in which every name is hostile; every second one failed."""
    return [
        {
            "key": f"{number:064x}",
            **dict.fromkeys(
                ("role", "slot", "component", "host", "task", "origin", "reason", "chosen"), name
            ),
            **dict.fromkeys(("setting", "control", "metric", "provenance", "study"), name),
            **dict.fromkeys(("repeat", "fold", "seed", "replicate"), number),
            "status": "failed" if number % 2 else "ok",
            "error": float("nan") if number % 2 else 0.25,
            "score": float("inf"),
            "fit_seconds": 1.0,
        }
        for number, name in enumerate(HOSTILE)
    ]


@pytest.mark.parametrize("name", list(LOGGERS))
def test_hostile_names_stay_in_their_folder(name: str, tmp_path: Path) -> None:
    before = {path for path in tmp_path.rglob("*")}
    logger = made(name, "small", tmp_path / "log" / name)
    for cell in hostile():
        logger.log(cell)
    logger.close()
    outside = {path for path in tmp_path.rglob("*")} - before
    assert all(path.is_relative_to(tmp_path / "log") for path in outside)
    assert max(len(path.name) for path in outside) < 200
    errors: list[float | None]
    if name == "mlflow":
        errors = [one.data.metrics.get("error") for one in in_mlflow(tmp_path / "log" / "mlflow")]
    elif name == "wandb":
        errors = [row.get("error") for row in in_wandb(tmp_path / "log", len(HOSTILE))]
    else:
        scalars = in_tensorboard(tmp_path / "log")
        errors = [value for place, value in scalars.items() if place[1].startswith("error/")]
    assert sorted(error for error in errors if error is not None) == [0.25] * 6


def test_keys_of_other_drivers_and_torn_lines_are_heeded(tmp_path: Path) -> None:
    file = tmp_path / "log" / "keys"
    ours, theirs = _Keys(file), _Keys(file)
    with ours.alone():
        ours.add("a" * 64)
    with theirs.alone():
        assert theirs.known == {"a" * 64}
        theirs.add("b" * 64)
    file.write_text(file.read_text()[:-10])  # killed while it wrote
    with ours.alone():
        ours.add("c" * 64)
    with theirs.alone():
        assert {"a" * 64, "c" * 64} < theirs.known and "b" * 64 not in theirs.known


def test_only_finite_numbers_are_logged() -> None:
    assert dict(numbers(hostile()[1])) == {"fit_seconds": 1.0}


def test_nothing_is_imported_or_made_where_nobody_logs(tmp_path: Path) -> None:
    planned = plan_study(STUDY)
    start = time.monotonic()
    with logged(planned):
        pass
    assert time.monotonic() - start < 0.1 and not (tmp_path / "results").exists()
