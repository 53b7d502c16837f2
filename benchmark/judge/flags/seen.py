"""What every family of flags reads: the arms' own rows, their means by task and host, and words for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from benchmark.judge.comparison import Comparison
from benchmark.judge.effects import grid, relative
from benchmark.judge.intervals import Estimate, estimate
from benchmark.judge.pairing import DEFAULTS, UNSTATED
from benchmark.judge.study import Judgement

__all__ = ["BLOCK", "GAINS", "PLACE", "Seen", "arm", "mean_over_origins", "rough", "share_saved", "subject"]

PLACE = ["task", "host"]
BLOCK = [*PLACE, "repeat", "fold", "seed"]
GAINS = ("HELPS", "BETTER")
"""Verdicts that say that the candidate gains."""
NUMBERS = (
    *("error", "validation_error", "train_error", "featureless_error", "test_errors", "n_test"),
    *("steps", "fit_seconds", "stacked"),
)
APART = ("reference", "control", "aa")
"""Roles of rows that are no arm's own."""


@dataclass(frozen=True, eq=False)
class Seen:
    """A study's records and what was made of them."""

    records: pd.DataFrame
    judgement: Judgement

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The candidates' and baselines' own cells that came to a result.

        Coordinates and ``component``, ``setting`` and ``origin`` as categories; of NUMBERS, ``chosen``,
        ``reason``, ``prediction`` and further metrics those that the records have.
        """
        records = self.records
        names = {name for c in self.comparisons for name in (c.candidate, c.baseline)}
        own = np.isfinite(pd.to_numeric(records["error"], errors="coerce").to_numpy(dtype=float))
        own &= records["component"].astype("str").isin(names).to_numpy()
        if "status" in records.columns:
            own &= records["status"].fillna("ok").to_numpy() == "ok"
        if "role" in records.columns:
            own &= ~records["role"].isin(APART).to_numpy()
        if "replicate" in records.columns:
            own &= pd.to_numeric(records["replicate"]).fillna(0).to_numpy() == 0
        return _columns(records if own.all() else records[own])

    @property
    def comparisons(self) -> Sequence[Comparison]:
        """As the judge made them."""
        return self.judgement.comparisons

    @property
    def gaining(self) -> Sequence[Comparison]:
        """The comparisons whose verdict says that the candidate gains."""
        return [c for c in self.comparisons if c.verdict in GAINS]

    @cached_property
    def slots(self) -> frozenset[str]:
        """The slots that the study varies; empty where the records do not say."""
        if "slot" not in self.records.columns:
            return frozenset()
        records = self.records
        own = records[~records["role"].isin(APART)] if "role" in records.columns else records
        told = own["slot"].dropna().astype("str").unique()
        return frozenset(slot for one in told for slot in one.split("+") if slot)

    @property
    def metrics(self) -> list[str]:
        """The columns of further metrics."""
        return [name for name in self.rows.columns if name.startswith("metric_")]

    @cached_property
    def means(self) -> pd.DataFrame:
        """Means over splits and seeds: one row per (component, setting, task, host), with ``origin``.

        Columns: those of NUMBERS that are known, and ``blocks``.
        """
        keys = ["component", "setting", *PLACE]
        numbers = [name for name in NUMBERS if name in self.rows.columns]
        groups = self.rows.groupby(keys, observed=True, sort=True)
        found = groups[numbers].mean().assign(blocks=groups.size()).reset_index()
        origins = self.rows[["task", "origin"]].drop_duplicates("task").set_index("task")["origin"]
        found["origin"] = found["task"].map(origins).astype("str")
        return found.astype(dict.fromkeys(keys, "str"))

    def knows(self, *columns: str) -> bool:
        """Whether the records have these columns, with a value in each."""
        return all(name in self.rows.columns and self.rows[name].notna().any() for name in columns)

    def of(self, component: str, setting: str) -> pd.DataFrame:
        """The rows of ``means`` of one arm."""
        mine = (self.means["component"] == component) & (self.means["setting"] == setting)
        return self.means[mine]

    def rows_of(self, component: str, setting: str) -> pd.DataFrame:
        """The ``rows`` of one arm."""
        return self.rows[
            ((self.rows["component"] == component) & (self.rows["setting"] == setting)).to_numpy()
        ]

    def arms(self) -> Iterator[tuple[str, str]]:
        """Component and setting of every arm that is compared, baselines first."""
        sides = [
            [(getattr(c, side), c.setting) for c in self.comparisons] for side in ("baseline", "candidate")
        ]
        yield from dict.fromkeys([*sides[0], *sides[1]])

    def is_neural(self, component: str, setting: str) -> bool:
        """Whether an arm is known to be trained in steps."""
        return "steps" in self.means.columns and bool((self.of(component, setting)["steps"] > 0).any())


def _columns(records: pd.DataFrame) -> pd.DataFrame:
    texts = ["component", "setting", *PLACE]
    columns = {}
    for name in (*texts, *BLOCK[2:], "origin"):
        standing = DEFAULTS.get(name, 0)
        values = (
            records.get("task") if name == "origin" and name not in records.columns else records.get(name)
        )
        if values is None:
            columns[name] = pd.Series(standing, index=records.index).astype("category")
        elif isinstance(values.dtype, pd.CategoricalDtype):
            columns[name] = values
        else:
            text = name in texts or name == "origin"
            columns[name] = (values.astype("str").fillna(str(standing)) if text else values).astype(
                "category"
            )
    for name in NUMBERS:
        if name in records.columns:
            columns[name] = pd.to_numeric(records[name], errors="coerce").astype(float)
    numeric = records.select_dtypes("number").columns
    kept = [name for name in numeric if str(name).startswith("metric_")]
    kept += [name for name in ("chosen", "reason", "prediction") if name in records.columns]
    return pd.DataFrame({**columns, **{name: records[name] for name in kept}}).reset_index(drop=True)


def arm(component: str, setting: str) -> str:
    """An arm in words: ``radam, tuned``."""
    return component if setting == UNSTATED else f"{component}, {setting}"


def subject(c: Comparison) -> str:
    """A comparison in words: ``radam against adamw, tuned``."""
    return arm(f"{c.candidate} against {c.baseline}", c.setting)


def rough(rows: pd.DataFrame) -> bool:
    """Whether every error is a count of wrong rows, so that two may be equal by chance."""
    if "n_test" not in rows.columns:
        return False
    wrong = rows["error"] * rows["n_test"]
    return bool(((wrong - wrong.round()).abs() < 1e-6).all())


def mean_over_origins(frame: pd.DataFrame, column: str) -> Estimate | None:
    """The mean of a column of ``means`` over origins with its uncertainty; None where nothing is known.

    ``frame`` has task, host, origin and the column; values that are not finite are left out.
    """
    known = frame[np.isfinite(frame[column].to_numpy(dtype=float))]
    return None if known.empty else estimate(grid(known, column), "fixed")


def share_saved(before: pd.Series, after: pd.Series) -> np.ndarray:
    """(before − after) / max(before, after), NaN where one of them is."""
    ours, theirs = before.to_numpy(dtype=float), after.to_numpy(dtype=float)
    return np.where(np.isnan(ours) | np.isnan(theirs), np.nan, relative(ours, theirs))
