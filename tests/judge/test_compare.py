from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmark.errors import RequestError
from benchmark.judge import Comparison, compare
from benchmark.judge.intervals import Interval
from benchmark.judge.verdict import MIRROR
from benchmark.judge.words import percent

Table = Callable[..., pd.DataFrame]

shapes = st.fixed_dictionaries(
    {
        "tasks": st.integers(1, 8),
        "hosts": st.integers(1, 5),
        "seeds": st.integers(1, 2),
        "folds": st.integers(1, 2),
        "noise": st.sampled_from([0.0, 0.003, 0.05, 0.5]),
        "root": st.integers(0, 10**6),
    }
)
gains = st.sampled_from([-0.3, -0.012, 0.0, 0.004, 0.02, 0.2])


def broken(records: pd.DataFrame, share: float, root: int) -> pd.DataFrame:
    """The records with a share of cells failed."""
    hit = np.random.default_rng(root).random(len(records)) < share
    return records.assign(
        status=np.where(hit, "failed", "ok"), error=records["error"].abs().where(~hit), test_errors=30
    )


def flipped(ends: Interval | None) -> Interval | None:
    return None if ends is None else (-ends[1], -ends[0])


@given(shapes, gains, st.sampled_from([0.0, 0.2]))
@settings(max_examples=20, deadline=None)
def test_swapping_the_arms_mirrors_everything(
    table: Table, shape: dict[str, float], gain: float, share: float
) -> None:
    records = broken(table({"new": gain}, aa=0, **shape), share, 1)
    one, two = compare(records, "new", "base"), compare(records, "base", "new")
    assert two.effect.mean == -one.effect.mean
    for name in ("ci95", "ci_verdict", "ci90", "prediction95", "pigeonhole95"):
        assert getattr(two.effect, name) == flipped(getattr(one.effect, name))
    assert two.verdict == MIRROR[one.verdict]
    assert (two.wins, two.ties, two.losses) == (one.losses, one.ties, one.wins)
    assert two.probability_of_improvement == pytest.approx(1 - one.probability_of_improvement)
    assert two.p_wilcoxon == pytest.approx(one.p_wilcoxon)
    assert (two.effects["effect"] == -one.effects["effect"]).all()
    assert list(two.failures.values()) == list(one.failures.values())[::-1]
    assert two.minimal_detectable_effect == one.minimal_detectable_effect
    assert two.leave_one_task_out == flipped(one.leave_one_task_out)
    assert two.worst_case == flipped(one.worst_case)
    assert (two.hosts["shrunken"] == -one.hosts["shrunken"]).all()


@given(shapes, gains, st.integers(-900, 900))
@settings(max_examples=10, deadline=None)
def test_units_of_the_error_do_not_matter(
    table: Table, shape: dict[str, float], gain: float, power: int
) -> None:
    records = table({"new": gain}, **shape)
    records["error"] = records["error"].abs().clip(lower=1e-3)
    columns = ["error", "featureless_error"]
    scaled = records.assign(**{name: np.ldexp(records[name], power) for name in columns})
    one, two = compare(records, "new", "base"), compare(scaled, "new", "base")
    assert (one.effect, one.verdict, one.sentence) == (two.effect, two.verdict, two.sentence)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_extreme_errors_are_judged_like_any_other(table: Table, scale: float) -> None:
    records = table({"new": 0.1})
    scaled = records.assign(error=records["error"] * scale, featureless_error=0.5 * scale)
    one, two = compare(records, "new", "base"), compare(scaled, "new", "base")
    assert two.effect.mean == pytest.approx(one.effect.mean)
    assert two.verdict == one.verdict == "HELPS"


def test_the_same_component_under_a_second_name_is_identical(table: Table) -> None:
    records = table({"other": 0.2})
    twin = records[(records["component"] == "base") & (records["replicate"] == 0)]
    records = pd.concat([records, twin.assign(component="twin", role="candidate")])
    found = compare(records, "twin", "base")
    assert (found.verdict, found.effect.mean, found.effect.ci_verdict) == ("EQUIVALENT", 0.0, (0.0, 0.0))
    assert "identical" in found.flags
    assert (found.probability_of_improvement, found.p_wilcoxon) == (0.5, 1.0)
    noisy = records.assign(error=records["error"].where(records["role"] != "aa", records["error"] * 1.05))
    loud = compare(noisy, "twin", "base")
    assert loud.verdict == "INCONCLUSIVE"
    assert loud.flags == ("floor_above_rope", "identical")


