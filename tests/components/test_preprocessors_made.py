"""What each preprocessor makes of a table, against numbers worked out by other means."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest, norm
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold
from sklearn.preprocessing import RobustScaler

from benchmark.catalog import open_catalog
from benchmark.data import describe, load
from benchmark.plan.compatibility import incompatibility
from benchmark.resolve.components import read_pipeline
from benchmark.spec import Component

Make = Callable[[str, str], Callable[..., Any]]
CATALOG = open_catalog()
RANDOM = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "normal": RANDOM.normal(3, 2, 300),
        "skewed": RANDOM.lognormal(0, 2, 300),
        "gaps": np.where(RANDOM.random(300) < 0.3, np.nan, RANDOM.normal(size=300)),
        "spiked": np.where(RANDOM.random(300) < 0.9, 0.0, RANDOM.normal(0, 1e6, 300)),
        "constant": 7.0,
        "empty": np.nan,
        "group": pd.Categorical.from_codes(RANDOM.integers(-1, 2, 300), ["a", "b"]),
    }
)
VALUES, CLASSES = RANDOM.normal(size=300), RANDOM.integers(0, 3, 300)


@pytest.mark.parametrize("name", CATALOG.names("preprocessor"))
@pytest.mark.parametrize("y", [VALUES, CLASSES], ids=["values", "classes"])
def test_training_rows_meet_what_later_rows_meet(name: str, y: np.ndarray, make: Make) -> None:
    """Only what looks at the target may treat training rows apart: their categories, nothing else."""
    first = make("preprocessor", name)().fit_transform(TABLE, y)
    fitted = make("preprocessor", name)().fit(TABLE, y)
    again = fitted.transform(TABLE)
    same = [column for column in first if not str(column).startswith("group~")]
    pd.testing.assert_frame_equal(first[same], again[same])
    assert list(first) == list(again)
    if len(same) < first.shape[1]:
        assert not np.allclose(first.drop(columns=same), again.drop(columns=same))


def test_none_fills_gaps_and_changes_nothing_else(make: Make) -> None:
    out = make("preprocessor", "none")().fit_transform(TABLE, VALUES)
    numbers = TABLE.drop(columns="group")
    pd.testing.assert_frame_equal(out[list(numbers)], numbers.fillna(numbers.median()).fillna(0.0))


def test_robust_is_the_library_where_numbers_are_few_and_bounded_where_not(make: Make) -> None:
    out = make("preprocessor", "robust")().fit_transform(TABLE, VALUES)
    scaled = RobustScaler().fit_transform(TABLE[["normal", "skewed"]])
    expected = scaled / np.sqrt(1 + (scaled / 3) ** 2)
    np.testing.assert_allclose(out[["normal", "skewed"]], expected)
    numbers = out.drop(columns="group")
    assert (numbers.abs() < 3).all(axis=None)
    assert out["spiked"].abs().max() > 1, "its interquartile range is 0; its range is not"
    assert (out[["constant", "empty"]] == 0).all(axis=None)


def test_quantile_makes_any_column_normal(make: Make) -> None:
    fitted = make("preprocessor", "quantile")().fit(TABLE, VALUES)
    out = fitted.transform(TABLE)
    for column in ("normal", "skewed"):
        assert kstest(out[column], norm.cdf).pvalue > 0.2
        ranks = TABLE[column].argsort()
        assert (np.diff(out[column].iloc[ranks]) >= 0).all()
    assert (out[["constant", "empty"]] == 0).all(axis=None)
    shared = out["spiked"][TABLE["spiked"] == 0]
    assert shared.nunique() == 1 and abs(shared.iloc[0]) < 1, "what most rows share is in the middle"
    far = TABLE.iloc[:1].assign(normal=1e9, constant=-1e9)
    assert fitted.transform(far)["normal"].iloc[0] == pytest.approx(5.2, abs=0.01)
    pd.testing.assert_frame_equal(out, make("preprocessor", "quantile")().fit_transform(TABLE, VALUES))


def test_indicators_mark_the_gaps_that_training_had(make: Make) -> None:
    train, test = TABLE.iloc[:200], TABLE.iloc[200:].assign(normal=np.nan)
    fitted = make("preprocessor", "indicators")().fit(train, VALUES[:200])
    out = fitted.transform(test)
    assert [column for column in out if "missing" in column] == ["gaps missing"]
    np.testing.assert_array_equal(out["gaps missing"], test["gaps"].isna())
    plain = make("preprocessor", "standard")().fit(train, VALUES[:200]).transform(test)
    pd.testing.assert_frame_equal(out.drop(columns="gaps missing"), plain)


def test_indicators_and_products_lose_no_column_where_names_collide(make: Make) -> None:
    X = pd.DataFrame({"a": [1.0, np.nan, 2.0, 5.0], "a missing": [3.0, 4.0, 8.0, 1.0]})
    X["a × a"] = [1.0, 2.0, 2.0, 5.0]
    for name, n_columns in (("indicators", 4), ("polynomial", 9)):
        out = make("preprocessor", name)().fit_transform(X, np.arange(4.0))
        assert out.shape == (4, n_columns) and out.columns.is_unique


def test_polynomial_takes_any_finite_number(make: Make) -> None:
    X = pd.DataFrame({"a": RANDOM.normal(size=50), "b": RANDOM.normal(size=50)})
    fitted = make("preprocessor", "polynomial")().fit(X, X["a"].to_numpy())
    out = fitted.transform(pd.DataFrame({"a": [1e30, 1e300], "b": [-1e25, 1.0]}))
    assert np.isfinite(out).all(axis=None)
    assert out["a × a"].iloc[0] > 1e30 and out["a × b"].iloc[0] < -1e30


@pytest.mark.parametrize("whiten", [False, True])
def test_pca_components_are_uncorrelated_and_hold_the_variance(whiten: bool, make: Make) -> None:
    onehot = make("preprocessor", "onehot")().fit_transform(TABLE, VALUES)
    out = make("preprocessor", "pca")(whiten=whiten).fit_transform(TABLE, VALUES)
    covariance = np.cov(out.to_numpy().T)
    np.testing.assert_allclose(covariance - np.diag(np.diag(covariance)), 0, atol=1e-8)
    eigenvalues = np.linalg.eigvalsh(np.cov(onehot.to_numpy().T))[::-1]
    held = np.cumsum(eigenvalues) / eigenvalues.sum()
    assert out.shape[1] == np.searchsorted(held, 0.95) + 1
    expected = np.ones(out.shape[1]) if whiten else eigenvalues[: out.shape[1]]
    np.testing.assert_allclose(np.diag(covariance), expected, rtol=1e-6)


def test_pca_leaves_what_never_varies(make: Make) -> None:
    out = make("preprocessor", "pca")().fit_transform(TABLE[["constant", "empty"]], VALUES)
    assert out.shape == (300, 2) and (out == 0).all(axis=None)


def test_polynomial_lets_a_linear_learner_see_a_product(make: Make) -> None:
    X = pd.DataFrame(RANDOM.normal(size=(300, 3)), columns=list("abc"))
    y = (X["a"] * X["b"] + X["c"] ** 2).to_numpy()
    out = make("preprocessor", "polynomial")().fit_transform(X, y)
    assert list(out) == ["a", "b", "c", "a × a", "a × b", "a × c", "b × b", "b × c", "c × c"]
    assert Ridge(1e-6).fit(out, y).score(out, y) > 0.999
    assert Ridge(1e-6).fit(X, y).score(X, y) < 0.5


@pytest.mark.parametrize("classes", [False, True])
def test_polynomial_of_a_wide_table_keeps_to_the_columns_that_tell_of_the_target(
    classes: bool, make: Make
) -> None:
    X = pd.DataFrame(RANDOM.normal(size=(200, 60))).rename(columns=str)
    signal = (X["7"] + X["41"]).to_numpy()
    y = np.digitize(signal, [-1, 1]) if classes else signal
    out = make("preprocessor", "polynomial")(most=6).fit_transform(X, y)
    made = list(out)[60:]
    assert out.shape[1] == 66 and {"7 × 7", "7 × 41", "41 × 41"} <= set(made)


def test_target_encodes_by_the_mean_of_later_and_of_other_rows(make: Make) -> None:
    """Many rows a category: hardly shrunk, so that plain means must come out."""
    X = pd.DataFrame({"kind": pd.Categorical(RANDOM.choice(list("abcd"), 4000))})
    y = X["kind"].cat.codes.to_numpy() + RANDOM.normal(0, 0.1, 4000)
    encoder = make("preprocessor", "target")()
    train = encoder.fit_transform(X, y)
    raw = train * encoder.standard_.scale_ + encoder.standard_.mean_
    for others, held in KFold(5, shuffle=True, random_state=0).split(X):
        means = pd.Series(y[others]).groupby(X["kind"].to_numpy()[others]).mean()
        np.testing.assert_allclose(raw.iloc[held, 0], means[X["kind"].iloc[held]], atol=1e-3)
    new = pd.DataFrame({"kind": pd.Categorical(["a", "never seen"])})
    later = encoder.transform(new) * encoder.standard_.scale_ + encoder.standard_.mean_
    np.testing.assert_allclose(later.iloc[:, 0], [y[X["kind"] == "a"].mean(), y.mean()], atol=1e-3)


def test_target_takes_each_class_apart(make: Make) -> None:
    names = [
        list(make("preprocessor", "target")().fit_transform(TABLE[["group"]], CLASSES % n)) for n in (2, 3)
    ]
    assert names == [["group~1"], ["group~0", "group~1", "group~2"]]
    one_class = make("preprocessor", "target")().fit_transform(TABLE[["group"]], np.zeros(300, int))
    assert np.isfinite(one_class.to_numpy()).all()


def test_target_encoding_does_not_leak(make: Make) -> None:
    """A category of its own in every row, and targets by chance: nothing to learn from the training rows."""
    X = pd.DataFrame({"row": pd.Categorical(map(str, range(300)))})
    y = RANDOM.integers(0, 2, 300)
    encoder = make("preprocessor", "target")()
    train = encoder.fit_transform(X, y)
    assert LogisticRegression().fit(train, y).score(train, y) < 0.6
    leaking = encoder.transform(X)
    assert LogisticRegression().fit(leaking, y).score(leaking, y) == 1, "in-fold encoding would give it away"


def test_target_takes_the_values_of_a_forecast(make: Make) -> None:
    out = make("preprocessor", "target")().fit_transform(TABLE, RANDOM.normal(size=(300, 2)))
    assert {"group~0", "group~1"} <= set(out)


def test_the_plan_refuses_missing_numbers_where_the_network_takes_none(
    component: Callable[[str, str], Component],
) -> None:
    document = CATALOG.document("pipeline", "mlp")
    mlp = read_pipeline("mlp", document, str(CATALOG.path("pipeline", "mlp")), component)
    card = CATALOG.dataset("iris")
    whole = describe(card, load(card))
    for name in CATALOG.names("preprocessor"):
        part = component("preprocessor", name)
        reason = incompatibility(mlp.swap(part), dataclasses.replace(whole, missing=True), "cpu")
        refused = f"mlp takes no missing numbers, and {name} leaves them in"
        assert reason == (refused if "missing" in part.gives else None)
        assert incompatibility(mlp.swap(part), whole, "cpu") is None
