"""MLCommons' own reader finds no fault with the metadata, and reads every value as it is in the tables."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from pathlib import Path
from typing import Any

import mlcroissant
import pandas as pd
import pytest

from benchmark.publish.exports.croissant import croissant
from benchmark.publish.exports.published import Published
from benchmark.records.schema import RECORD_COLUMNS, TRIAL_COLUMNS

HOSTILE = "=cmd|' /C calc'!A0, \"quoted\"\n<b>"


def written(published: Published, folder: Path) -> Path:
    for name, content in croissant(published).items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder / "croissant"


def read(place: Path, name: str) -> list[dict[str, Any]]:
    dataset = mlcroissant.Dataset(jsonld=place / "croissant.json")
    assert not dataset.metadata.issues.errors
    return [
        {field.removeprefix(f"{name}/"): _text(value) for field, value in row.items()}
        for row in dataset.records(name)
    ]


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def same(ours: Any, theirs: Any) -> bool:
    if pd.isna(ours) or ours == "":
        return theirs is None or bool(pd.isna(theirs))
    if isinstance(ours, str):
        return bool(theirs == ours)
    return math.isclose(float(ours), float(theirs), rel_tol=0, abs_tol=0)


@pytest.mark.parametrize("name", ["records", "trials"])
def test_its_reader_gets_every_value(name: str, judged: Published, tmp_path: Path) -> None:
    table = judged.records if name == "records" else judged.bundle.trials
    rows = read(written(judged, tmp_path), name)
    assert len(rows) == len(table) > 100
    columns = [*rows[0]]
    place = [one for one in ("role", "host", "component", "task", "replicate", "repeat", "fold", "tuning")]
    place += ["key", "setting"] if name == "records" else ["trial"]
    theirs = {tuple(row[one] or (0 if row[one] == 0 else "") for one in place): row for row in rows}
    assert len(theirs) == len(rows)
    for ours in table[columns].to_dict("records"):
        found = theirs[tuple(ours[one] for one in place)]
        assert [one for one in columns if not same(ours[one], found[one])] == []


def test_every_column_says_what_it_means_and_no_traceback_is_in_it(judged: Published) -> None:
    described = json.loads(croissant(judged)["croissant/croissant.json"])
    fields = {one["@id"]: one for records in described["recordSet"] for one in records["field"]}
    assert {f"records/{name}" for name in RECORD_COLUMNS} <= fields.keys()
    assert {f"trials/{name}" for name in TRIAL_COLUMNS} <= fields.keys()
    assert not [name for name in fields if name.endswith("/traceback")]
    assert all(
        one["description"] and "as in the records" not in one["description"] for one in fields.values()
    )
    assert fields["records/seed"]["dataType"] == "sc:Integer"
    assert fields["records/error"]["dataType"] == "sc:Float"
    assert fields["records/imputed"]["dataType"] == "sc:Boolean"
    assert fields["records/component"]["dataType"] == "sc:Text"


def test_checksums_and_sizes_are_those_of_the_files(judged: Published) -> None:
    files = croissant(judged)
    for one in json.loads(files["croissant/croissant.json"])["distribution"]:
        content = files[f"croissant/{one['contentUrl']}"]
        assert one["sha256"] == hashlib.sha256(content).hexdigest()
        assert one["contentSize"] == f"{len(content)} B"


def test_failures_and_hostile_names_come_back(judged: Published, tmp_path: Path) -> None:
    records = judged.records.copy()
    records["component"] = records["component"].astype(object)
    records.loc[records["component"] == "mine", "component"] = HOSTILE
    failed = records.index[records["component"] == HOSTILE][:3]
    records.loc[failed, ["error", "score"]] = float("nan")
    records.loc[failed, "status"] = "failed"
    rows = read(written(dataclasses.replace(judged, records=records), tmp_path), "records")
    hostile = [row for row in rows if row["component"] == f"'{HOSTILE}"]
    assert len(hostile) == int((records["component"] == HOSTILE).sum())
    assert sum(row["status"] == "failed" and row["error"] is None for row in hostile) == 3


def test_the_order_of_records_says_nothing(judged: Published) -> None:
    shuffled = judged.records.sample(frac=1, random_state=0)
    assert croissant(dataclasses.replace(judged, records=shuffled)) == croissant(judged)