def test_verdicts_follow_the_size_of_the_effect(table: Table) -> None:
    expected = {0.2: "HELPS", -0.2: "HARMS", 0.0005: "EQUIVALENT"}
    for gain, verdict in expected.items():
        assert compare(table({"new": gain}, noise=0.002), "new", "base").verdict == verdict
    assert compare(table({"new": 0.0}, noise=0.4), "new", "base").verdict == "INCONCLUSIVE"


def test_effects_under_the_floor_help_nobody(table: Table) -> None:
    records = table({"new": 0.03}, noise=0.002)
    shaken = records.assign(error=records["error"].where(records["role"] != "aa", records["error"] * 1.08))
    found = compare(shaken, "new", "base")
    assert found.noise_floor == pytest.approx(0.074, abs=0.005)
    assert found.verdict == "BETTER"
    assert "within_floor" in found.flags
    assert (found.wins, found.ties) == (0, 8)


def test_fewer_than_five_origins_are_insufficient(table: Table) -> None:
    found = compare(table({"new": 0.3}, tasks=4), "new", "base")
    assert found.verdict == "INSUFFICIENT"
    assert found.effect.ci95 is not None
    assert "4 independent data sets are too few" in found.sentence
    assert "This speaks of" not in found.sentence
    records = table({"new": 0.3}, tasks=8)
    records["origin"] = records["task"].map(lambda task: f"o{int(task[1:]) % 4}")
    assert compare(records, "new", "base").verdict == "INSUFFICIENT"


def test_a_sentence_tells_the_lead_of_the_better_arm_and_its_interval_alike(table: Table) -> None:
    found = compare(table({"new": -0.2}, noise=0.002), "new", "base")
    assert found.effect.ci_verdict is not None
    low, high = found.effect.ci_verdict
    assert high < 0
    assert f"of base is {percent(-found.effect.mean)} lower than that of new" in found.sentence
    assert f"interval {percent(-high)} to {percent(-low)}" in found.sentence


def test_a_single_task_is_tested_over_its_splits(table: Table) -> None:
    found = compare(table({"new": 0.3}, tasks=1, hosts=1, folds=10), "new", "base")
    assert (found.verdict, found.effect.ci95) == ("INSUFFICIENT", None)
    assert found.single_task is not None
    assert found.single_task.mean == pytest.approx(found.effect.mean)
    assert found.single_task.p < 0.001
    assert "Nadeau and Bengio" in found.sentence
    assert found.leave_one_task_out is None
    assert found.leave_one_host_out is None
    unknown = table({"new": 0.3}, tasks=1, folds=10).drop(columns="n_train")
    assert compare(unknown, "new", "base").single_task is None


def test_errors_pooled_over_folds_are_no_sample_of_splits(table: Table) -> None:
    records = table({"new": 0.3}, tasks=1, hosts=1, folds=10)
    pooled = records.assign(
        error=records.groupby(["component", "replicate", "repeat", "seed"])["error"].transform("mean"),
        pooled=True,
    )
    found = compare(pooled, "new", "base")
    assert found.effect.mean == pytest.approx(compare(records, "new", "base").effect.mean)
    assert found.single_task is None


def test_failures_reverse_no_verdict_in_silence(table: Table) -> None:
    records = table({"new": 0.05})
    hit = (records["component"] == "new") & (records["seed"] == 0)
    found = compare(records.assign(status=np.where(hit, "diverged", "ok")), "new", "base")
    assert found.effect.mean < 0
    assert found.complete_case == pytest.approx(0.05, abs=0.01)
    assert found.verdict == "INCONCLUSIVE"
    assert {"imputed", "complete_case_reversed"} <= set(found.flags)
    assert found.failures == {"candidate": 32, "baseline": 0}
    assert "new failed in 32 of 96 blocks" in found.sentence


