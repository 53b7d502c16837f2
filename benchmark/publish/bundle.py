"""A bundle as values: a published study that a stranger can check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmark.errors import RequestError
from benchmark.plan.grid import Plan
from benchmark.publish import layout
from benchmark.publish.archive import Files
from benchmark.publish.checksums import checksums
from benchmark.publish.document import Document, read_document, write_document
from benchmark.publish.plain import dumped, loaded
from benchmark.publish.readme import readme
from benchmark.publish.tables import (
    Labels,
    read_labels,
    read_plan,
    read_predictions,
    read_records,
    read_trials,
    write_labels,
    write_plan,
    write_predictions,
    write_records,
    write_trials,
)
from benchmark.report.claims import claims_text

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["Bundle", "Files", "planned_cells"]


@dataclass(frozen=True, eq=False)
class Bundle:
    """What a bundle says, file by file."""

    document: Document
    plan: pd.DataFrame
    """Every cell with its key, as :func:`planned_cells` lists them."""
    records: pd.DataFrame
    """As they were computed: before anything is pooled or imputed."""
    trials: pd.DataFrame
    predictions: Mapping[str, np.ndarray]
    """Of the test rows of every record that is ok, by its key."""
    labels: Labels
    """Of the test rows, by task, repeat and fold, where they may be passed on."""
    verdict: Mapping[str, Any]
    claims: Mapping[str, Any]
    environments: tuple[Mapping[str, Any], ...]
    """What computed the records; the ``digest`` of each is the records' ``provenance``."""
    lock: str
    """Every installed package with its version, a line each."""
    sources: Files
    """Code of components that is in no catalog."""

    def files(self) -> dict[str, bytes]:
        """All files of the bundle, their checksums among them."""
        files = {
            layout.STUDY: write_document(self.document),
            layout.PLAN: write_plan(self.plan),
            layout.RECORDS: write_records(self.records),
            layout.TRIALS: write_trials(self.trials),
            layout.PREDICTIONS: write_predictions(sorted(self.predictions.items())),
            layout.LABELS: write_labels(self.labels),
            layout.VERDICT: dumped(self.verdict),
            layout.CLAIMS: claims_text(self.claims).encode(),
            layout.ENVIRONMENT: dumped({"schema": 1, "environments": list(self.environments)}),
            layout.LOCK: self.lock.encode(),
            layout.README: readme(self.document, self.claims, self.sources).encode(),
            **self.sources,
        }
        return {**files, layout.CHECKSUMS: checksums(files)}

    @classmethod
    def of(cls, files: Files) -> Bundle:
        """The bundle that some files are.

        Raises
        ------
        RequestError
            In one line that names the file that is not what it should be.
        """
        return cls(
            document=read_document(files[layout.STUDY]),
            plan=read_plan(files[layout.PLAN]),
            records=read_records(files[layout.RECORDS]),
            trials=read_trials(files[layout.TRIALS]),
            predictions=read_predictions(files[layout.PREDICTIONS]),
            labels=read_labels(files[layout.LABELS]),
            verdict=loaded(files[layout.VERDICT], layout.VERDICT),
            claims=_claims(files[layout.CLAIMS]),
            environments=_environments(files[layout.ENVIRONMENT]),
            lock=_text(files[layout.LOCK], layout.LOCK),
            sources={name: content for name, content in files.items() if layout.is_source(name)},
        )


def planned_cells(plan: Plan) -> pd.DataFrame:
    """Every cell of a plan with its place and its key, in the plan's order."""
    import pandas as pd

    columns = ["role", "slot", "component", "host", "task", "origin", "repeat", "fold", "seed", "setting"]
    columns += ["replicate", "control", "tuning", "key"]
    rows = [
        (row.arm.role, row.slot, cell.component, cell.host, cell.task, row.job.task.origin)
        + (cell.repeat, cell.fold, cell.seed, cell.setting, cell.replicate, cell.control, cell.tuning, key)
        for row in plan.rows
        for cell, key in row.cells()
    ]
    return pd.DataFrame(rows, columns=columns)


def _environments(content: bytes) -> tuple[Mapping[str, Any], ...]:
    values = loaded(content, layout.ENVIRONMENT)
    found = values.get("environments")
    if values.get("schema") != 1:
        raise RequestError(f"{layout.ENVIRONMENT}: has schema {str(values.get('schema'))[:40]}, expected 1")
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise RequestError(f"{layout.ENVIRONMENT}: environments: expected a list of mappings")
    return tuple(found)


def _claims(content: bytes) -> Mapping[str, Any]:
    found = loaded(content, layout.CLAIMS)
    claims = found.get("claims")
    if not isinstance(claims, list) or not all(_is_claim(one) for one in claims):
        raise RequestError(f"{layout.CLAIMS}: claims: expected a list of claims with id, kind and sentence")
    return found


def _is_claim(one: Any) -> bool:
    return isinstance(one, Mapping) and all(
        isinstance(one.get(name), str) for name in ("id", "kind", "sentence")
    )


def _text(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RequestError(f"{name}: not a text in UTF-8: {error.reason}") from error
