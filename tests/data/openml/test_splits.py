"""Splits follow the rows of a table that has lost some."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchmark.data.openml.splits import without
from benchmark.spec import OwnSplit


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1))
def test_a_row_stays_on_its_side(rows: list[tuple[bool, bool]]) -> None:
    tested, gone = (np.array(column) for column in zip(*rows, strict=True))
    names = np.array([f"row {number}" for number in range(len(rows))])
    whole = OwnSplit(0, 0, np.flatnonzero(~tested), np.flatnonzero(tested))
    (rest,) = without((whole,), gone)
    left = names[~gone]
    assert left[rest.train].tolist() == names[~tested & ~gone].tolist()
    assert left[rest.test].tolist() == names[tested & ~gone].tolist()
