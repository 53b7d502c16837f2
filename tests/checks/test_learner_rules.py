"""What the rules of boosters, weak learners and estimators say of learners made up for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from benchmark.catalog import Catalog, open_catalog
from benchmark.checks import checks_of
from benchmark.findings import Finding
from benchmark.resolve.typed import asked_component

FOREST = """
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import ExtraTreesClassifier
class Mine(BaseEstimator):
    def __init__(self, task_type, seed, depth=None):
        self.task_type, self.seed, self.depth = task_type, seed, depth
        {init}
    def fit(self, X, y, sample_weight=None, validation=None, validation_weight=None):
        {fit}
        inner = ExtraTreesClassifier(10, max_depth=self.depth, random_state=self.seed, min_samples_leaf=4)
        self.inner_ = inner.fit(X.to_numpy(), y, sample_weight)
        self.classes_ = self.inner_.classes_
        return {returned}
    def predict(self, X):
        return self.inner_.predict(X.to_numpy())
    def predict_proba(self, X):
        said = self.inner_.predict_proba(X.to_numpy())
        {said}
        return said
"""
LINEAR = """
import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge
class Mine(RegressorMixin, BaseEstimator):
    def __init__(self, seed, alpha=1.0):
        self.seed, self.alpha = seed, alpha
    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
    def fit(self, X, y, sample_weight=None):
        {fit}
        self.inner_ = Ridge(alpha=self.alpha).fit(X, y, sample_weight)
        return self
    def predict(self, X):
        said = self.inner_.predict(X)
        {said}
        return said
