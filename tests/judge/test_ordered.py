"""Data sets one after the other: where a comparison is read, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.errors import RequestError
from benchmark.judge import Comparison, judge, unsettled
from benchmark.judge.floor import aa_effects, noise_floor
from benchmark.judge.pairing import tabulate
from benchmark.judge.sequential import confidence_sequence

Table = Callable[..., pd.DataFrame]

ORDER = tuple(f"t{place}" for place in (3, 8, 0, 11, 5, 1, 9, 2, 10, 4, 7, 6))
GAINS = {"great": 0.9, "bad": -3.0, "same": 0.0}


@pytest.fixture
def whole(table: Table) -> pd.DataFrame:
    return table(GAINS, tasks=12, seeds=1, folds=1, hosts=2)


def judged(records: pd.DataFrame, order: Sequence[str] = ORDER, **rule: Any) -> dict[str, Comparison]:
    return {one.candidate: one for one in judge(records, order=order, **rule).comparisons}


def cut(records: pd.DataFrame, ends: dict[str, int]) -> pd.DataFrame:
    """Without the rows of each candidate after its first ``ends`` origins."""
    late = [
        records["component"].eq(name) & records["origin"].isin(ORDER[last:]) for name, last in ends.items()
    ]
    return records[~np.logical_or.reduce(late)]


def as_bytes(records: pd.DataFrame) -> str:
    found = judge(records, order=ORDER).to_json(study="s", slot="optimizer", metric="error")
    return json.dumps(found, allow_nan=False)


def test_each_candidate_is_read_where_it_was_settled(whole: pd.DataFrame) -> None:
    found = judged(whole)
    stops = {name: one.sequential.stopped_at for name, one in found.items() if one.sequential is not None}
    assert stops["same"] is None
    assert found["same"].verdict == "INCONCLUSIVE"
    for name, verdict in (("great", "HELPS"), ("bad", "HARMS")):
        one, last = found[name], stops[name]
        assert last is not None and 5 <= last < 12
        assert one.sequential is not None
        assert (one.verdict, one.n["origins"], one.n["blocks"]) == (verdict, last, 2 * last)
        assert (one.sequential.looks, one.sequential.planned, len(one.sequential.table)) == (last, 12, last)
        assert set(one.tasks["origin"]) == set(ORDER[:last])
        assert one.wins + one.losses + one.ties == last
        assert (one.minimal_detectable_effect, one.tasks_needed) == (None, None)
        assert f"Stopped after {last} of 12 data sets; the interval holds at every look." in one.sentence
    assert "Looked at after each of 12 data sets and not settled" in found["same"].sentence


def test_intervals_are_those_of_the_sequence_over_origins(whole: pd.DataFrame) -> None:
    for sequence in ("bounded", "normal"):
        one = judged(whole, sequence=sequence)["great"]
        assert one.sequential is not None
        last = one.sequential.looks
        effects = one.effects.groupby("origin")["effect"].mean().loc[list(ORDER[:last])].to_numpy()
        for ends, level in (
            (one.effect.ci95, 0.95),
            (one.effect.ci90, 0.90),
            (one.effect.ci_verdict, 1 - 0.05 / 3),
        ):
            low, high = confidence_sequence(effects, level, sequence)
            assert ends == (low[-1], high[-1])
        assert one.family == 3
        assert ("as far as effects are normal" in one.sentence) == (sequence == "normal")


def test_what_came_after_the_stop_changes_nothing(whole: pd.DataFrame) -> None:
    ends = {name: one.n["origins"] for name, one in judged(whole).items()}
    assert min(ends.values()) < 12
    assert as_bytes(whole) == as_bytes(cut(whole, ends))
    assert as_bytes(whole) == as_bytes(whole.sample(frac=1, random_state=1))


def test_a_study_run_block_by_block_asks_for_no_more_than_it_needs(whole: pd.DataFrame) -> None:
    names, done = ["great", "bad", "same"], dict[str, int]()
    still = names
    for seen in range(13):
        done |= dict.fromkeys(still, seen)
        still = unsettled(cut(whole, done), ORDER, candidates=names, baselines=["base"])
        assert still == [name for name in names if name in still]
    assert still == []
    assert done == {name: one.n["origins"] for name, one in judged(whole).items()}


def test_a_candidate_goes_on_until_it_is_settled_against_every_baseline(whole: pd.DataFrame) -> None:
    second = whole[(whole["component"] == "base") & (whole["replicate"] == 0)]
    second = second.assign(component="near", error=second["error"] * 0.11)
    records = pd.concat([whole, second])
    arms: dict[str, Any] = {"candidates": ["great"], "baselines": ["base", "near"]}
    first, other = judge(records, order=ORDER, **arms).comparisons
    assert first.n["origins"] < other.n["origins"] == 12
    assert unsettled(cut(records, {"great": 11}), ORDER, **arms) == ["great"]


def test_the_floor_is_that_of_all_origins(whole: pd.DataFrame) -> None:
    loud = (whole["role"] == "aa") & (whole["origin"] == ORDER[-1])
    records = whole.assign(error=whole["error"].where(~loud, whole["error"] * 1.5))
    floor = noise_floor(aa_effects(tabulate(records), "base", "tuned")).mean
    assert judged(records)["great"].noise_floor == floor


def test_hosts_left_out_are_left_out_of_the_floor(whole: pd.DataFrame) -> None:
    loud = (whole["role"] == "aa") & (whole["host"] == "h1")
    records = whole.assign(error=whole["error"].where(~loud, whole["error"] * 1.5))
    records = records[~((records["component"] == "great") & (records["host"] == "h1"))]
    found = judged(records, candidates=["great"], excluded={("great", "h1")})["great"]
    assert found.noise_floor is not None and found.noise_floor < 0.02
    gone = records[~((records["component"] == "great") & (records["task"] == "t8"))]
    found = judged(gone, candidates=["great"], excluded={("great", "h1"), ("great", "h0", "t8")})["great"]
    assert found.sequential is not None and found.sequential.planned == 11


def test_settled_tasks_are_read_apart_by_the_same_sequence(whole: pd.DataFrame) -> None:
    records = whole.assign(test_errors=np.where(whole["task"].isin(["t3", "t0"]), 1, 30))
    one = judged(records)["great"]
    assert one.without_saturated is not None
    assert one.without_saturated.origins == one.n["origins"] - 2
    rest = one.effects[~one.effects["saturated"]].groupby("origin")["effect"].mean()
    order = [origin for origin in ORDER if origin in rest.index]
    low, high = confidence_sequence(rest.loc[order].to_numpy(), 1 - 0.05 / 3)
    assert one.without_saturated.ci_verdict == (low[-1], high[-1])


def test_failures_that_decide_the_sign_settle_nothing(whole: pd.DataFrame) -> None:
    one_host = (whole["component"] == "great") & (whole["host"] == "h1")
    failed = (whole["component"] == "base") & (whole["replicate"] == 0) & (whole["host"] == "h0")
    records = whole.assign(
        error=whole["error"].where(~one_host, whole["error"] * 11),
        status=np.where(failed, "failed", "ok"),
        featureless_error=50.0,
    )
    # Their floor would be as high as the failures of the baseline that they repeat.
    records = records[records["role"] != "aa"]
    for sequence in ("bounded", "normal"):
        found = judged(records, candidates=["great"], sequence=sequence)["great"]
        assert found.sequential is not None
        assert (found.verdict, found.sequential.stopped_at, found.n["origins"]) == ("INCONCLUSIVE", None, 12)


def test_equivalence_is_read_off_the_interval_of_the_whole_family(table: Table) -> None:
    """Effects of ±.6 % over ten data sets: ±.8 % at 90 % for one candidate, ±1.5 % for three at 95 %."""
    records = table({"one": 0.0, "two": 0.0, "three": 0.0}, tasks=10, hosts=1, seeds=1, folds=1, noise=0)
    up = records["task"].isin([f"t{n}" for n in range(0, 10, 2)])
    ours = records["role"] == "candidate"
    records["error"] *= np.where(ours, np.where(up, 1 - 0.006, 1 / (1 - 0.006)), 1.0)
    order = [f"t{n}" for n in range(10)]
    for one in judged(records, order, sequence="normal").values():
        assert one.effect.ci90 is not None and one.effect.ci90[1] < 0.01
        assert (one.verdict, one.n["origins"]) == ("INCONCLUSIVE", 10)
    alone = judged(records, order, candidates=["one"], sequence="normal")["one"]
    assert alone.verdict == "EQUIVALENT"


def test_the_leading_setting_says_who_goes_on(table: Table) -> None:
    records = table(GAINS, tasks=12, seeds=1, folds=1, hosts=2, settings=("default", "tuned"))
    tuned = records["setting"] == "tuned"
    records.loc[(records["component"] == "great") & tuned, "error"] *= 10
    arms: dict[str, Any] = {"candidates": ["great", "bad"], "baselines": ["base"]}
    assert unsettled(cut(records, {"great": 11, "bad": 11}), ORDER, **arms) == ["great"]
    records["setting"] = np.where(tuned, "default", "tuned")
    assert unsettled(cut(records, {"great": 11, "bad": 11}), ORDER, **arms) == []


def test_hosts_are_fixed(whole: pd.DataFrame) -> None:
    assert judge(whole, order=ORDER).host_effects == "fixed"
    with pytest.raises(RequestError, match="hosts are fixed, since the same hosts recur"):
        judge(whole, order=ORDER, host_effects="random")
    with pytest.raises(RequestError, match="did you mean 'fixed'"):
        judge(whole, order=ORDER, host_effects="fixd")


def test_a_hole_in_the_order_is_refused(whole: pd.DataFrame) -> None:
    hole = whole[~((whole["component"] == "same") & (whole["origin"] == ORDER[2]) & (whole["host"] == "h1"))]
    with pytest.raises(RequestError, match="'same' has rows of 't11' but not all of 't0', which comes"):
        judge(hole, order=ORDER)
    late = cut(hole, {"same": 3})
    found = judged(late)["same"]
    assert found.sequential is not None
    assert (found.sequential.looks, found.verdict) == (2, "INSUFFICIENT"), "a block begun is not read"


def test_orders_that_make_no_sense_are_refused(whole: pd.DataFrame) -> None:
    for order, said in (
        (ORDER[1:], "order: no 't3', which the records have"),
        ((*ORDER, "t3"), "every origin once"),
        ((), "at least one"),
        ((*ORDER, "t99"), "'base' has no rows of 't99', which the order names"),
    ):
        with pytest.raises(RequestError, match=said):
            judge(whole, order=order)
    with pytest.raises(RequestError, match="did you mean 'bounded'"):
        judge(whole, order=ORDER, sequence="bound")
    with pytest.raises(RequestError, match="'same' \\(tuned\\) is complete on no origin of the order"):
        judge(cut(whole, {"same": 0}), order=ORDER, candidates=["great", "same"], baselines=["base"])
    with pytest.raises(RequestError, match="do not go together"):
        judge(whole, order=ORDER, confirm=(ORDER[:6], ORDER[6:]))
