from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.judge.beside import Beside, beside
from benchmark.judge.effects import by_task_and_host, relative
from benchmark.judge.field.replicability import k_hat
from benchmark.judge.field.welch import welch
from benchmark.judge.pairing import impute, pair, tabulate
from benchmark.judge.significance import nadeau_bengio

Table = Callable[..., pd.DataFrame]


def found(records: pd.DataFrame, ours: str = "new", theirs: str = "base", *, rope: float = 0.01) -> Beside:
    setting = "tuned" if "setting" in records else "unstated"
    blocks = impute(pair(tabulate(records), ours, theirs, setting))
    return beside(blocks, by_task_and_host(blocks), rope=rope)


def two_arms(ours: np.ndarray, theirs: np.ndarray, **columns: object) -> pd.DataFrame:
    """Records of ``new`` and ``base`` from errors of shape (n_tasks, n_seeds)."""
    tasks, seeds = ours.shape
    at = {
        "task": np.repeat([f"t{i:02}" for i in range(tasks)], seeds),
        "seed": np.tile(np.arange(seeds), tasks),
    }
    parts = [
        pd.DataFrame({**at, "component": name, "error": errors.ravel()})
        for name, errors in (("new", ours), ("base", theirs))
    ]
    return pd.concat(parts, ignore_index=True).assign(**columns)


def mirror(one: Beside) -> dict[str, object]:
    """What swapping the arms must give."""
    swapped = one.to_json()
    if one.improvement is not None:
        value, low, high = one.improvement
        ends = (None, None) if low is None or high is None else (1 - high, 1 - low)
        swapped["improvement"] = (1 - value, *ends)
    if one.bayes is not None:
        swapped["bayes"] |= {"worse": one.bayes.better, "better": one.bayes.worse}
    if one.iqm is not None:
        swapped["iqm"] = {"candidate": one.iqm["baseline"], "baseline": one.iqm["candidate"]}
    if one.replicability is not None:
        other = {"better": "worse", "worse": "better", None: None}[one.replicability["direction"]]
        swapped["replicability"] |= {"direction": other}
    if one.welch is not None:
        swapped["welch"] |= {"wins": one.welch["losses"], "losses": one.welch["wins"]}
    return swapped


def same(one: object, other: object) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, float) and isinstance(other, float):
        return one == pytest.approx(other, abs=1e-9)
    return one == other


def test_a_clear_improvement_in_everything_that_readers_expect(table: Table) -> None:
    one = found(table({"new": 0.1}, folds=5))
    assert one.improvement == (1.0, 1.0, 1.0)
    assert one.bayes is not None
    assert one.bayes.better > 0.95
    assert one.iqm is not None
    assert one.iqm["candidate"].value == pytest.approx(0.9, abs=0.01)
    assert one.iqm["baseline"].value == pytest.approx(1.0, abs=0.01)
    assert one.replicability is not None
    assert one.replicability["k_bonferroni"] == one.replicability["of"] == 8
    assert one.replicability["direction"] == "better"
    assert one.welch == {"wins": 8, "ties": 0, "losses": 0, "alpha": 0.05}


def test_improvement_compares_all_pairs_of_runs_and_weighs_origins_and_hosts_equally() -> None:
    ours = np.array([[0.1, 0.4], [0.3, 0.3], [0.2, 0.5]])
    theirs = np.array([[0.2, 0.3], [0.2, 0.3], [0.3, 0.4]])
    by_task = [0.5, 0.25, 0.5]
    records = two_arms(ours, theirs)
    assert found(records).improvement is not None
    assert (found(records).improvement or pytest.fail()).value == pytest.approx(np.mean(by_task))
    twins = records.assign(origin=records["task"].replace({"t01": "t00"}))
    expected = (np.mean(by_task[:2]) + by_task[2]) / 2
    assert (found(twins).improvement or pytest.fail()).value == pytest.approx(expected)


def test_replicability_over_splits_is_nadeau_bengios(table: Table) -> None:
    records = table({"new": 0.06}, folds=5, noise=0.05, hosts=2)
    one = found(records)
    blocks = impute(pair(tabulate(records), "new", "base", "tuned"))
    errors = blocks.groupby(["task", "host"], observed=True)[["error_baseline", "error_candidate"]]
    larger = errors.transform("mean").max(axis=1)
    blocks["gain"] = (blocks["error_baseline"] - blocks["error_candidate"]) / larger
    splits = blocks.groupby(["task", "fold"], observed=True)["gain"].mean().unstack()
    tests = [nadeau_bengio(row, 0.25) or pytest.fail() for row in splits.to_numpy()]
    assert np.mean([test.mean for test in tests]) > 0
    p = [min(2 * test.p_greater, 1.0) for test in tests]
    assert one.replicability == {
        "k_bonferroni": k_hat(p),
        "k_fisher": k_hat(p, method="fisher"),
        "of": 8,
        "alpha": 0.05,
        "direction": "better",
        "test": "nadeau_bengio",
    }
    assert 0 < one.replicability["k_fisher"] < 8


