"""A task's arrays, whatever the modality, in a form that can be memory-mapped and indexed by row."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmark.spec import CLASSIFICATION, OwnSplit, SplitBasis

__all__ = ["Ragged", "TaskData"]

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Ragged:
    """Rows of unequal length, one after the other in one array."""

    values: Array
    """Sequences: float32 ``(total, channels)``. Texts: uint32 code points ``(total,)``."""
    offsets: npt.NDArray[np.int64]
    """``(n_rows + 1,)``: row i is ``values[offsets[i]:offsets[i + 1]]``."""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def of_arrays(cls, rows: list[Array]) -> Ragged:
        """From float arrays ``(time, channels)``."""
        offsets = np.cumsum([0, *(len(row) for row in rows)], dtype=np.int64)
        return cls(np.concatenate(rows).astype(np.float32, copy=False), offsets)

    @classmethod
    def of_texts(cls, texts: list[str]) -> Ragged:
        """From strings."""
        offsets = np.cumsum([0, *(len(text) for text in texts)], dtype=np.int64)
        encoded = "".join(texts).encode("utf-32-le", "surrogatepass")
        return cls(np.frombuffer(encoded, "<u4").astype(np.uint32), offsets)

    def arrays(self, rows: npt.ArrayLike | None = None) -> list[Array]:
        """Some rows, or all, as views."""
        return [self.values[self.offsets[row] : self.offsets[row + 1]] for row in self._numbers(rows)]

    def texts(self, rows: npt.ArrayLike | None = None) -> list[str]:
        """Some rows, or all, as strings."""
        return [
            part.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass") for part in self.arrays(rows)
        ]

    def take(self, rows: npt.ArrayLike) -> Ragged:
        """Some rows, copied."""
        numbers = self._numbers(rows)
        lengths = np.diff(self.offsets)[numbers]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return Ragged(np.concatenate([self.values[:0], *self.arrays(numbers)]), offsets)

    def _numbers(self, rows: npt.ArrayLike | None) -> npt.NDArray[np.int64]:
        return np.arange(len(self)) if rows is None else np.asarray(rows, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class TaskData:
    """The arrays of a task; rows correspond by position."""

    X: pd.DataFrame | Array | Ragged
    """By modality: a table of float64 (may hold NaN) and ``category`` columns of text (may be missing);
    images, uint8 or float32 ``(n_rows, channels, height, width)``; sequences and texts as :class:`Ragged`."""
    y: Array
    """``(n_rows,)`` int64 class codes or float64 values; ``(n_rows, horizon)`` float64 for forecasting;
    ``(n_rows, time)`` int64 class codes for language, -1 where nothing is asked."""
    task_type: str
    classes: tuple[str, ...] = ()
    """Label of every class code; empty where values are predicted."""
    modality: str = "tabular"
    groups: npt.NDArray[np.int64] | None = None
    """Group codes ``(n_rows,)``."""
    time: npt.NDArray[np.int64] | None = None
    """Ranks in time ``(n_rows,)``; equal times, equal ranks."""
    weights: npt.NDArray[np.float64] | None = None
    """Row weights ``(n_rows,)``, positive, of mean 1."""
    gap: int = 0
    """Rows between training and later parts whose targets would overlap."""
    own: tuple[OwnSplit, ...] = ()
    """Splits that come with the data."""
    origin: str = ""
    """What the source calls the data; for cards that name no origin."""
    notes: tuple[str, ...] = ()
    """What was inferred, or left out, because the card did not say it: one line each, for people."""
    fingerprint: str = ""
    """See :func:`benchmark.data.fingerprint.fingerprint`; filled in by loading."""
    row_digests: npt.NDArray[np.uint64] | None = None
    """Of each row's inputs ``(n_rows,)``; filled in by loading."""

    def __len__(self) -> int:
        return len(self.y)

    @property
    def n_features(self) -> int:
        """Columns of a table; numbers of an image; channels of a sequence; 1 for text."""
        X = self.X.values if isinstance(self.X, Ragged) else self.X
        if isinstance(self.X, Ragged):
            return 1 if X.ndim == 1 else int(X.shape[1])
        return math.prod(int(size) for size in X.shape[1:])

    @property
    def missing(self) -> bool:
        """Whether some number of its table, or of the table that rows of unequal length make, is missing."""
        if isinstance(self.X, pd.DataFrame):
            return bool(self.X.select_dtypes("number").isna().any(axis=None))
        if not isinstance(self.X, Ragged) or self.modality == "text":
            return False
        return bool(np.ptp(np.diff(self.X.offsets)) > 0 or np.isnan(self.X.values).any())

    def inputs(self, rows: npt.ArrayLike) -> Any:
        """Some rows as a preprocessor takes them: a table, an array, a list of arrays or of strings."""
        if isinstance(self.X, pd.DataFrame):
            return self.X.iloc[np.asarray(rows)]
        if isinstance(self.X, Ragged):
            return self.X.texts(rows) if self.modality == "text" else self.X.arrays(rows)
        return self.X[np.asarray(rows)]

    def take(self, rows: npt.NDArray[np.int64]) -> TaskData:
        """Some rows, sorted and copied, with the splits that come with them; digests are dropped."""
        if isinstance(self.X, pd.DataFrame):
            X: Any = self.X.iloc[rows].reset_index(drop=True)
        else:
            X = self.X.take(rows) if isinstance(self.X, Ragged) else self.X[rows]
        place = np.full(len(self), -1, np.int64)
        place[rows] = np.arange(len(rows))

        def kept(part: Any) -> Array:
            places = place[np.asarray(part, np.int64)]
            return np.sort(places[places >= 0])

        return dataclasses.replace(
            self,
            X=X,
            y=self.y[rows],
            groups=None if self.groups is None else self.groups[rows],
            time=None if self.time is None else self.time[rows],
            weights=None if self.weights is None else self.weights[rows],
            own=tuple(
                OwnSplit(own.repeat, own.fold, kept(own.train), kept(own.test), kept(own.validation))
                for own in self.own
            ),
            fingerprint="",
            row_digests=None,
        )

    def basis(self) -> SplitBasis:
        """What splitting may look at."""
        assert self.row_digests is not None, "only loaded data can be split"
        return SplitBasis(
            classes=self.y if self.task_type in CLASSIFICATION else np.zeros(len(self), np.int64),
            rows=self.row_digests,
            groups=self.groups,
            time=self.time,
            gap=self.gap,
            own=self.own,
        )
