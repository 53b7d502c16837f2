"""A character n-gram: the next token from the few before it, by counting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

__all__ = ["NGram"]


class NGram(BaseEstimator):  # type: ignore[misc]
    """Counts after every context of up to ``order - 1`` tokens, interpolated as Witten and Bell did.

    After a context h that was followed by n tokens, t of them different, the probability of a token w is
    ``(count(h, w) + t p(w | h')) / (n + t)``, where h' is the context without its first token; where h is
    empty, p(w | h') is uniform (Chen and Goodman, TR-10-98, section 2.5). A context that training did not
    have gives what h' gives. The token at a position and those before it are all that is looked at.

    Parameters
    ----------
    task_type
        ``language``.
    seed
        Not used: nothing here is random.
    order
        Length of context and token together.
    """

    def __init__(self, task_type: str, seed: int, order: int = 5) -> None:
        self.task_type = task_type
        self.seed = seed
        self.order = order

    def fit(self, X: list[np.ndarray], y: np.ndarray, sample_weight: np.ndarray | None = None) -> Self:
        """Count ``y (n_rows, time)`` after the tokens of ``X``; where it is -1 nothing is counted."""
        weights = np.ones(len(y)) if sample_weight is None else sample_weight
        tokens = _padded(X)
        self.classes_ = np.arange(y.max() + 1)
        self.base_ = int(tokens.max()) + 1
        self.known_: list[np.ndarray] = []
        self.counts_: list[sparse.csr_matrix] = []
        row, position = np.nonzero(y >= 0)
        for contexts in self._contexts(tokens, learn=True):
            number = contexts[row, position]
            seen = number >= 0
            counted = weights[row[seen]], (number[seen], y[row[seen], position[seen]])
            shape = (int(contexts.max()) + 1, len(self.classes_))
            self.counts_.append(sparse.csr_matrix(counted, shape=shape))
        return self

    def predict(self, X: list[np.ndarray]) -> np.ndarray:
        """The most probable class codes ``(n_rows, longest)``."""
        return np.asarray(self.predict_proba(X).argmax(axis=-1))

    def predict_proba(self, X: list[np.ndarray]) -> np.ndarray:
        """Probabilities ``(n_rows, longest, n_classes)``."""
        tokens = _padded(X)
        n_classes = len(self.classes_)
        probability = np.full((tokens.size, n_classes), 1 / n_classes)
        for contexts, counts in zip(self._contexts(tokens), self.counts_, strict=True):
            number = contexts.ravel()
            n, t = counts.sum(axis=1).A1, counts.getnnz(axis=1)
            (place,) = np.nonzero((number >= 0) & (t[number] > 0))
            at = number[place]
            shorter = t[at, None] * probability[place]
            probability[place] = (counts[at].toarray() + shorter) / (n + t)[at, None]
        return probability.reshape(*tokens.shape, n_classes)

    def _contexts(self, tokens: np.ndarray, learn: bool = False) -> Iterator[np.ndarray]:
        """By length from 0: the number of the context that ends at every position, -1 where it is unknown."""
        number = np.zeros(tokens.shape, np.int64)
        yield number
        for length in range(1, self.order):
            before = np.full(tokens.shape, -1 if length > 1 else 0)
            before[:, 1:] = number[:, :-1]
            usable = (before >= 0) & (tokens >= 0) & (tokens < self.base_)
            longer = np.where(usable, before * self.base_ + tokens, -1)
            if learn:
                self.known_.append(np.unique(longer[usable]))
            number = _places(longer, self.known_[length - 1])
            yield number


def _places(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Places of values in a sorted array without repetition, -1 where they are not in it."""
    places = np.searchsorted(known, values)
    found = np.append(known, -1)[places] == values
    return np.where(found & (values >= 0), places, -1)


def _padded(rows: list[np.ndarray]) -> np.ndarray:
    """Codes ``(n_rows, longest)``, -1 after the end."""
    padded = np.full((len(rows), max(map(len, rows))), -1)
    for place, row in enumerate(rows):
        padded[place, : len(row)] = row
    return padded
