"""Settings on the edge of a search space: told where they are more than chance, and only there."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.judge.search.edges import EDGE_COLUMNS, SPACE_COLUMNS, edges


def space(low: float, high: float, default: float, **fields: Any) -> pd.DataFrame:
    known = {"slot": "optimizer", "component": "adamw", "host": "mlp", "argument": "optimizer.lr"}
    row = {**known, "low": low, "high": high, "log": False, "integer": False, "default": default, **fields}
    return pd.DataFrame([row], columns=SPACE_COLUMNS)


def records(values: Sequence[float | None], **fields: Any) -> pd.DataFrame:
    """One tuning study per value, used by two seeds; None: it chose the default."""
    rows = [
        {"fold": fold, "seed": seed, "chosen": json.dumps({} if value is None else {"optimizer.lr": value})}
        for fold, value in enumerate(values)
        for seed in (0, 1)
    ]
    fixed = {"slot": "optimizer", "component": "adamw", "host": "mlp", "task": "t", "repeat": 0}
    fixed |= {"replicate": 0, "tuning": 0, "setting": "tuned", "trials": 8}
    return pd.DataFrame(rows).assign(**{**fixed, **fields})


def found(values: Sequence[float | None], where: pd.DataFrame, **fields: Any) -> pd.Series:
    table = edges(records(values, **fields), where)
    assert list(table.columns) == EDGE_COLUMNS and len(table) == 1
    row: pd.Series = table.iloc[0]
    return row


def test_settings_at_the_upper_end_of_a_logarithmic_range() -> None:
    # Within 5 % of the upper end means above 10 ** -1.2 = .063.
    row = found([0.09, 0.064, 0.1, 0.062, 0.01, 0.001, 0.002], space(1e-5, 0.1, 1e-3, log=True))
    assert row["settings"] == 7
    assert (row["at_lower"], row["at_upper"]) == (0, pytest.approx(3 / 7))
    assert row["median"] == pytest.approx((math.log10(0.062) + 5) / 4)
    assert (row["lower"], row["upper"]) == (False, True)
    # Chance: 7 of 8 trials are drawn, of which 5 % lie there; and P(at least 3 of 7) by the binomial.
    chance = 7 / 8 * 0.05
    tail = sum(math.comb(7, k) * chance**k * (1 - chance) ** (7 - k) for k in range(3, 8))
    assert row["p_upper"] == pytest.approx(tail)
    assert row["p_lower"] == 1


def test_a_linear_range_is_measured_linearly() -> None:
    row = found([0.04, 0.05, 0.3, 0.0], space(0.0, 1.0, 0.5))
    assert (row["at_lower"], row["lower"], row["upper"]) == (0.75, True, False)


def test_each_tuning_study_counts_once() -> None:
    twice = pd.concat([records([0.1] * 3, tuning=0), records([0.1] * 3, tuning=1)])
    assert edges(twice, space(0.0, 1.0, 0.5))["settings"].tolist() == [6]


def test_a_default_on_the_edge_is_chosen_there_by_chance_more_often() -> None:
    values = [None, None, 0.5, 0.5, 0.5]
    inside, edge = (found(values, space(0.0, 1.0, default)) for default in (0.5, 0.0))
    assert (inside["at_lower"], edge["at_lower"]) == (0, 0.4)
    drawn = 1 / 8 + 7 / 8 * 0.05
    assert edge["p_lower"] == pytest.approx(1 - (1 - drawn) ** 5 - 5 * drawn * (1 - drawn) ** 4)
    assert not edge["lower"]
    assert found([None] * 4, space(0.0, 1.0, 0.0))["lower"]


def test_an_integer_range_has_many_at_its_ends_by_chance() -> None:
    depths = [1, 1, 3, 2, 3, 1]
    row = found(depths, space(1, 3, 2, integer=True))
    assert (row["at_lower"], row["at_upper"]) == (0.5, pytest.approx(1 / 3))
    assert not row["lower"] and not row["upper"]
    assert found([3] * 8, space(1, 3, 2, integer=True))["upper"]
    assert not found([1] * 4, space(1, 2, 2, integer=True))["lower"]


def simulated(low: int, high: int, log: bool, n: int) -> np.ndarray:
    """Draws as the sampler makes them."""
    u = np.random.default_rng(0).random(n)
    if log:
        drawn: np.ndarray = np.round(np.exp(np.log(low) + u * (np.log(high) - np.log(low))))
    else:
        drawn = low + np.floor(u * (high - low + 1))
    return drawn


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(("low", "high"), [(1, 2), (1, 6), (8, 512), (2, 100)])
def test_chance_is_what_the_sampler_draws(low: int, high: int, log: bool) -> None:
    drawn = simulated(low, high, log, 20_000)
    place = (np.log(drawn / low) / np.log(high / low)) if log else (drawn - low) / (high - low)
    expected = [float((at <= 0.05 + 1e-9).mean()) for at in (place, 1 - place)]
    for value, wanted in ((low, expected[0]), (high, expected[1])):
        one = found([value], space(low, high, low, log=log, integer=True), trials=10**9)
        assert one["p_lower" if value == low else "p_upper"] == pytest.approx(wanted, abs=0.012)


def test_blind_choices_are_hardly_ever_warned_of() -> None:
    random, arms = np.random.default_rng(1), [f"arm{number}" for number in range(300)]
    where = pd.concat([space(0.0, 1.0, 0.5, component=arm) for arm in arms])
    table = edges(pd.concat([records([*random.random(12)], component=arm) for arm in arms]), where)
    assert len(table) == 300
    assert (table["lower"] | table["upper"]).sum() <= 6


def test_what_was_not_tuned_has_no_place_in_a_space() -> None:
    where = space(0.0, 1.0, 0.5)
    for fields in ({"setting": "default"}, {"trials": 1}, {"component": "sgd"}, {"slot": "pipeline"}):
        table = edges(records([0.0] * 5, **fields), where)
        assert table.empty and list(table.columns) == EDGE_COLUMNS
    assert edges(records([0.0] * 5), where.iloc[:0]).empty


def test_hosts_are_pooled_where_the_space_is_the_same() -> None:
    where = pd.concat([space(0.0, 1.0, 0.5), space(0.0, 1.0, 0.5, host="resnet")])
    both = pd.concat([records([0.0] * 2), records([0.5] * 2, host="resnet")])
    assert edges(both, where)[["settings", "at_lower"]].to_numpy().tolist() == [[4, 0.5]]
    wider = pd.concat([space(0.0, 1.0, 0.5), space(-1.0, 1.0, 0.5, host="resnet")])
    assert edges(both, wider)["settings"].tolist() == [2, 2]


def test_the_order_of_the_rows_does_not_matter() -> None:
    table, where = records([0.0, 0.2, None, 1.0]), space(0.0, 1.0, 0.5)
    pd.testing.assert_frame_equal(edges(table, where), edges(table.sample(frac=1, random_state=0), where))
