"""Images of 16 × 16 pixels that each ask one question: the shape, the direction, the number, the path."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmark.data.generated.tables import DIGITS
from benchmark.data.raw import Raw

__all__ = ["SIZE", "counting", "gratings", "path", "shapes"]

Array = npt.NDArray[Any]
Shape = Callable[[Array, Array, float], Array]
Pair = tuple[int, int]

SIZE = 16
"""Pixels along either side."""
FINE = 4
"""A pixel's grey is the share of this many by this many points in it that are inside."""
GROUND, FIGURE = 64.0, 192.0
"""Grey levels, out of 255, of what carries no answer and of what does."""

STRIPES = {"falling": (1, -1), "flat": (0, 1), "rising": (1, 1), "upright": (1, 0)}
"""Direction across the stripes, as steps to the right and downwards."""
MOST_DISCS = 5
GAP = 1.5
"""Pixels of ground between two discs, at least."""
SHORTEST, LONGEST = 3, 8
"""Pixels of a path."""
WIDE = SIZE + 2
"""Pixels along a side with the frame, by which paths number them."""
INSIDE = [row * WIDE + column for row in range(1, SIZE + 1) for column in range(1, SIZE + 1)]
EDGE = (1 << WIDE**2) - 1 - sum(1 << pixel for pixel in INSIDE)
"""The bits of the frame, which no path enters."""


def shapes(n_rows: int = 2000, noise: float = 40.0, seed: int = 0) -> Raw:
    """Four classes: whether a cross, a disc, a square or a triangle stands somewhere, up to 12 pixels wide.

    dSprites (Matthey et al. 2017) without rotation, in noise, whose deviation ``noise`` is, in grey levels.
    """
    draw = np.random.RandomState(seed)
    names = draw.randint(0, len(SHAPES), n_rows, dtype=np.int64)
    radii = 3 + 3 * draw.random_sample(n_rows)
    centres = _centres(draw, radii)
    figures = list(SHAPES.values())
    inside = [
        _drawn(figures[name], x, y, radius)
        for name, (x, y), radius in zip(names, centres, radii, strict=True)
    ]
    levels = GROUND + (FIGURE - GROUND) * np.array(inside)
    return Raw(_noisy(levels, noise, draw), np.array(list(SHAPES))[names], task_type="multiclass")


def gratings(n_rows: int = 2000, noise: float = 80.0, seed: int = 0) -> Raw:
    """Four classes: which way the stripes of a sinusoidal grating run, of 2 to 5 cycles at any phase.

    The stimulus of Campbell and Robson (1968), Journal of Physiology 197, in noise, whose deviation ``noise``
    is, in grey levels.
    """
    draw = np.random.RandomState(seed)
    cycles, phases = 2 + 3 * draw.random_sample(n_rows), draw.random_sample(n_rows)
    names = np.array(list(STRIPES))
    named = draw.randint(0, len(names), n_rows, dtype=np.int64)
    across = np.array(list(STRIPES.values()), dtype=np.float64)
    across /= np.sqrt((across**2).sum(axis=1, keepdims=True))
    rows, columns = np.mgrid[:SIZE, :SIZE] / SIZE
    right, down = across[named].T
    turns = right[:, None, None] * columns + down[:, None, None] * rows
    wave = np.sin(2 * np.pi * (cycles[:, None, None] * turns + phases[:, None, None]))
    levels = (GROUND + FIGURE) / 2 + (FIGURE - GROUND) / 2 * wave
    return Raw(_noisy(levels, noise, draw), names[named], task_type="multiclass")


def counting(n_rows: int = 2000, noise: float = 10.0, seed: int = 0) -> Raw:
    """Five classes: how many discs there are, 1 to 5, apart and unlike in size and brightness.

    Kaufman et al. (1949), The American Journal of Psychology 62; ``noise`` is a deviation in grey levels.
    """
    draw = np.random.RandomState(seed)
    counts = draw.randint(1, MOST_DISCS + 1, n_rows, dtype=np.int64)
    levels = np.full((n_rows, SIZE, SIZE), GROUND)
    for image, count in zip(levels, counts, strict=True):
        for x, y, radius in _apart(draw, count):
            brightness = (FIGURE - GROUND) * (0.75 + draw.random_sample() / 2)
            image += brightness * _drawn(_disc, x, y, radius)
    return Raw(_noisy(levels, noise, draw), counts.astype(str), task_type="multiclass")


def path(n_rows: int = 6000, noise: float = 10.0, seed: int = 0) -> Raw:
    """Two classes: whether the two bright pixels are the ends of one path or of two.

    Pathfinder (Linsley et al. 2018, arXiv:1805.08315), simplified: two unbroken paths along the grid, equally
    long, 3 to 8 pixels, with ground between them and between their turns, and no distractors. Both answers
    are drawn from the same images and ends equally far apart, so nothing but the path tells. ``noise`` is a
    deviation in grey levels.
    """
    draw = np.random.RandomState(seed)
    one = draw.randint(0, 2, n_rows, dtype=np.int64)
    lengths = draw.randint(SHORTEST, LONGEST + 1, n_rows, dtype=np.int64)
    framed = np.full((n_rows, WIDE**2), GROUND)
    for image, same, length in zip(framed, one, lengths.tolist(), strict=True):
        pixels, ends, others = _paths(draw, length)
        image[pixels] = (GROUND + FIGURE) / 2
        image[list(ends if same else others)] = 255
    levels = framed.reshape(n_rows, WIDE, WIDE)[:, 1:-1, 1:-1]
    return Raw(_noisy(levels, noise, draw), np.array(["two", "one"])[one], task_type="binary")