def test_the_worst_case_counts_a_failed_block_as_lost_or_not_at_all() -> None:
    """Four seeds of one task and host: three complete with Δ = .5, one failure."""
    runs = pd.DataFrame({"seed": range(4), "task": "t", "featureless_error": 0.25})
    base, new = runs.assign(component="base", error=0.2), runs.assign(component="new", error=0.1)
    new.loc[0, "error"] = np.nan
    found = compare(pd.concat([base, new]), "new", "base")
    imputed = (0.2 - (3 * 0.1 + 0.25) / 4) / 0.2
    assert found.effect.mean == pytest.approx(imputed)
    assert found.worst_case == pytest.approx((0.75 * 0.5 - 0.25, 0.75 * 0.5))
    base.loc[0, "error"] = np.nan
    both = compare(pd.concat([base, new]), "new", "base")
    assert both.worst_case == pytest.approx((0.75 * 0.5 - 0.25, 0.75 * 0.5 + 0.25))
    assert compare(pd.concat([base, new]).dropna(), "new", "base").worst_case is None


def test_the_effect_lies_within_the_worst_case() -> None:
    """One failed block of huge featureless error outweighs its share in the mean error of the cell."""
    runs = pd.DataFrame({"seed": range(2), "task": "t", "featureless_error": 50.0})
    base, new = runs.assign(component="base", error=0.2), runs.assign(component="new", error=0.1)
    new.loc[0, "error"] = np.nan
    found = compare(pd.concat([base, new]), "new", "base")
    assert found.effect.mean < -0.9
    assert found.worst_case == pytest.approx((found.effect.mean, 0.25))


def test_failures_that_decide_the_sign_are_named(table: Table) -> None:
    records = table({"new": 0.2}, noise=0.01)
    hit = (records["component"] == "new") & (records["seed"] == 0)
    records = records.assign(error=records["error"].where(~hit), featureless_error=0.01)
    found = compare(records, "new", "base")
    low, high = found.worst_case or (0.0, 0.0)
    assert low < 0 < found.effect.mean < high
    assert "rests on how failures are counted" in found.sentence
    assert "complete_case_reversed" not in found.flags


def test_each_interval_has_its_own_level(table: Table) -> None:
    found = compare(table({"new": 0.05}, hosts=1, noise=0.05), "new", "base", level=0.99)
    test = stats.ttest_1samp(found.effects["effect"], 0.0)
    for name, level in (("ci95", 0.95), ("ci_verdict", 0.99), ("ci90", 0.90)):
        assert getattr(found.effect, name) == pytest.approx(tuple(test.confidence_interval(level))), name


def test_intervals_stay_within_the_range_of_effects() -> None:
    """Effects of ±.9: the t interval of six of them would reach beyond what an effect can be."""
    signs = [1, -1, 1, 1, -1, -1]
    errors = [(0.1, 1.0) if sign > 0 else (1.0, 0.1) for sign in signs]
    rows = [(arm, f"t{i}", pair[arm == "base"]) for i, pair in enumerate(errors) for arm in ("new", "base")]
    found = compare(pd.DataFrame(rows, columns=["component", "task", "error"]), "new", "base")
    assert found.verdict == "INCONCLUSIVE"
    assert found.effect.prediction95 == (-1.0, 1.0)
    assert found.effect.ci95 == (-1.0, 1.0)
    assert found.hosts[["low", "high", "shrunken_low", "shrunken_high"]].abs().max(axis=None) <= 1
    assert found.minimal_detectable_effect is not None and found.minimal_detectable_effect > 1
    assert "Not even the largest possible effect" in found.sentence


