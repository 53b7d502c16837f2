"""LightGBM with early stopping, its trees shaped by the weak learner's slot."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple, Self

import lightgbm
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from components.booster.rounds import TreeShape, categorical_columns, known_classes

__all__ = ["Binned", "LightGBM"]

_AFTER_BINNING = (
    *("drop_rate", "feature_fraction", "lambda_l2", "learning_rate", "max_depth", "num_leaves"),
    *("objective", "num_class", "other_rate", "top_rate"),
)
"""Settings that binning does not look at; the fewest rows in a leaf rule out features that cannot split."""


class Binned(NamedTuple):
    """Rows in the library's own form: every column in bins, as the training rows say."""

    train: lightgbm.Dataset
    scored: lightgbm.Dataset | None
    """Validation rows whose class some training row has; None where there are none."""


class LightGBM(BaseEstimator):  # type: ignore[misc]
    """Gradient boosted trees (Ke et al., NeurIPS 2017), kept at the best round of the validation rows.

    Integer columns are taken as categories, NaN as missing. Every step of a forecast has trees of its own.

    Parameters
    ----------
    weak_learner
        Gives the shape of the trees.
    task_type
        ``binary``, ``multiclass``, ``regression`` or ``forecasting``.
    seed
        Below 2**31.
    n_estimators
        Most boosting rounds.
    learning_rate
        Shrinkage of each tree.
    l2
        L2 penalty on the leaves' values.
    min_category_rows
        Fewest training rows in a group of categories; the library's own 100 would keep categories out of
        every tree of a small table.
    patience
        Rounds without a better validation loss before boosting stops; dart goes on to the end.
    variant
        Further parameters of LightGBM: ``{boosting: dart, drop_rate: 0.1}`` drops some of the trees before
        each round (Vinayak and Gilad-Bachrach, AISTATS 2015), ``{data_sample_strategy: goss}`` samples rows
        by the size of their gradients.
    """

    def __init__(
        self,
        weak_learner: TreeShape,
        task_type: str,
        seed: int,
        n_estimators: int = 300,
        learning_rate: float = 0.1,
        l2: float = 1.0,
        min_category_rows: int = 10,
        patience: int = 20,
        variant: Mapping[str, Any] | None = None,
    ) -> None:
        self.weak_learner = weak_learner
        self.task_type = task_type
        self.seed = seed
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.l2 = l2
        self.min_category_rows = min_category_rows
        self.patience = patience
        self.variant = variant

    def fit(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        validation: tuple[pd.DataFrame, np.ndarray],
        sample_weight: np.ndarray | None = None,
        validation_weight: np.ndarray | None = None,
        binned: Binned | None = None,
    ) -> Self:
        """Boost on ``X (n_rows, n_features)``, stopping by the loss on ``validation``.

        Validation rows whose class no training row has cannot be scored and are left out. ``binned`` is what
        :meth:`bin` made of the same rows, maybe for another learner with the same :meth:`binning`.
        """
        if self._classifies():
            self.classes_ = np.unique(y)
            if len(self.classes_) == 1:
                return self
        if binned is None:
            weights = {"sample_weight": sample_weight, "validation_weight": validation_weight}
            binned = self.bin(X, y, validation=validation, **weights)
        y_validation = validation[1]
        if self._classifies():
            y, y_validation = self._codes(y), self._codes(y_validation[np.isin(y_validation, self.classes_)])
        settings = self._settings(self.classes_ if self._classifies() else None)
        self.boosters_, self.starts_ = [], []
        for values, values_validation in zip(_steps(y), _steps(y_validation), strict=True):
            start = self._start(values, sample_weight)
            binned.train.set_label(values - start)
            if binned.scored is not None:
                binned.scored.set_label(values_validation - start)
            self.starts_.append(start)
            self.boosters_.append(self._boosted(settings, *binned))
        return self

    def binning(self) -> Hashable:
        """What the outcome of :meth:`bin` depends on, besides the rows."""
        settings = self._settings(None)
        return tuple((name, settings[name]) for name in sorted(settings) if name not in _AFTER_BINNING)

    def bin(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        validation: tuple[pd.DataFrame, np.ndarray],
        sample_weight: np.ndarray | None = None,
        validation_weight: np.ndarray | None = None,
    ) -> Binned:
        """The rows that :meth:`fit` is passed, in the library's own form; targets come later."""
        if self._classifies():
            validation, validation_weight = known_classes(np.unique(y), validation, validation_weight)
        settings = self._settings(None)
        train = lightgbm.Dataset(
            X.to_numpy(np.float64),
            weight=sample_weight,
            categorical_feature=categorical_columns(X),
            params=settings,
        ).construct()
        inputs = validation[0].to_numpy(np.float64)
        if not len(inputs):
            return Binned(train, None)
        scored = train.create_valid(inputs, weight=validation_weight, params=settings).set_reference(train)
        return Binned(train, scored.construct())

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Numbers ``(n_rows,)`` or ``(n_rows, horizon)``, or the most probable class codes."""
        if self._classifies():
            return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])
        inputs = X.to_numpy(np.float64)
        fitted = zip(self.boosters_, self.starts_, strict=True)
        raw = [booster.predict(inputs) + start for booster, start in fitted]
        return np.asarray(raw[0]) if self.task_type == "regression" else np.column_stack(raw)

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Probabilities ``(n_rows, n_classes)``, columns in the order of ``classes_``."""
        if len(self.classes_) == 1:
            return np.ones((len(X), 1))
        raw = np.asarray(self.boosters_[0].predict(X.to_numpy(np.float64)))
        return raw if raw.ndim == 2 else np.column_stack([1 - raw, raw])

    def _classifies(self) -> bool:
        return self.task_type in ("binary", "multiclass")

    def _codes(self, y: np.ndarray) -> np.ndarray:
        return np.searchsorted(self.classes_, y)

    def _drops_trees(self) -> bool:
        return (self.variant or {}).get("boosting") == "dart"

    def _start(self, values: np.ndarray, weight: np.ndarray | None) -> float:
        """What numbers are boosted from: dart keeps their mean in its first tree, and drops it with that."""
        if self._classifies() or not self._drops_trees():
            return 0.0
        return float(np.average(values, weights=weight))

    def _boosted(
        self, settings: dict[str, Any], train: lightgbm.Dataset, scored: lightgbm.Dataset | None
    ) -> lightgbm.Booster:
        if self._drops_trees():
            return lightgbm.train(settings, train, self._rounds_of_dart(settings, train, scored))
        if scored is None:
            return lightgbm.train(settings, train, self.n_estimators)
        stop = lightgbm.early_stopping(self.patience, verbose=False)
        return lightgbm.train(settings, train, self.n_estimators, valid_sets=[scored], callbacks=[stop])

    def _rounds_of_dart(
        self, settings: dict[str, Any], train: lightgbm.Dataset, scored: lightgbm.Dataset | None
    ) -> int:
        """The best number of rounds out of all up to one that grows no tree.

        A round changes the trees of those before it, so that boosting cannot go back but has to be done anew,
        and the loss comes and goes, so that patience would end it too soon. What the library
        says after a round without a tree cannot be relied on, since it may leave dropped trees uncounted.
        """
        booster = lightgbm.Booster(settings, train)
        if scored is not None:
            booster.add_valid(scored, "validation")
        losses: list[float] = []
        while len(losses) < self.n_estimators and not booster.update():
            losses.append(booster.eval_valid()[0][2] if scored is not None else -len(losses))
        return int(np.argmin(losses)) + 1 if losses else 1

    def _settings(self, classes: np.ndarray | None) -> dict[str, Any]:
        tree = self.weak_learner
        objective: dict[str, Any] = {"objective": "regression"}
        if classes is not None:
            objective = {"objective": "multiclass", "num_class": len(classes)}
            if len(classes) == 2:
                objective = {"objective": "binary"}
        return {
            **objective,
            "learning_rate": self.learning_rate,
            "num_leaves": tree.num_leaves,
            "min_data_in_leaf": tree.min_samples_leaf,
            "max_depth": tree.max_depth,
            "feature_fraction": tree.feature_fraction,
            "lambda_l2": self.l2,
            "min_data_per_group": self.min_category_rows,
            "seed": self.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbosity": -1,
            **(self.variant or {}),
        }


def _steps(y: np.ndarray) -> list[np.ndarray]:
    """The target of every step: one of ``(n_rows,)``, or the columns of ``(n_rows, horizon)``."""
    return [y] if y.ndim == 1 else list(y.T)
