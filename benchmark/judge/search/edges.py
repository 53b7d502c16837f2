"""Search spaces that are too small: where the best settings lie on their edge."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest

__all__ = ["EDGE_COLUMNS", "SPACE_COLUMNS", "edges"]

SPACE_COLUMNS = ["slot", "component", "host", "argument", "low", "high", "log", "integer", "default"]
"""A table of search spaces: one row per arm, host and argument that is searched in a range."""

EDGE_COLUMNS = [
    *("slot", "component", "argument", "low", "high", "settings", "median", "at_lower", "at_upper"),
    *("p_lower", "p_upper", "lower", "upper"),
]

_NEAR = 0.05
"""How much of a space counts as its end."""
_SHARE = 0.2
"""The least share of the settings at an end that is worth a warning."""
_LEVEL = 0.01

_STUDY = ["slot", "component", "host", "task", "repeat", "fold", "replicate", "tuning"]
_DIMENSION = ["slot", "component", "argument", "low", "high", "log", "integer"]


def edges(records: pd.DataFrame, spaces: pd.DataFrame) -> pd.DataFrame:
    """One row per arm and argument with EDGE_COLUMNS: where in its search space the tuned settings lie.

    Positions run from 0 to 1, in the logarithm where the space does; ``at_lower`` and ``at_upper`` are the
    shares within 5 % of an end, and ``lower``, ``upper`` say whether to warn: a share of at least 20 %, and
    more than chance (one-sided binomial test, p < .01). Chance is one of the trials picked blindly: what the
    sampler puts there, which for an integer with few values is much, and the default setting, if it lies
    there. Splits of a task share rows, so p is a guide to where to look, and no more.

    Parameters
    ----------
    records : pandas.DataFrame
        Columns of the record table; each tuning study counts once, however many seeds used its setting.
    spaces : pandas.DataFrame
        SPACE_COLUMNS. Choices have no ends and no row.
    """
    settings = records[(records["setting"] == "tuned") & (records["trials"] > 1)].drop_duplicates(_STUDY)
    placed = settings[["slot", "component", "host", "chosen", "trials"]].merge(
        spaces, on=["slot", "component", "host"]
    )
    chosen = zip(placed["chosen"], placed["argument"], placed["default"], strict=True)
    placed["value"] = [json.loads(text).get(argument, default) for text, argument, default in chosen]
    rows = [
        _dimension(dict(zip(_DIMENSION, place, strict=True)), part)
        for place, part in placed.groupby(_DIMENSION, sort=True)
    ]
    return pd.DataFrame(rows, columns=EDGE_COLUMNS)


def _dimension(space: dict[str, Any], part: pd.DataFrame) -> dict[str, Any]:
    positions = _position(part["value"].to_numpy(dtype=float), space)
    defaults = _position(part["default"].to_numpy(dtype=float), space)
    row = {name: space[name] for name in EDGE_COLUMNS[:5]}
    row |= {"settings": len(part), "median": float(np.median(positions))}
    drawn = dict(zip(("lower", "upper"), _drawn(space), strict=True))
    for end, of in (("lower", positions), ("upper", 1 - positions)):
        there = of <= _NEAR + 1e-12
        default_there = (defaults if end == "lower" else 1 - defaults) <= _NEAR + 1e-12
        chance = np.mean((default_there + (part["trials"] - 1) * drawn[end]) / part["trials"])
        p = binomtest(int(there.sum()), len(part), min(float(chance), 1.0), alternative="greater").pvalue
        row |= {f"at_{end}": float(there.mean()), f"p_{end}": float(p)}
        row[end] = bool(there.mean() >= _SHARE and p < _LEVEL)
    return row


def _position(values: np.ndarray, space: dict[str, Any]) -> np.ndarray:
    """Where values lie between the ends of a space, from 0 to 1."""
    low, high = space["low"], space["high"]
    if space["log"]:
        values, low, high = np.log(values), np.log(low), np.log(high)
    position: np.ndarray = (values - low) / (high - low)
    return position


def _drawn(space: dict[str, Any]) -> tuple[float, float]:
    """How often a sampler draws a value from the lower and from the upper end of a space."""
    if not space["integer"]:
        return _NEAR, _NEAR
    values = np.arange(space["low"], space["high"] + 1, dtype=float)
    positions = _position(values, space)
    lower, upper = values[positions <= _NEAR + 1e-12], values[positions >= 1 - _NEAR - 1e-12]
    if not space["log"]:
        return len(lower) / len(values), len(upper) / len(values)
    # What is drawn in the logarithm is then rounded to a whole number.
    ends = _position(np.array([lower[-1] + 0.5, upper[0] - 0.5]), space)
    return float(ends[0]), float(1 - ends[1])
