"""Records and trials as CSV with Croissant metadata, which tools for machine learning data sets read.

The format is Croissant 1.0 of MLCommons, http://mlcommons.org/croissant/1.0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from benchmark.publish.exports.published import Published
from benchmark.publish.plain import dumped
from benchmark.records.schema import RECORD_COLUMNS, TRIAL_COLUMNS
from benchmark.report.tables import csv

__all__ = ["croissant"]

_FOLDER = "croissant"
_CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The vocabulary that the standard prescribes for every file."""
_PLACE = ["task", "host", "role", "component", "replicate", "repeat", "fold", "tuning"]
_SETS = {
    "records": ("A row for every fit that was evaluated, failures included.", RECORD_COLUMNS),
    "trials": ("A row for every setting that was tried while tuning.", TRIAL_COLUMNS),
}


def croissant(published: Published) -> dict[str, bytes]:
    """``records.csv``, ``trials.csv`` and ``croissant.json``, which describes every column of both."""
    document = published.bundle.document
    tables = {
        "records": _ordered(published.records, [*_PLACE, "seed", "setting", "control"], RECORD_COLUMNS),
        "trials": _ordered(published.bundle.trials, [*_PLACE, "trial"], TRIAL_COLUMNS),
    }
    files = {f"{name}.csv": csv(table).encode() for name, table in tables.items()}
    described = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": document.name,
        "description": (
            f"Results of the Swapbench study {document.name}: {document.study.question} An empty cell is a "
            "missing value; a text that a spreadsheet would take for a formula has an apostrophe before it."
        ),
        "keywords": ["benchmark", "machine learning", *document.study.slots],
        "distribution": [_file(name, content) for name, content in files.items()],
        "recordSet": [_record_set(name, table) for name, table in tables.items()],
    }
    files["croissant.json"] = dumped(described)
    return {f"{_FOLDER}/{name}": content for name, content in files.items()}


def _ordered(table: pd.DataFrame, by: list[str], known: Mapping[str, str]) -> pd.DataFrame:
    """The columns of a schema in its order, then the further metrics; rows by their coordinates."""
    further = sorted(name for name in table.columns if str(name).startswith("metric_"))
    names = [*(name for name in known if name in table.columns), *further]
    return table[names].sort_values([*by, "key"], kind="stable", ignore_index=True)


def _file(name: str, content: bytes) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{len(content)} B",
        "encodingFormat": "text/csv",
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _record_set(name: str, table: pd.DataFrame) -> dict[str, Any]:
    description, known = _SETS[name]
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": description,
        "field": list(_fields(name, table, known)),
    }


def _fields(name: str, table: pd.DataFrame, known: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for column in map(str, table.columns):
        yield {
            "@type": "cr:Field",
            "@id": f"{name}/{column}",
            "name": column,
            "description": _meaning(column, known),
            "dataType": _type(table[column]),
            "source": {"fileObject": {"@id": f"{name}.csv"}, "extract": {"column": column}},
        }


def _meaning(column: str, known: Mapping[str, str]) -> str:
    metric = column.removeprefix("metric_")
    said = known.get(column, f"the metric {metric} in its own direction; null where it is not defined")
    return RECORD_COLUMNS.get(column, said) if said == "as in the records" else said


def _type(values: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(values):
        return "sc:Boolean"
    if pd.api.types.is_integer_dtype(values):
        return "sc:Integer"
    return "sc:Float" if pd.api.types.is_numeric_dtype(values) else "sc:Text"
