"""Every preprocessor over images, sequences and texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from benchmark.catalog import open_catalog
from benchmark.spec import Component

Make = Callable[[str, str], Callable[..., Any]]
NAMES = open_catalog().names("preprocessor")
RANDOM = np.random.default_rng(0)
DATA: dict[str, tuple[Any, Any]] = {
    "uint8 images": (
        RANDOM.integers(0, 256, (9, 3, 4, 5), dtype=np.uint8),
        RANDOM.integers(0, 256, (4, 3, 4, 5), dtype=np.uint8),
    ),
    "float images": (
        RANDOM.normal(5, 2, (9, 1, 4, 5)).astype(np.float32),
        RANDOM.normal(5, 2, (4, 1, 4, 5)).astype(np.float32),
    ),
    "sequences": (
        [RANDOM.normal(3, 7, (length, 2)).astype(np.float32) for length in (4, 1, 6, 2)],
        [RANDOM.normal(3, 7, (length, 2)).astype(np.float32) for length in (9, 2)],
    ),
    "texts": (["abba", "", "Zürich"], ["b\ud800c", "", "öäü ab"]),
}
every_preprocessor = pytest.mark.parametrize("name", NAMES)
every_modality = pytest.mark.parametrize("kind", list(DATA))


def as_arrays(rows: Any) -> list[np.ndarray]:
    return list(rows.to_numpy()) if isinstance(rows, pd.DataFrame) else list(rows)


@every_preprocessor
@every_modality
def test_what_comes_back_fits_the_contract(
    name: str, kind: str, make: Make, component: Callable[[str, str], Component]
) -> None:
    train, test = DATA[kind]
    fitted = clone(make("preprocessor", name)()).fit(train, np.arange(len(train), dtype=float))
    gives = component("preprocessor", name).gives
    native = "native" in gives
    for raw in (train, test):
        out = fitted.transform(raw)
        assert len(out) == len(raw)
        assert isinstance(out, pd.DataFrame) != native
        if not native:
            assert all(dtype.kind == "f" for dtype in out.dtypes)
            assert list(out.columns) == list(fitted.transform(train).columns)
            assert "missing" in gives or np.isfinite(out.to_numpy()).all()
        elif kind == "texts":
            assert all(row.dtype == np.int64 and (row >= 1).all() for row in out)
            assert [len(row) for row in out] == [len(text) for text in raw]
        else:
            assert [row.shape for row in out] == [row.shape for row in raw]
            assert all(row.dtype == np.float32 and np.isfinite(row).all() for row in out)


@every_preprocessor
@every_modality
def test_rows_are_transformed_one_by_one(name: str, kind: str, make: Make) -> None:
    train, test = DATA[kind]
    fitted = make("preprocessor", name)().fit(train, np.arange(len(train), dtype=float))
    together = as_arrays(fitted.transform(test))
    for place in range(len(test)):
        (alone,) = as_arrays(fitted.transform(test[place : place + 1]))
        np.testing.assert_allclose(alone, together[place], rtol=1e-5, atol=1e-6)


@every_preprocessor
@every_modality
def test_does_not_touch_what_it_is_given(name: str, kind: str, make: Make) -> None:
    train, test = DATA[kind]
    before = [np.copy(row) for part in (train, test) for row in part]
    make("preprocessor", name)().fit(train, np.arange(len(train), dtype=float)).transform(test)
    after = [row for part in (train, test) for row in part]
    assert all(np.array_equal(old, new) for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize("kind", ["uint8 images", "float images", "sequences"])
def test_native_standardises_every_channel_by_the_training_rows(kind: str, make: Make) -> None:
    train, test = DATA[kind]
    fitted = make("preprocessor", "native")().fit(train, np.zeros(len(train)))
    channels = [np.concatenate([_by_channel(row) for row in part]) for part in (train, test)]
    out = np.concatenate([_by_channel(row) for row in fitted.transform(test)])
    expected = (channels[1] - channels[0].mean(axis=0)) / channels[0].std(axis=0)
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-5)


def _by_channel(row: np.ndarray) -> np.ndarray:
    return (row if row.ndim == 2 else row.reshape(len(row), -1).T).astype(float)


def test_native_makes_gaps_and_constant_channels_zero(make: Make) -> None:
    rows = [np.array([[1.0, 7.0, np.nan], [np.nan, 7.0, np.nan]], np.float32), np.full((1, 3), 3, np.float32)]
    rows[1][0, 1:] = 7.0, np.nan
    first, second = make("preprocessor", "native")().fit(rows, np.zeros(2)).transform(rows)
    np.testing.assert_allclose(first, [[-1, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(second, [[1, 0, 0]])


def test_native_learns_large_images_in_parts(make: Make) -> None:
    images = RANDOM.integers(0, 256, (40, 3, 220, 220), dtype=np.uint8)
    out = make("preprocessor", "native")().fit(images, np.zeros(40)).transform(images)
    np.testing.assert_allclose(out.mean(axis=(0, 2, 3), dtype=float), 0, atol=1e-5)
    np.testing.assert_allclose(out.std(axis=(0, 2, 3), dtype=float), 1, atol=1e-5)


def test_characters_are_numbered_from_two_and_one_is_unseen(make: Make) -> None:
    fitted = make("preprocessor", "native")().fit(["ba", "c"], np.zeros(2))
    first, second = fitted.transform(["abc", "cxé"])
    assert list(first) == [2, 3, 4] and list(second) == [4, 1, 1]


def test_unscaled_leaves_numbers_alone(make: Make) -> None:
    for kind in ("uint8 images", "float images", "sequences"):
        train, test = DATA[kind]
        out = make("preprocessor", "unscaled")().fit(train, np.zeros(len(train))).transform(test)
        assert all(np.array_equal(new, old) for new, old in zip(out, test, strict=True))


def test_flat_sequences_end_in_gaps_and_are_cut_at_the_longest_of_training(make: Make) -> None:
    train, test = DATA["sequences"]
    out = make("preprocessor", "ordinal")().fit(train, np.zeros(4)).transform(test)
    assert out.shape == (2, 12)
    np.testing.assert_array_equal(out.iloc[0], test[0][:6].ravel())
    np.testing.assert_array_equal(out.iloc[1], [*test[1].ravel(), *[np.nan] * 8])


def test_flat_texts_tell_texts_apart(make: Make) -> None:
    out = make("preprocessor", "ordinal")().fit(["a"], np.zeros(1)).transform(["abc", "cba", "abc", ""])
    table = out.to_numpy()
    np.testing.assert_array_equal(table[0], table[2])
    assert not np.array_equal(table[0], table[1])
    np.testing.assert_allclose(np.linalg.norm(table, axis=1), [1, 1, 1, 0], rtol=1e-6)
