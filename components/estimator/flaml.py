"""FLAML, a whole AutoML system, as one estimator."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

import lightgbm  # noqa: F401 - one of FLAML's learners, whose version decides what comes out
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss

from components.booster.rounds import categorical_columns, known_classes
from components.estimator.featureless import Featureless

with warnings.catch_warnings():
    # Its import hides the convergence warnings of the whole process.
    import flaml

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

        Validation rows whose class no training row has cannot be scored and are left out; where no row is
        left, the training rows are scored. Where the library would drop all columns, the mean or the
        frequencies of the classes are predicted.

        Raises
        ------
        RuntimeError
            When no trial came to an end.
        """
        classifies = self.task_type in ("binary", "multiclass")
        if classifies:
            self.classes_ = np.unique(y)
            validation, validation_weight = known_classes(self.classes_, validation, validation_weight)
            y = np.searchsorted(self.classes_, y)
            validation = validation[0], np.searchsorted(self.classes_, validation[1])
        if not len(validation[1]):
            validation, validation_weight = (X, y), sample_weight
        codes = categorical_columns(X)
        self.categories_ = {f"x{place}": np.unique(X.iloc[:, place]) for place in codes}
        self.constant_: Featureless | None = None
        if (classifies and len(self.classes_) == 1) or not _tells_rows_apart(self._table(X)):
            self.constant_ = Featureless(self.task_type, self.seed).fit(X, y, sample_weight)
            return self
        weights = {"sample_weight": sample_weight, "sample_weight_val": validation_weight}
        self.search_ = flaml.AutoML()
        with warnings.catch_warnings(), _python_random_kept():
            # That a trial did not converge is no news about the learner that is chosen.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self._search(X, y, validation, classifies, weights)
        if self.search_.model is None:
            raise RuntimeError(f"none of {self.max_iter} trials of FLAML left a learner")
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
            metric=self._log_loss if classifies else "rmse",
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
            if self.constant_ is not None:
                return self.constant_.predict(X)
            return np.asarray(self.search_.predict(self._table(X)))
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Probabilities ``(n_rows, n_classes)``, columns in the order of ``classes_``."""
        if self.constant_ is not None:
            return self.constant_.predict_proba(X)
        return np.asarray(self.search_.predict_proba(self._table(X)))

    def _log_loss(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        learner: Any,
        _labels: object,
        _X_train: object,
        _y_train: object,
        weight: np.ndarray | None = None,
        *_: object,
    ) -> tuple[float, dict[str, float]]:
        """The loss that a trial is judged by, and nothing for the log.

        The library's own fails where the validation rows lack a class of the training rows.
        """
        said = learner.predict_proba(X)
        if not np.isfinite(said).all():
            return np.inf, {}
        labels = np.arange(len(self.classes_))
        return float(log_loss(y, said, labels=labels, sample_weight=weight)), {}

    def _table(self, X: pd.DataFrame) -> pd.DataFrame:
        """Integer columns as pandas' categories, missing where training had none of them.

        Columns are named by their place, since LightGBM refuses some names.
        """
        table = X.set_axis([f"x{place}" for place in range(X.shape[1])], axis=1)
        for column, known in self.categories_.items():
            places = pd.Index(known).get_indexer(table[column])
            table[column] = pd.Categorical.from_codes(places, known)
        return table


def _tells_rows_apart(table: pd.DataFrame) -> bool:
    """Whether any column is left of those that the library drops: constants and categories seen once each."""
    for _, column in table.items():
        n_values = column.nunique()
        if n_values > 1 and not (column.dtype == "category" and n_values == column.count()):
            return True
    return False


@contextmanager
def _python_random_kept() -> Iterator[None]:
    """Undo what the library takes from the stream of the whole process, for the name of its log."""
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)
