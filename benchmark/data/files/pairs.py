"""A file to train on and a second one to test on, as one set of rows with a split that says so."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from benchmark.data.raw import Raw
from benchmark.errors import RequestError
from benchmark.spec import Dataset, OwnSplit

__all__ = ["joined"]


def joined(train: Raw, test: Raw, dataset: Dataset, where: str) -> Raw:
    """The rows of both, those to train on first, with the one split that they are.

    Raises
    ------
    RequestError
        When the two have other columns, or are no rows of one kind; the line begins with ``where``.
    """
    if isinstance(train.inputs, pd.DataFrame) and isinstance(test.inputs, pd.DataFrame):
        _check_columns(train.inputs, test.inputs, dataset, where)
        inputs, target = _stacked(train.inputs, test.inputs), train.target
    elif isinstance(train.inputs, np.ndarray) and isinstance(test.inputs, np.ndarray):
        if train.inputs.shape[1:] != test.inputs.shape[1:]:
            shapes = f"{train.inputs.shape[1:]} and those of '{dataset.test}' {test.inputs.shape[1:]}"
            raise RequestError(f"{where}: the rows of '{dataset.location}' have the shape {shapes}")
        inputs = np.concatenate([train.inputs, test.inputs])
        target = np.concatenate([np.asarray(train.target), np.asarray(test.target)])
    else:
        raise RequestError(f"{where}: '{dataset.location}' and '{dataset.test}' are not rows of one kind")
    n_train, n_rows = len(train.inputs), len(train.inputs) + len(test.inputs)
    own = OwnSplit(0, 0, np.arange(n_train), np.arange(n_train, n_rows))
    notes = tuple(dict.fromkeys((*train.notes, *test.notes)))
    return dataclasses.replace(train, inputs=inputs, target=target, own=(own,), notes=notes)


def _check_columns(train: pd.DataFrame, test: pd.DataFrame, dataset: Dataset, where: str) -> None:
    if dataset.target in train and dataset.target not in test:
        without = f"'{dataset.test}' has no column '{dataset.target}', so its predictions cannot be scored"
        raise RequestError(f"{where}: {without}; leave out 'test' to test on other rows")
    only = {
        dataset.location: [name for name in train if name not in test],
        dataset.test: [name for name in test if name not in train],
    }
    for file, names in only.items():
        if names:
            shown = ", ".join(f"'{name}'" for name in names[:5]) + (" and more" if len(names) > 5 else "")
            raise RequestError(f"{where}: only '{file}' has {shown}; both files need the same columns")


def _stacked(train: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    """The rows of both; a category that only one of them has stays one."""
    columns = {}
    for name in train:
        parts = [train[name], test[name]]
        if all(isinstance(part.dtype, pd.CategoricalDtype) for part in parts):
            levels = pd.api.types.union_categoricals(parts, ignore_order=True)
            columns[name] = pd.Series(levels)
        else:
            columns[name] = pd.concat(parts, ignore_index=True)
    return pd.DataFrame(columns, copy=False)
