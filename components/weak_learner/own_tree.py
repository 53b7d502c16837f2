"""The shape of the trees that a booster with trees of its own grows."""

from __future__ import annotations

from sklearn.base import BaseEstimator

__all__ = ["OwnTree"]


class OwnTree(BaseEstimator):  # type: ignore[misc]
    """A tree's limits, for the booster to read; it is never fitted itself.

    Parameters
    ----------
    num_leaves
        Most leaves of a tree.
    min_samples_leaf
        Fewest training rows in a leaf.
    max_depth
        Longest path from the root, -1 for no limit.
    feature_fraction
        Share of the columns that each tree may use.
    seed
        Of the choice of columns.
    """

    def __init__(
        self,
        num_leaves: int = 31,
        min_samples_leaf: int = 20,
        max_depth: int = -1,
        feature_fraction: float = 1.0,
        seed: int = 0,
    ) -> None:
        self.num_leaves = num_leaves
        self.min_samples_leaf = min_samples_leaf
        self.max_depth = max_depth
        self.feature_fraction = feature_fraction
        self.seed = seed