def _noisy(levels: Array, noise: float, draw: np.random.RandomState) -> Array:
    """Grey levels with noise, as whole numbers from 0 to 255."""
    # Logarithms and sines differ between machines in their last bits: rounded before they decide on a level.
    found = (levels + noise * draw.standard_normal(levels.shape)).round(DIGITS)
    return np.rint(found).clip(0, 255).astype(np.uint8)


def _cross(right: Array, down: Array, radius: float) -> Array:
    far, near = np.maximum(np.abs(right), np.abs(down)), np.minimum(np.abs(right), np.abs(down))
    return (far <= radius) & (near <= 0.3 * radius)


def _disc(right: Array, down: Array, radius: float) -> Array:
    inside: Array = right**2 + down**2 <= radius**2
    return inside


def _square(right: Array, down: Array, radius: float) -> Array:
    return np.maximum(np.abs(right), np.abs(down)) <= 0.9 * radius


def _triangle(right: Array, down: Array, radius: float) -> Array:
    return (np.abs(down) <= radius) & (2 * np.abs(right) <= down + radius)


SHAPES: Mapping[str, Shape] = {"cross": _cross, "disc": _disc, "square": _square, "triangle": _triangle}
"""Which points are inside, by their distances to the right of the centre and below it, and the radius."""


def _drawn(shape: Shape, x: float, y: float, radius: float) -> Array:
    """The share of every pixel that is inside of a shape around (x, y): ``(SIZE, SIZE)``."""
    place = (np.arange(SIZE * FINE) + 0.5) / FINE
    inside = shape(place[None, :] - x, place[:, None] - y, radius)
    share: Array = inside.reshape(SIZE, FINE, SIZE, FINE).mean(axis=(1, 3))
    return share


def _centres(draw: np.random.RandomState, radii: Array) -> Array:
    """Random centres ``(n, 2)`` of figures of these radii that are whole."""
    centres: Array = radii[:, None] + (SIZE - 2 * radii)[:, None] * draw.random_sample((len(radii), 2))
    return centres


def _apart(draw: np.random.RandomState, count: int) -> list[tuple[float, float, float]]:
    """Centres and radii of discs with ground between them: placed again until there is."""
    radii = 1 + draw.random_sample(count)
    while True:
        discs = list(zip(*_centres(draw, radii).T.tolist(), radii.tolist(), strict=True))
        if all(
            (x - left) ** 2 + (y - top) ** 2 >= (radius + other + GAP) ** 2
            for (x, y, radius), (left, top, other) in itertools.combinations(discs, 2)
        ):
            return discs


def _paths(draw: np.random.RandomState, length: int) -> tuple[list[int], Pair, Pair]:
    """The pixels of two paths, both ends of one, and an end of each as far apart: drawn until there are."""
    while True:
        first = _walk(draw, length, EDGE)
        second = _walk(draw, length, functools.reduce(operator.or_, map(_around, first), EDGE))
        if len(first) == len(second) == length:
            ends = (first[0], first[-1]), (second[0], second[-1])
            pairs = [
                (same, apart)
                for same, apart in itertools.product(ends, itertools.product(*ends))
                if _far(*same) == _far(*apart)
            ]
            if pairs:
                return first + second, *pairs[draw.randint(0, len(pairs), dtype=np.int64)]


def _walk(draw: np.random.RandomState, length: int, closed: int) -> list[int]:
    """Pixels from a random one on, each beside the last: ``length``, or fewer where there is no room.

    ``closed`` has a bit for every pixel, set where the walk must not go.
    """
    start, *turns = draw.random_sample(length).tolist()
    pixel = INSIDE[int(start * len(INSIDE))]
    if closed >> pixel & 1:
        return []
    pixels = [pixel]
    for turn in turns:
        # What comes next is beside this one, and at a corner beside the one before.
        closed |= 1 << pixel | (_around(pixels[-3]) if len(pixels) > 2 else 0)
        beside = (pixel - WIDE, pixel - 1, pixel + 1, pixel + WIDE)
        free = [near for near in beside if not closed >> near & 1]
        if not free:
            break
        pixel = free[int(turn * len(free))]
        pixels.append(pixel)
    return pixels


def _around(pixel: int) -> int:
    """The bits of a pixel and of the eight around it."""
    return (0b111 | 0b111 << WIDE | 0b111 << 2 * WIDE) << (pixel - WIDE - 1)


def _far(one: int, other: int) -> int:
    """How many steps along the grid one pixel is from another."""
    return abs(one // WIDE - other // WIDE) + abs(one % WIDE - other % WIDE)
