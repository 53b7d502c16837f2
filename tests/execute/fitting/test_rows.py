"""Rows as tensors, by form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmark.execute.fitting.rows import chunk_size, to_rows
from benchmark.spec import InputSpec

lengths = st.lists(st.integers(0, 6), min_size=1, max_size=8).filter(any)


@given(lengths=lengths, data=st.data())
def test_sequences_are_padded_to_the_longest_of_what_is_taken(
    lengths: list[int], data: st.DataObject
) -> None:
    random = np.random.default_rng(0)
    sequences = [random.normal(size=(length, 2)).astype(np.float32) for length in lengths]
    tokens = [random.integers(1, 9, length) for length in lengths]
    numbers = data.draw(st.lists(st.sampled_from(range(len(lengths))), min_size=1))
    for raw in (sequences, tokens):
        rows = to_rows(raw, "cpu")
        assert len(rows) == len(lengths)
        for part in (rows.take(torch.tensor(numbers)), rows.part(slice(None, None, 2))):
            x, of_x = part
            assert x is not None and of_x is not None
            assert x.shape[1] == max(1, int(of_x.max()))
        x, of_x = rows.take(torch.tensor(numbers))
        assert x is not None and of_x is not None
        for place, number in enumerate(numbers):
            np.testing.assert_array_equal(x[place, : lengths[number]], raw[number])
            assert (x[place, lengths[number] :] == 0).all() and of_x[place] == lengths[number]


def test_what_an_architecture_is_told() -> None:
    table = pd.DataFrame({"a": [0.5, 1], "b": [1, 4], "c": [0, 0]})
    images = np.zeros((2, 3, 5, 4), np.float32)
    sequences = [np.zeros((4, 2), np.float32), np.zeros((7, 2), np.float32)]
    tokens = [np.array([2, 5]), np.array([1])]
    unseen = [np.array([], np.int64)]
    told: list[tuple[Any, InputSpec]] = [
        (table, InputSpec(1, (5, 1))),
        (images, InputSpec(form="image", shape=(3, 5, 4))),
        (sequences, InputSpec(form="sequence", shape=(7, 2))),
        (tokens, InputSpec(form="tokens", shape=(2,), n_tokens=6)),
        (unseen, InputSpec(form="tokens", shape=(1,), n_tokens=2)),
    ]
    for inputs, spec in told:
        assert to_rows(inputs, "cpu").spec(every_step=False) == spec
    assert to_rows(tokens, "cpu").spec(every_step=True).every_step


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.zeros((3, 4)), r"returned a array of shape \(3, 4\); expected a table"),
        ({"a": 1}, "returned a dict"),
        (["text"], "returned a list"),
        (pd.DataFrame({"a": ["x"]}), "a column of type str, neither float nor integer"),
    ],
)
def test_anything_else_is_refused(inputs: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        to_rows(inputs, "cpu")


@pytest.mark.parametrize(
    "inputs",
    [
        pd.DataFrame({"a": np.zeros(3), "b": np.zeros(3, np.int64)}),
        np.zeros((3, 1, 2, 2), np.float32),
        [np.zeros((2, 1), np.float32)] * 3,
    ],
    ids=["table", "images", "sequences"],
)
def test_who_writes_into_what_is_taken_changes_nothing(inputs: Any) -> None:
    """Rows serve every fit of a job, and a network may work in place."""
    rows = to_rows(inputs, "cpu")
    for part in (rows.part(slice(None)), rows.take(torch.arange(3))):
        for tensor in part:
            assert tensor is not None
            tensor += 1
    assert all(bool((tensor == 0).all()) for tensor in rows.part(slice(None))[:1] if tensor is not None)


@given(positions=st.integers(1, 10**7), n_outputs=st.integers(1, 10**4))
def test_chunks_bound_the_numbers_of_a_layer(positions: int, n_outputs: int) -> None:
    rows = chunk_size(positions, n_outputs)
    assert rows >= 1
    assert rows == 1 or positions == 1 or rows * positions * max(64, n_outputs) <= 2**22
