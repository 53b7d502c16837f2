"""What OpenML declares of a table's columns, and the columns made so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from benchmark.data.openml.refusals import Refused

__all__ = ["Feature", "declared", "typed"]


@dataclass(frozen=True, slots=True)
class Feature:
    """What OpenML declares of a column."""

    name: str
    kind: str
    """``nominal``, ``numeric``, ``string`` or ``date``."""
    labels: tuple[str, ...]
    """Of a nominal column."""
    hidden: bool
    """It identifies rows, or is to be ignored."""


def declared(files: Mapping[str, Path]) -> list[Feature]:
    """The columns of a data set, in the order of its file.

    Raises
    ------
    Refused
        When ``features.xml`` is not OpenML's, or declares what the client cannot read.
    """
    path = next(path for path in files.values() if path.name == "features.xml")
    try:
        features = [_feature(element) for element in ElementTree.parse(path).getroot()]
    except (ElementTree.ParseError, KeyError) as error:
        raise Refused(f"'{path}' does not declare its columns: {type(error).__name__}: {error}") from error
    dates = [feature.name for feature in features if feature.kind == "date"]
    if dates and not any(name.endswith(".pq") for name in files):
        raise Refused(f"its column '{dates[0]}' holds dates, which OpenML's client cannot read")
    return features


def typed(column: pd.Series, feature: Feature) -> pd.Series:
    """A column of the client's as it is declared: float64, text, categories or times.

    Raises
    ------
    Refused
        When its values are not of the declared type.
    """
    try:
        if feature.kind == "numeric":
            return pd.Series(np.asarray(column, np.float64))
        if feature.kind == "nominal":
            codes, values = pd.factorize(column)
            labels = [_label(value, feature) for value in values]
            return pd.Series(pd.Categorical.from_codes(codes, categories=labels))
        return column.astype("str") if feature.kind == "string" else pd.to_datetime(column)
    except (ValueError, TypeError) as error:
        reason = f"its column '{feature.name}' is declared {feature.kind} and holds something else"
        raise Refused(f"{reason}: {error}") from error


def _feature(element: ElementTree.Element) -> Feature:
    said = {child.tag.rpartition("}")[2]: child.text or "" for child in element}
    labels = (child.text or "" for child in element if child.tag.endswith("nominal_value"))
    hidden = "true" in (said.get("is_ignore"), said.get("is_row_identifier"))
    return Feature(said["name"], said["data_type"], tuple(labels), hidden)


def _label(value: Any, feature: Feature) -> str:
    """A value's label; the client has made bools of the labels true and false, however they are written."""
    if isinstance(value, (bool, np.bool_)):
        return next((label for label in feature.labels if label.lower() == str(value).lower()), str(value))
    return str(value)
