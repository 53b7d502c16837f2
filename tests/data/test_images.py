"""Images: which axis is which, what pixels become, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from benchmark.catalog import open_catalog
from benchmark.data import TaskData, load
from benchmark.data.fingerprint import fingerprint, row_digests
from benchmark.data.images import to_task_data
from benchmark.data.raw import Raw
from benchmark.errors import RequestError
from benchmark.spec import Dataset, OwnSplit

Array = npt.NDArray[Any]
LABELS = np.array(["cat", "dog", "cat", "dog", "ant", "ant"])


def formed(images: Any, labels: Any = LABELS, **card: Any) -> TaskData:
    raw = images if isinstance(images, Raw) else Raw(images, labels)
    return to_task_data(raw, Dataset("mine", "file", "mine.npz", modality="image", **card), "mine.yaml")


def refusal(images: Any, labels: Any = LABELS, **card: Any) -> str:
    with pytest.raises(RequestError) as caught:
        formed(images, labels, **card)
    message = str(caught.value)
    assert message.startswith("mine.yaml: ") and "\n" not in message
    return message


def pixels_of(data: TaskData) -> Array:
    assert isinstance(data.X, np.ndarray)
    return data.X


def pixels(*shape: int, dtype: Any = np.uint8) -> Array:
    return (np.arange(np.prod(shape)) % 251).astype(dtype).reshape(shape)


@pytest.mark.parametrize(
    ("shape", "options", "formed_shape"),
    [
        ((6, 5, 7), {}, (6, 1, 5, 7)),
        ((6, 5, 7, 3), {}, (6, 3, 5, 7)),
        ((6, 5, 7, 1), {}, (6, 1, 5, 7)),
        ((6, 3, 5, 7), {}, (6, 3, 5, 7)),
        ((6, 3, 5, 3), {"channels": "first"}, (6, 3, 5, 3)),
        ((6, 3, 5, 3), {"channels": "last"}, (6, 3, 3, 5)),
        ((6, 5, 7, 13), {"channels": "last"}, (6, 13, 5, 7)),
        ((6, 2, 2), {}, (6, 1, 2, 2)),
    ],
)
def test_channels_come_first(shape: Any, options: Any, formed_shape: Any) -> None:
    data = formed(pixels(*shape), options=options)
    assert pixels_of(data).shape == formed_shape
    assert pixels_of(data).flags.c_contiguous
    assert data.modality == "image"
    assert data.inputs([4, 1]).shape == (2, *formed_shape[1:])


@given(hnp.arrays(np.uint8, st.tuples(st.just(6), *[st.integers(5, 9)] * 2, st.integers(1, 4))))
def test_where_the_channels_were_changes_nothing(images: Array) -> None:
    last, first = formed(images), formed(np.moveaxis(images, 3, 1))
    assert fingerprint(last) == fingerprint(first)
    assert np.array_equal(np.moveaxis(pixels_of(last), 1, 3), images)
    assert np.array_equal(row_digests(last), row_digests(first))


@pytest.mark.parametrize(
    ("images", "dtype"),
    [
        (pixels(6, 5, 5), np.uint8),
        (pixels(6, 5, 5, dtype=np.int64), np.uint8),
        (pixels(6, 5, 5) > 9, np.uint8),
        (pixels(6, 5, 5, dtype=np.int64) - 1, np.float32),
        (pixels(6, 5, 5, dtype=np.uint16) * 7, np.float32),
        (pixels(6, 5, 5, dtype=np.float64), np.float32),
        (pixels(6, 5, 5, dtype=np.float16), np.float32),
    ],
)
def test_whole_numbers_of_one_byte_stay_so_and_others_are_floats(images: Array, dtype: Any) -> None:
    found = pixels_of(formed(images))
    assert found.dtype == dtype
    assert np.array_equal(found[:, 0], images)


def test_labels_are_classes_or_values() -> None:
    data = formed(pixels(6, 5, 5))
    assert (data.task_type, data.classes) == ("multiclass", ("ant", "cat", "dog"))
    assert data.y.tolist() == [1, 2, 1, 2, 0, 0]
    assert data.notes == ("target 'label': 3 labels, taken as classes",)
    heights = formed(pixels(6, 5, 5), np.arange(6).reshape(6, 1), task_type="regression", target="height")
    assert heights.task_type == "regression"
    assert heights.y.dtype == np.float64
    # Small unsigned numbers must not wrap around.
    assert (formed(pixels(6, 5, 5), np.arange(6, dtype=np.uint8), task_type="regression").y - 9 < 0).all()


def test_codes_with_their_labels_are_those_labels() -> None:
    raw = Raw(pixels(6, 5, 5), np.array([1, 0, 1, 0, 1, 0]), classes=("zebra", "ape"))
    data = formed(raw)
    assert data.classes == ("ape", "zebra")
    assert data.y.tolist() == [0, 1] * 3


def test_splits_origin_and_notes_of_the_source_are_kept() -> None:
    own = (OwnSplit(0, 0, np.arange(4), np.arange(4, 6)),)
    data = formed(Raw(pixels(6, 5, 5), LABELS, own=own, origin="pets", notes=("seen",)))
    assert (data.own, data.origin, data.notes[0]) == (own, "pets", "seen")


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((6, 5), {}, "holds an array of 6 x 5 numbers; images are rows x height x width, with channels"),
        ((6, 1, 1, 5, 5), {}, "holds an array of 6 x 1 x 1 x 5 x 5 numbers"),
        ((0, 5, 5), {}, "holds an array of 0 x 5 x 5 numbers"),
        ((6, 3, 5, 4), {}, r"6 x 3 x 5 x 4 numbers: .* both could be; say 'options: \{channels: first\}'"),
        ((6, 5, 6, 7), {}, r"neither could be; say 'options: \{channels: first\}' or 'last'"),
        ((6, 5, 5, 3), {"channels": "lst"}, r"options\.channels: .*'lst'; did you mean 'last'\?"),
        ((6, 5, 5, 3), {"chanels": "last"}, r"options: .*'chanels'; did you mean 'channels'\?"),
        ((1, 5, 5), {}, "holds 1 rows, but 6 labels"),
        ((7, 5, 5), {}, "holds 7 rows, but 6 labels"),
    ],
)
def test_what_is_no_array_of_images_is_refused(shape: Any, options: Any, message: str) -> None:
    assert re.search(message, refusal(pixels(*shape), options=options))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_pixels_that_float32_cannot_hold_are_refused(value: float) -> None:
    images = pixels(6, 5, 5, dtype=np.float64)
    images[2, 1, 1] = images[4, 0, 0] = value
    assert "pixels are missing or infinite in 2 of 6 images, first in image 3" in refusal(images)


def test_what_is_no_number_is_refused() -> None:
    assert "holds object and not numbers" in refusal(np.full((6, 5, 5), None))
    assert "holds no images but a DataFrame" in refusal(pd.DataFrame({"a": [1, 2]}))
    assert "holds no images but a str" in refusal("a text")


@pytest.mark.parametrize(
    ("labels", "card", "message"),
    [
        (None, {}, "holds no labels"),
        (np.zeros((6, 2)), {}, "holds 6 rows, but 6 x 2 labels"),
        (np.zeros(6), {}, "fewer than two different values"),
        (np.array([1, 1, 1, 2, 2, 3]), {}, "the class '3' has a single row"),
        (LABELS, {"task_type": "regression"}, "task_type cannot be 'regression'"),
        (LABELS, {"task_type": "language"}, "no task type 'language' for labelled rows"),
        (LABELS, {"groups": "who"}, "groups: 'mine.npz' is no table and has no columns"),
        (LABELS, {"ignore": ("id",)}, "ignore: 'mine.npz' is no table and has no columns"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels: Any, card: Any, message: str) -> None:
    assert message in refusal(pixels(6, 5, 5), labels, **card)


def test_one_image_teaches_nothing() -> None:
    assert "fewer than two different values" in refusal(pixels(1, 5, 5), np.array([3]))


@pytest.mark.shared_data
def test_digits_of_a_file_are_the_bundled_ones(shared: Path) -> None:
    with np.load(shared / "data" / "image" / "digits_8x8" / "digits_8x8.npz") as arrays:
        data = formed(arrays["X"], arrays["y"], task_type="multiclass")
    assert fingerprint(data) == load(open_catalog().dataset("digits_images")).fingerprint
    with np.load(shared / "data" / "image" / "mnist_t10k" / "mnist_t10k.npz") as arrays:
        mnist = formed(arrays["X"], arrays["y"])
    assert pixels_of(mnist).shape == (10000, 1, 28, 28)
    assert pixels_of(mnist).dtype == np.uint8
    assert len(mnist.classes) == 10
