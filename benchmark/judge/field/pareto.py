"""Which methods no other one beats in both cost and error."""

from __future__ import annotations

import numpy as np

__all__ = ["pareto_front"]


def pareto_front(cost: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Whether each method is on the Pareto front, ``(n_methods,)``, boolean.

    A method leaves it where another one is as good in both and better in one; equals stay together. A
    cost or error that is not finite keeps a method off the front, and out of everybody's way.

    Parameters
    ----------
    cost, error : arrays of shape (n_methods,)
        Smaller is better in both.
    """
    known = np.isfinite(cost) & np.isfinite(error)
    points = np.column_stack([cost, error])
    ours, theirs = points[:, None], points[None]
    beaten = (theirs <= ours).all(axis=-1) & (theirs < ours).any(axis=-1) & known[None]
    return np.asarray(known & ~beaten.any(axis=1))
