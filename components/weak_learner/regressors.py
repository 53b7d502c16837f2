"""scikit-learn's regressors as weak learners: each with a seed, and no more arguments than are worth tuning.

They are fitted many times over, so all of them are small, and all but trees want standardised columns.
"""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from sklearn import kernel_ridge, linear_model, neighbors, neural_network, tree
from sklearn.exceptions import ConvergenceWarning

__all__ = ["KernelRidge", "Neighbours", "Ridge", "SmallMLP", "Tree"]


class Tree(tree.DecisionTreeRegressor):  # type: ignore[misc]
    """A regression tree (CART), which also tells its shape to boosters that grow trees of their own.

    NaN goes to the side of a split where it fits the training rows better.

    Parameters
    ----------
    seed
        Breaks ties between equally good splits.
    max_depth
        Longest path from the root.
    min_samples_leaf
        Fewest training rows in a leaf.
    """

    def __init__(self, seed: int, max_depth: int = 3, min_samples_leaf: int = 1) -> None:
        super().__init__(max_depth=max_depth, min_samples_leaf=min_samples_leaf)
        self.seed = seed

    @property
    def num_leaves(self) -> int:
        """Most leaves that the depth leaves room for."""
        return int(2**self.max_depth)

    @property
    def feature_fraction(self) -> float:
        """Every column may be used."""
        return 1.0

    def fit(
        self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None = None, check_input: bool = True
    ) -> Self:
        """Grow the tree."""
        self.random_state = self.seed
        super().fit(X, y, sample_weight, check_input)
        return self


class Ridge(linear_model.Ridge):  # type: ignore[misc]
    """Linear regression with an L2 penalty.

    Parameters
    ----------
    seed
        Not used: nothing here is random.
    alpha
        Strength of the penalty.
    """

    def __init__(self, seed: int, alpha: float = 1.0) -> None:
        super().__init__(alpha=alpha)
        self.seed = seed


class KernelRidge(kernel_ridge.KernelRidge):  # type: ignore[misc]
    """Ridge regression over Gaussian kernels around the training rows; cubic in their number.

    Parameters
    ----------
    seed
        Not used: nothing here is random.
    alpha
        Strength of the penalty.
    gamma
        Inverse squared width of the kernel; None: one over the number of columns.
    """

    def __init__(self, seed: int, alpha: float = 1.0, gamma: float | None = None) -> None:
        super().__init__(alpha=alpha, gamma=gamma, kernel="rbf")
        self.seed = seed

    def fit(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Self:
        """Solve for the kernels' coefficients, with the mean of ``y`` as intercept."""
        self.mean_ = np.average(y, axis=0, weights=sample_weight)
        super().fit(X, y - self.mean_, sample_weight)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Numbers ``(n_rows,)`` or ``(n_rows, n_columns)``."""
        return np.asarray(super().predict(X) + self.mean_)


class Neighbours(neighbors.KNeighborsRegressor):  # type: ignore[misc]
    """The mean of the nearest training rows, each row itself among them.

    It takes no weights: boosters that reweight rows draw them with those probabilities instead.

    Parameters
    ----------
    seed
        Not used: nothing here is random.
    n_neighbors
        How many; all rows where there are fewer.
    """

    def __init__(self, seed: int, n_neighbors: int = 10) -> None:
        super().__init__(n_neighbors=n_neighbors)
        self.seed = seed

    def kneighbors(self, X: Any = None, n_neighbors: int | None = None, return_distance: bool = True) -> Any:
        """Distances, if asked for, and places of the nearest rows, each ``(n_rows, n_neighbors)``."""
        n_neighbors = min(n_neighbors or self.n_neighbors, self.n_samples_fit_)
        return super().kneighbors(X, n_neighbors, return_distance)


class SmallMLP(neural_network.MLPRegressor):  # type: ignore[misc]
    """A network with one small hidden layer, after a few steps of L-BFGS.

    Parameters
    ----------
    seed
        Of the initial weights.
    width
        Units of the hidden layer.
    alpha
        Strength of the L2 penalty.
    max_iter
        Steps of L-BFGS.
    """

    def __init__(self, seed: int, width: int = 8, alpha: float = 1e-2, max_iter: int = 20) -> None:
        super().__init__(alpha=alpha, max_iter=max_iter, solver="lbfgs")
        self.seed = seed
        self.width = width

    def fit(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Self:
        """Train the network on ``y`` at mean 0 and deviation 1."""
        self.random_state, self.hidden_layer_sizes = self.seed, (self.width,)
        with warnings.catch_warnings():
            # A few steps are what is asked for, so that they did not converge is no news.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.mean_, self.deviation_ = y.mean(axis=0), y.std() or 1.0
            super().fit(X, (y - self.mean_) / self.deviation_, sample_weight)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Numbers ``(n_rows,)`` or ``(n_rows, n_columns)``."""
        return np.asarray(super().predict(X) * self.deviation_ + self.mean_)
