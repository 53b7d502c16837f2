"""MLflow: an experiment for a study, a run for a cell."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient

from benchmark.loggers import numbers

__all__ = ["ToMLflow"]

_PARAMS = (
    *("role", "slot", "component", "host", "task", "origin", "setting", "repeat", "fold", "seed"),
    *("replicate", "control", "metric", "chosen"),
)
_TAGS = ("key", "status", "reason", "provenance")
_LONGEST = 500
"""Characters of a value: every store of MLflow takes that many."""


class ToMLflow:
    """Runs in the server of ``MLFLOW_TRACKING_URI``, else in ``mlflow.db`` of the folder."""

    def __init__(self, study: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        own = f"sqlite:///{(folder / 'mlflow.db').resolve()}"
        self._client = MlflowClient(tracking_uri=os.environ.get("MLFLOW_TRACKING_URI", own))
        found = self._client.get_experiment_by_name(study)
        self._experiment = found.experiment_id if found else self._client.create_experiment(study)

    def log(self, cell: Mapping[str, Any]) -> None:
        """A finished run: coordinates and settings as parameters, the outcome as metrics and tags."""
        now = int(1000 * time.time())
        name = (
            f"{cell['component']} in {cell['host']} on {cell['task']}" if cell["host"] else cell["component"]
        )
        tags = {tag: _text(cell[tag]) for tag in _TAGS}
        run = self._client.create_run(
            self._experiment,
            start_time=now - int(1000 * (cell["fit_seconds"] or 0)),
            run_name=_text(name)[:250],
            tags=tags,
        )
        self._client.log_batch(
            run.info.run_id,
            metrics=[Metric(key, value, now, 0) for key, value in numbers(cell)],
            params=[Param(key, _text(cell[key])) for key in _PARAMS],
        )
        status = "FINISHED" if cell["status"] == "ok" else "FAILED"
        self._client.set_terminated(run.info.run_id, status=status, end_time=now)

    def flush(self) -> None:
        """Every run is kept when it is logged."""

    def close(self) -> None:
        """Nothing is open."""


def _text(value: Any) -> str:
    """A value as MLflow takes it: printable, and not too long."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value))
    return text[:_LONGEST]