def test_a_bootstrap_that_disagrees_is_named_and_decides_nothing() -> None:
    """Five tasks, one of them against the rest: t sees no effect where percentiles leave zero out."""
    gains = [0.10, 0.09, 0.11, 0.10, 0.005]
    rows = [
        (arm, f"t{i}", 0.5 * (1 - gain * (arm == "new")))
        for i, gain in enumerate(gains)
        for arm in ("new", "base")
    ]
    frame = pd.DataFrame(rows, columns=["component", "task", "error"])
    sure = compare(frame, "new", "base")
    assert "bootstrap_disagrees" not in sure.flags
    frame["error"] = np.where((frame["component"] == "new") & (frame["task"] == "t4"), 0.53, frame["error"])
    found = compare(frame, "new", "base")
    assert found.effect.ci95 is not None and found.effect.ci95[0] < 0
    assert found.effect.pigeonhole95 is not None and found.effect.pigeonhole95[0] > 0
    assert found.verdict == "INCONCLUSIVE"
    assert "bootstrap_disagrees" in found.flags
    assert "too narrow to be believed" in found.sentence
    few = compare(frame[frame["task"] != "t0"], "new", "base")
    assert few.verdict == "INSUFFICIENT"
    assert "bootstrap_disagrees" not in few.flags


def test_hosts_are_shown_as_they_are_and_pulled_to_the_mean(table: Table) -> None:
    found = compare(table({"new": 0.1}, hosts=4, noise=0.1), "new", "base")
    away = (found.hosts["mean"] - found.effect.mean).abs()
    assert ((found.hosts["shrunken"] - found.effect.mean).abs() <= away + 1e-12).all()
    assert (found.hosts["shrunken_low"] < found.hosts["shrunken"]).all()
    alone = compare(table({"new": 0.1}, hosts=1), "new", "base").hosts.iloc[0]
    assert (alone["shrunken"], alone["shrunken_low"]) == (alone["mean"], alone["low"])


def test_an_arm_that_always_fails_harms_and_says_so(table: Table) -> None:
    records = table({"new": 0.05})
    found = compare(
        records.assign(status=np.where(records["component"] == "new", "failed", "ok")), "new", "base"
    )
    assert found.verdict == "HARMS"
    assert {"imputed", "no_complete_case"} <= set(found.flags)
    assert found.complete_case is None
    assert found.volatile["cost_ratio"] == {"fit_seconds": None, "memory": None}


def test_cost_is_a_geometric_mean_of_ratios(table: Table) -> None:
    found = compare(table({"new": 0.1}, aa=1), "new", "base", variants_tried=7)
    assert found.volatile["cost_ratio"]["fit_seconds"] == pytest.approx(3.0)
    assert found.volatile["cost_ratio"]["memory"] == pytest.approx(1.0)
    assert found.volatile["variants_tried"] == 7


def test_the_setting_is_tuned_where_there_is_one(table: Table) -> None:
    records = table({"new": 0.1}, settings=("default", "tuned"))
    assert compare(records, "new", "base").setting == "tuned"
    assert compare(records, "new", "base", setting="default").setting == "default"
    assert (
        compare(
            records[["component", "task", "host", "fold", "seed", "error", "setting", "replicate"]],
            "new",
            "base",
        ).setting
        == "tuned"
    )


def test_sentences_name_the_population_and_hold_no_p_value(table: Table) -> None:
    def said(found: Comparison) -> str:
        assert "p =" not in found.sentence and "nan" not in found.sentence
        return found.sentence

    assert "in these hosts only (h0, h1)" in said(compare(table({"new": 0.1}), "new", "base"))
    assert "5 hosts taken as a sample" in said(compare(table({"new": 0.1}, hosts=5), "new", "base"))
    open_question = compare(table({"new": 0.0}, noise=0.4), "new", "base")
    assert open_question.tasks_needed is not None
    assert f"about {open_question.tasks_needed} data sets" in said(open_question)


@pytest.mark.parametrize(("rope", "level"), [(-0.1, 0.95), (1.0, 0.95), (0.01, 0.4), (0.01, 95)])
def test_rules_that_make_no_sense_are_refused(table: Table, rope: float, level: float) -> None:
    wrong = f"rope={rope}" if level == 0.95 else f"level={level}"
    with pytest.raises(RequestError, match=f"{wrong}"):
        compare(table({"new": 0.1}), "new", "base", rope=rope, level=level)
