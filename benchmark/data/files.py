"""Tables of one's own: CSV and Parquet, by the ending of the file's name."""

from __future__ import annotations

import csv
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from benchmark.errors import RequestError, nearest
from benchmark.spec import Dataset

__all__ = ["READERS", "read"]


def read(dataset: Dataset) -> pd.DataFrame:
    """The table at the card's location, a path relative to the card's own folder.

    Raises
    ------
    RequestError
        When there is no such file, or it is not a table in the format that its name ends in.
    """
    where = f"{dataset.file or dataset.name}: location"
    path = Path(dataset.file).parent / dataset.location
    if not path.is_file():
        beside = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
        raise RequestError(f"{where}: there is no file '{path}'; {nearest(path.name, beside)}")
    ending = path.suffix.lower()
    if ending not in READERS:
        hint = nearest(ending, READERS)
        raise RequestError(f"{where}: cannot tell the format of '{path}' by its ending; {hint}")
    try:
        return READERS[ending](path)
    # ValueError covers pandas' parser errors, Arrow's invalid files and undecodable text.
    except (ValueError, OSError, csv.Error, pd.errors.ParserWarning) as error:
        reason = " ".join(str(error).split())
        raise RequestError(f"{where}: '{path}' cannot be read as {ending[1:]}: {reason}") from error


def _read_csv(path: Path) -> pd.DataFrame:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        header = next(csv.reader(lines), [])
    # pandas would rename the second of two equal columns without a word.
    twice = sorted(name for name, count in Counter(header).items() if count > 1)
    if twice:
        raise ValueError(f"the column '{twice[0]}' is there twice")
    with warnings.catch_warnings():
        # Rows longer than the header would otherwise lose their ends, or become an index.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(path, index_col=False, low_memory=False, encoding="utf-8-sig")


def _read_parquet(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path, engine="pyarrow")


READERS: Mapping[str, Callable[[Path], pd.DataFrame]] = {".csv": _read_csv, ".parquet": _read_parquet}
"""By the ending of the file's name."""
