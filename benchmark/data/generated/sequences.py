"""Sequences and texts of which something must be kept: sums, letters, parities."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from benchmark.data.raw import Raw

__all__ = ["ASK", "NOISE", "adding", "parity", "selective_copying"]

Array = npt.NDArray[Any]

LETTERS = "abcdefghijklmnopqrstuvwxyz"
NOISE, ASK = ".", "?"
"""What selective copying puts between the letters, and where it asks for them."""


def adding(n_rows: int = 2000, shortest: int = 20, longest: int = 22, seed: int = 0) -> Raw:
    """Regression of sequences: the sum of the two values that are marked, one in each half.

    Channels are a value, uniform on [0, 1), and a mark, 0 or 1. Hochreiter and Schmidhuber (1997), Neural
    Computation 9, experiment 4; range and halves as in Arjovsky, Shah and Bengio (2016), arXiv:1511.06464.
    """
    draw = np.random.RandomState(seed)
    rows, sums = [], []
    for length in _lengths(draw, n_rows, shortest, longest):
        values = draw.random_sample(length).astype(np.float32)
        half = length // 2
        marked = [draw.randint(0, half, dtype=np.int64), draw.randint(half, length, dtype=np.int64)]
        marks = np.zeros(length, np.float32)
        marks[marked] = 1
        rows.append(np.column_stack([values, marks]))
        sums.append(values[marked].sum(dtype=np.float64))
    return Raw(rows, np.array(sums), task_type="regression")


def selective_copying(
    n_rows: int = 2000,
    length: int = 28,
    remembered: int = 4,
    letters: int = 4,
    seed: int = 0,
) -> Raw:
    """Language: the letters that stood somewhere among noise, in their order, asked for at the end.

    A row is ``length`` characters, all noise but ``remembered`` letters, and as many questions; only at these
    is anything asked. Gu and Dao (2023), arXiv:2312.00752, section 4.1.1.
    """
    if remembered > length:
        raise ValueError(f"remembered: {remembered} letters do not fit into a length of {length}")
    if letters > len(LETTERS):
        raise ValueError(f"letters: there are {len(LETTERS)} letters, not {letters}")
    draw = np.random.RandomState(seed)
    # The places of the smallest of random numbers: a draw without replacement in every row.
    places = np.sort(draw.random_sample((n_rows, length)).argsort(axis=1, kind="stable")[:, :remembered])
    codes = draw.randint(0, letters, (n_rows, remembered), dtype=np.int64)
    characters = np.full((n_rows, length + remembered), NOISE)
    characters[:, length:] = ASK
    np.put_along_axis(characters, places, np.array(list(LETTERS))[codes], axis=1)
    asked = np.full(characters.shape, -1, np.int64)
    asked[:, length:] = codes
    texts = ["".join(row) for row in characters]
    return Raw(texts, asked, task_type="language", classes=tuple(LETTERS[:letters]))


def parity(n_rows: int = 2000, shortest: int = 2, longest: int = 16, seed: int = 0) -> Raw:
    """Two classes of different sequences of bits: whether the number of ones is odd or even.

    Minsky and Papert (1969), Perceptrons.
    """
    most = (2 ** (longest + 1) - 2**shortest) // 2
    if n_rows > most and shortest <= longest:
        raise ValueError(
            f"n_rows: at most {most} rows of {shortest} to {longest} bits are drawn, not {n_rows}"
        )
    draw = np.random.RandomState(seed)
    # Drawn until all differ: there are so few short ones that they would be on both sides of every split.
    rows: dict[bytes, Array] = {}
    while len(rows) < n_rows:
        (length,) = _lengths(draw, 1, shortest, longest)
        bits = draw.randint(0, 2, (length, 1), dtype=np.int64)
        rows.setdefault(bits.tobytes(), bits)
    odd = np.array([int(bits.sum()) % 2 for bits in rows.values()])
    return Raw(
        [bits.astype(np.float32) for bits in rows.values()],
        np.where(odd, "odd", "even"),
        task_type="binary",
    )


def _lengths(draw: np.random.RandomState, n_rows: int, shortest: int, longest: int) -> Array:
    if shortest > longest:
        raise ValueError(f"shortest: {shortest} is more than longest, {longest}")
    return draw.randint(shortest, longest + 1, n_rows, dtype=np.int64)
