"""The answer of a repetition: what counts as the same, what both tests find, when nothing can be told."""

from __future__ import annotations

import itertools
import json
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmark.errors import RequestError
from benchmark.publish.reproduce.agreement import agreement
from benchmark.publish.reproduce.noise import aa_pairs, effects, values
from benchmark.publish.reproduce.randomization import (
    correction,
    larger,
    shifted,
    smallest_larger,
    smallest_shifted,
)
from tests.publish.reproduce.studies import Study, forged, made


def study(seed: int = 0, again: float = 0.0, **shape: int) -> Study:
    return made(np.random.default_rng(seed), again, **shape)


# What counts as the same


def test_the_same_bits_are_reproduced_and_need_no_noise_to_be_known() -> None:
    for aa in (0, 2):
        found = agreement(*both(study(aa=aa)), seed=1)
        assert found.answer == "reproduced"
        assert set(found.cells["outcome"]) == {"identical"}
        assert found.to_json()["cells"] == []


def test_one_cell_again_is_enough_where_it_is_identical() -> None:
    made_ = study()
    assert agreement(made_.cells().head(1), made_.records, seed=1).answer == "reproduced"


def both(made_: Study, share: float = 1.0) -> tuple[pd.DataFrame, pd.DataFrame]:
    return made_.cells(share), made_.records


@pytest.mark.parametrize(
    ("then", "now", "predicted", "outcome"),
    [
        (("ok", 0.2), ("ok", 0.2 * (1 + 1e-12)), None, "identical"),
        (("ok", 0.0), ("ok", 0.0), True, "identical"),
        (("ok", 0.2), ("ok", 0.2), False, "within noise"),
        (("ok", 0.2), ("ok", 0.2 * (1 + 1e-7)), False, "within noise"),
        (("ok", 0.2), ("ok", 0.9), False, "different"),
        (("diverged", None), ("diverged", None), None, "identical"),
        (("failed", None), ("diverged", None), None, "within noise"),
        (("ok", 0.2), ("diverged", None), None, "different"),
        (("failed", None), ("ok", 0.2), None, "different"),
        (("timeout", None), ("timeout", None), None, "identical"),
        (("timeout", None), ("ok", 0.2), None, "not comparable"),
        (("ok", 0.2), ("out_of_memory", None), None, "not comparable"),
        (("crashed", None), ("timeout", None), None, "not comparable"),
        (("incompatible", None), ("incompatible", None), None, "identical"),
        (("ok", None), ("ok", None), True, "identical"),  # the metric is that of all folds together
        (("ok", None), ("ok", None), None, "not comparable"),
    ],
)
def test_what_one_cell_is(
    then: tuple[str, float | None], now: tuple[str, float | None], predicted: bool | None, outcome: str
) -> None:
    made_ = study()
    cells = made_.cells()
    cells["same_predictions"] = cells["same_predictions"].astype(object)
    cells.loc[0, ["status_then", "status_now"]] = then[0], now[0]
    cells.loc[0, ["error_then", "error_now"]] = [np.nan if e is None else e for e in (then[1], now[1])]
    cells.loc[0, "same_predictions"] = predicted
    found = agreement(cells, made_.records, seed=1)
    assert found.cells.loc[0, "outcome"] == outcome
    assert set(found.cells["outcome"][1:]) == {"identical"}


errors = st.one_of(st.just(0.0), st.just(np.inf), st.floats(1e-6, 10.0))


@given(errors, errors)
def test_an_effect_is_bounded_antisymmetric_and_signed_as_the_errors(then: float, now: float) -> None:
    found, back = effects(np.array([then, now]), np.array([now, then]))
    assert -1 <= found <= 1 and found == -back
    assert np.sign(found) == (then > now) - (then < now)
    if np.isinf(then) != np.isinf(now):
        assert abs(found) == 1


def test_values_tell_failures_from_what_did_not_end() -> None:
    status = pd.Series(["ok", "failed", "diverged", "timeout", "crashed", "out_of_memory", "incompatible"])
    found = values(status, pd.Series([0.5, None, None, None, None, None, None]))
    np.testing.assert_array_equal(found, [0.5, np.inf, np.inf, *[np.nan] * 4])


def test_pairs_that_lie_apart_share_no_replicate_and_all_others_are_there() -> None:
    for aa in (1, 2, 3):
        pairs = aa_pairs(study(aa=aa).records)
        found = set(zip(pairs["first"], pairs["second"], strict=True))
        assert found == set(itertools.combinations(range(aa + 1), 2))
        apart = pairs[pairs["apart"]]
        taken = [n for pair in set(zip(apart["first"], apart["second"], strict=True)) for n in pair]
        assert len(taken) == len(set(taken)) == (aa + 1) // 2 * 2
        assert aa in taken


# The two tests


def test_one_stratum_is_wilcoxons_rank_sum_test() -> None:
    random = np.random.default_rng(0)
    for n, m in ((3, 5), (6, 6), (1, 9)):
        cases, controls = random.random(n) + 0.3, random.random(m)
        exact = stats.mannwhitneyu(cases, controls, alternative="greater", method="exact").pvalue
        assert larger([(cases, controls)], random, 20_000) == pytest.approx(exact, abs=0.015)


