"""Arrays, folders of images, and running text."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmark.data.files.encoding import open_bytes, survey
from benchmark.data.raw import Raw
from benchmark.errors import nearest

__all__ = ["read_arrays", "read_images", "read_text"]

_IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""Endings of image files; whatever else lies in a folder of images is refused."""

_GREY, _COLOUR = ("1", "L"), ("P", "RGB", "RGBA", "LA", "PA", "CMYK", "YCbCr")
"""Pillow's modes that 8 bits of grey can hold, and those that 8 bits of red, green and blue can."""


def read_arrays(path: Path) -> Raw:
    """The arrays ``X`` and ``y`` of an ``.npz`` file.

    Raises
    ------
    ValueError
        When it has no such arrays; Python objects are not read.
    """
    try:
        with zipfile.ZipFile(path), np.load(path, allow_pickle=False) as arrays:
            for name in ("X", "y"):
                if name not in arrays:
                    raise ValueError(f"it has no array '{name}'; {nearest(name, arrays)}")
            return Raw(arrays["X"], arrays["y"])
    except Exception as error:  # what two parsers raise over damaged bytes, and memory for a shape that lies
        raise ValueError(str(error) or type(error).__name__) from error


def read_text(path: Path) -> Raw:
    """The characters of a text file, each end of a line as one line feed.

    Raises
    ------
    ValueError
        When it is no text.
    """
    found = survey(path)
    with open_bytes(path) as stream, io.TextIOWrapper(stream, encoding=found.encoding) as text:
        return Raw(text.read(), notes=found.notes)


def read_images(folder: Path) -> Raw:
    """The images of a folder with one sub-folder of image files for each class, in the order of their names.

    Grey where all of them are grey: uint8 ``(n_rows, height, width)``; else ``(n_rows, height, width, 3)``.

    Raises
    ------
    ValueError
        For anything else in the folder, a class without images, and images of several sizes.
    """
    files = [(file, inner.name) for inner in _visible(folder) for file in _images_of(inner)]
    if not files:
        raise ValueError("it has no sub-folders; there is one for each class, with its images")
    images = [_pixels(file) for file, _ in files]
    for (file, _), image in zip(files, images, strict=True):
        if image.shape[:2] != images[0].shape[:2]:
            size, first = _size(image), f"'{files[0][0].name}' {_size(images[0])}"
            raise ValueError(
                f"'{file.relative_to(folder)}' is {size} pixels and {first}; make all of one size"
            )
    if any(image.ndim == 3 for image in images):
        images = [image if image.ndim == 3 else np.repeat(image[:, :, np.newaxis], 3, 2) for image in images]
    return Raw(np.stack(images), np.array([label for _, label in files]))


def _images_of(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise ValueError(f"'{folder.name}' is no folder; there is one for each class, with its images")
    files = list(_visible(folder))
    if not files:
        raise ValueError(f"the folder '{folder.name}' is empty")
    for file in files:
        if file.suffix.lower() not in _IMAGES:
            raise ValueError(f"'{folder.name}/{file.name}' is no image; {nearest(file.suffix, _IMAGES)}")
        yield file


def _visible(folder: Path) -> list[Path]:
    """What a folder holds, apart from what desktops leave there."""
    return sorted(
        file for file in folder.iterdir() if not file.name.startswith(".") and file.name != "Thumbs.db"
    )


def _pixels(file: Path) -> npt.NDArray[np.uint8]:
    # Imported here: only folders of images need it.
    from PIL import Image

    try:
        with Image.open(file) as image:
            if image.mode not in _GREY + _COLOUR:
                raise ValueError(
                    f"'{file.parent.name}/{file.name}' has pixels of the mode '{image.mode}', not 8 bits"
                )
            return np.asarray(image.convert("L" if image.mode in _GREY else "RGB"), np.uint8)
    except (OSError, Image.DecompressionBombError, SyntaxError) as error:
        raise ValueError(f"'{file.parent.name}/{file.name}' cannot be read as an image: {error}") from error


def _size(image: npt.NDArray[Any]) -> str:
    return f"{image.shape[1]} x {image.shape[0]}"
