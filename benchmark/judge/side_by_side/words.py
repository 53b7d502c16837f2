"""A board in plain words: who leads, who may as well, and what the order owes to who entered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchmark.judge.significance import DIGITS
from benchmark.judge.verdict import ORIGINS_NEEDED

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.judge.side_by_side.board import Board

__all__ = ["told"]

NAMES_SHOWN = 6


def told(board: Board) -> tuple[str, ...]:
    """The sentences that go with ``board``, each of them true by itself."""
    said = [_leader(board), _alike(board), _dependence(board), _failures(board), _scope(board)]
    return tuple(part for part in said if part)


def _leader(board: Board) -> str:
    n, first, others = board.n, board.standing.iloc[0], board.standing.iloc[1:]
    leaders = _leaders(board)
    has = "has" if len(leaders) == 1 else "share"
    best = f"{_listed(leaders)} {has} the best mean rank, {first['mean_rank']:.2f} of {n['methods']}"
    if n["origins"] < ORIGINS_NEEDED:
        few = f"{n['origins']} independent data set{'s are' if n['origins'] > 1 else ' is'} too few"
        return f"No test is made, {few} (five are needed): {best}, and nobody can be told from anybody."
    best += f" ({100 * (1 - board.alpha):g} % interval {first['rank_low']:.2f} to {first['rank_high']:.2f})"
    means = f"Wilcoxon's signed-rank test over {n['origins']} independent data sets, adjusted by Holm over "
    means += f"{_counted(len(board.pairs), 'pair')}, alpha {board.alpha:g}"
    tied = list(others.loc[others["tied_for_first"], "method"])
    but, who = ("but", "") if len(leaders) == 1 else ("and", f"{first['method']} ")
    if not tied:
        all_others = "the other one" if len(others) == 1 else f"all {len(others)} others"
        return f"{best}, and {who}is told apart from {all_others} ({means})."
    nobody = "the other one" if len(others) == 1 else f"any of the {len(others)} others"
    them = nobody if len(tied) == len(others) else _listed(tied)
    if len(board.pairs) * 2.0 ** (1 - n["origins"]) > board.alpha:
        means += "; with so few data sets it cannot tell any two apart"
    return f"{best}, {but} {who}cannot be told apart from {them} ({means})."


def _leaders(board: Board) -> list[str]:
    """All methods of the best mean rank."""
    ranks = board.standing["mean_rank"].round(DIGITS)
    return list(board.standing.loc[ranks == ranks.iloc[0], "method"])


def _alike(board: Board) -> str:
    found = board.friedman
    if found is None or found.n_methods < 3:
        return ""
    size = f"F {found.f:.3g}" if np.isfinite(found.f) else "F without bound"
    test = f"Friedman's test in Iman and Davenport's form: {size}, p {_p(found.p_f)}"
    if found.p_f <= board.alpha:
        return f"The methods are not all alike: chance alone seldom makes mean ranks as different ({test})."
    return f"Chance alone may make mean ranks as different as these ({test}): their order supports no choice."


def _dependence(board: Board) -> str:
    without = board.without
    if len(without) < 3:
        return ""
    first = board.standing["method"].iloc[0]
    ahead, behind = (without[without["winner_changes"] & kind] for kind in _kinds(without, first))
    if len(ahead):
        one = ahead.iloc[0]
        more = f"; so do {len(ahead) - 1} more of {len(without)} removals" if len(ahead) > 1 else ""
        return (
            f"Who leads depends on who entered: without {one['removed']}, {one['winner']} would lead "
            f"instead of {one['before']}{more}."
        )
    swaps = int(without["order_changes"].sum())
    said = "" if len(_leaders(board)) > 1 else "Removing any one other entrant leaves the leader in front; "
    said += f"{swaps or 'none'} of {len(without)} removals would make some of the rest swap places"
    if len(behind):
        one = behind.iloc[0]
        said += f" (without {first}, {one['winner']} would come before {one['before']})"
    return f"{said[0].upper()}{said[1:]}."


def _kinds(without: pd.DataFrame, first: str) -> tuple[pd.Series, pd.Series]:
    """Which rows remove another one than the leader, and which the leader."""
    return without["removed"] != first, without["removed"] == first


def _failures(board: Board) -> str:
    failed = board.standing[board.standing["failures"] > 0]
    if failed.empty:
        return ""
    counts = [f"{row.method} in {row.failures}" for row in failed.itertuples()]
    price = "each counts as the worse of the featureless error and the task's worst, and who failed in all of"
    price += " a task ranks last on it"
    return f"Failed, of {_counted(board.n['blocks'], 'block')}: {_listed(counts)}; {price}."


def _scope(board: Board) -> str:
    n = board.n
    where = f", averaged over {n['hosts']} hosts" if n["hosts"] > 1 else ""
    return (
        f"All of it is relative to these {n['methods']} entrants on "
        f"{_counted(n['origins'], 'independent data set')}{where}."
    )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _listed(names: Sequence[str]) -> str:
    if len(names) > NAMES_SHOWN + 1:
        return f"{', '.join(names[:NAMES_SHOWN])} and {len(names) - NAMES_SHOWN} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _p(value: float) -> str:
    return "below .001" if value < 0.001 else f"{value:.3f}".removeprefix("0")
