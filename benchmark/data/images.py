"""From raw images and their labels to an image task, or one clear line about why not."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from benchmark.data.labels import labels_of, task_of
from benchmark.data.options import check_options
from benchmark.data.raw import Raw
from benchmark.data.taskdata import TaskData
from benchmark.errors import RequestError, nearest
from benchmark.spec import Dataset

__all__ = ["to_task_data"]

Array = npt.NDArray[Any]

_MOST_CHANNELS = 4
"""An axis of at most this many numbers is taken as the channels where the card does not say which axis is."""


def to_task_data(raw: Raw, dataset: Dataset, where: str) -> TaskData:
    """The images ``(n_rows, channels, height, width)`` and their labels.

    Whole numbers from 0 to 255 become uint8, all others float32. ``options.channels``, ``first`` or ``last``,
    says which axis the channels are, where its size does not.

    Raises
    ------
    RequestError
        For arrays that are no images, pixels that are missing or infinite, labels that do not fit the images
        or the task type; the line begins with ``where``.
    """
    check_options(dataset, ("channels",), where)
    images = _pixels(_channels_first(raw.inputs, dataset, where), f"{where}: location: '{dataset.location}'")
    return task_of(images, "image", raw, labels_of(raw, dataset, len(images), where))


def _channels_first(found: Any, dataset: Dataset, where: str) -> Array:
    """A view ``(n_rows, channels, height, width)``."""
    place = f"{where}: location: '{dataset.location}'"
    if not isinstance(found, np.ndarray):
        raise RequestError(
            f"{place} holds no images but a {type(found).__name__}; images are arrays of numbers"
        )
    shape = " x ".join(map(str, found.shape))
    if found.ndim not in (3, 4) or not found.size:
        expected = "rows x height x width, with channels in front of these two or behind"
        raise RequestError(f"{place} holds an array of {shape} numbers; images are {expected}")
    if found.ndim == 3:
        return found[:, np.newaxis]
    said = dataset.options.get("channels")
    if said not in (None, "first", "last"):
        hint = nearest(str(said), ("first", "last"))
        raise RequestError(f"{where}: options.channels: there is no such axis: {said!r}; {hint}")
    first, last = found.shape[1] <= _MOST_CHANNELS, found.shape[3] <= _MOST_CHANNELS
    if said is None and first == last:
        doubt = "both" if first else "neither"
        axes = f"the channels are the second axis or the last, and {doubt} could be"
        hint = "say 'options: {channels: first}' or 'last'"
        raise RequestError(f"{place} holds an array of {shape} numbers: {axes}; {hint}")
    return found if said == "first" or (said is None and first) else np.moveaxis(found, 3, 1)


def _pixels(images: Array, where: str) -> Array:
    """The images as contiguous uint8 or float32."""
    kind = images.dtype.kind
    if kind not in "buif":
        raise RequestError(f"{where} holds {images.dtype} and not numbers; images are arrays of numbers")
    if kind != "f" and images.min() >= 0 and images.max() <= 255:
        return np.ascontiguousarray(images, dtype=np.uint8)
    # What float32 cannot hold becomes infinite, and is refused as such.
    with np.errstate(over="ignore"):
        pixels = np.ascontiguousarray(images, dtype=np.float32)
    bad = np.flatnonzero(~np.isfinite(pixels).all(axis=(1, 2, 3)))
    if len(bad):
        found = f"{len(bad)} of {len(images)} images, first in image {bad[0] + 1}"
        raise RequestError(
            f"{where}: pixels are missing or infinite in {found}; fill them or leave images out"
        )
    return pixels
