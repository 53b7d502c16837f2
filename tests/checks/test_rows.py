"""Rows in any form are compared."""

from __future__ import annotations

import numpy as np

from benchmark.checks.rows import alike, apart


def test_rows_that_are_not_alike_say_how() -> None:
    one = np.array([[1.0, np.nan], [2.0, 3.0]])
    assert alike(one, one.copy()) and alike([*one], one)
    assert not alike(one, one[:1]) and apart(one, one[:1]) == "1 rows instead of 2"
    assert apart(one, one + np.array([0.0, 0.5])) == "differences up to 0.5"
    filled = np.nan_to_num(one)
    assert not alike(one, filled)
    assert apart(one, filled) == "differences up to 0, and 1 that are no number in one of them"
    assert apart([one[0]], [one[0][:1]]) == "a row of shape (1,) instead of (2,)"
