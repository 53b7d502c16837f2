"""Every data set of the museum is found by the right finding; the data sets that are shipped are not.

A file ``data_<what>.py`` is a table with one leak, as somebody might have saved it: ``frame()``, with the
columns ``target`` and maybe ``group``, and what has to be said of it: ``FINDING``, ``SO`` and, where it is no
error, ``SEVERITY``.
"""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from benchmark.data import TaskData
from benchmark.data.fingerprint import row_digests
from benchmark.findings import Finding, flat
from benchmark.plan.leaks import leaks
from benchmark.plan.splits import splits
from benchmark.plan.suspects import SUSPECTS, suspects
from benchmark.spec import Splitting, Task

HERE = Path(__file__).parent
PIECES = sorted(HERE.glob("data_*.py"))


def exhibit(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def found_in(frame: pd.DataFrame) -> tuple[Finding, ...]:
    """What is said of a table that is split at random."""
    X = frame.drop(columns=["target", *(name for name in ["group"] if name in frame)])
    X = X.astype({name: "category" for name in X.select_dtypes(exclude="number")})
    target, is_class = frame["target"], not pd.api.types.is_numeric_dtype(frame["target"])
    y = target.astype("category").cat.codes.to_numpy(np.int64) if is_class else target.to_numpy(float)
    task_type = "multiclass" if is_class else "regression"
    groups = frame["group"].to_numpy(np.int64) if "group" in frame else None
    data = TaskData(X, y, task_type, groups=groups)
    data = dataclasses.replace(data, row_digests=row_digests(data))
    task = Task("t", "t", "tabular", task_type, "", len(X), X.shape[1], len(np.unique(y)), "f" * 64)
    basis = data.basis()
    made = splits(task, basis, Splitting(scheme="kfold"), 0)
    return suspects(task, X, y, basis.rows, leaks(made, basis))


@pytest.mark.parametrize("file", PIECES, ids=lambda file: file.stem)
def test_the_leak_is_found(file: Path) -> None:
    piece = exhibit(file)
    found = found_in(piece.frame())
    shown = "\n".join(f"{one.severity} {one.name}: {one.seen}" for one in flat(found))
    severity = getattr(piece, "SEVERITY", "error")
    top = {one.name: one for one in found if one.severity == severity}
    assert [*top] == [piece.FINDING], shown
    assert set(piece.SO) == {one.name for one in flat(top[piece.FINDING].consequences)}, shown
    assert not [one for one in found if one.severity == "error" and one.name != piece.FINDING], shown
    assert top[piece.FINDING].why and top[piece.FINDING].advice
    assert (piece.__doc__ or "").strip() and piece.FINDING in SUSPECTS


@pytest.mark.parametrize("file", PIECES, ids=lambda file: file.stem)
def test_nothing_is_found_once_the_column_or_the_copies_are_gone(file: Path) -> None:
    piece = exhibit(file)
    frame = piece.frame()
    blamed = {
        "data_target_relabelled": ["registry_code"],
        "data_target_in_other_units": ["log_price"],
        "data_known_after_the_outcome": ["boat"],
        "data_finer_label": ["species"],
        "data_row_number": ["Unnamed: 0"],
        "data_patients_on_both_sides": ["group"],
    }
    sound = frame.drop(columns=blamed.get(file.stem, [])).drop_duplicates()
    assert found_in(sound) == ()


def test_there_are_enough_of_them() -> None:
    assert len(PIECES) >= 4
