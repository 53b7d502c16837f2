"""The evidence of an answer in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from benchmark.judge.words import percent
from benchmark.publish.reproduce.noise import ROUNDING

if TYPE_CHECKING:
    from benchmark.publish.reproduce.agreement import ArmAgreement

__all__ = ["needed", "sentences"]

NAMED = 10
"""Cells that are named one by one."""


def sentences(arms: Sequence[ArmAgreement], cells: pd.DataFrame, tests: int) -> Iterator[str]:
    """What was compared, which arm differs and how, and in which cells."""
    counts = cells["outcome"].value_counts()
    told = [f"{counts[name]:,} {name}" for name in counts.index]
    yield f"{len(cells):,} cells were compared: {', '.join(told) or 'none'}."
    corrected = f"corrected for {tests} tests" if tests > 1 else "one test"
    for arm in arms:
        if arm.scatter:
            yield (
                f"{_name(arm)}: its errors here differ from the published ones by more than the study's own "
                f"noise (p = {arm.scatter_p:.2g}, {corrected})."
            )
        if arm.shift and arm.mean_effect is not None:
            side = "better" if arm.mean_effect < 0 else "worse"
            yield (
                f"{_name(arm)}: its published errors are {side} than those here throughout, on average by "
                f"{percent(abs(arm.mean_effect))} (p = {arm.shift_p:.2g}, {corrected}; the study's noise "
                f"reaches {percent(arm.floor)})."
            )
        if arm.fixed and arm.mean_effect is not None:
            yield (
                f"{_name(arm)}: its published errors are others than those here, on average by "
                f"{percent(abs(arm.mean_effect))} (the study's noise reaches {percent(arm.floor)}). Noise "
                "does not explain it: run twice, the arm gave the same to the last bit, "
                "as most of the study does."
            )
        elif arm.odd:
            yield (
                f"{_name(arm)}: on {_list(arm.odd)} the errors are far beyond the noise, or others though "
                "most of the study repeats to the last bit."
            )
    yield from _cells(cells)


def needed(arms: Sequence[ArmAgreement], most_lost: float, has_noise: bool) -> str:
    """Why nothing can be told of some arm, and what would settle it; empty where all are reproduced."""
    if not arms:
        return "No cell was compared: run a larger sample."
    for arm in arms:
        lost, n = arm.outcomes["not comparable"], sum(arm.outcomes.values())
        if lost > most_lost * n:
            return (
                f"{_name(arm)}: {lost} of {n} cells could not be compared, mostly since time or memory ran "
                "out: run them with more of it."
            )
    for arm in arms:
        if arm.odd:
            return f"{_name(arm)}: its errors on {_list(arm.odd)} are in doubt: run more of them."
    for arm in arms:
        if arm.control or arm.largest <= ROUNDING:
            continue
        if not has_noise:
            return (
                f"{_name(arm)}: some errors differ, and the study has no A/A arms that say how large its "
                "noise is: run it with protocol.aa=2, or repeat it with the versions that it names."
            )
        if not arm.enough:
            return f"{_name(arm)}: too few cells to find a difference, were there one: run a larger sample."
    return ""


def _cells(cells: pd.DataFrame) -> Iterator[str]:
    beyond = cells[cells["outcome"] == "different"]
    times = beyond["effect"].abs() / beyond["noise"].fillna(1.0)
    beyond = beyond.loc[times.sort_values(ascending=False, kind="stable").index]
    for row in beyond.head(NAMED).to_dict("records"):
        noise = "" if pd.isna(row["noise"]) else f", noise up to {percent(row['noise'])}"
        yield f"{_cell(row)}: {_side(row, 'then')} published, {_side(row, 'now')} here{noise}."
    if len(beyond) > NAMED:
        yield f"{len(beyond) - NAMED:,} more cells are beyond the noise."
    lost = cells[cells["outcome"] == "not comparable"]
    for then, now in sorted(set(zip(lost["status_then"], lost["status_now"], strict=True))):
        n = int(((lost["status_then"] == then) & (lost["status_now"] == now)).sum())
        yield f"{n:,} cells could not be compared: {then} published, {now} here."


def _name(arm: ArmAgreement) -> str:
    return " ".join(filter(None, [arm.role, arm.control, arm.component]))


def _cell(row: dict[str, object]) -> str:
    host = f" in {row['host']}" if row["host"] else ""
    split = f"repeat {row['repeat']}, fold {row['fold']}, seed {row['seed']}, {row['setting']}"
    return f"{row['component']} ({row['control'] or row['role']}){host} on {row['task']}, {split}"


def _side(row: dict[str, object], when: str) -> str:
    status = row[f"status_{when}"]
    return f"error {row[f'error_{when}']:.6g}" if status == "ok" else str(status)


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
