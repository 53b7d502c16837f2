"""Cards over files that a test writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmark.spec import Dataset

CardOf = Callable[..., Dataset]


@pytest.fixture
def frame() -> pd.DataFrame:
    """Twelve rows with every type of column that a table may have."""
    return pd.DataFrame(
        {
            "size": [1.5, None, 3.25, 4.0, -0.0, 6.0, 7.5, 8.0, 9.0, 1e-300, 11.1, 12.0],
            "count": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
            "colour": [
                "red",
                "blue",
                None,
                "red",
                "grün",
                "a,b",
                "red",
                "blue",
                "blue",
                "red",
                "red",
                "blue",
            ],
            "fresh": [True, False] * 6,
            "zone": [10, 2, 2, 10, 10, 2, 2, 10, 2, 10, 10, 1],
            "price": [0.5, 1.5, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0],
            "kind": ["b", "a"] * 6,
        }
    )


@pytest.fixture
def card_of(tmp_path: Path) -> CardOf:
    """Write a frame beside a card and return the card; keywords change the card."""

    def build(table: pd.DataFrame, target: str, ending: str = ".csv", **card: Any) -> Dataset:
        path = tmp_path / f"table{ending}"
        table.to_csv(path, index=False) if ending == ".csv" else table.to_parquet(path, index=False)
        given = {"name": "mine", "source": "file", "location": path.name, "origin": "mine", **card}
        return Dataset(target=target, file=str(tmp_path / "mine.yaml"), **given)

    return build


@pytest.fixture
def card_over(tmp_path: Path) -> CardOf:
    """Write a file beside a card with the target ``y`` and return the card; keywords change the card."""

    def build(content: str | bytes, name: str = "t.csv", **card: Any) -> Dataset:
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
        given = {"name": "mine", "source": "file", "location": name, "target": "y", "origin": "mine", **card}
        return Dataset(file=str(tmp_path / "mine.yaml"), **given)

    return build
