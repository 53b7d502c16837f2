"""Each flag is raised where its bug is planted, says its numbers, and is silent where it is not."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.findings import Finding
from benchmark.judge import Judgement, judge
from benchmark.judge.flags import FLAGS, ON_TIME, attached, raised
from benchmark.judge.flags.tuning import best_at_the_edge
from benchmark.judge.search.edges import EDGE_COLUMNS
from tests.judge.flags.studies import mine, plain

Plant = Callable[[pd.DataFrame], pd.DataFrame]


def flags(records: pd.DataFrame, judgement: Judgement | None = None) -> dict[str, Finding]:
    """By name; of several of one name the worst."""
    found = raised(records, judgement or judge(records, board=False))
    return {one.name: one for one in reversed(found)}


def multiplied(by: float, *columns: str, **at: object) -> Plant:
    def plant(records: pd.DataFrame) -> pd.DataFrame:
        rows = mine(records, **at)
        return records.assign(**{name: records[name].where(~rows, records[name] * by) for name in columns})

    return plant


def gone_without_seed_0(records: pd.DataFrame) -> pd.DataFrame:
    return multiplied(0.5, "error", seed=0)(records)


def worse_tuned(records: pd.DataFrame) -> pd.DataFrame:
    rows = mine(records, "base", setting="tuned")
    return records.assign(error=records["error"].where(~rows, 1.3 * records["error"]))


@pytest.mark.parametrize(
    ("plant", "name", "severity", "said"),
    [
        (multiplied(0.3, "error", "train_error"), "larger_than_references", "error", "new is"),
        (multiplied(5.0, "train_error"), "better_on_test_than_train", "error", "in 16 of 16"),
        (multiplied(0.0, "error", task="t2"), "perfect_score", "error", "no error at all on t2 in h0, h1"),
        (multiplied(0.2, "error", task="t2"), "gain_from_one_task", "warning", "without the task t2 alone"),
        (gone_without_seed_0, "gain_from_one_seed", "warning", "without the seed 0 alone"),
        (multiplied(0.5, "validation_error"), "validation_far_from_test", "warning", "below its test error"),
        (multiplied(2.0, "validation_error"), "validation_far_from_test", "warning", "above its test error"),
        (multiplied(9.0, "fit_seconds"), "gain_with_more_seconds", "warning", "times as long"),
        (multiplied(0.02, "fit_seconds"), "suspiciously_fast", "warning", "a step of new"),
        (multiplied(0.0, "steps"), "hardly_trained", "warning", "for 0 steps"),
        (worse_tuned, "worse_than_its_default", "warning", "the baseline base is"),
    ],
)  # fmt: skip
def test_a_planted_bug_is_flagged(plant: Plant, name: str, severity: str, said: str) -> None:
    records = plain(gain=0.1 if name.startswith("gain_with") else 0.0 if "task" in name else 0.05)
    assert name not in flags(records)
    found = flags(plant(records))[name]
    assert (found.severity, said in found.seen) == (severity, True), found
    assert found.why and found.advice and found.subject.startswith(("new", "base"))


def twin(records: pd.DataFrame) -> pd.DataFrame:
    """The records with the baseline's numbers in the candidate's rows."""
    columns = ["error", "metric_log_loss"]
    for setting in ("tuned", "default"):
        ours, theirs = (mine(records, name, setting=setting) for name in ("new", "base"))
        records.loc[ours, columns] = records.loc[theirs, columns].to_numpy()
    return records


def test_the_same_errors_are_no_sign_where_something_else_differs() -> None:
    records = twin(plain())
    assert flags(records)["not_hooked_up"].severity == "error"
    rows = mine(records)
    apart = records.assign(metric_log_loss=records["metric_log_loss"].where(~rows, 0.5))
    assert "not_hooked_up" not in flags(apart)
    predicted = records.assign(prediction=np.arange(len(records)).astype(str))
    assert "not_hooked_up" not in flags(predicted)
    assert "the same predictions" in flags(records.assign(prediction="abc"))["not_hooked_up"].seen


def rounded_otherwise(records: pd.DataFrame, by: float, share: float = 1.0) -> pd.DataFrame:
    """The candidate is the baseline but for a relative difference, in a share of its cells."""
    draw = np.random.default_rng(3)
    rows = mine(records := twin(records))
    hit = draw.random(len(records)) < share
    factor = np.where(rows & hit, 1 + by * draw.uniform(-1, 1, len(records)), 1.0)
    return records.assign(**{name: records[name] * factor for name in ("error", "metric_log_loss")})


def test_one_method_under_two_names_is_told_by_its_last_digits() -> None:
    found = flags(rounded_otherwise(plain(), 1e-7))
    told = found["nearly_identical"]
    assert (told.severity, told.subject[:16]) == (
        "warning",
        "new against base",
    ) and "not_hooked_up" not in found
    assert "but for rounding in 96 of 96 blocks" in told.seen and "of 1e-07 at most" in told.seen
    for by, share in ((1e-4, 1.0), (0.0, 1.0), (1e-7, 0.01)):  # differs by more; does not; in one cell
        assert "nearly_identical" not in flags(rounded_otherwise(plain(), by, share)), (by, share)
    records = rounded_otherwise(plain(), 1e-7)
    apart = records.assign(metric_log_loss=records["metric_log_loss"].where(~mine(records), 0.5))
    assert "nearly_identical" not in flags(apart)


@pytest.mark.parametrize(("share", "flagged"), [(0.1, True), (0.5, False)])
def test_a_rounding_that_led_elsewhere_in_a_few_blocks_hides_nothing(share: float, flagged: bool) -> None:
    records = rounded_otherwise(plain(), 1e-7)
    elsewhere = mine(records) & (np.random.default_rng(4).random(len(records)) < share)
    found = flags(records.assign(error=records["error"].where(~elsewhere, 0.99 * records["error"])))
    assert ("nearly_identical" in found) == flagged


@pytest.mark.parametrize(
    ("slot", "severity"),
    [("preprocessor", "warning"), ("preprocessor+booster", "warning"), ("optimizer", "error")],
)
def test_data_may_give_a_preprocessor_nothing_to_do(slot: str, severity: str) -> None:
    records = twin(plain())
    whole = records["role"] == "reference"
    found = flags(records.assign(slot=np.where(whole, "pipeline", slot)))["not_hooked_up"]
    assert found.severity == severity
    assert ("these data give it nothing to do" in found.why) == (severity == "warning")


def test_few_rates_of_few_rows_may_be_the_same_by_chance() -> None:
    records = twin(plain()).drop(columns="metric_log_loss")
    few = records.assign(error=(records["error"] * 20).round().clip(1, 4) / 20, n_test=20.0)
    assert flags(twin(few.assign(metric_log_loss=few["error"])))["not_hooked_up"].severity == "warning"


def test_what_draws_nothing_may_be_the_same_with_every_seed() -> None:
    records = plain().assign(steps=0.0)
    cell = ["component", "setting", "task", "host", "fold", "role"]
    records["error"] = records.groupby(cell)["error"].transform("first")
    found = flags(records)["no_change_across_seeds"]
    assert found.severity == "note" and "draws nothing" in found.why
    assert flags(records.assign(steps=100.0))["no_change_across_seeds"].severity == "error"


def test_a_perfect_score_on_a_few_easy_rows_is_none() -> None:
    records = multiplied(0.0, "error", task="t2")(plain())
    counted = records.assign(test_errors=(records["error"] * 40).round(), n_test=40.0)
    easy = counted.assign(error=counted["error"].where(counted["task"] != "t2", counted["error"] * 0.2))
    assert "perfect_score" not in flags(easy)
    assert "perfect_score" in flags(counted.assign(n_test=4000.0))


def test_a_perfect_score_is_no_error_where_another_arm_comes_close() -> None:
    records = multiplied(0.0, "error", task="t2")(plain())
    alone = flags(records)["perfect_score"]
    assert (alone.severity, alone.subject) == ("error", "new, tuned")
    base = mine(records, "base", task="t2", host="h1")
    for share in (0.0, 0.01):  # in one host the baseline solves it too
        both = records.assign(error=records["error"].where(~base, records["error"] * share))
        perfect = [one for one in raised(both, judge(both, board=False)) if one.name == "perfect_score"]
        assert {one.severity for one in perfect} == {"warning"}
        ours = next(one for one in perfect if one.subject == "new, tuned")
        assert "the task can be solved: base has" in ours.why
        assert "where the best reference (" in ours.seen


def test_a_perfect_score_on_nobody_knows_how_many_rows_is_no_error() -> None:
    records = multiplied(0.0, "error", task="t2")(plain())
    for unknown in (records.drop(columns=["n_test", "test_errors"]), records.assign(n_test=np.nan)):
        found = flags(unknown)["perfect_score"]
        assert found.severity == "warning" and "how many is not known" in found.why


@pytest.mark.parametrize(("error", "flagged"), [(1e-8, True), (1e-3, False)])
def test_next_to_no_error_is_measured_by_the_featureless_one(error: float, flagged: bool) -> None:
    records = plain()
    at = mine(records, task="t2")
    planted = records.assign(error=records["error"].where(~at, error * records["featureless_error"]))
    found = flags(planted)
    assert ("perfect_score" in found) == flagged
    assert not flagged or (
        found["perfect_score"].severity,
        "next to no error (" in found["perfect_score"].seen,
    ) == (
        "error",
        True,
    )
    assert "perfect_score" not in flags(planted.drop(columns="featureless_error"))


@pytest.mark.parametrize(("left", "severity"), [(0.5, "error"), (0.75, "warning")])
def test_a_leap_on_every_data_set_is_an_error_however_much_it_varies(left: float, severity: str) -> None:
    """The candidate is far ahead on five data sets, but not alike far: no interval lies that high."""
    records = plain(tasks=5)
    shares = {f"t{n}": share for n, share in enumerate((left, 0.05, 0.3, 0.02, 0.5))}
    rows = mine(records)
    scaled = records["error"] * records["task"].map(shares).astype(float)
    planted = records.assign(error=records["error"].where(~rows, scaled))
    found = flags(planted)["larger_than_references"]
    assert found.severity == severity, found
    assert ("ahead of the best of them on every data set" in found.seen) == (severity == "error")


def test_a_failure_is_no_gain_from_one_seed() -> None:
    """The baseline fails in a fold with every seed: most of the effect is what was imputed."""
    records = plain(gain=0.1)
    records.loc[mine(records, "base", fold=0), ["error", "test_errors"]] = np.nan
    judgement = judge(records, board=False)
    assert judgement.comparisons[0].verdict in ("HELPS", "BETTER")
    assert "gain_from_one_seed" not in flags(records, judgement)


def test_a_gain_from_one_seed_is_found_beside_failures() -> None:
    records = gone_without_seed_0(plain(gain=0.0))
    whole = flags(records)["gain_from_one_seed"]
    records.loc[mine(records, "base", task="t1", host="h0", fold=0), "error"] = np.nan
    found = flags(records)["gain_from_one_seed"]
    assert "without the seed 0 alone" in found.seen and "in which no arm failed" not in whole.seen
    judged = judge(records, board=False).comparisons[0].effects
    clean = judged["complete_case"].mean()
    assert f"{100 * clean:.1f} %" in found.seen and "over blocks in which no arm failed" in found.seen


def test_a_remark_on_the_loss_is_told_with_its_count() -> None:
    records = plain()
    rows = mine(records, task="t1", setting="tuned")
    remark = "the loss was not finite in 3 of 120 steps"
    found = flags(records.assign(reason=records["reason"].where(~rows, remark)))["loss_not_finite"]
    assert found.subject == "new, tuned"
    assert (
        found.seen
        == f"in {rows.sum()} of 96 fits of new the loss was not finite and came back, first on t1: "
        + (remark)
    )


def test_a_reference_ahead_is_a_note_and_a_blind_one_ahead_a_warning() -> None:
    records = plain()
    found = flags(records)["below_a_reference"]
    assert (found.severity, found.subject) == ("note", "base, tuned")
    assert "base loses to" in found.seen and "boosted (" in found.seen
    blind = records.assign(
        error=records["error"].where(records["component"] != "base", records["error"] * 10),
        featureless_error=records["featureless_error"],
    )
    assert flags(blind)["below_a_reference"].severity == "warning"
    alone = records[records["role"] != "reference"]
    assert "below_a_reference" not in flags(alone)


def test_settings_at_an_end_are_told_of_their_arm() -> None:
    row = dict.fromkeys(EDGE_COLUMNS, 0.0) | {"slot": "optimizer", "component": "new", "low": 1e-6}
    row |= {"argument": "optimizer.lr", "at_lower": 0.434, "lower": True, "upper": False}
    records = plain()
    found = raised(records, judge(records), edges=pd.DataFrame([row]))
    (edge,) = [one for one in found if one.name == "best_at_the_edge"]
    assert (
        edge.seen == "new lr: 43.4 % of the tuned settings lie at the lower end (1e-06) of its search space"
    )
    assert edge.subject == "new, tuned" and "Widen the space of lr" in edge.advice
    reference = pd.DataFrame([row | {"slot": "pipeline", "component": "base"}])
    assert "best_at_the_edge" not in {one.name for one in raised(records, judge(records), edges=reference)}


def test_flags_stand_beside_their_comparison_and_time_is_volatile() -> None:
    records = multiplied(0.02, "fit_seconds")(multiplied(5.0, "train_error")(plain()))
    study = Finding("target_among_features", "error", "t1", "x3 is the target")
    judgement = judge(records)
    found = attached(judgement, [*raised(records, judgement), study])
    first = found.comparisons[0]
    assert found.primary is first and found.findings == (study,)
    assert "better_on_test_than_train" in first.flags
    assert not set(ON_TIME) & set(first.flags)
    said = found.to_json(study="s", slot="optimizer", metric="error")
    assert said["findings"] == [study.to_json()]
    told = said["comparisons"][0]
    assert "suspiciously_fast" in told["volatile"]["flags"]
    assert [one["name"] for one in told["volatile"]["findings"]] == ["suspiciously_fast"]
    assert {one["name"] for one in told["findings"]} <= set(told["flags"])
    assert first.verdict == judgement.comparisons[0].verdict


def test_nothing_but_volatile_rests_on_time() -> None:
    records = multiplied(1.5, "steps")(plain(gain=0.1))
    slow = records.assign(fit_seconds=records["fit_seconds"] * np.linspace(0.01, 9, len(records)))
    both = []
    for one in (records, slow):
        judgement = judge(one)
        told = attached(judgement, raised(one, judgement)).to_json(study="s", slot="o", metric="m")
        both.append([{k: v for k, v in c.items() if k != "volatile"} for c in told["comparisons"]])
    assert both[0] == both[1]


def test_a_table_of_errors_alone_is_enough() -> None:
    records = twin(plain())[
        ["component", "role", "setting", "replicate", *("task", "host", "fold", "seed"), "error"]
    ]
    found = flags(records[records["role"] != "aa"])
    assert found["not_hooked_up"].subject == "new against base, tuned"


def test_an_arm_that_failed_everywhere_is_no_trouble() -> None:
    records = plain()
    records.loc[mine(records), "error"] = np.nan
    assert not {one.severity for one in flags(records).values()} & {"error"}


def test_every_flag_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "flags.md").read_text(encoding="utf-8")
    on_results = page.partition("\n## ")[0]
    told = set(re.findall(r"^\| `(\w+)` \|", on_results, flags=re.MULTILINE))
    assert told == {flag.__name__ for flag in (*FLAGS, best_at_the_edge)}


def test_the_order_of_the_rows_changes_nothing() -> None:
    records = multiplied(5.0, "train_error")(multiplied(0.0, "error", task="t2")(plain()))
    shuffled = records.sample(frac=1.0, random_state=1, ignore_index=True)
    one, two = (raised(each, judge(each)) for each in (records, shuffled))
    assert one == two