def test_replicability_over_seeds_is_welchs_and_folds_without_a_ratio_give_none(table: Table) -> None:
    records = table({"new": 0.01}, folds=1, seeds=5, hosts=1, noise=0.02)
    one = found(records)
    arms = records[records["replicate"] == 0].groupby(["component", "task"])["error"].agg(["mean", "std"])
    new, base = arms.loc["new"], arms.loc["base"]
    p = welch(new["mean"], new["std"], 5, base["mean"], base["std"], 5)
    better = (new["mean"] < base["mean"]).to_numpy()
    assert one.replicability is not None
    assert one.replicability["test"] == "welch"
    assert one.replicability["k_fisher"] == k_hat(np.where(better, p, 1.0), method="fisher")
    assert one.welch is not None
    assert one.welch["wins"] == (better & (p <= 0.05)).sum()
    assert one.welch["losses"] == (~better & (p <= 0.05)).sum()
    folds = table({"new": 0.01}, folds=5).drop(columns=["n_test"])
    assert found(folds).replicability is None
    assert found(folds).welch is not None


def test_one_run_gives_no_interval_and_no_test(table: Table) -> None:
    one = found(table({"new": 0.1}, folds=1, seeds=1))
    assert one.improvement == (1.0, None, None)
    assert one.replicability is None
    assert one.welch is None
    assert one.bayes is not None


def test_pooled_folds_are_one_run(table: Table) -> None:
    plain = table({"new": 0.1}, folds=1, seeds=3)
    pooled = pd.concat([plain.assign(fold=fold, pooled=True) for fold in range(4)], ignore_index=True)
    assert found(pooled) == found(plain)


def test_identical_arms_are_equal_in_everything(table: Table) -> None:
    records = table({}, aa=0)
    one = found(pd.concat([records, records.assign(component="new", role="candidate")]))
    assert one.improvement is not None
    assert one.improvement.value == 0.5
    assert one.bayes is not None
    assert one.bayes.equal == 1
    assert one.replicability is not None
    assert (one.replicability["k_bonferroni"], one.replicability["k_fisher"]) == (0, 0)
    assert one.replicability["direction"] is None
    assert one.welch == {"wins": 0, "ties": 8, "losses": 0, "alpha": 0.05}


def test_constant_runs_of_no_noise_are_decided_and_zeros_are_ties() -> None:
    ours, theirs = np.full((6, 3), 0.1), np.full((6, 3), 0.3)
    ours[:2] = theirs[:2] = 0.0
    one = found(two_arms(ours, theirs))
    assert one.welch == {"wins": 4, "ties": 2, "losses": 0, "alpha": 0.05}
    assert one.replicability is not None
    assert one.replicability["k_bonferroni"] == 4


def test_blocks_without_any_error_are_left_out() -> None:
    errors = np.array([[0.1, 0.2], [np.nan, np.nan]])
    one = found(two_arms(errors, errors + 0.1))
    assert one.improvement is not None
    assert one.replicability is not None
    assert one.replicability["of"] == 1
    nothing = found(two_arms(errors[1:], errors[1:]))
    assert (nothing.improvement, nothing.iqm, nothing.replicability, nothing.welch) == (None,) * 4


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_it_has_no_scale(table: Table, scale: float) -> None:
    records = table({"new": 0.02})
    scaled = records.assign(error=records["error"] * scale, featureless_error=scale)
    assert same(found(scaled).to_json(), found(records).to_json())


ERRORS = st.lists(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=3, max_size=3), min_size=1, max_size=6
)


@given(ERRORS, st.booleans(), st.booleans(), st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_arms_mirror_and_neither_order_nor_names_matter(
    errors: list[list[tuple[int, int]]], folds: bool, ratio: bool, seed: int
) -> None:
    values = np.array(errors, dtype=float) / 10
    records = two_arms(values[..., 0], values[..., 1])
    if folds:
        records = records.rename(columns={"seed": "fold"})
    if ratio:
        records = records.assign(n_train=90, n_test=10)
    one = found(records)
    assert same(found(records, "base", "new").to_json(), mirror(one))
    assert found(records.sample(frac=1, random_state=seed)) == one
    names = dict(zip(sorted(set(records["task"])), "fbdcea", strict=False))
    renamed = records.assign(task=records["task"].replace(names))
    assert same(found(renamed).to_json(), one.to_json())
    json.dumps(one.to_json(), allow_nan=False)
    assert one.to_json() == asdict(one)


@pytest.mark.all
def test_an_effect_on_no_data_set_is_counted_on_some_in_at_most_alpha() -> None:
    """Though the direction is read off the same data: twice the one-sided p value pays for that."""
    rng = np.random.default_rng(0)
    blocks = impute(pair(tabulate(two_arms(*np.ones((2, 10, 5)))), "new", "base", "unstated"))
    effects = by_task_and_host(blocks)
    counts = []
    for _ in range(500):
        ours, theirs = rng.uniform(0.2, 0.3, (2, 10, 5))
        blocks = blocks.assign(error_candidate=ours.ravel(), error_baseline=theirs.ravel())
        gain = relative(theirs.mean(axis=1), ours.mean(axis=1))
        one = beside(blocks, effects.assign(effect=gain), rope=0.01)
        assert one.replicability is not None
        counts.append([one.replicability["k_bonferroni"] > 0, one.replicability["k_fisher"] > 0])
    assert (np.mean(counts, axis=0) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / len(counts))).all()


@pytest.mark.all
def test_a_comparison_of_100_000_blocks_takes_a_fraction_of_a_second(table: Table) -> None:
    records = table({"new": 0.02}, tasks=500, hosts=20, seeds=10, folds=1, aa=0)
    blocks = impute(pair(tabulate(records), "new", "base", "tuned"))
    effects = by_task_and_host(blocks)
    start = time.process_time()
    one = beside(blocks, effects, rope=0.01)
    assert time.process_time() - start < 0.6
    assert one.replicability is not None
    assert one.replicability["of"] == 500
