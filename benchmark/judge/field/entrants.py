"""Several methods on the same blocks: what everything that ranks them starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.errors import RequestError
from benchmark.judge.field.ranks import rank_rows
from benchmark.judge.pairing import COORDINATE, Excluded, aligned, left_out

__all__ = ["Entrants", "cell_means", "complete", "entrants"]


@dataclass(frozen=True, eq=False)
class Entrants:
    """Several methods on the same (task, host) cells. Everything drawn from it is relative to them."""

    methods: tuple[str, ...]
    """In the order given."""
    blocks: pd.DataFrame
    """Errors ``(n_blocks, n_methods)`` by (origin, task, host, repeat, fold, seed), sorted. A failure has
    the larger one of the block's featureless error and the task's worst; NaN where the method failed in
    every block of the (task, host)."""
    cells: pd.DataFrame
    """Mean errors over splits and seeds ``(n_cells, n_methods)`` by (origin, task, host); NaN where the
    method failed throughout."""
    base_hosts: pd.Series
    """By cell: what its host is a variant of."""
    failures: pd.Series
    """By method: failed blocks."""
    failed: pd.DataFrame
    """Like ``blocks``: whether there was no error."""
    featureless: pd.Series
    """By block: error of the featureless predictor, NaN where it is not known."""
    worst: pd.Series
    """By block: the largest error of its task in the whole table."""
    seconds: pd.DataFrame
    """Like ``blocks``: seconds of the fit, NaN where they are not known."""

    def ranks(self) -> pd.DataFrame:
        """Ranks within each cell ``(n_cells, n_methods)``; failures last, ties share the mean rank."""
        return pd.DataFrame(rank_rows(self.cells), self.cells.index, self.cells.columns)

    def by_origin(self, values: pd.DataFrame) -> pd.DataFrame:
        """The mean of values by cell ``(n_cells, …)`` over each independent data set, ``(n_origins, …)``.

        Tasks of one origin and variants of one host are averaged first, as in an effect
        (``effects.grid``), then base hosts; missing values are left out.
        """
        units = [values.index.get_level_values("origin"), self.base_hosts.to_numpy()]
        by_host = values.groupby(units, sort=True).mean()
        return by_host.groupby(level=0, sort=True).mean().rename_axis("origin")

    def unit_ranks(self) -> pd.DataFrame:
        """Mean ranks by independent data set ``(n_origins, n_methods)``.

        With one cell per origin this is the table of ranks as the field prints it.
        """
        return self.by_origin(self.ranks())


def complete(
    table: pd.DataFrame, methods: Sequence[str], setting: str, *, excluded: Excluded = ()
) -> pd.DataFrame | None:
    """The part of a table on the origins of which every method has the same blocks; None where there is none.

    Arguments as of :func:`entrants`.
    """
    rows = table[table["component"].isin(methods).to_numpy() & (table["setting"] == setting).to_numpy()]
    rows = rows[~rows["reference"] & (rows["replicate"] == 0).to_numpy()]
    rows = rows[~left_out(rows, [tuple(place) for name, *place in excluded if name in methods])]
    arms = rows.groupby(["origin", *COORDINATE], observed=True, sort=False).size()
    found = (arms == len(methods)).groupby(level="origin", observed=True).all()
    origins = found.index[found]
    return None if origins.empty else table[table["origin"].isin(origins).to_numpy()]


def entrants(
    table: pd.DataFrame,
    methods: Sequence[str],
    setting: str | Mapping[str, str],
    *,
    excluded: Excluded = (),
) -> Entrants:
    """The methods' errors side by side, every failure with a number or, where all failed, ranked last.

    Parameters
    ----------
    table : pandas.DataFrame
        What ``pairing.tabulate`` returns. Replicate 0 counts; whole pipelines of reference never do.
    methods : sequence of str
        Components, at least two.
    setting : str or mapping of method to str
        One for all, or each method's own.
    excluded : collection of (component, host) or (component, host, task)
        Combinations that could not be run: they are left out for all methods.

    Raises
    ------
    RequestError
        When a method is unknown or named twice, or blocks are not there in every method.
    """
    names = tuple(methods)
    if len(names) < 2 or len(set(names)) < len(names):
        raise RequestError(f"methods={list(names)}: at least two to compare, each of them once")
    arms = [(name, setting if isinstance(setting, str) else setting[name], 0) for name in names]
    parts = aligned(table, arms, excluded=excluded)
    rows = parts[0]
    keys = ["origin", *COORDINATE]
    order = np.lexsort([rows[key].cat.codes for key in reversed(keys)])
    index = pd.MultiIndex.from_arrays([np.asarray(rows[key])[order] for key in keys], names=keys)
    errors, seconds, featureless = (
        np.column_stack([part[column].to_numpy()[order] for part in parts])
        for column in ("error", "fit_seconds", "featureless_error")
    )
    known, worst = np.fmax.reduce(featureless, axis=1), rows["worst"].to_numpy()[order]
    starts = np.flatnonzero(~index.droplevel(["repeat", "fold", "seed"]).duplicated())
    failed = np.isnan(errors)
    throughout = np.repeat(np.logical_and.reduceat(failed, starts), _sizes(starts, len(index)), axis=0)
    blocks = np.where(failed, np.fmax(known, worst)[:, None], errors)
    blocks[throughout] = np.nan
    cells = index[starts].droplevel(["repeat", "fold", "seed"])

    def by_block(values: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(values, index, pd.Index(names, name="method"))

    return Entrants(
        methods=names,
        blocks=by_block(blocks),
        cells=pd.DataFrame(cell_means(blocks, starts), cells, pd.Index(names, name="method")),
        base_hosts=pd.Series(np.asarray(rows["base_host"])[order][starts], cells, name="base_host"),
        failures=by_block(failed).sum(),
        failed=by_block(failed),
        featureless=pd.Series(known, index, name="featureless_error"),
        worst=pd.Series(worst, index, name="worst"),
        seconds=by_block(seconds),
    )


def cell_means(blocks: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Means of runs of rows ``(n_cells, n_columns)``, each run from its start to the next one.

    Sums are taken in units of a power of two near the largest value, exactly, so that 1e300 does not
    overflow.
    """
    sizes = _sizes(starts, len(blocks))
    largest = np.nan_to_num(np.fmax.reduceat(np.abs(blocks), starts))
    exponents = np.frexp(largest)[1]
    sums = np.add.reduceat(np.ldexp(blocks, -np.repeat(exponents, sizes, axis=0)), starts)
    means: np.ndarray = np.ldexp(sums / sizes[:, None], exponents)
    return means


def _sizes(starts: np.ndarray, length: int) -> np.ndarray:
    return np.diff(np.append(starts, length))
