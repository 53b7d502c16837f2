"""The best of several: how much chance flatters it, and what confirms it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.errors import RequestError
from benchmark.judge import compare, judge, selected
from benchmark.judge.selection import expected_maximum, warning, winners_curse

Table = Callable[..., pd.DataFrame]

FIRST, SECOND = [f"t{n}" for n in range(6)], [f"t{n}" for n in range(6, 12)]
ARMS: dict[str, Any] = {"candidates": ["low", "high", "mid"], "baselines": ["base"]}


@pytest.fixture
def whole(table: Table) -> pd.DataFrame:
    return table({"low": 0.0, "mid": 0.1, "high": 0.2}, tasks=12, seeds=1, folds=1)


def of(records: pd.DataFrame, origins: list[str]) -> pd.DataFrame:
    return records[records["origin"].isin(origins)]


@pytest.mark.parametrize(
    ("k", "known"),
    [(1, 0.0), (2, 0.5641896), (3, 0.8462844), (5, 1.1629645), (10, 1.5387527), (25, 1.9653146)],
)
def test_expected_maximum_of_normals(k: int, known: float) -> None:
    """Harter (1961), *Expected values of normal order statistics*, Biometrika 48, table 1; 2: 1/√π."""
    assert expected_maximum(k) == pytest.approx(known, abs=1e-6)


@pytest.mark.parametrize("k", [40, 1000])
def test_expected_maximum_of_many(k: int) -> None:
    draws = np.random.default_rng(0).normal(size=(4000, k)).max(axis=1)
    assert expected_maximum(k) == pytest.approx(draws.mean(), abs=4 * draws.std() / 4000**0.5)


def test_winners_curse_is_what_the_best_of_equals_shows() -> None:
    random = np.random.default_rng(1)
    best = random.normal(0, 0.05, (4000, 4, 25)).mean(axis=2).max(axis=1).mean()
    assert winners_curse(0.05 / 5, 4) == pytest.approx(best, abs=5e-4)
    assert winners_curse(0.01, 1) is None


def test_a_small_effect_of_many_variants_is_warned_of(table: Table) -> None:
    records = table({"new": -0.001}, noise=0.02)
    found = compare(records, "new", "base", variants_tried=4)
    size = found.volatile["winners_curse"]
    assert size == pytest.approx(expected_maximum(4) * found.spread / 8**0.5)
    assert 0 < found.effect.mean <= 2 * size
    assert found.volatile["flags"] == ["winners_curse"]
    said = warning(found)
    assert said is not None and said.startswith("4 variants of new were run in this store; the best of 4")
    large = compare(table({"new": 0.5}, noise=0.02), "new", "base", variants_tried=4)
    single = compare(records, "new", "base", variants_tried=1)
    assert (large.volatile["flags"], single.volatile["flags"]) == ([], [])
    assert (warning(large), warning(single), single.volatile["winners_curse"]) == (None, None, None)


def test_one_data_set_does_not_tell_what_chance_makes_of_the_best(table: Table) -> None:
    found = compare(table({"new": 0.1}, tasks=1), "new", "base", variants_tried=4)
    assert (found.volatile["winners_curse"], found.volatile["flags"]) == (None, [])


def test_the_selected_one_is_judged_on_fresh_data_alone(whole: pd.DataFrame) -> None:
    judgement = judge(whole, confirm=(FIRST, SECOND), **ARMS)
    found = {one.candidate: one for one in judgement.comparisons}
    assert list(found) == ARMS["candidates"]
    alone = compare(of(whole, SECOND), "high", "base")
    assert found["high"].effect == alone.effect
    assert (found["high"].verdict, found["high"].family) == ("HELPS", 1)
    assert found["high"].p_holm == found["high"].p_wilcoxon == alone.p_wilcoxon
    for name in ("low", "mid"):
        one = found[name]
        assert one.effect.mean == compare(of(whole, FIRST), name, "base").effect.mean
        assert (one.verdict, one.flags[0], one.tasks_needed) == ("INCONCLUSIVE", "not_selected", None)
        assert f"No verdict on {name}, which was not selected to be confirmed" in one.sentence
    assert judgement.primary is found["high"], "unless another is named"
    (selection,) = judgement.selections
    assert (selection.selected, selection.n_selecting, selection.n_confirming) == ("high", 6, 6)
    assert selection.selecting == compare(of(whole, FIRST), "high", "base").effect.mean
    assert selection.confirming == alone.effect.mean
    page = judgement.to_json(study="s", slot="optimizer", metric="error")
    assert json.loads(json.dumps(page["selections"], allow_nan=False)) == [selection.to_json()]
    assert "high was selected among 3 candidates against base" in page["selections"][0]["sentence"]
    assert f"its effect ({selection.setting} setting) was" in selection.sentence


def test_each_half_has_a_floor_of_its_own(whole: pd.DataFrame) -> None:
    for loud, other in ((FIRST, "high"), (SECOND, "low")):
        shaken = (whole["role"] == "aa") & whole["origin"].isin(loud)
        records = whole.assign(error=whole["error"].where(~shaken, whole["error"] * 1.5))
        found = {one.candidate: one for one in judge(records, confirm=(FIRST, SECOND), **ARMS).comparisons}
        quiet, noisy = found[other].noise_floor, found["low" if other == "high" else "high"].noise_floor
        assert quiet is not None and noisy is not None
        assert quiet < 0.02 < 0.3 < noisy


def test_only_the_selected_one_need_be_run_to_confirm_it(whole: pd.DataFrame) -> None:
    chosen = selected(of(whole, FIRST), FIRST, **ARMS)
    assert chosen == {"base": "high"}
    needed = whole[whole["origin"].isin(FIRST) | ~whole["component"].isin(["low", "mid"])]
    kinds = [
        json.dumps(
            judge(records, confirm=(FIRST, SECOND), **ARMS).to_json(study="s", slot="s", metric="m"),
            allow_nan=False,
        )
        for records in (whole, needed)
    ]
    assert kinds[0] == kinds[1]
    with pytest.raises(RequestError, match="'high' was selected against 'base' and not run to confirm it"):
        judge(
            needed[~(needed["component"].eq("high") & needed["origin"].isin(SECOND))], confirm=(FIRST, SECOND)
        )


def test_a_large_harm_is_not_selected(table: Table) -> None:
    records = table({"harm": -1.0, "help": 0.1}, seeds=1, folds=1)
    chosen = selected(records, ["t0", "t1", "t2"], candidates=["harm", "help"], baselines=["base"])
    assert chosen == {"base": "help"}


def test_every_baseline_has_its_own_selection_and_ties_go_to_the_first(whole: pd.DataFrame) -> None:
    twin = whole[whole["component"] == "high"]
    records = pd.concat(
        [whole, twin.assign(component="twin"), twin.assign(component="other", role="baseline")]
    )
    arms: dict[str, Any] = {"candidates": ["twin", "high", "low"], "baselines": ["base", "other"]}
    assert selected(records, FIRST, **arms) == {"base": "twin", "other": "twin"}
    arms["candidates"] = ["high", "twin", "low"]
    found = judge(records, confirm=(FIRST, SECOND), **arms)
    assert [one.selected for one in found.selections] == ["high", "high"]


def test_too_few_data_sets_to_select_give_no_verdict_either(whole: pd.DataFrame) -> None:
    found = judge(whole, confirm=(FIRST[:3], SECOND), **ARMS).comparisons
    assert [one.verdict for one in found] == ["INSUFFICIENT", "HELPS", "INSUFFICIENT"]


def test_halves_that_share_a_data_set_or_hold_none_are_refused(whole: pd.DataFrame) -> None:
    with pytest.raises(RequestError, match="confirm: 't5' is in both halves, and may not confirm"):
        judge(whole, confirm=(FIRST, ["t5", *SECOND]), **ARMS)
    with pytest.raises(RequestError, match="nothing of the 0 origins that select"):
        judge(whole, confirm=([], SECOND), **ARMS)
    with pytest.raises(RequestError, match="nothing of the 1 origins that select"):
        selected(whole, ["t99"], **ARMS)


@pytest.mark.all
def test_confirming_takes_the_flattery_out(table: Table) -> None:
    """Of ten equal candidates the selected one looks better than it is, until it is confirmed."""
    names = {f"c{n}": 0.0 for n in range(10)}
    found = [
        judge(
            table(names, tasks=12, seeds=1, folds=1, hosts=1, aa=0, noise=0.05, root=root),
            confirm=(FIRST, SECOND),
        )
        for root in range(60)
    ]
    selections = [one.selections[0] for one in found]
    flattered = np.array([one.selecting for one in selections])
    honest = np.array([one.confirming for one in selections])
    assert flattered.mean() > 0.015
    assert abs(honest.mean()) < 3 * honest.std() / 60**0.5
