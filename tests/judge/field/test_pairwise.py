"""Every pair of methods: the effects of the verdict, signed-rank tests with Holm, shares of wins."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.judge import compare
from benchmark.judge.field.entrants import Entrants, entrants
from benchmark.judge.field.pairwise import pair_effects, signed_rank_pairs, square, unit_wins, win_matrix
from benchmark.judge.pairing import tabulate

Table = Callable[..., pd.DataFrame]
METHODS = ["base", "one", "two", "three"]


def with_failures(table: Table, share: float, seed: int = 0) -> pd.DataFrame:
    records = table({"one": 0.1, "two": 0.0, "three": -0.1}, noise=0.2, hosts=3, seeds=2, aa=0)
    records["base_host"] = records["host"].map({"h0": "h0", "h1": "h0", "h2": "h2"})
    records["origin"] = records["task"].replace("t1", "t0")
    failed = np.random.default_rng(seed).random(len(records)) < share
    failed |= ((records["component"] == "two") & (records["task"] == "t4")).to_numpy()
    return records.assign(error=records["error"].mask(failed)) if share else records


def of(records: pd.DataFrame) -> Entrants:
    return entrants(tabulate(records), METHODS, "tuned")


@pytest.mark.parametrize(("share", "featureless"), [(0.0, 0.5), (0.02, 0.15), (0.3, 0.5), (0.3, None)])
def test_the_effects_are_those_of_the_verdict(table: Table, share: float, featureless: float | None) -> None:
    records = with_failures(table, share).assign(featureless_error=featureless)
    found = of(records)
    effects = pair_effects(found)
    by_origin = found.by_origin(effects)
    for first, second in (("base", "one"), ("base", "two"), ("two", "three")):
        alone = compare(records, first, second, setting="tuned", host_effects="fixed")
        theirs = alone.effects.set_index(["origin", "task", "host"])["effect"]
        np.testing.assert_allclose(
            effects[first, second], theirs.reindex(effects.index), rtol=1e-12, atol=1e-15
        )
        assert by_origin[first, second].mean() == pytest.approx(alone.effect.mean)


def test_the_tests_are_those_of_the_verdict(table: Table) -> None:
    records = with_failures(table, 0.05)
    found = of(records)
    pairs = signed_rank_pairs(found.by_origin(pair_effects(found)))
    assert len(pairs) == 6
    for row in pairs.itertuples():
        assert row.p == compare(records, str(row.first), str(row.second), setting="tuned").p_wilcoxon
        assert row.p <= row.p_holm <= min(1, 6 * row.p)
    assert pairs["p_holm"].min() == pytest.approx(min(1, 6 * pairs["p"].min()))
    assert (pairs["plus"] + pairs["minus"] == 7 * 8 / 2).all()


@pytest.mark.shared_data
def test_demsars_rank_sums(ground_truth: Path) -> None:
    table = pd.read_csv(ground_truth / "demsar2006_table6_auc.csv", index_col=0)
    differences = table["C4.5+m"] - table["C4.5"]
    frame = pd.DataFrame({("C4.5+m", "C4.5"): differences}).rename_axis(columns=["first", "second"])
    found = signed_rank_pairs(frame).iloc[0]
    assert (found["plus"], found["minus"]) == (93, 12)
    assert found["p_holm"] == found["p"]


def test_pairs_as_a_square() -> None:
    pairs = pd.DataFrame({"first": ["a", "a", "b"], "second": ["b", "c", "c"], "p_holm": [0.1, 0.2, 0.3]})
    found = square(pairs, ["c", "a", "b"])
    assert found.loc["a", "c"] == found.loc["c", "a"] == 0.2
    assert found.to_numpy().tolist() == [[1, 0.2, 0.3], [0.2, 1, 0.1], [0.3, 0.1, 1]]


def test_the_win_matrix_counts_cells_within_data_sets(table: Table) -> None:
    found = of(with_failures(table, 0.1))
    shares = win_matrix(found)
    assert np.isnan(np.diag(shares)).all()
    np.testing.assert_allclose((shares + shares.T).to_numpy()[~np.eye(4, dtype=bool)], 1)
    cells = found.cells.fillna(np.inf)
    for row, column in combinations(METHODS, 2):
        won = (cells[row] < cells[column]) + 0.5 * (cells[row] == cells[column])
        by_host = won.groupby([won.index.get_level_values("origin"), found.base_hosts.to_numpy()]).mean()
        assert shares.loc[row, column] == pytest.approx(by_host.groupby(level=0).mean().mean())
    np.testing.assert_allclose(unit_wins(found).sum(axis=1) + 0.5, found.unit_ranks())


@settings(max_examples=8, deadline=None)
@given(st.permutations(METHODS), st.integers(0, 3))
def test_the_order_of_methods_changes_the_order_alone(order: list[str], seed: int) -> None:
    random = np.random.default_rng(seed)
    cells = pd.MultiIndex.from_product([METHODS, [f"t{i}" for i in range(6)]], names=["component", "task"])
    records = cells.to_frame(index=False).assign(error=random.integers(0, 4, len(cells)) / 4)
    records.loc[random.random(len(records)) < 0.1, "error"] = np.nan
    plain, other = (entrants(tabulate(records), names, "unstated") for names in (METHODS, order))
    pd.testing.assert_frame_equal(other.unit_ranks()[METHODS], plain.unit_ranks(), check_names=False)
    pd.testing.assert_frame_equal(win_matrix(other).loc[METHODS, METHODS], win_matrix(plain))
    effects, mirrored = pair_effects(plain), pair_effects(other)
    for first, second in effects.columns:
        same = (first, second) in mirrored.columns
        theirs = mirrored[first, second] if same else -mirrored[second, first]
        np.testing.assert_array_equal(effects[first, second], theirs)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_effects_of_the_largest_and_smallest_errors(table: Table, scale: float) -> None:
    records = with_failures(table, 0.1).assign(featureless_error=np.nan)
    plain, scaled = (
        pair_effects(of(one)) for one in (records, records.assign(error=records["error"] * scale))
    )
    np.testing.assert_allclose(scaled, plain, atol=1e-12)
    flat = of(records.assign(error=scale))
    assert (signed_rank_pairs(flat.by_origin(pair_effects(flat)))["p_holm"] == 1).all()
