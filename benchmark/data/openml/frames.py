"""A data set's file as a frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["frame_of"]


def frame_of(data: Any) -> pd.DataFrame:
    """All columns of a data set of the client's, the hidden ones too, with the client's types."""
    if data.format.lower() == "sparse_arff" and data.parquet_file is None:
        return _sparse(Path(data.data_file))
    frame: pd.DataFrame = data.get_data(include_row_id=True, include_ignore_attribute=True)[0]
    return frame


def _sparse(path: Path) -> pd.DataFrame:
    """A sparse ARFF file, made dense.

    The client reads none that has labels under pandas 3, has numbers in single precision, and loses empty
    rows at the end; so its parser is used without it.
    """
    import arff

    with path.open(encoding="utf-8") as lines:
        decoded = arff.load(lines, encode_nominal=True, return_type=arff.LOD)
    cells = np.zeros((len(decoded["attributes"]), len(decoded["data"])))
    for row, given in enumerate(decoded["data"]):
        for column, value in given.items():
            cells[column, row] = np.nan if value is None else value
    return pd.DataFrame(
        {
            name: _categories(values, kind) if isinstance(kind, list) else values
            for (name, kind), values in zip(decoded["attributes"], cells, strict=True)
        }
    )


def _categories(numbers: np.ndarray[Any, Any], labels: list[str]) -> pd.Categorical:
    """A nominal column; what a sparse row does not name has the first label."""
    return pd.Categorical.from_codes(np.nan_to_num(numbers, nan=-1).astype(np.int64), categories=labels)
