"""From raw text to a text task, classes of texts or the next character, or one clear line about why not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from benchmark.data.columns import is_label
from benchmark.data.labels import labels_of, labels_of_table, refuse_columns, task_of
from benchmark.data.options import check_options, whole_number
from benchmark.data.raw import Raw
from benchmark.data.taskdata import Ragged, TaskData
from benchmark.errors import RequestError
from benchmark.spec import Dataset

__all__ = ["to_task_data"]

_LENGTH = 64
"""Characters of a block of a running text where the card does not say it."""


def to_task_data(raw: Raw, dataset: Dataset, where: str) -> TaskData:
    """Texts with labels, or blocks of a running text with the character that follows each of theirs.

    A running text is cut into blocks of ``options.length`` characters, in its own order, which is their time;
    the classes are the characters of the whole text, sorted by code point.

    Raises
    ------
    RequestError
        For a table without one column of texts, labels that do not fit, and a text that is too short; the
        line begins with ``where``.
    """
    if isinstance(raw.inputs, str):
        return _blocks(raw, raw.inputs, dataset, where)
    check_options(dataset, (), where)
    if (dataset.task_type or raw.task_type) == "language":
        return _asked(raw, dataset, where)
    if isinstance(raw.inputs, pd.DataFrame):
        frame, labels = labels_of_table(raw, dataset, where)
        texts, notes = _texts_of_table(frame, where, dataset.location)
    else:
        labels, notes = labels_of(raw, dataset, len(raw.inputs), where), ()
        texts = _checked(raw.inputs, f"{where}: location: '{dataset.location}'")
    return task_of(Ragged.of_texts(texts), "text", raw, labels, notes)


def _texts_of_table(frame: pd.DataFrame, where: str, location: str) -> tuple[list[str], tuple[str, ...]]:
    """The one column of texts, and a note about the others."""
    found = [name for name in frame.columns if is_label(frame[name]) and _holds_text(frame[name])]
    if len(found) != 1:
        several = f"has texts in {', '.join(found)}; put all but one under 'ignore'"
        what = several if found else "has no column of texts"
        raise RequestError(f"{where}: location: '{location}' {what}")
    others = [f"'{name}'" for name in frame.columns if name not in found]
    column, place = frame[found[0]], f"{where}: column '{found[0]}'"
    if column.isna().any():
        missing = f"{column.isna().sum()} of {len(column)} rows"
        raise RequestError(f"{place} is missing in {missing}; remove these rows")
    notes = (f"{', '.join(others)}: no text, left out",) if others else ()
    return _checked(column.tolist(), place), notes


def _holds_text(column: pd.Series) -> bool:
    first = column.first_valid_index()
    return first is not None and isinstance(column[first], str)


def _checked(texts: Iterable[Any], where: str) -> list[str]:
    found = list(texts)
    for number, text in enumerate(found, 1):
        if not isinstance(text, str) or not text:
            what = "is empty" if isinstance(text, str) else f"is no text but {text!r:.40}"
            raise RequestError(f"{where}: row {number} {what}; a text has at least one character: remove it")
    return found


def _blocks(raw: Raw, text: str, dataset: Dataset, where: str) -> TaskData:
    """A language task over a running text."""
    refuse_columns(dataset, where)
    check_options(dataset, ("length",), where)
    if dataset.task_type not in (None, "language"):
        held = f"'{dataset.location}' is one running text without labels"
        raise RequestError(
            f"{where}: task_type: {held}: the task type is 'language', not '{dataset.task_type}'"
        )
    length = whole_number(dataset, "length", where) or _LENGTH
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint32)
    place = f"{where}: location: '{dataset.location}'"
    # The last character of the last block needs one after it.
    n_rows = (len(points) - 1) // length
    if n_rows < 2:
        needed = f"two blocks of {length} need {2 * length + 1}"
        raise RequestError(f"{place} has {len(points)} characters; {needed}: lower options.length")
    alphabet, codes = np.unique(points, return_inverse=True)
    if len(alphabet) < 2:
        raise RequestError(f"{place} is one character all along; there is nothing to predict")
    used = n_rows * length
    notes = list(raw.notes)
    if left_out := len(points) - used - 1:
        too_few = f"{left_out} of {len(points)} characters, too few for a block of {length}"
        notes.append(f"the end, {too_few}, is left out")
    return TaskData(
        Ragged(points[:used], np.arange(n_rows + 1, dtype=np.int64) * length),
        codes[1 : used + 1].astype(np.int64).reshape(n_rows, length),
        "language",
        tuple(chr(point) for point in alphabet),
        modality="text",
        time=np.arange(n_rows, dtype=np.int64),
        origin=raw.origin,
        notes=tuple(notes),
    )


def _asked(raw: Raw, dataset: Dataset, where: str) -> TaskData:
    """A language task whose source says what is asked, and where."""
    refuse_columns(dataset, where)
    place = f"{where}: location: '{dataset.location}'"
    if not isinstance(raw.inputs, list) or not raw.classes:
        raise RequestError(f"{place}: a language task is made of one running text (.txt)")
    texts, codes = _checked(raw.inputs, place), np.asarray(raw.target)
    lengths = np.array([len(text) for text in texts])
    if codes.shape != (len(texts), lengths.max()):
        expected = f"{len(texts)} texts, the longest of {lengths.max()} characters"
        raise RequestError(f"{place}: the codes have the shape {codes.shape} for {expected}")
    if codes.min() < -1 or not 0 <= codes.max() < len(raw.classes):
        raise RequestError(f"{place}: codes lie from -1, nothing asked, to {len(raw.classes) - 1}")
    if (codes[np.arange(codes.shape[1]) >= lengths[:, np.newaxis]] >= 0).any():
        raise RequestError(f"{place}: something is asked behind the end of a text")
    return TaskData(
        Ragged.of_texts(texts),
        codes.astype(np.int64),
        "language",
        raw.classes,
        modality="text",
        own=raw.own,
        origin=raw.origin,
        notes=raw.notes,
    )
