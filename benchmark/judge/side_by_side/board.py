"""Several methods side by side, and how much of their order can be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from benchmark.errors import RequestError, nearest
from benchmark.judge.compare import check_rule, default_setting
from benchmark.judge.comparison import plain
from benchmark.judge.field.dependence import without_each
from benchmark.judge.field.entrants import Entrants, entrants
from benchmark.judge.field.pairwise import pair_effects, signed_rank_pairs, unit_wins
from benchmark.judge.field.profiles import TIMES_UP_TO, UP_TO, performance_profile, profile_area
from benchmark.judge.field.ranks import Friedman, cliques, friedman, nemenyi
from benchmark.judge.pairing import Excluded, tabulate
from benchmark.judge.side_by_side.all_pairs import all_pairs, floors_of
from benchmark.judge.side_by_side.standing import better, cell_weights, standing, times_to_target
from benchmark.judge.side_by_side.words import told
from benchmark.judge.verdict import ORIGINS_NEEDED

__all__ = ["Board", "board", "side_by_side"]

VOLATILE = ("seconds", "on_front")
"""Columns of the standing that rest on time."""
DRAWN = 121
"""Points of a profile, evenly spread over log τ."""


@dataclass(frozen=True, eq=False)
class Board:
    """Several methods side by side; everything in it is relative to these entrants."""

    entrants: Entrants
    standing: pd.DataFrame
    """One row per method, best mean rank first: see ``standing.standing``."""
    friedman: Friedman | None
    """None with fewer than five independent data sets, as everything else that tests something."""
    critical_difference: float | None
    """Nemenyi's, of two mean ranks; None also for two methods."""
    nemenyi_cliques: tuple[tuple[str, ...], ...]
    """Methods next to each other in rank of which no two are a critical difference apart."""
    holm_cliques: tuple[tuple[str, ...], ...]
    """The same by Wilcoxon's signed-rank test with Holm's adjustment over all pairs."""
    pairs: pd.DataFrame
    """One row per pair: first, second, mean (Δ, positive where the first is better), plus, minus, p,
    p_holm; where all pairs were asked for, low, high, verdict, flags, wins, ties, losses, noise_floor."""
    win_matrix: pd.DataFrame
    """Share of the independent data sets that the row won against the column."""
    profile: pd.DataFrame
    """Column tau, then one per method: share of the data sets with an error of at most tau times the best."""
    profile_area: pd.Series
    """By method: mean height of its profile over log tau, tau from 1 to 4."""
    time_profile: pd.DataFrame | None
    """Like ``profile``, of the seconds of a fit that reached the target; None where seconds are not known."""
    time_profile_area: pd.Series | None
    """Like ``profile_area``, tau from 1 to 32."""
    without: pd.DataFrame
    """Leave-one-entrant-out: see ``field.dependence.without_each``."""
    target: str | None
    """Whose error, and δ more, is the target; None: the median of the entrants that came through."""
    anchor: str | None
    """Whose Elo is 1000; None: the mean is."""
    alpha: float
    rope: float
    level: float
    sentences: tuple[str, ...] = ()
    """Who leads, who cannot be told apart from the leader, what the order owes to who entered, what
    failed."""

    @property
    def n(self) -> dict[str, int]:
        """How many methods, origins, tasks, hosts and blocks."""
        index = self.entrants.blocks.index
        return {
            "methods": len(self.entrants.methods),
            "origins": index.get_level_values("origin").nunique(),
            "tasks": index.get_level_values("task").nunique(),
            "hosts": self.entrants.base_hosts.nunique(),
            "blocks": len(index),
        }

    def to_json(self) -> dict[str, Any]:
        """The board as plain values; outside ``volatile`` a function of the errors alone."""
        timed = self.standing[["method", *VOLATILE]]
        shares = self.win_matrix.to_numpy().tolist()
        found = {
            "alpha": self.alpha,
            "rope": self.rope,
            "level": self.level,
            "n": self.n,
            "anchor": self.anchor,
            "standing": _rows(self.standing.drop(columns=list(VOLATILE))),
            "friedman": None if self.friedman is None else asdict(self.friedman),
            "critical_difference": self.critical_difference,
            "cliques": {"nemenyi": self.nemenyi_cliques, "wilcoxon_holm": self.holm_cliques},
            "pairs": _rows(self.pairs),
            "win_matrix": {"methods": list(self.win_matrix.columns), "shares": shares},
            "profile": {"up_to": UP_TO, "area": self.profile_area.to_dict()},
            "without": _rows(self.without),
            "sentences": self.sentences,
            "volatile": {
                "standing": _rows(timed),
                "time_profile": None
                if self.time_profile_area is None
                else {"up_to": TIMES_UP_TO, "target": self.target, "area": self.time_profile_area.to_dict()},
            },
        }
        values = plain(found)
        assert isinstance(values, dict)
        return values


