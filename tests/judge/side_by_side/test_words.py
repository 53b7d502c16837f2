"""A board in plain words."""

from __future__ import annotations

import pandas as pd

from benchmark.judge.side_by_side.board import board


def records(errors: dict[str, list[float]]) -> pd.DataFrame:
    """One error per method and data set."""
    rows = [(name, f"t{n}", error) for name, each in errors.items() for n, error in enumerate(each)]
    return pd.DataFrame(rows, columns=["component", "task", "error"])


def test_who_leads_is_named_once_and_equals_together() -> None:
    one = board(records({"a": [1.0, 2.0] * 3, "b": [2.0, 1.0, 2.0, 2.0, 2.0, 1.0]})).sentences[0]
    assert one.startswith("a has the best mean rank") and ", but cannot be told apart from the other" in one
    assert "with so few data sets" not in one, "six can tell a single pair apart"
    few = board(records({name: [0.1 * n] * 6 for n, name in enumerate("abc", 1)})).sentences[0]
    assert "with so few data sets it cannot tell any two apart" in few
    level = board(records({name: [0.1] * 9 for name in "abc"}))
    assert level.sentences[0].startswith("a, b and c share the best mean rank, 2.00 of 3")
    assert ", and a cannot be told apart from any of the 2 others" in level.sentences[0]
    assert "leader" not in " ".join(level.sentences)