def test_the_smallest_p_of_a_rank_sum_is_that_of_cases_beyond_all_controls() -> None:
    random = np.random.default_rng(0)
    strata = [(np.array([3.0, 4.0]), np.array([1.0, 2.0])), (np.array([9.0]), np.array([1.0, 2.0]))]
    assert smallest_larger(strata, 99_999) == pytest.approx(1 / 18)
    assert larger(strata, random, 99_999) == pytest.approx(1 / 18, rel=0.1)
    assert larger([(np.zeros(3), np.zeros(9))], random, 99) == 1


def test_flipping_signs_is_exact_for_few_means_and_close_to_it_for_many() -> None:
    random = np.random.default_rng(0)
    assert shifted(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), random) == pytest.approx(2 / 32)
    assert smallest_shifted(5) == pytest.approx(2 / 32)
    assert shifted(np.zeros(6), random) == 1
    assert shifted(np.ones(20), random, 999) == smallest_shifted(20, 999) == 1 / 1000
    means = random.normal(0.4, 1, 14)
    exact = stats.permutation_test((means,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    assert shifted(means, random, 20_000) == pytest.approx(exact, abs=0.02)


def test_tests_that_can_find_nothing_are_not_corrected_for() -> None:
    assert correction([], 0.05) == 1
    assert correction([1e-4] * 7, 0.05) == 7
    assert correction([1e-4] * 3 + [0.2] * 9, 0.05) == 3
    assert correction([1e-4, 0.03, 0.03], 0.05) == 2  # with two, 0.03 is not enough any more


# Answers


def test_errors_published_too_good_throughout_are_found_though_each_is_within_noise() -> None:
    made_ = study(again=0.5, tasks=14)
    forged(made_, "better by 4 %")
    found = agreement(*both(made_), seed=1)
    assert found.answer == "not reproduced"
    arm = {arm.component: arm for arm in found.arms}["new"]
    assert arm.shift and arm.mean_effect == pytest.approx(-0.04, abs=0.02)
    assert not any(arm.shift or arm.scatter for arm in found.arms if arm.component != "new")
    assert any("new" in said and "better" in said for said in found.sentences)


def test_changed_code_is_found_and_its_cells_are_named() -> None:
    made_ = study(again=0.5)
    forged(made_, "changed")
    found = agreement(*both(made_), seed=1)
    assert found.answer == "not reproduced"
    assert {arm.component for arm in found.arms if arm.scatter} == {"new"}
    worst = found.cells.loc[(found.cells["effect"].abs() / found.cells["noise"]).idxmax()]
    named = f"new (candidate) in {worst['host']} on {worst['task']}, repeat 0, fold {worst['fold']}"
    assert any(said.startswith(named) for said in found.sentences)
    text = json.dumps(found.to_json(), allow_nan=False)
    assert json.loads(text)["answer"] == "not reproduced"
    outcomes = {cell["outcome"] for cell in json.loads(text)["cells"]}
    assert "different" in outcomes and "identical" not in outcomes


def test_an_arm_noisier_than_the_baseline_is_no_other_arm() -> None:
    for seed in range(3):
        made_ = study(seed, again=1.0, tasks=12, folds=4)
        noisy = made_.records["component"] == "new"
        for column in ("error", "now"):
            extra = made_.random.normal(0, 0.25, int(noisy.sum()))
            made_.records.loc[noisy, column] *= np.exp(extra)
        assert not any(arm.scatter for arm in agreement(*both(made_), seed=1).arms)


def test_other_errors_without_aa_arms_cannot_be_told_but_failures_throughout_can() -> None:
    made_ = study(again=1.0, aa=0, tasks=12)
    found = agreement(*both(made_), seed=1)
    assert found.answer == "cannot tell"
    assert "protocol.aa" in found.needed
    cells = made_.cells().assign(status_now="diverged", error_now=np.nan)
    assert agreement(cells, made_.records, seed=1).answer == "not reproduced"


def test_a_sample_too_small_to_find_anything_reproduces_nothing() -> None:
    made_ = study(again=1.0, aa=1, folds=2)
    cells = made_.cells()
    found = agreement(cells[cells["task"] == "t00"], made_.records, seed=1)
    assert found.answer == "cannot tell"
    assert "larger sample" in found.needed


def test_where_most_did_not_end_nothing_can_be_told() -> None:
    made_ = study()
    cells = made_.cells()
    new = cells["component"] == "new"
    cells.loc[new & (cells["seed"] == 0), ["status_now", "error_now"]] = ["timeout", np.nan]
    found = agreement(cells, made_.records, seed=1)
    assert found.answer == "cannot tell"
    assert "candidate new: 48 of 96 cells could not be compared" in found.needed
    assert any("ok published, timeout here" in said for said in found.sentences)
    assert agreement(cells.head(0), made_.records, seed=1).answer == "cannot tell"


def test_records_that_have_a_cell_twice_are_refused() -> None:
    made_ = study()
    with pytest.raises(RequestError, match="twice"):
        agreement(made_.cells(), pd.concat([made_.records, made_.records.head(1)]), seed=1)


def test_one_forged_task_among_identical_bits_is_not_called_reproduced() -> None:
    made_ = study(tasks=20, again=0.0)
    forged(made_, "one task")
    found = agreement(*both(made_), seed=1)
    assert found.answer != "reproduced"
    assert {arm.component: arm.odd for arm in found.arms if arm.odd} == {"new": ("t00",)}


@pytest.mark.parametrize("again", [True, False, None])
def test_an_arm_that_repeats_here_while_all_else_does_is_another_beyond_the_floor(again: bool | None) -> None:
    made_ = study(tasks=5, folds=5, again=0.0)
    forged(made_, "better by 40 %")
    cells = made_.cells()
    cells = cells[cells["task"].isin(["t00", "t01"]) & (cells["fold"] == 0)].reset_index(drop=True)
    found = agreement(cells, made_.records, seed=1)
    assert found.answer == "cannot tell"
    assert found.in_question == [("candidate", "new", "")]
    twice = cells.assign(repeated_here=pd.Series([None] * len(cells), dtype=object))
    twice.loc[twice["component"] == "new", "repeated_here"] = True
    last = twice.index[twice["component"] == "new"][-1]
    twice.loc[last, "repeated_here"] = again
    found = agreement(twice, made_.records, seed=1)
    assert found.answer == ("not reproduced" if again else "cannot tell")
    assert [arm.component for arm in found.arms if arm.fixed] == (["new"] if again else [])
    assert any("run twice" in sentence for sentence in found.sentences) is bool(again)


def test_an_arm_within_the_floor_is_not_run_twice() -> None:
    made_ = study(tasks=5, folds=5, again=0.0)
    cells = made_.cells()
    cells.loc[cells["component"] == "new", "error_then"] *= 1 - 1e-4
    found = agreement(cells, made_.records, seed=1)
    assert [arm.component for arm in found.arms if arm.odd] == ["new"]
    assert found.in_question == []


def test_where_bits_do_not_repeat_running_twice_says_nothing() -> None:
    made_ = study(tasks=5, again=1.0)
    cells = made_.cells().assign(repeated_here=True)
    found = agreement(cells, made_.records, seed=1)
    assert not any(arm.fixed for arm in found.arms)
    assert found.in_question == []


def test_a_reference_is_held_against_the_noise_of_all_hosts() -> None:
    made_ = study(hosts=2, tasks=10, again=1.0)
    forest = made_.records[(made_.records["component"] == "other") & (made_.records["host"] == "h0")]
    forest = forest.assign(role="reference", component="forest", host="")
    made_.records = pd.concat([made_.records, forest], ignore_index=True)
    cells = made_.cells()
    assert agreement(cells, made_.records, seed=1).answer == "reproduced"
    cells.loc[cells["component"] == "forest", "error_then"] *= 3.0
    found = agreement(cells, made_.records, seed=1)
    assert {arm.role for arm in found.arms if arm.scatter} == {"reference"}


def test_a_control_is_judged_by_its_shift_alone() -> None:
    made_ = study(tasks=12, again=1.0)
    control = made_.records[made_.records["component"] == "other"].assign(role="control", control="permuted")
    made_.records = pd.concat([made_.records, control], ignore_index=True)
    cells = made_.cells()
    wrong = cells["role"] == "control"
    cells.loc[wrong, "error_then"] *= np.exp(made_.random.normal(0, 1, int(wrong.sum())))
    arm = {arm.role: arm for arm in agreement(cells, made_.records, seed=1).arms}["control"]
    assert arm.scatter_p is None and not arm.shift
    cells.loc[wrong, "error_then"] = 5 * cells.loc[wrong, "error_now"]
    found = agreement(cells, made_.records, seed=1)
    assert [arm.role for arm in found.arms if arm.shift] == ["control"]


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.5, 1.0]), st.integers(0, 2), st.randoms())
def test_the_order_of_records_says_nothing_and_the_seed_repeats(
    seed: int, again: float, aa: int, random: Random
) -> None:
    made_ = study(seed, again, aa=aa, tasks=5, folds=2)
    cells, records = both(made_)
    one = agreement(cells, records, seed=seed, draws=99)
    assert one.to_json() == agreement(cells, records, seed=seed, draws=99).to_json()
    rows = list(range(len(records)))
    random.shuffle(rows)
    assert agreement(cells, records.iloc[rows], seed=seed, draws=99).answer == one.answer
    counts = one.cells["outcome"].value_counts().to_dict()
    summed = pd.DataFrame([arm.outcomes for arm in one.arms]).sum().to_dict()
    assert {name: n for name, n in summed.items() if n} == counts
    assert sum(counts.values()) == len(cells)
    if again == 0:
        assert one.answer == "reproduced"
    elif aa == 0:
        assert one.answer != "reproduced"
