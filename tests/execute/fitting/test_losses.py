"""Counting losses that are not finite, without asking after each."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.execute.fitting import losses as module
from benchmark.execute.fitting.losses import Losses

CPU = torch.device("cpu")
NUMBERS = st.sampled_from([0.5, 2.0, float("nan"), float("inf"), -float("inf")])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=40), st.integers(0, 39), st.data())
def test_networks_side_by_side_are_counted_each_for_itself(
    steps: list[tuple[float, ...]], parted_at: int, data: st.DataObject
) -> None:
    """However often somebody looks, and whether or not a stack is made anew on the way."""
    losses = Losses.joined([Losses.of_none(CPU) for _ in range(3)])
    for number, values in enumerate(steps):
        if number == parted_at:
            losses = Losses.joined([*losses.parted()])
        losses.add(torch.tensor(values))
        if data.draw(st.booleans()):
            losses.look()
    seen = np.isfinite(np.array(steps))
    expected = [(int((~column).sum()), bool(column[-1])) for column in seen.T]
    assert losses.found() == expected == losses.found()


def test_before_any_step_nothing_is_lost() -> None:
    assert Losses.of_none(CPU).found() == [(0, True)]


def test_no_more_are_kept_than_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNSEEN", 7)
    losses = Losses.of_none(CPU)
    for step in range(100):
        losses.add(torch.tensor(float("nan") if step == 3 else 1.0))
        assert len(losses.unseen) < 7
    assert losses.found() == [(1, True)]
