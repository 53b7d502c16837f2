"""Generated images: the answer stands in every one of them, and nothing but the answer tells it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage
from sklearn.linear_model import LogisticRegression

from benchmark.catalog import open_catalog
from benchmark.data import load
from benchmark.data.generated import GENERATORS
from benchmark.data.generated.images import FIGURE, GROUND, SIZE

Array = npt.NDArray[Any]

CATALOG = open_catalog()
CARDS = {name: CATALOG.dataset(name) for name in ("counting", "gratings", "path", "shapes")}
TOUCHING = np.ones((3, 3))
"""Also at a corner."""


def drawn(name: str, **options: Any) -> tuple[Array, Array]:
    """Images ``(n_rows, height, width)`` as floats, and labels."""
    raw = GENERATORS[name](**options)
    return np.asarray(raw.inputs, np.float64), np.asarray(raw.target)


def test_the_suite_has_the_digits_and_every_generated_image() -> None:
    suite = [CATALOG.dataset(name) for name in CATALOG.suite("images").tasks]
    assert {card.modality for card in suite} == {"image"}
    assert {card.name for card in suite} == {*CARDS, "digits_images"}
    assert len({card.origin for card in suite}) == len(suite) == 5


@pytest.mark.parametrize("name", CARDS)
def test_pixels_are_small_and_every_class_is_as_frequent(name: str) -> None:
    data = load(CARDS[name])
    assert isinstance(data.X, np.ndarray)
    n_rows = CARDS[name].options["n_rows"]
    assert data.X.shape == (n_rows, 1, SIZE, SIZE) and data.X.dtype == np.uint8
    share = 1 / len(data.classes)
    deviation = np.sqrt(share * (1 - share) / n_rows)
    assert np.bincount(data.y) / n_rows == pytest.approx(share, abs=4 * deviation)
    assert data.row_digests is not None and len(set(data.row_digests.tolist())) == n_rows


@pytest.mark.parametrize("name", CARDS)
def test_noise_is_what_is_added(name: str) -> None:
    levels = {noise: drawn(name, n_rows=200, noise=noise)[0] for noise in (0.0, 5.0)}
    inside = (levels[0.0] > 30) & (levels[0.0] < 225)
    assert np.std((levels[5.0] - levels[0.0])[inside]) == pytest.approx(5, rel=0.05)


def shape_of(image: Array) -> str:
    """The name of a shape without noise: whether its weight is low, and how much of its frame it fills."""
    share = (image - GROUND) / (FIGURE - GROUND)
    across, down = share.sum(axis=1), share.sum(axis=0)
    height = np.arange(SIZE) - np.average(np.arange(SIZE), weights=across)
    if np.average(height**3, weights=across) < -0.2 * np.average(height**2, weights=across) ** 1.5:
        return "triangle"
    filled = share.sum() / (across.max() * down.max())
    return "cross" if filled < 0.65 else "disc" if filled < 0.9 else "square"


def test_a_shape_is_the_one_it_is_called_and_stands_anywhere() -> None:
    images, names = drawn("shapes", n_rows=500, noise=0.0)
    assert [shape_of(image) for image in images] == names.tolist()
    assert images.max(axis=0)[1:-1, 1:-1].min() > GROUND
    widths = (images > GROUND).any(axis=1).sum(axis=1)
    assert widths.min() <= 7 and widths.max() >= 12


def stripes_of(image: Array) -> str:
    """The direction in which a grating fits best, whatever its phase, out of gratings of 2 to 5 cycles."""
    rows, columns = np.mgrid[:SIZE, :SIZE] / SIZE
    turns = {
        "upright": columns,
        "flat": rows,
        "rising": (columns + rows) / np.sqrt(2),
        "falling": (columns - rows) / np.sqrt(2),
    }
    centred = image - image.mean()
    return max(
        turns,
        key=lambda name: max(
            abs(np.sum(centred * np.exp(2j * np.pi * cycles * turns[name])))
            for cycles in np.linspace(2, 5, 13)
        ),
    )


def test_stripes_run_as_they_are_called_and_filters_see_it_through_the_noise() -> None:
    images, names = drawn("gratings", n_rows=400)
    found = np.array([stripes_of(image) for image in images])
    assert np.mean(found == names) >= 0.99
    still, names = drawn("gratings", n_rows=100, noise=0.0)
    assert [stripes_of(image) for image in still] == names.tolist()


def test_there_are_as_many_discs_as_it_says() -> None:
    images, counts = drawn("counting", n_rows=1000, noise=0.0)
    found = [ndimage.label(image > GROUND + 45, TOUCHING)[1] for image in images]
    assert found == counts.astype(int).tolist()


def test_bright_pixels_are_the_ends_of_one_path_or_of_two() -> None:
    images, answers = drawn("path", n_rows=1000, noise=0.0)
    lengths = set()
    for image, answer in zip(images, answers, strict=True):
        # Ground lies between the paths, also at corners.
        parts, count = ndimage.label(image > GROUND, TOUCHING)
        sizes = np.bincount(parts.ravel())[1:]
        assert count == 2 and sizes[0] == sizes[1]
        lengths.add(int(sizes[0]))
        ends = np.argwhere(image == 255)
        assert len(ends) == 2
        for row, column in ends:
            beside = image[max(row - 1, 0) : row + 2, column], image[row, max(column - 1, 0) : column + 2]
            assert sum(int((line > GROUND).sum()) - 1 for line in beside) == 1
        assert len({parts[tuple(end)] for end in ends}) == (1 if answer == "one" else 2)
    assert lengths == set(range(3, 9))


def test_how_far_apart_the_ends_are_tells_nothing() -> None:
    images, answers = drawn("path", n_rows=1000, noise=0.0)
    far = np.array([np.abs(np.diff(np.argwhere(image == 255), axis=0)).sum() for image in images])
    # Four standard errors of a difference between two halves.
    assert far[answers == "one"].mean() == pytest.approx(
        far[answers == "two"].mean(), abs=8 * far.std() / np.sqrt(len(far))
    )


@pytest.mark.parametrize("name", ["gratings", "path"])
def test_a_sum_over_pixels_is_at_chance(name: str) -> None:
    images, names = drawn(name, n_rows=2000)
    flat = images.reshape(len(images), -1) / 255
    linear = LogisticRegression(C=0.01, max_iter=500).fit(flat[:1500], names[:1500])
    chance = 1 / len(set(names))
    assert linear.score(flat[1500:], names[1500:]) == pytest.approx(chance, abs=0.08)