"""
CLASSES = ("task:binary", "task:multiclass")
Say = Callable[..., Finding | None]


def forest(init: str = "pass", fit: str = "pass", said: str = "pass", returned: str = "self") -> str:
    return FOREST.format(init=init, fit=fit, said=said, returned=returned)


def linear(fit: str = "pass", said: str = "pass") -> str:
    return LINEAR.format(fit=fit, said=said)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """One for all, since its pipelines are read once."""
    return open_catalog()


@pytest.fixture
def say(tmp_path: Path, catalog: Catalog) -> Iterator[Say]:
    """The finding of one check of one file."""
    threads = torch.get_num_threads()

    def finding(rule: str, code: str, slot: str, *needs: str, gives: tuple[str, ...] = ()) -> Finding | None:
        file = tmp_path / "mine.py"
        file.write_text(code, encoding="utf-8")
        part = asked_component(catalog, f"{file}:Mine", slot)
        part = dataclasses.replace(part, needs=needs, gives=gives)
        (check,) = (check for check in checks_of(part, catalog) if check.name == rule)
        return check.finding()

    yield finding
    torch.set_num_threads(threads)


@pytest.mark.parametrize(
    ("rule", "broken", "seen"),
    [
        (
            "a_row_alone_is_a_row_among_others",
            "said = said + 0.01 * X.to_numpy().mean()",
            "in another order|alone",
        ),
        (
            "a_row_alone_is_a_row_among_others",
            "self.n = getattr(self, 'n', 0) + 1; said[0] += self.n",
            "another order",
        ),
        ("columns_follow_classes", "said = said[:, ::-1]", "more in column 0"),
        ("columns_follow_classes", "said = said[:, :1]", "a column for each of classes_"),
        ("copes_with_one_class", "said = said - said[:, -1:].max()", "that class as the probable one; saw 0"),
        ("copes_with_one_column", "said = said * np.cov(X.to_numpy().T).diagonal()[0]", "diag requires"),
        (
            "copes_with_a_constant_column",
            "said = said / X.to_numpy().std(axis=0).min()",
            "finite predictions",
        ),
    ],
)
def test_what_an_estimator_says(rule: str, broken: str, seen: str, say: Say) -> None:
    assert say(rule, forest(), "estimator", *CLASSES) is None
    found = say(rule, forest(said=broken), "estimator", *CLASSES)
    assert found is not None and found.severity == "error"
    assert any(words in found.seen for words in seen.split("|")), found.seen
    assert found.why and "mine.py:" in found.look


@pytest.mark.parametrize(
    ("rule", "fit"),
    [
        (
            "shares_no_state",
            "Mine.most = max(getattr(Mine, 'most', 0), len(X)); self.seed = Mine.most + len(X)",
        ),
        ("its_seed_alone_decides", "self.seed = np.random.randint(1000)"),
        ("forgets_its_last_fit", "self.depth = 1 if hasattr(self, 'inner_') else None"),
        ("heeds_row_weights", "sample_weight = None"),
        ("more_weight_pulls_more", "sample_weight = 1 / sample_weight"),
        (
            "does_not_train_on_the_validation_rows",
            "X = __import__('pandas').concat([X, validation[0]]); y = np.concatenate([y, validation[1]])",
        ),
    ],
)
def test_how_an_estimator_is_fitted(rule: str, fit: str, say: Say) -> None:
    needs = (*CLASSES, "validation", "weights")
    assert say(rule, forest(), "estimator", *needs) is None
    if rule == "shares_no_state":
        fit = fit.replace("self.seed", "Mine.seen")
        found = say(rule, forest(fit=fit, said="said[0] += Mine.seen"), "estimator", *needs)
    else:
        found = say(rule, forest(fit=fit), "estimator", *needs)
    assert found is not None and found.severity == "error", rule


def test_what_is_no_error_is_a_note(say: Say) -> None:
    fixed = say("its_seed_alone_decides", forest(fit="self.seed = 3"), "estimator", *CLASSES)
    assert fixed is not None and fixed.severity == "note" and "another seed changes nothing" in fixed.seen
    refuses = forest(fit="if len(set(y)) < 2: raise ValueError('one class is too few')")
    found = say("copes_with_one_class", refuses, "estimator", *CLASSES)
    assert found is not None and found.severity == "note" and found.seen.endswith("one class is too few")
    stops = say("copes_with_one_class", refuses.replace("one class is", "that is"), "estimator", *CLASSES)
    assert stops is not None and stops.severity == "error"


def test_weights_that_act_otherwise_than_rows_are_a_warning(say: Say) -> None:
    odd = forest(fit="sample_weight = sample_weight ** -1.0")
    found = say("weights_count_as_rows", odd, "estimator", *CLASSES, "weights")
    assert found is not None and found.severity == "warning" and "5 rows say" in found.seen


def test_a_learner_that_goes_by_the_place_of_a_column(say: Say) -> None:
    rule = "does_not_depend_on_the_order_of_columns"
    assert say(rule, forest(), "estimator", *CLASSES) is None
    first = forest(fit="X = X * (np.arange(X.shape[1]) == 0)", said="pass")
    found = say(rule, first, "estimator", *CLASSES)
    assert found is not None and found.severity == "warning"


def test_scikit_learns_own_checks_are_named(say: Say) -> None:
    rule = "passes_scikit_learns_checks"
    assert say(rule, forest(), "estimator", *CLASSES, "weights", "validation") is None
    grows = forest(fit="self.depth = 1 if self.depth is None else self.depth + 1")
    found = say(rule, grows, "estimator", *CLASSES)
    assert found is not None and found.severity == "error"
    assert "check_estimators_overwrite_params: " in found.seen and "check_fit_idempotent: " in found.seen
    conventions = "follows_scikit_learns_conventions"
    assert say(conventions, forest(), "estimator", *CLASSES) is None
    found = say(conventions, forest(init="self.extra = 1", returned="None"), "estimator", *CLASSES)
    assert found is not None and found.severity == "warning"
    assert "check_no_attributes_set_in_init: " in found.seen
    assert "check_estimators_fit_returns_self: " in found.seen
    assert "2 of" not in found.seen and found.seen.startswith("expected 6 of scikit-learn's checks to hold")


@pytest.mark.parametrize(
    ("rule", "fit", "said"),
    [
        ("fits_several_columns_at_once", "y = y if y.ndim == 1 else y[:, 0]", "pass"),
        ("heeds_row_weights", "sample_weight = None", "pass"),
        ("its_seed_alone_decides", "y = y + np.random.normal(size=y.shape)", "pass"),
        ("a_row_alone_is_a_row_among_others", "pass", "said = said - said.mean()"),
        ("copes_with_one_column", "pass", "said = said / (X.shape[1] - 1)"),
        ("forgets_its_last_fit", "y = y + getattr(self, 'last', 0); self.last = y.max()", "pass"),
    ],
)
def test_weak_learners(rule: str, fit: str, said: str, say: Say) -> None:
    sound = say(rule, linear(), "weak_learner", gives=("regressor",))
    assert sound is None or sound.severity == "note"
    found = say(rule, linear(fit, said), "weak_learner", gives=("regressor",))
    assert found is not None and found.severity == "error"


def test_a_shape_of_trees_is_never_fitted(catalog: Catalog) -> None:
    part = asked_component(catalog, "own_tree")
    assert not {"shares_no_state", "copes_with_one_column", "passes_scikit_learns_checks"} & {
        check.name for check in checks_of(part, catalog)
    }
