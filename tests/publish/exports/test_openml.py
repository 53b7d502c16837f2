"""Runs for OpenML: of real tasks in the shared cache, read and published by OpenML's own client."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import socket
import threading
from collections.abc import Iterator, Mapping
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import arff
import numpy as np
import pytest

from benchmark.api import bundle, plan_study, run
from benchmark.api.exporting import published_study
from benchmark.api.verifying import opened_bundle
from benchmark.publish.exports.openml import openml_runs
from benchmark.publish.exports.published import Published

pytestmark = pytest.mark.shared_data

SONAR, VALUES = "openml/t/39", "openml/test/t/661"
"""Two classes, which OpenML has in another order, and numbers; ten folds each, both complete."""
STUDY = (
    "study=estimators",
    "candidates=[knn]",
    "baselines=[linear]",
    "hosts=[random_forest]",
    "references=[featureless]",
    "protocol=quick",
    "protocol.seeds=1",
    "protocol.aa=1",
    "protocol.controls=[permuted]",
    "protocol.tuning.trials=3",
    "executor=serial",
)
HOSTILE = "=cmd()|'<b>&,\"../\u00e9\x01\n]]>"
Runs = Mapping[str, Any]


def judged_study(folder: Path, tasks: tuple[str, ...], folds: int) -> Published:
    """A study of some tasks on their first folds, run, bundled and judged."""
    words = (*STUDY, f"tasks=[{','.join(tasks)}]", f"protocol.splits.folds={folds}", f"results_dir={folder}")
    planned = plan_study(list(words), [])
    run(planned, quiet=True)
    return published_study(opened_bundle(bundle(planned, folder / "bundle").place))


@pytest.fixture(scope="module")
def cache(shared: Path) -> Iterator[Path]:
    """The shared cache is the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENML_CACHE_DIR", str(shared / "openml_cache"))
        yield shared / "openml_cache/org/openml"


