"""Whether errors computed here agree with the published ones: reproduced, not reproduced, or cannot tell.

Two tests for every arm, corrected together for all of them (docs/reproduce.md has their error rates).

Scatter: are the differences between then and now larger than those of the study's own A/A arms, task by
task and host by host (and larger than those between the arm's own seeds, where it has several)? A
stratified rank-sum test whose p is the share of permutations; its units are blocks, not cells.

Shift: are the published errors better, or worse, throughout? Signs of the mean differences of origins are
flipped. Under an honest repetition then and now may be exchanged, so this holds whatever the noise. The
mean must lie beyond the floor too: the largest mean difference of an A/A arm from its baseline.

Where most of the study comes out to the last bit, an arm that does not is run twice. If both runs are alike,
no noise explains the published errors, and it is enough that their mean lies beyond the floor.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from benchmark.publish.reproduce.evidence import needed, sentences
from benchmark.publish.reproduce.noise import (
    BLOCK,
    ROUNDING,
    aa_pairs,
    effects,
    limits,
    seed_pairs,
    strata_of,
    values,
)
from benchmark.publish.reproduce.randomization import (
    DRAWS,
    correction,
    larger,
    shifted,
    smallest_larger,
    smallest_shifted,
)

__all__ = ["Agreement", "ArmAgreement", "agreement"]

LEVEL = 0.05
FLOOR_WITHOUT_AA = 0.01
"""The smallest mean difference that counts in a study without A/A arms: what the verdict takes for a tie."""
FAR = 3
"""A task whose mean difference is this many times its noise is not called reproduced, whatever the tests."""
MOST = 0.5
"""Where more cells than this are identical, this machine repeats fits to the last bit."""
MOST_LOST = 0.25
"""Where more of an arm's cells than this could not be compared, it is not called reproduced."""

ARM = ["role", "component", "control"]
OUTCOMES = ("identical", "within noise", "different", "not comparable")


@dataclass(frozen=True)
class ArmAgreement:
    """What was found of one arm, its settings and A/A replicates together; p values are corrected."""

    role: str
    component: str
    control: str
    outcomes: dict[str, int]
    """How many cells are identical, within noise, different, not comparable."""
    largest: float
    """The largest difference of a cell, whatever its sign; NaN where none could be compared."""
    mean_effect: float | None
    """Mean over origins of (then − now) / max(then, now); below zero: the published errors are better."""
    floor: float
    """How large it must be to count."""
    scatter_p: float | None
    """None where the study has no A/A cells beside this arm's."""
    shift_p: float | None
    scatter: bool
    """Whether the differences are larger than noise."""
    shift: bool
    """Whether the published errors lie to one side."""
    fixed: bool
    """Whether they lie beyond the floor, though here the arm gives the same errors time and again."""
    enough: bool
    """Whether the sample could have shown a difference."""
    odd: tuple[str, ...]
    """Tasks on which the differences are several times as large as noise, or most cells are not identical
    though most of the study's are."""


@dataclass(frozen=True, eq=False)
class Agreement:
    """An answer with its evidence."""

    answer: str
    """``reproduced``, ``not reproduced`` or ``cannot tell``."""
    arms: tuple[ArmAgreement, ...]
    cells: pd.DataFrame
    """The compared cells with ``effect``, ``noise`` (the largest A/A effect beside it) and ``outcome``:
    ``identical``, ``within noise``, ``different`` or ``not comparable``."""
    tests: int
    """What p values were multiplied with."""
    sentences: tuple[str, ...]
    needed: str
    """Why it cannot be told, and what would settle it; else empty."""

    @property
    def in_question(self) -> list[tuple[str, str, str]]:
        """Arms (role, component, control) to run twice: beyond the floor, but settled by no test."""
        beyond = [
            arm for arm in self.arms if arm.mean_effect is not None and abs(arm.mean_effect) > arm.floor
        ]
        open_ = self.answer == "cannot tell" and _repeats(self.cells)
        return [(arm.role, arm.component, arm.control) for arm in beyond] if open_ else []

    def to_json(self) -> dict[str, Any]:
        """The answer with every number that it rests on; of the cells, those that are not identical."""
        shown = self.cells[self.cells["outcome"] != "identical"]
        return {
            "schema": 1,
            "answer": self.answer,
            "needed": self.needed,
            "sentences": list(self.sentences),
            "level": LEVEL,
            "tests": self.tests,
            "arms": [_plain(asdict(arm)) for arm in self.arms],
            "cells": _plain(shown.to_dict("records")),
        }


