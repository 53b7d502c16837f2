"""scikit-learn's own estimator checks, those that the slots' contract implies."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd

from benchmark.checks.check import Rule, expect
from benchmark.checks.learners.table import CLASSES, SEED, fits_are_slow, takes_tables, task_types
from benchmark.checks.subject import Subject
from benchmark.execute.fitting import assemble

__all__ = ["RULES", "follows_scikit_learns_conventions", "passes_scikit_learns_checks"]

CONVENTIONS = (
    "check_estimator_cloneable",
    "check_get_params_invariance",
    "check_set_params",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_no_attributes_set_in_init",
    "check_estimators_fit_returns_self",
)
"""What tools around scikit-learn rely on."""
OF_FITS = (
    "check_estimators_overwrite_params",
    "check_fit_idempotent",
    "check_methods_subset_invariance",
    "check_methods_sample_order_invariance",
    "check_fit2d_1feature",
    "check_fit2d_1sample",
)
"""What the harness does with a learner."""
OF_CLASSES = ("check_classifiers_one_label",)
OF_WEIGHTS = ("check_sample_weights_not_overwritten",)


def follows_scikit_learns_conventions(subject: Subject) -> None:
    """It can be cloned, stores its arguments as they are and nothing else, and ``fit`` returns it.

    Boosters clone their weak learners and use what ``fit`` returns, and so do scikit-learn's own tools.
    """
    _check(subject, CONVENTIONS)


def passes_scikit_learns_checks(subject: Subject) -> None:
    """It passes those of scikit-learn's estimator checks that the slot's contract implies.

    They are what thousands of estimators were held to: fits on one row or one column, predictions in parts
    and in another order, fitting twice.
    """
    names = list(OF_FITS)
    if subject.component.slot != "weak_learner" and task_types(subject)[0] in CLASSES:
        names += OF_CLASSES
    if subject.says("weights"):
        names += OF_WEIGHTS
    _check(subject, names)


def _check(subject: Subject, names: Sequence[str]) -> None:
    """All checks of those names; what did not hold is said together, each with its name."""
    from sklearn.utils import estimator_checks  # which imports pytest

    failed = []
    for name in names:
        with _quietly():
            try:
                getattr(estimator_checks, name)(subject.component.name, _learner(subject))
            except Exception as error:  # a component's code may raise anything
                said = " ".join(str(error).split()) or "an assertion"
                failed.append(f"{name}: {type(error).__name__}: {said[:160]}")
    expect(not failed, f"{len(names)} of scikit-learn's checks to hold", "; ".join(failed))


def _learner(subject: Subject) -> Any:
    """A fresh one that takes arrays, as scikit-learn's checks pass them."""
    if subject.component.slot == "weak_learner":
        return subject.make(seed=SEED)
    pipeline, task_type = subject.place.pipeline, task_types(subject)[0]
    made = assemble.learner(pipeline, assemble.makers(pipeline), task_type, SEED)
    kind = _taking_arrays(type(made), subject.says("validation"), task_type in CLASSES)
    return kind(**made.get_params(deep=False))


def _taking_arrays(kind: type, validates: bool, classifies: bool) -> type:
    """The component's class, but that arrays are made the tables that the slot passes.

    Targets are made codes or values, and the rows of fit are the validation rows too.
    """

    def fit(self: Any, X: Any, y: Any, sample_weight: Any = None) -> Any:
        table, target = _table(X), np.asarray(y).astype(np.int64 if classifies else np.float64)
        extra = {"validation": (table, target)} if validates else {}
        if sample_weight is not None:
            extra |= {"sample_weight": sample_weight}
            extra |= {"validation_weight": sample_weight} if validates else {}
        return kind.fit(self, table, target, **extra)  # type: ignore[attr-defined]

    def taking(name: str) -> Any:
        return lambda self, X: getattr(kind, name)(self, _table(X))

    own = {name: taking(name) for name in ("predict", "predict_proba") if hasattr(kind, name)}
    return type(kind.__name__, (kind,), {"fit": fit, **own})


def _table(X: Any) -> Any:
    return X if isinstance(X, pd.DataFrame) else pd.DataFrame(X).rename(columns=str)


@contextmanager
def _quietly() -> Iterator[None]:
    """Warnings of made-up rows are no news; what the checks draw of numpy's global stream is undone."""
    state = np.random.get_state()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        np.random.set_state(state)


RULES = (
    Rule(
        follows_scikit_learns_conventions,
        applies=takes_tables,
        slow=fits_are_slow,
        severity="warning",
    ),
    Rule(
        passes_scikit_learns_checks,
        applies=takes_tables,
        slow=True,
        look="fit",
        causes=(
            *("forgets_its_last_fit", "shares_no_state", "its_seed_alone_decides"),
            *("a_row_alone_is_a_row_among_others", "copes_with_one_column", "copes_with_one_class"),
            *("survives_cloning", "fits_values", "predictions_have_the_contracts_shape"),
        ),
    ),
)
"""For all that train themselves."""
