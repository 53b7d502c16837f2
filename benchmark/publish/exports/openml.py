"""Runs on OpenML's own splits, as OpenML's client writes them, reads them and uploads them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmark.plan.keys import default_of
from benchmark.publish.exports.published import Published
from benchmark.spec import CLASSIFICATION

if TYPE_CHECKING:
    from benchmark.plan.grid import Job, Row

__all__ = ["openml_runs"]

_ROLES = ("candidate", "baseline", "reference")
_LOCATION = re.compile(r"(test/)?[1-9][0-9]{0,9}")
_LONGEST, _NAMED = 2048, 4
"""Characters of a value that OpenML takes; runs that a reason names."""
_OF_A_RUN = ("seed", "tuning.metric")
"""Parameters that have no default."""


class _Asked(NamedTuple):
    """What one run is of: everything but the splits."""

    component: str
    host: str
    setting: str
    seed: int

    @property
    def pipeline(self) -> str:
        return f"{self.component} in {self.host}" if self.host else self.component

    def __str__(self) -> str:
        return f"{self.pipeline}, {self.setting}, seed {self.seed}"

    @property
    def name(self) -> str:
        """Of its pipeline, for files and flows."""
        return "_in_".join(map(_word, filter(None, [self.component, self.host])))


class _Fit(NamedTuple):
    """One split of a run."""

    row: Row
    tuning: int
    record: Mapping[str, Any]


_Fits = Mapping[tuple[int, int], _Fit]
"""By repeat and fold."""


class _Left(Exception):
    """Why something has no run."""


def openml_runs(published: Published) -> tuple[dict[str, bytes], dict[str, str]]:
    """A folder for every run that OpenML could take, and why a task of OpenML's has none or not all.

    A run is one component in one host (or one reference), with one setting and one seed, on all splits of a
    task. Nothing is uploaded and no network is used.
    """
    files: dict[str, bytes] = {}
    without: dict[str, str] = {}
    for name, rows in _rows_by_task(published).items():
        left: dict[_Asked, str] = {}
        try:
            location = _location(published, name)
            sheet = _Sheet(published, name, int(location.rpartition("/")[2]))
        except _Left as reason:
            without[name] = str(reason)
            continue
        for asked, fits in _asked(sheet, rows).items():
            try:
                made = _run(published, sheet, asked, fits)
            except _Left as reason:
                left[asked] = str(reason)
                continue
            folder = f"openml/{location}/{asked.name}_{asked.setting}_{asked.seed}"
            files |= {f"{folder}/{file}": text.encode() for file, text in made.items()}
        if left:
            without[name] = _told(left)
    return ({"openml/README.md": _README.encode(), **files} if files else {}), without


def _rows_by_task(published: Published) -> dict[str, list[Row]]:
    """The rows of the plan that runs are made of, by task of OpenML's."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in published.plan.rows:
        name = row.job.task.name
        if published.bundle.document.datasets[name].source == "openml":
            found[name] += [row] if row.arm.role in _ROLES else []
    return found


def _location(published: Published, name: str) -> str:
    """The number of a task that there can be runs of: ``31``; ``test/613`` on the test server."""
    document = published.bundle.document
    card, task = document.datasets[name], document.tasks[name]
    at = [(name, split.repeat, split.fold) for split in document.splits[name]]
    gone = any("have no target and are left out" in note for note in task.notes)
    obstacles = {
        "its location is no number of a task of OpenML": not _LOCATION.fullmatch(card.location),
        f"{card.rows} of its rows were used, and a run is of all": card.rows is not None,
        "its card names the target, which may be another than the task's": card.target,
        f"a run is of all splits of OpenML's own, and these were: {task.scheme}": task.scheme != "own",
        "rows without a target were left out, so that row numbers are not OpenML's": gone,
        f"no run is of {task.task_type}": task.task_type not in (*CLASSIFICATION, "regression"),
        "its data is not on this machine; `swapbench fetch` gets it": not published.test_rows.keys() >= {*at},
    }
    for reason, holds in obstacles.items():
        if holds:
            raise _Left(reason)
    return card.location