def agreement(cells: pd.DataFrame, records: pd.DataFrame, *, seed: int, draws: int = DRAWS) -> Agreement:
    """Hold errors that were computed here against the published ones.

    Parameters
    ----------
    cells
        One row per cell that was run again: role, component, host, task, origin, repeat, fold, seed,
        setting, replicate, control, error_then, status_then, error_now, status_now, same_predictions
        (None where it is not known); and where arms were run twice repeated_here, whether both runs gave
        the same (None elsewhere). That is meant for the machine and the libraries of the published study.
    records
        All records of the published study, which say how large its noise is.
    seed
        Of the random permutations.

    Raises
    ------
    RequestError
        When the records have a cell twice.
    """
    pairs = aa_pairs(records)
    cells = _classified(cells, pairs)
    random = np.random.default_rng(seed)
    repeats = _repeats(cells)
    tried = [_Tried.of(arm, rows, records, pairs, repeats, random, draws) for arm, rows in cells.groupby(ARM)]
    tests = correction([p for arm in tried for p in arm.smallest()], LEVEL)
    arms = tuple(arm.judged(tests) for arm in tried)
    told = tuple(sentences(arms, cells, tests))
    if any(arm.scatter or arm.shift or arm.fixed for arm in arms):
        return Agreement("not reproduced", arms, cells, tests, told, "")
    lacking = needed(arms, MOST_LOST, len(pairs) > 0)
    return Agreement("cannot tell" if lacking else "reproduced", arms, cells, tests, told, lacking)


def _repeats(cells: pd.DataFrame) -> bool:
    """Whether this machine repeats fits of the study to the last bit."""
    return bool((cells["outcome"] == "identical").mean() > MOST)


