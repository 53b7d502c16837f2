"""Rows as tensors: what a network's ``forward`` takes, by form of input.

A whole part of a split lies in memory as it is: for small networks a loader that assembles batches row by row
costs more than the step.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from benchmark.spec import InputSpec

__all__ = ["Images", "Padded", "Rows", "Tables", "chunk_size", "to_rows"]

Inputs = tuple[Tensor | None, ...]
"""The arguments of ``forward``."""

CHUNK, CHUNK_NUMBERS, WIDTH = 16_384, 2**22, 64
"""Most rows, and most numbers (16 MiB of float32) in a layer of that width, that are predicted at once."""


class Rows(Protocol):
    """Some rows of one form; what is taken of them is a copy, since a network may write into its input."""

    def __len__(self) -> int: ...

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        ...

    @property
    def positions(self) -> int:
        """Pixels, steps or columns of a row."""
        ...

    def take(self, index: Tensor) -> Inputs:
        """What ``forward`` takes, for rows by number."""
        ...

    def part(self, rows: slice) -> Inputs:
        """What ``forward`` takes, for evenly spaced rows."""
        ...

    def some(self, index: Tensor) -> Rows:
        """Rows by number, as rows of the same form."""
        ...

    def spec(self, every_step: bool) -> InputSpec:
        """What an architecture is told, when these are the training rows."""
        ...


@dataclass(frozen=True, eq=False)
class Tables:
    """Floats ``(n_rows, n_numeric)`` and codes ``(n_rows, n_categorical)``, or None where there are none."""

    x_num: Tensor | None
    x_cat: Tensor | None

    def __len__(self) -> int:
        present = self.x_num if self.x_num is not None else self.x_cat
        return 0 if present is None else len(present)

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        present = self.x_num if self.x_num is not None else self.x_cat
        return torch.device("cpu") if present is None else present.device

    @property
    def positions(self) -> int:
        """Columns: some networks make a vector of each."""
        return sum(part.shape[1] for part in (self.x_num, self.x_cat) if part is not None)

    def take(self, index: Tensor) -> Inputs:
        """``x_num, x_cat`` of rows by number."""
        x_num = None if self.x_num is None else self.x_num.index_select(0, index)
        return x_num, None if self.x_cat is None else self.x_cat.index_select(0, index)

    def part(self, rows: slice) -> Inputs:
        """``x_num, x_cat`` of evenly spaced rows."""
        x_num = None if self.x_num is None else self.x_num[rows].clone()
        return x_num, None if self.x_cat is None else self.x_cat[rows].clone()

    def some(self, index: Tensor) -> Tables:
        """Rows by number."""
        return Tables(*self.take(index))

    def spec(self, every_step: bool) -> InputSpec:
        """Number of float columns, and of codes of every other column."""
        n_codes = [] if self.x_cat is None else (self.x_cat.amax(0) + 1).tolist()
        n_numeric = 0 if self.x_num is None else self.x_num.shape[1]
        return InputSpec(n_numeric, tuple(n_codes), every_step=every_step)


@dataclass(frozen=True, eq=False)
class Images:
    """Floats ``(n_rows, channels, height, width)``."""

    x: Tensor

    def __len__(self) -> int:
        return len(self.x)

    @property
    def device(self) -> torch.device:
        """Where the images are."""
        return self.x.device

    @property
    def positions(self) -> int:
        """Pixels."""
        return self.x.shape[2] * self.x.shape[3]

    def take(self, index: Tensor) -> Inputs:
        """``x`` of rows by number."""
        return (self.x.index_select(0, index),)

    def part(self, rows: slice) -> Inputs:
        """``x`` of evenly spaced rows."""
        return (self.x[rows].clone(),)

    def some(self, index: Tensor) -> Images:
        """Rows by number."""
        return Images(self.x.index_select(0, index))

    def spec(self, every_step: bool) -> InputSpec:
        """Channels, height and width."""
        return InputSpec(form="image", shape=tuple(self.x.shape[1:]), every_step=every_step)


@dataclass(frozen=True, eq=False)
class Padded:
    """Sequences ``(n_rows, longest, channels)`` or token codes ``(n_rows, longest)``, 0 after the end.

    What is taken of them is only as long as its own longest row.
    """

    x: Tensor
    lengths: Tensor
    """``(n_rows,)`` int64."""

    def __len__(self) -> int:
        return len(self.x)

    @property
    def device(self) -> torch.device:
        """Where the rows are."""
        return self.x.device

    @property
    def positions(self) -> int:
        """Steps of the longest row."""
        return self.x.shape[1]

    @cached_property
    def ragged(self) -> bool:
        """Some row is shorter than the longest; asked once, since a GPU has to be waited for to answer."""
        return bool((self.lengths < self.positions).any())

    def take(self, index: Tensor) -> Inputs:
        """``x, lengths`` of rows by number."""
        lengths = self.lengths.index_select(0, index)
        return self._trimmed(lengths).index_select(0, index), lengths

    def part(self, rows: slice) -> Inputs:
        """``x, lengths`` of evenly spaced rows."""
        lengths = self.lengths[rows]
        return self._trimmed(lengths)[rows].clone(), lengths.clone()

    def some(self, index: Tensor) -> Padded:
        """Rows by number, padded as they are."""
        return Padded(self.x.index_select(0, index), self.lengths.index_select(0, index))

    def spec(self, every_step: bool) -> InputSpec:
        """The longest row, and the number of channels or of token codes."""
        shape, tokens = tuple(self.x.shape[1:]), self.x.ndim == 2
        n_tokens = max(2, int(self.x.max()) + 1) if tokens else 0
        form = "tokens" if tokens else "sequence"
        return InputSpec(form=form, shape=shape, n_tokens=n_tokens, every_step=every_step)

    def _trimmed(self, lengths: Tensor) -> Tensor:
        return self.x[:, : max(1, int(lengths.max()))] if self.ragged else self.x


def chunk_size(positions: int, n_outputs: int = 1) -> int:
    """Number of rows to predict at once, so that memory stays bounded.

    Parameters
    ----------
    positions
        Pixels, steps or columns of a row.
    n_outputs
        Numbers that are predicted at every position.
    """
    return max(1, min(CHUNK, CHUNK_NUMBERS // (positions * max(WIDTH, n_outputs))))


def to_rows(inputs: Any, device: str) -> Rows:
    """What a preprocessor gave as tensors on the device; its arrays are copied once.

    Raises
    ------
    TypeError
        For anything but a table of float and integer columns, an array of images, or a list of arrays.
    """
    if isinstance(inputs, pd.DataFrame):
        return _tables(inputs, device)
    if isinstance(inputs, np.ndarray) and inputs.ndim == 4:
        return Images(torch.tensor(inputs, dtype=torch.float32, device=device))
    if isinstance(inputs, list) and all(isinstance(row, np.ndarray) for row in inputs):
        return _padded(inputs, device)
    kind = f"array of shape {inputs.shape}" if isinstance(inputs, np.ndarray) else type(inputs).__name__
    raise TypeError(
        f"the preprocessor returned a {kind}; expected a table, images (n_rows, channels, height, width) "
        "or a list of arrays"
    )


def _tables(table: pd.DataFrame, device: str) -> Tables:
    """Float columns as float32, integer columns as int64."""
    numeric, codes = table.select_dtypes("floating"), table.select_dtypes("integer")
    if numeric.shape[1] + codes.shape[1] < table.shape[1]:
        other = table.drop(columns=[*numeric.columns, *codes.columns]).dtypes.iloc[0]
        raise TypeError(f"the preprocessor returned a column of type {other}, neither float nor integer")
    return Tables(
        torch.tensor(numeric.to_numpy(np.float32), device=device) if numeric.shape[1] else None,
        torch.tensor(codes.to_numpy(np.int64), device=device) if codes.shape[1] else None,
    )


def _padded(rows: list[np.ndarray], device: str) -> Padded:
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    kind = np.int64 if rows[0].dtype.kind in "iu" else np.float32
    padded = np.zeros((len(rows), max(1, int(lengths.max())), *rows[0].shape[1:]), kind)
    padded[np.arange(padded.shape[1]) < lengths[:, None]] = np.concatenate(rows)
    return Padded(torch.from_numpy(padded).to(device), torch.from_numpy(lengths).to(device))