def _asked(sheet: _Sheet, rows: Iterable[Row]) -> dict[_Asked, dict[tuple[int, int], _Fit]]:
    """The splits of every run that there are records of."""
    found: dict[_Asked, dict[tuple[int, int], _Fit]] = defaultdict(dict)
    for row in rows:
        for cell, key in row.cells():
            if cell.setting == "tuned" and not row.job.space:
                continue  # the same fit as the default one
            asked = _Asked(cell.component, cell.host, cell.setting, cell.seed)
            record = sheet.records.get(key, {"status": "not run"})
            found[asked][cell.repeat, cell.fold] = _Fit(row, cell.tuning, record)
    return found


def _told(left: Mapping[_Asked, str]) -> str:
    """Runs that are left out, in one line."""
    named = [f"{asked}: {reason}" for asked, reason in list(left.items())[:_NAMED]]
    more = [f"and {len(left) - _NAMED} more"] if len(left) > _NAMED else []
    return f"{'1 run is' if len(left) == 1 else f'{len(left)} runs are'} left out: " + "; ".join(named + more)


def _run(published: Published, sheet: _Sheet, asked: _Asked, fits: _Fits) -> dict[str, str]:
    """The files of a run."""
    expected = {(one.repeat, one.fold) for one in published.bundle.document.splits[sheet.task.name]}
    found = Counter(fits[at].record["status"] if at in fits else "not run" for at in expected)
    if {*found} != {"ok"}:
        said = ", ".join(f"{count} {status}" for status, count in sorted(found.items()))
        raise _Left(f"not all of its fits are ok: {said}")
    document, settings = published.bundle.document, _parameters(asked, next(iter(fits.values())).row.job)
    flow = _flow(published, asked, fits, settings)
    run = _client().runs.OpenMLRun(
        task_id=sheet.number,
        flow_id=None,
        dataset_id=None,
        flow=flow,
        setup_string=_plain(f"Swapbench: study {document.name}, question {document.digest}, {asked}"),
        parameter_settings=[{"oml:name": name, "oml:value": value} for name, value in settings.items()],
        tags=["swapbench"],
    )
    return {
        "description.xml": run._to_xml(),
        "flow.xml": flow._to_xml(),
        "predictions.arff": sheet.predictions(published, fits),
        **_trace(sheet, asked, fits),
    }


class _Sheet:
    """What the bundle has of a task, and how predictions of it are written."""

    def __init__(self, published: Published, name: str, number: int) -> None:
        document, tasks = published.bundle.document, _client().tasks
        self.task, self.number = document.tasks[name], number
        tables = (published.bundle.records, published.bundle.trials)
        self.records, self.trials = (
            {row["key"]: row for row in table[table["task"] == name].to_dict("records")} for table in tables
        )
        held = (published.test_rows[name, one.repeat, one.fold] for one in document.splits[name])
        self.classes = [str(label) for label in next(held).classes]
        types, facts = tasks.TaskType, {"data_set_id": 0, "target_name": "", "task_id": number}
        if self.classes:
            kind = types.SUPERVISED_CLASSIFICATION
            self.official = tasks.OpenMLClassificationTask(kind, "", class_labels=self.classes, **facts)
            self._check_labels()
        else:
            self.official = tasks.OpenMLRegressionTask(types.SUPERVISED_REGRESSION, "", **facts)

    def predictions(self, published: Published, fits: _Fits) -> str:
        """Of every test row of every split: what was predicted, and what is true."""
        places = sorted(fits)
        return self._written(line for at in places for line in self._lines(published, at, fits[at]))

    def _lines(self, published: Published, at: tuple[int, int], fit: _Fit) -> Iterator[list[Any]]:
        from openml.runs.functions import format_prediction

        held = published.test_rows[self.task.name, *at]
        found, truth = published.bundle.predictions.get(fit.record["key"]), held.truth.reshape(-1).tolist()
        outputs = max(1, len(self.classes))
        if found is None or found.size != len(truth) * outputs or len(truth) != len(held.numbers):
            raise _Left(f"repeat {at[0]}, fold {at[1]} has no predictions, or those of other rows")
        rows = zip(held.numbers.tolist(), truth, found.reshape(-1, outputs), strict=True)
        for number, true, values in rows:
            if self.classes:
                shares = dict(zip(self.classes, values.tolist(), strict=True))
                labels = self.classes[int(values.argmax())], self.classes[int(true)]
                yield format_prediction(self.official, *at, number, *labels, proba=shares)
            else:
                yield format_prediction(self.official, *at, number, float(values[0]), float(true))

    def _written(self, lines: Iterable[list[Any]]) -> str:
        """ARFF with the client's attributes, in its order."""
        import arff

        names = ("repeat", "fold", "row_id", "prediction", "truth")
        attributes: list[tuple[str, Any]] = [(name, "NUMERIC") for name in names]
        if self.classes:
            attributes = [(name, "NUMERIC") for name in ("repeat", "fold", "sample", "row_id")]
            attributes += [(name, self.classes) for name in ("prediction", "correct")]
            attributes += [(f"confidence.{label}", "NUMERIC") for label in self.classes]
        relation = f"openml_task_{self.number}_predictions"
        text: str = arff.dumps({"relation": relation, "attributes": attributes, "data": list(lines)})
        return text

    def _check_labels(self) -> None:
        """Refuse labels that do not come back from ARFF as they are."""
        import arff

        shares = [0.0] * len(self.classes)
        lines: list[list[Any]] = [[0, 0, 0, 0, label, label, *shares] for label in self.classes]
        try:
            read = arff.loads(self._written(lines))
            same = read["data"] == lines and dict(read["attributes"])["prediction"] == self.classes
        except (arff.ArffException, ValueError, IndexError):
            same = False
        if not same:
            raise _Left("the client's ARFF cannot hold the labels of its classes")