def board(
    records: pd.DataFrame,
    methods: Sequence[str] | None = None,
    setting: str | Mapping[str, str] | None = None,
    **rule: Any,
) -> Board:
    """Several methods of a table of records side by side.

    Parameters
    ----------
    records : pandas.DataFrame
        As for ``compare``.
    methods : sequence of str, optional
        Components; all but whole pipelines of reference unless given, in alphabetical order.
    setting : str or mapping of method to str, optional
        ``tuned`` where the table has it, unless given.
    **rule
        As for :func:`side_by_side`.

    Raises
    ------
    RequestError
        When the table or an argument does not make sense, or blocks are not there in every method.
    """
    table = tabulate(records)
    every = sorted(set(table.loc[~table["reference"], "component"]))
    chosen = default_setting(table) if setting is None else setting
    return side_by_side(table, every if methods is None else methods, chosen, **rule)


def side_by_side(
    table: pd.DataFrame,
    methods: Sequence[str],
    setting: str | Mapping[str, str],
    *,
    alpha: float = 0.05,
    rope: float = 0.01,
    level: float = 0.95,
    host_effects: str = "auto",
    target: str | None = None,
    anchor: str | None = None,
    excluded: Excluded = (),
    pairs: bool = False,
) -> Board:
    """The board of ``methods``; ``table`` is what ``tabulate`` returns.

    Parameters
    ----------
    alpha : float
        Of the tests over all pairs; intervals of ranks and ratings cover 1 − alpha.
    rope, level, host_effects
        As for ``compare``; the last two speak of all pairs alone.
    target : str, optional
        The method whose error, and ``rope`` more, is to be reached in the profile of times.
    anchor : str, optional
        The method whose Elo is 1000; the mean is, unless given.
    excluded : collection of (component, host) or (component, host, task)
        Combinations that could not be run: they are left out for all methods.
    pairs : bool
        Whether every pair gets an effect with an interval and a verdict.

    Raises
    ------
    RequestError
        When an argument does not make sense, a method is unknown, or blocks are not there in every method.
    """
    check_rule(rope, level)
    if not 0 < alpha < 0.5:
        raise RequestError(f"alpha={alpha}: above 0 and below 0.5, say 0.05")
    for name, chosen in (("target", target), ("anchor", anchor)):
        if chosen is not None and chosen not in methods:
            raise RequestError(f"{name}={chosen}: no such method here, {nearest(chosen, methods)}")
    field = entrants(table, methods, setting, excluded=excluded)
    effects = pair_effects(field)
    if pairs:
        settings = dict.fromkeys(field.methods, setting) if isinstance(setting, str) else dict(setting)
        floors = floors_of(table, field, settings)
        tested = all_pairs(field, effects, floors, rope=rope, level=level, host_effects=host_effects)
    else:
        tested = signed_rank_pairs(field.by_origin(effects))
    return _assembled(field, tested, alpha=alpha, rope=rope, level=level, target=target, anchor=anchor)


def _assembled(
    field: Entrants,
    pairs: pd.DataFrame,
    *,
    alpha: float,
    rope: float,
    level: float,
    target: str | None,
    anchor: str | None,
) -> Board:
    ranks, wins = field.unit_ranks(), unit_wins(field)
    enough = len(ranks) >= ORIGINS_NEEDED
    apart = better(pairs, field.methods, alpha) if enough else np.zeros(wins.shape[1:], dtype=bool)
    table = standing(field, wins, apart, alpha=alpha, anchor=anchor)
    order = [field.methods.index(name) for name in table["method"]]
    distance = nemenyi(len(order), len(ranks), alpha) if enough and len(order) > 2 else None
    means = ranks.mean().to_numpy()
    far = np.abs(means[:, None] - means) >= (np.inf if distance is None else distance)
    shares = wins.mean(axis=0)
    weights = cell_weights(field)
    times = times_to_target(field, target, rope)
    drafted = Board(
        entrants=field,
        standing=table,
        friedman=friedman(ranks) if enough else None,
        critical_difference=distance,
        nemenyi_cliques=_named(cliques(order, far), table["method"]),
        holm_cliques=_named(cliques(order, apart | apart.T), table["method"]),
        pairs=pairs,
        win_matrix=pd.DataFrame(
            np.where(np.eye(len(order)) > 0, np.nan, shares), *2 * (list(field.methods),)
        ),
        **_profiles("profile", field.cells.to_numpy(), UP_TO, weights, field.methods),
        **_profiles("time_profile", times, TIMES_UP_TO, weights, field.methods),
        without=without_each(shares, field.methods),
        target=target,
        anchor=anchor,
        alpha=alpha,
        rope=rope,
        level=level,
    )
    return replace(drafted, sentences=told(drafted))


def _named(runs: Sequence[tuple[int, int]], order: pd.Series) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(order[first : last + 1]) for first, last in runs)


def _profiles(
    name: str, values: np.ndarray | None, up_to: float, weights: np.ndarray, methods: Sequence[str]
) -> dict[str, Any]:
    """The fields ``name`` and ``name_area`` of a board; None where there are no values."""
    if values is None:
        return {name: None, f"{name}_area": None}
    taus = np.geomspace(1.0, up_to, DRAWN)
    curves = pd.DataFrame(performance_profile(values, taus, weights=weights), columns=list(methods))
    curves.insert(0, "tau", taus)
    area = pd.Series(profile_area(values, up_to, weights=weights), list(methods))
    return {name: curves, f"{name}_area": area}


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
