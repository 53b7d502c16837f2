"""FLAML, a whole AutoML system, as one estimator."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Self

import flaml
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning

from components.booster.rounds import categorical_columns, known_classes

__all__ = ["AutoML"]


class AutoML(BaseEstimator):  # type: ignore[misc]
    """The best learner with the best hyperparameters that FLAML (arXiv:1911.04706) finds in so many trials.

    The library spends seconds, and picks the next learner by what the others have cost so far; here it gets
    a number of trials and takes learners in turn, so that results do not depend on the machine. Trials are
    chosen by the validation rows. Integer columns are taken as categories.

    Parameters
    ----------
    task_type
        ``binary``, ``multiclass`` or ``regression``.
    seed
        Of the search and of every learner.
    max_iter
        Number of trials, the learners' first ones among them.
    learners
        As the library names them; ``lrl1`` is for classes alone.
    """

    def __init__(
        self,
        task_type: str,
        seed: int,
        max_iter: int = 60,
        learners: Sequence[str] = ("lgbm", "rf", "extra_tree", "lrl1"),
    ) -> None:
        self.task_type = task_type
        self.seed = seed
        self.max_iter = max_iter
        self.learners = learners

    def fit(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        validation: tuple[pd.DataFrame, np.ndarray],
        sample_weight: np.ndarray | None = None,
        validation_weight: np.ndarray | None = None,
    ) -> Self:
        """Search on ``X (n_rows, n_features)``, choosing by the log loss or squared error on ``validation``.

        Validation rows whose class no training row has cannot be scored and are left out.
        """
        classifies = self.task_type in ("binary", "multiclass")
        if classifies:
            self.classes_ = np.unique(y)
            validation, validation_weight = known_classes(self.classes_, validation, validation_weight)
            if len(self.classes_) == 1:
                return self
        codes = categorical_columns(X)
        self.categories_ = {f"x{place}": np.unique(X.iloc[:, place]) for place in codes}
        weights = {"sample_weight": sample_weight, "sample_weight_val": validation_weight}
        self.search_ = flaml.AutoML()
        with warnings.catch_warnings():
            # That a trial did not converge is no news about the learner that is chosen.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self._search(X, y, validation, classifies, weights)
        return self

    def _search(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        validation: tuple[pd.DataFrame, np.ndarray],
        classifies: bool,
        weights: Mapping[str, np.ndarray | None],
    ) -> None:
        self.search_.fit(
            X_train=self._table(X),
            y_train=y,
            X_val=self._table(validation[0]),
            y_val=validation[1],
            task="classification" if classifies else "regression",
            metric="log_loss" if classifies else "rmse",
            estimator_list=[name for name in self.learners if classifies or name != "lrl1"],
            learner_selector="roundrobin",
            max_iter=self.max_iter,
            time_budget=-1,
            eval_method="holdout",
            sample=False,
            retrain_full=False,
            n_jobs=1,
            seed=self.seed,
            log_file_name="",
            verbose=0,
            **{name: values for name, values in weights.items() if values is not None},
        )

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Numbers ``(n_rows,)``, or the most probable class codes."""
        if self.task_type == "regression":
            return np.asarray(self.search_.predict(self._table(X)))
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Probabilities ``(n_rows, n_classes)``, columns in the order of ``classes_``."""
        if len(self.classes_) == 1:
            return np.ones((len(X), 1))
        return np.asarray(self.search_.predict_proba(self._table(X)))

    def _table(self, X: pd.DataFrame) -> pd.DataFrame:
        """Integer columns as pandas' categories, missing where training had none of them.

        Columns are named by their place, since LightGBM refuses some names.
        """
        table = X.set_axis([f"x{place}" for place in range(X.shape[1])], axis=1)
        for column, known in self.categories_.items():
            places = pd.Index(known).get_indexer(table[column])
            table[column] = pd.Categorical.from_codes(places, known)
        return table