def _parameters(asked: _Asked, job: Job) -> dict[str, str]:
    """What the run is made with, by ``slot.argument``; where it is tuned, how instead of with what."""
    found: dict[str, Any] = {}
    for part in job.pipeline.components.values():
        found |= {f"{part.slot}.{path}": value for path, value in _arguments(part.make)}
    if asked.setting == "tuned":
        found = {path: value for path, value in found.items() if path not in job.space}
        tuning = dataclasses.asdict(job.protocol.tuning)
        found |= {f"tuning.{name}": value for name, value in tuning.items()}
        found["tuning.metric"] = job.task.metric
        found |= {f"space.{path}": dataclasses.asdict(one) for path, one in sorted(job.space.items())}
    if job.pipeline.family == "neural":
        budget = dataclasses.asdict(job.protocol.budget)
        found |= {f"budget.{name}": value for name, value in budget.items()}
        found["precision"] = job.protocol.precision
    found |= {"validation": job.protocol.splits.validation, "seed": asked.seed}
    return {re.sub(r"[^A-Za-z0-9_.,():-]", "_", path)[:128]: _value(value) for path, value in found.items()}


def _arguments(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every argument of a ``make``, by its path."""
    if isinstance(node, Mapping) and (node or not path):
        for key, value in node.items():
            yield from _arguments(value, f"{path}.{key}" if path else str(key))
    else:
        yield path, node


def _value(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _flow(published: Published, asked: _Asked, fits: _Fits, settings: Mapping[str, str]) -> Any:
    """What made the predictions; another pipeline or other libraries are another flow."""
    row = next(iter(fits.values())).row
    known = {facts.get("digest"): facts for facts in published.bundle.environments}
    computed = [known.get(fit.record["provenance"], {}) for fit in fits.values()]
    versions = sorted({str(facts.get("swapbench", "unknown")) for facts in computed})
    packages = {f"{n}=={v}" for facts in computed for n, v in facts.get("packages", {}).items() if v}
    parts = ", ".join(f"{slot}: {part.name}" for slot, part in row.job.pipeline.components.items())
    how = "tuned by the protocol of its parameters" if asked.setting == "tuned" else "not tuned"
    said = {
        "name": f"swapbench.{asked.name}{'_tuned' if asked.setting == 'tuned' else ''}",
        "description": _plain(f"Swapbench: {asked.pipeline}, {how}. Pipeline: {parts}."),
        "dependencies": _plain(", ".join(sorted(packages))),
        "parameters": {name: "null" if name in _OF_A_RUN else value for name, value in settings.items()},
    }
    version = re.sub(r"[^A-Za-z0-9_.-]+", "_", "_".join(versions))[:40]
    code = [[slot, part.name, part.code] for slot, part in row.job.pipeline.components.items()]
    whole = hashlib.sha256(json.dumps([said, code], sort_keys=True).encode()).hexdigest()
    return _client().flows.OpenMLFlow(
        **said,
        parameters_meta_info={name: {"data_type": None, "description": None} for name in said["parameters"]},
        model=None,
        components={},
        external_version=f"swapbench=={version},component={row.component_digest[:16]},flow={whole[:16]}",
        tags=["swapbench"],
        language="English",
    )


def _trace(sheet: _Sheet, asked: _Asked, fits: _Fits) -> dict[str, str]:
    """Every trial that went well, with its validation error and whether it was chosen."""
    import arff

    if asked.setting != "tuned" or not all(fit.row.job.space for fit in fits.values()):
        return {}
    trace = _client().runs.trace
    iterations: dict[tuple[int, int, int], Any] = {}
    for at, fit in sorted(fits.items()):
        job = fit.row.job
        trials = [sheet.trials[one.key] for one in job.tunings[fit.tuning].trials if one.key in sheet.trials]
        trials = [one for one in trials if one["status"] == "ok" and one["validation_error"] >= 0]
        chosen = json.loads(fit.record["chosen"])
        alike = [one for one in trials if json.loads(one["setting"]) == chosen]
        if not alike:
            raise _Left(f"repeat {at[0]}, fold {at[1]} was tuned to the setting of no trial")
        best = min(alike, key=lambda one: (one["validation_error"], one["trial"]))
        for one in trials:
            values = {**default_of(job.pipeline, job.space), **json.loads(one["setting"])}
            iterations[*at, int(one["trial"])] = trace.OpenMLTraceIteration(
                *at,
                int(one["trial"]),
                evaluation=float(one["validation_error"]),
                selected=one is best,
                parameters={f"{trace.PREFIX}{path}": _value(values[path]) for path in sorted(job.space)},
            )
    return {"trace.arff": arff.dumps(trace.OpenMLRunTrace(None, iterations).trace_to_arff())}


def _word(name: str) -> str:
    """A name as part of a file's and a flow's; with a digest where it is not the whole name."""
    word = re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:60]
    return word if word == name else f"{word}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _plain(text: str) -> str:
    """One line of ASCII, as OpenML and XML take it."""
    line = re.sub(r"[\x00-\x20\x7f]+", " ", text)
    return line.encode("ascii", "backslashreplace").decode()[:_LONGEST]


def _client() -> Any:
    """OpenML's client; its first import makes a folder, here one that goes again."""
    if "openml" not in sys.modules:
        before = os.environ.get("OPENML_CACHE_DIR")
        with tempfile.TemporaryDirectory(prefix="swapbench-") as folder:
            os.environ["OPENML_CACHE_DIR"] = folder
            try:
                import openml
            finally:
                del os.environ["OPENML_CACHE_DIR"]
                os.environ |= {} if before is None else {"OPENML_CACHE_DIR": before}
        openml.config.set_root_cache_directory(openml.config._resolve_default_cache_dir().expanduser())
    return sys.modules["openml"]


_README = """# Runs for OpenML

One folder a run: a component in a host, with one setting and one seed, on all splits of an OpenML task (below
`test/`: of its test server), as OpenML's client for Python reads it. In `trace.arff` is every trial of a tuned
run that went well; its `evaluation` is the validation error, smaller is better.

**Nothing was uploaded.** To publish a run, with the key of your account at OpenML:

```python
from pathlib import Path
import arff, openml, xmltodict

openml.config.apikey = "YOUR KEY"
# below test/: openml.config.server = "https://test.openml.org/api/v1/xml"

def publish(folder):
    run = openml.runs.OpenMLRun.from_filesystem(folder, expect_model=False)
    run.flow.publish()
    run.flow_id = run.flow.flow_id
    # The client drops the settings of a run whose flow has no number yet, and reads numbers as floats.
    said = xmltodict.parse((Path(folder) / "description.xml").read_text(), force_list=["oml:parameter_setting"])
    asked = said["oml:run"]["oml:parameter_setting"]
    run.parameter_settings = [{**one, "oml:component": run.flow_id} for one in asked]
    task, rows = openml.tasks.get_task(run.task_id), run.data_content
    if not hasattr(task, "class_labels"):
        run.data_content = [[*map(int, row[:3]), *row[3:]] for row in rows]
    else:  # It writes confidences in the order of the task's labels, some of which no row may have.
        here = dict(arff.loads((Path(folder) / "predictions.arff").read_text())["attributes"])["prediction"]
        shares = [dict(zip(here, row[6:])) for row in rows]
        run.data_content = [
            [*map(int, row[:4]), *row[4:6], *(share.get(label, 0.0) for label in task.class_labels)]
            for row, share in zip(rows, shares)
        ]
    return run.publish()
```
"""  # noqa: E501