@pytest.fixture(scope="module")
def study(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Published:
    """All ten folds of both tasks."""
    assert cache.is_dir()
    return judged_study(tmp_path_factory.mktemp("study"), (SONAR, VALUES), 10)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for a connection fails the test."""
    for place, name in ((socket.socket, "connect"), (socket, "getaddrinfo"), (socket, "create_connection")):
        monkeypatch.setattr(place, name, lambda *_, **__: pytest.fail("a connection was tried"))


def written(files: Mapping[str, bytes], folder: Path) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder / "openml"


def read(files: Mapping[str, bytes], folder: Path) -> Runs:
    """Every run as the real client reads it, by its folder."""
    import openml

    place = written(files, folder)
    return {
        str(found.parent.relative_to(place)): openml.runs.OpenMLRun.from_filesystem(
            found.parent, expect_model=False
        )
        for found in sorted(place.rglob("description.xml"))
    }


def records_of(study: Published, name: str) -> dict[tuple[int, int], Mapping[str, Any]]:
    """The records of a run, by repeat and fold, found by its folder's name alone."""
    location, _, words = name.rpartition("/")
    pipeline, setting, seed = words.rsplit("_", 2)
    component, _, host = pipeline.partition("_in_")
    records = study.bundle.records
    found = records[
        (records["task"] == {"39": SONAR, "test/661": VALUES}[location])
        & (records["component"] == component)
        & (records["host"] == host)
        & (records["setting"] == setting)
        & (records["seed"] == int(seed))
        & records["role"].isin(["candidate", "baseline", "reference"])
    ]
    return {(row["repeat"], row["fold"]): row for row in found.to_dict("records")}


@pytest.mark.usefixtures("offline")
def test_there_is_one_run_for_every_component_host_setting_and_seed(study: Published, tmp_path: Path) -> None:
    files, without = openml_runs(study)
    assert not without
    pipelines = ("featureless", "knn_in_random_forest", "linear_in_random_forest")
    assert sorted(read(files, tmp_path)) == [
        f"{task}/{pipeline}_{setting}_0"
        for task in ("39", "test/661")
        for pipeline in pipelines
        for setting in ("default", "tuned")
        if (pipeline, setting) != ("featureless", "tuned")  # nothing to tune: the default run again
    ]
    assert openml_runs(study) == (files, without)
    assert not any(str(Path.home()).encode() in content for content in files.values())


@pytest.mark.usefixtures("offline")
def test_the_client_reads_predictions_that_give_the_scores_of_the_records(
    study: Published, tmp_path: Path
) -> None:
    for name, found in read(openml_runs(study)[0], tmp_path).items():
        records, rows = records_of(study, name), np.array(found.data_content, dtype=object)
        assert len(records) == 10
        classes = ["Mine", "Rock"] if name.startswith("39/") else []
        for (repeat, fold), record in records.items():
            mine = rows[(rows[:, 0] == repeat) & (rows[:, 1] == fold)]
            predicted = study.bundle.predictions[record["key"]]
            if classes:
                assert (mine[:, 2] == 0).all()
                assert np.array_equal(mine[:, 6:].astype(float), predicted)
                assert (mine[:, 4] == np.array(classes)[predicted.argmax(axis=1)]).all()
                assert (mine[:, 4] == mine[:, 5]).mean() == pytest.approx(record["metric_accuracy"])
                assert (mine[:, 4] != mine[:, 5]).sum() == record["test_errors"]
            else:
                assert np.array_equal(mine[:, 3].astype(float), predicted.reshape(-1))
                off = mine[:, 3].astype(float) - mine[:, 4].astype(float)
                assert np.sqrt((off**2).mean()) == pytest.approx(record["metric_rmse"])


@pytest.mark.parametrize(
    ("name", "server", "task", "data_set"),
    [
        ("39/knn_in_random_forest_tuned_0", "www", 39, 40),
        ("test/661/featureless_default_0", "test", 661, None),
    ],
)
def test_rows_and_truths_are_those_of_openmls_files(
    study: Published, cache: Path, name: str, server: str, task: int, data_set: int | None
) -> None:
    splits = arff.loads((cache / server / f"tasks/{task}/datasplits.arff").read_text())["data"]
    official = sorted((int(r), int(f), int(row)) for part, row, r, f in splits if part == "TEST")
    said = (cache / server / f"tasks/{task}/task.xml").read_text()
    number = re.findall(r"data_set_id>(\d+)<", said)[0]
    target = re.findall(r"target_feature>([^<]+)<", said)[0]
    assert data_set in (None, int(number))
    table = arff.loads((cache / server / f"datasets/{number}/dataset.arff").read_text())
    column = [attribute for attribute, _ in table["attributes"]].index(target)

    found = arff.loads(openml_runs(study)[0][f"openml/{name}/predictions.arff"].decode())
    names = [attribute for attribute, _ in found["attributes"]]
    rows = [dict(zip(names, row, strict=True)) for row in found["data"]]
    assert found["relation"] == f"openml_task_{task}_predictions"
    assert sorted((int(row["repeat"]), int(row["fold"]), int(row["row_id"])) for row in rows) == official
    truth = "correct" if task == 39 else "truth"
    assert [row[truth] for row in rows] == [table["data"][int(row["row_id"])][column] for row in rows]


def test_the_trace_selects_the_setting_of_the_record(study: Published, tmp_path: Path) -> None:
    found = read(openml_runs(study)[0], tmp_path)
    traced = {name: one.trace for name, one in found.items() if one.trace is not None}
    assert set(traced) == {name for name in found if "_tuned_" in name}
    default = {"estimator.n_neighbors": 10, "estimator.p": 2, "estimator.weights": "uniform"}
    selected = set()
    for name, trace in traced.items():
        for (repeat, fold), record in records_of(study, name).items():
            number = trace.get_selected_iteration(fold=fold, repeat=repeat)
            mine = {at[2]: one for at, one in trace.trace_iterations.items() if at[:2] == (repeat, fold)}
            assert sorted(mine) == [0, 1, 2]
            assert [at for at, one in mine.items() if one.selected] == [number]
            assert mine[number].evaluation == min(one.evaluation for one in mine.values())
            if "knn" in name:
                values = {path: json.loads(value) for path, value in mine[number].get_parameters().items()}
                assert values == {**default, **json.loads(record["chosen"])}
            selected.add(number)
    assert len(selected) > 1


def test_settings_say_what_the_run_was_made_with(study: Published, tmp_path: Path) -> None:
    found = read(openml_runs(study)[0], tmp_path)
    default = found["39/knn_in_random_forest_default_0"]
    tuned = found["39/knn_in_random_forest_tuned_0"]
    assert default.tags == tuned.tags == default.flow.tags == ["swapbench"]
    assert default.flow.name == "swapbench.knn_in_random_forest"
    assert tuned.flow.name == "swapbench.knn_in_random_forest_tuned"
    assert default.flow.parameters["estimator.n_neighbors"] == "10"
    assert "estimator.n_neighbors" not in tuned.flow.parameters
    space = json.loads(tuned.flow.parameters["space.estimator.n_neighbors"])
    assert space == {"low": 1, "high": 30, "log": True, "integer": True}
    assert tuned.flow.parameters["tuning.sampler"] == '"sobol"'
    assert "estimator: knn" in default.flow.description
    assert study.bundle.document.digest in default.setup_string
    assert default.flow.external_version.startswith("swapbench==")
    versions = {(one.flow.name, one.flow.external_version) for one in found.values()}
    contents = {(one.flow.name, one.flow._to_xml()) for one in found.values()}
    assert len(versions) == len(contents)


def test_other_libraries_are_another_flow(study: Published, tmp_path: Path) -> None:
    environments = [
        {**facts, "packages": {**facts["packages"], "numpy": "9.9"}} for facts in study.bundle.environments
    ]
    other = dataclasses.replace(
        study, bundle=dataclasses.replace(study.bundle, environments=tuple(environments))
    )
    before, after = (read(openml_runs(one)[0], tmp_path / name) for one, name in ((study, "a"), (other, "b")))
    for name, one in before.items():
        assert one.flow.name == after[name].flow.name
        assert one.flow.external_version != after[name].flow.external_version


@pytest.mark.usefixtures("cache")
def test_a_part_of_the_splits_is_refused(tmp_path: Path) -> None:
    files, without = openml_runs(judged_study(tmp_path, (SONAR,), 2))
    assert not files
    assert list(without) == [SONAR] and "own, 2 of 10" in without[SONAR]


def test_what_cannot_be_exported_is_told(study: Published) -> None:
    here = {at: held for at, held in study.test_rows.items() if at != (SONAR, 0, 3)}
    files, without = openml_runs(dataclasses.replace(study, test_rows=here))
    assert not any(name.startswith("openml/39/") for name in files)
    assert list(without) == [SONAR] and "swapbench fetch" in without[SONAR]

    document = study.bundle.document
    for change, said in (
        ({"rows": 100}, "100 of its rows"),
        ({"target": "other"}, "target"),
        ({"location": "../../31"}, "no number"),
    ):
        cards = {**document.datasets, SONAR: dataclasses.replace(document.datasets[SONAR], **change)}
        other = dataclasses.replace(document, datasets=cards)
        forged = dataclasses.replace(study, bundle=dataclasses.replace(study.bundle, document=other))
        assert said in openml_runs(forged)[1][SONAR]


def test_a_run_with_a_failed_fit_is_left_out_alone(study: Published) -> None:
    records = study.bundle.records.copy()
    at = records.index[
        (records["component"] == "knn")
        & (records["task"] == SONAR)
        & (records["setting"] == "default")
        & (records["role"] == "candidate")
    ]
    records.loc[at[:2], "status"] = "timeout"
    forged = dataclasses.replace(study, bundle=dataclasses.replace(study.bundle, records=records))
    files, without = openml_runs(forged)
    assert {name.rpartition("/")[0] for name in openml_runs(study)[0]} - {
        name.rpartition("/")[0] for name in files
    } == {"openml/39/knn_in_random_forest_default_0"}
    assert without[SONAR].startswith("1 run is left out: knn in random_forest, default, seed 0")
    assert "2 timeout" in without[SONAR]


@pytest.mark.usefixtures("offline")
def test_hostile_names_are_names(study: Published, tmp_path: Path) -> None:
    rows = tuple(
        dataclasses.replace(row, arm=dataclasses.replace(row.arm, component=HOSTILE), host=HOSTILE)
        for row in study.plan.rows
        if row.arm.component == "knn"
    )
    labels = ("a,b\"c'%", "<x> =cmd() \u00e9")
    held = {at: one._replace(classes=labels if one.classes else ()) for at, one in study.test_rows.items()}
    forged = dataclasses.replace(study, plan=dataclasses.replace(study.plan, rows=rows), test_rows=held)
    files, without = openml_runs(forged)
    assert not without
    assert all(re.fullmatch(r"[A-Za-z0-9_./-]+", name) and ".." not in name for name in files)
    found = read(files, tmp_path)
    assert len(found) == 4
    for name, one in found.items():
        assert re.fullmatch(r"[a-zA-Z0-9_.,():=-]{1,1024}", one.flow.name)
        assert re.fullmatch(r"[a-zA-Z0-9_.,():=-]{1,128}", one.flow.external_version)
        assert one.setup_string.isascii() and "=cmd()|'<b>&,\"../\\xe9 ]]>" in one.setup_string
        if name.startswith("39/"):
            assert {row[5] for row in one.data_content} == set(labels)


def test_labels_that_arff_cannot_hold_are_refused(study: Published) -> None:
    for label in ("{x}", "?", "", "a\nb"):
        held = {
            at: one._replace(classes=(label, "b") if one.classes else ())
            for at, one in study.test_rows.items()
        }
        files, without = openml_runs(dataclasses.replace(study, test_rows=held))
        assert "labels" in without[SONAR] and any(name.startswith("openml/test/661/") for name in files)


class Receiver(BaseHTTPRequestHandler):
    """What OpenML's server answers to uploads, as far as its client asks."""

    server: Any

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("flow/exists"):
            return self.answer(
                "<oml:flow_exists><oml:exists>false</oml:exists><oml:id>-1</oml:id></oml:flow_exists>"
            )
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        parts: Any = message_from_bytes(head + body).get_payload()
        sent = {
            str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True).decode()
            for part in parts
        }
        kind = self.path.rstrip("/").rpartition("/")[2]
        self.server.sent[kind] = sent
        number = "oml:id" if kind == "flow" else "oml:run_id"
        return self.answer(f"<oml:upload_{kind}><{number}>7</{number}></oml:upload_{kind}>")

    def do_GET(self) -> None:
        assert self.path.partition("?")[0].endswith("flow/7")
        said = "<oml:id>7</oml:id><oml:uploader>1</oml:uploader>"
        flow = self.server.sent["flow"]["description"].replace("<oml:name>", f"{said}<oml:name>", 1)
        late = "<oml:version>1</oml:version><oml:external_version>"
        self.answer(flow.replace("<oml:external_version>", late, 1))

    def answer(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.mark.parametrize(
    "name", ["39/knn_in_random_forest_tuned_0", "test/661/knn_in_random_forest_default_0"]
)
def test_the_readme_publishes_a_run(
    study: Published, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    import openml

    files, _ = openml_runs(study)
    place = written(files, tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        server.sent = {}  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/api/v1/xml"
        for key, value in {
            "server": address,
            "apikey": "",
            "_root_cache_directory": tmp_path / "cache",
            "connection_n_retries": 1,
        }.items():
            monkeypatch.setattr(openml.config, key, value)
        known = cache / ("test" if name.startswith("test/") else "www")
        shutil.copytree(known, openml.config.get_cache_directory(), dirs_exist_ok=True)
        (code,) = re.findall(r"```python\n(.*?)```", (place / "README.md").read_text(), re.DOTALL)
        there: dict[str, Any] = {}
        exec(code, there)
        assert there["publish"](place / name).run_id == 7
        sent = server.sent["run"]  # type: ignore[attr-defined]
        server.shutdown()
    own = files[f"openml/{name}/predictions.arff"].decode()
    uploaded, file = (arff.loads(text) for text in (sent["predictions"], own))
    names, here = ([name for name, _ in one["attributes"]] for one in (uploaded, file))
    assert (names == here) == (not name.startswith("39/"))
    assert [dict(zip(names, row, strict=True)) for row in uploaded["data"]] == [
        dict(zip(here, row, strict=True)) for row in file["data"]
    ]
    assert re.match(r"0,0,\d+,", sent["predictions"].partition("@DATA\n")[2])
    assert "<oml:flow_id>7</oml:flow_id>" in sent["description"]
    assert "<oml:name>seed</oml:name>" in sent["description"]
    assert ("trace" in sent) == ("_tuned_" in name)