def _classified(cells: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    then = values(cells["status_then"], cells["error_then"])
    now = values(cells["status_now"], cells["error_now"])
    effect, noise = effects(then, now), limits(cells, pairs)
    status = (cells["status_then"] == cells["status_now"]).to_numpy()
    unlike = cells["same_predictions"].isin([False]).to_numpy()
    alike = cells["same_predictions"].isin([True]).to_numpy()
    undefined = np.isnan(then) & np.isnan(now) & (alike | (cells["status_then"] != "ok").to_numpy())
    identical = status & ~unlike & ((np.abs(effect) <= 1e-9) | undefined)
    within = np.abs(effect) <= np.where(np.isnan(noise), ROUNDING, noise)
    outcome = np.select(
        [identical, np.isnan(effect), within], ["identical", "not comparable", "within noise"], "different"
    )
    effect = np.where(identical, 0.0, effect)
    return cells.assign(effect=effect, noise=noise, outcome=outcome).reset_index(drop=True)


@dataclass(frozen=True, eq=False)
class _Tried:
    """Both tests of one arm, before p values are corrected."""

    arm: tuple[str, str, str]
    rows: pd.DataFrame
    mean: float | None
    floor: float
    scatter: tuple[float, float] | None
    """p, and the smallest that it could be."""
    shift: tuple[float, float] | None
    odd: tuple[str, ...]
    same_again: bool
    """Whether every cell that is not identical was run twice here with the same outcome."""

    @classmethod
    def of(
        cls,
        arm: Any,
        rows: pd.DataFrame,
        records: pd.DataFrame,
        pairs: pd.DataFrame,
        repeats: bool,
        random: np.random.Generator,
        draws: int,
    ) -> _Tried:
        known = rows[rows["effect"].notna()]
        if known.empty:
            return cls(arm, rows, None, math.inf, None, None, (), False)
        means = _means(known)
        floor = _floor(known, pairs)
        shift = shifted(means, random, draws), smallest_shifted(len(means), draws)
        scatter = None
        if not arm[2]:  # A/A arms say nothing of the noise after wrong labels
            own = records[(records["role"] == arm[0]) & (records["component"] == arm[1])]
            scatter = _scatter(known, own, pairs, random, draws)
        odd, same = tuple(_odd(known, repeats)), repeats and _is_same_again(known)
        return cls(arm, rows, float(means.mean()), floor, scatter, shift, odd, same)

    def smallest(self) -> Iterator[float]:
        """The smallest p of every test that was made."""
        yield from (test[1] for test in (self.scatter, self.shift) if test is not None)

    def judged(self, tests: int) -> ArmAgreement:
        """What both tests say, with ``tests`` of them made in all."""
        scatter_p = None if self.scatter is None else min(1.0, tests * self.scatter[0])
        shift_p = None if self.shift is None else min(1.0, tests * self.shift[0])
        beyond = self.mean is not None and abs(self.mean) > self.floor
        role, component, control = self.arm
        outcomes = self.rows["outcome"].value_counts()
        return ArmAgreement(
            role,
            component,
            control,
            {name: int(outcomes.get(name, 0)) for name in OUTCOMES},
            largest=float(self.rows["effect"].abs().max()),
            mean_effect=self.mean,
            floor=self.floor,
            scatter_p=scatter_p,
            shift_p=shift_p,
            scatter=scatter_p is not None and scatter_p < LEVEL,
            shift=shift_p is not None and shift_p < LEVEL and beyond,
            fixed=beyond and self.same_again,
            enough=any(tests * p < LEVEL for p in self.smallest()),
            odd=self.odd,
        )


def _means(rows: pd.DataFrame) -> np.ndarray:
    """Mean effect by origin, its tasks weighing the same; rounding left out."""
    effect = rows["effect"].where(rows["effect"].abs() > ROUNDING, 0.0)
    tasks = effect.groupby([rows["origin"], rows["task"]]).mean()
    return np.asarray(tasks.groupby(level="origin").mean(), dtype=float)


def _floor(rows: pd.DataFrame, pairs: pd.DataFrame) -> float:
    """The largest |mean effect| of an A/A arm on the same splits, in the same hosts as far as it has them."""
    pairs = pairs[pairs["first"] == 0].astype({"repeat": int, "fold": int})
    for place in (BLOCK, ["task", "repeat", "fold"], ["task"]):
        beside = pairs.merge(rows[place].drop_duplicates(), on=place)
        if len(beside):
            arms = beside.groupby(["component", "second"])
            return max(ROUNDING, *(abs(float(_means(arm).mean())) for _, arm in arms))
    return FLOOR_WITHOUT_AA


def _scatter(
    rows: pd.DataFrame,
    published: pd.DataFrame,
    pairs: pd.DataFrame,
    random: np.random.Generator,
    draws: int,
) -> tuple[float, float] | None:
    """P and the smallest that it could be; None where no A/A cell lies beside the arm's.

    An arm may be noisier than the baseline. So the differences must be larger than those between its own
    seeds too, either the published ones or those here: only one of both is there to be tampered with.
    """
    here = rows.drop(columns="effect").rename(columns={"status_now": "status", "error_now": "error"})
    strata = [strata_of(rows, noise) for noise in (pairs, seed_pairs(published), seed_pairs(here))]
    found = [(larger(s, random, draws), smallest_larger(s, draws)) for s in strata if s]
    if not strata[0]:
        return None
    (p, smallest), own = found[0], found[1:]
    if own:
        p = max(p, len(own) * min(p for p, _ in own))
        smallest = max(smallest, len(own) * min(p for _, p in own))
    return p, smallest


def _odd(rows: pd.DataFrame, repeats: bool) -> Iterator[str]:
    """Tasks of which no test speaks, but that nobody would call reproduced: see ``ArmAgreement.odd``."""
    usual = float(rows["noise"].median())
    for task, cells in rows.groupby("task"):
        size = cells["effect"].abs()
        far = size.mean() > FAR * max(float(cells["noise"].mean()), usual)
        if repeats and (size > ROUNDING).mean() > MOST or far and not rows["control"].any():
            yield str(task)


def _is_same_again(rows: pd.DataFrame) -> bool:
    other = rows[rows["outcome"] != "identical"]
    return "repeated_here" in rows and len(other) > 0 and bool(other["repeated_here"].isin([True]).all())


def _plain(value: Any) -> Any:
    """A value as JSON has it; what is no number is null."""
    if isinstance(value, dict):
        return {str(key): _plain(of) for key, of in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(of) for of in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if value is pd.NA or isinstance(value, float) and not math.isfinite(value) else value
