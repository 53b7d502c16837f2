"""Controls: what fails, what holds, and what is too little to say; and how often a healthy study fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier

from benchmark.findings import Finding
from benchmark.judge import judge
from benchmark.judge.controls import CHANCE_MARGIN, LEAST_SPLITS, Control, controls_of
from benchmark.judge.family import Rule
from benchmark.judge.pairing import tabulate, without_controls
from benchmark.spec import CONTROLS

Table = Callable[..., pd.DataFrame]


def with_controls(records: pd.DataFrame, *, permuted: float = 0.0, handicapped: float = -0.3) -> pd.DataFrame:
    """The records and, of their baseline, controls: ``permuted`` makes that much less error than the
    featureless predictor, ``handicapped`` than the baseline.
    """
    first = records["setting"] == records["setting"].iloc[0]
    base = records[((records["role"] == "baseline") & first).to_numpy()].assign(setting="default")
    wobble = np.random.default_rng(5).normal(0, 0.05, len(base))
    taught_noise = base[(base["seed"] == 0).to_numpy()].assign(
        role="control",
        control="permuted",
        error=lambda rows: rows["featureless_error"] * (1 - permuted + wobble[: len(rows)]),
    )
    worse = base.assign(
        role="control", control="handicapped", error=base["error"] * (1 - handicapped + wobble)
    )
    default = records.assign(setting="default") if "default" not in set(records["setting"]) else records[:0]
    parts = [one.assign(control="") for one in (records, default)]
    return pd.concat([*parts, taught_noise, worse], ignore_index=True)


def found(records: pd.DataFrame, rule: Rule | None = None) -> dict[str, Control]:
    told = controls_of(records, CONTROLS, baselines=["base"], setting="tuned", rule=rule or Rule())
    return {one.name: one for one in told}


def test_a_healthy_study_holds_in_everything(table: Table) -> None:
    controls = found(with_controls(table({"new": 0.1}, tasks=10)))
    assert {name: one.held for name, one in controls.items()} == dict.fromkeys(("aa", *CONTROLS), True)
    assert not any(one.finding() for one in controls.values())


def test_rows_of_controls_are_in_no_verdict(table: Table) -> None:
    records = table({"new": 0.1, "old": -0.1}, settings=("tuned", "default"))
    more = with_controls(records)
    plain, checked = judge(records), judge(more, controls=CONTROLS)
    assert [one.to_json() for one in plain.comparisons] == [one.to_json() for one in checked.comparisons]
    assert plain.board is not None and checked.board is not None
    assert plain.board.to_json() == checked.board.to_json()
    pd.testing.assert_frame_equal(plain.references, checked.references)
    pd.testing.assert_frame_equal(tabulate(records), tabulate(more))
    assert len(without_controls(more)) == len(records)
    told = checked.to_json(study="s", slot="x", metric="m")["controls"]
    assert [one["name"] for one in told] == ["aa", *CONTROLS]
    assert "controls" not in plain.to_json(study="s", slot="x", metric="m")


def test_who_knows_the_labels_fails_whatever_the_hosts_beside_it(table: Table) -> None:
    records = with_controls(table({"new": 0.1}))
    leaks = (records["control"] == "permuted") & (records["host"] == "h1")
    records.loc[leaks, "error"] *= 0.05
    one = found(records)["permuted"]
    assert one.held is False and "in h1" in one.seen and one.effect == pytest.approx(0.95, abs=0.01)
    alarm = one.finding()
    assert isinstance(alarm, Finding) and (alarm.name, alarm.severity) == ("control_permuted", "error")
    assert alarm.why and alarm.advice


@pytest.mark.parametrize(
    ("gain", "held"), [(-0.4, True), (0.0, True), (0.2, True), (0.4, False), (0.95, False)]
)
def test_chance_is_what_the_featureless_predictor_makes(gain: float, held: bool, table: Table) -> None:
    assert found(with_controls(table({"new": 0.1}), permuted=gain))["permuted"].held is held


def test_too_few_splits_say_nothing_of_permuted_labels(table: Table) -> None:
    few = with_controls(table({"new": 0.1}, tasks=4, hosts=1), permuted=0.9)
    one = found(few)["permuted"]
    assert 4 * 2 < LEAST_SPLITS and one.held is None and "too few" in one.seen
    note = one.finding()
    assert note is not None and note.severity == "note"
    several = with_controls(table({"new": 0.1}, tasks=5, hosts=1), permuted=0.9)
    assert found(several)["permuted"].held is False


def test_without_a_featureless_predictor_there_is_no_chance_to_fall_to(table: Table) -> None:
    records = with_controls(table({"new": 0.1})).assign(featureless_error=np.nan)
    one = found(records)["permuted"]
    assert one.held is None and "featureless" in one.seen


def leaking(records: pd.DataFrame, tasks: int, left: float = 0.0) -> pd.DataFrame:
    """With so many tasks whose test labels are known; on the others noise is worse than nothing."""
    permuted = records["control"] == "permuted"
    known = permuted & records["task"].isin([f"t{n}" for n in range(tasks)])
    error = records["error"].mask(permuted, 1.5 * records["featureless_error"])
    return records.assign(error=error.mask(known, left * records["featureless_error"]))


@pytest.mark.parametrize(
    ("folds", "tasks", "left", "held"),
    [(5, 0, 0.0, True), (5, 3, 0.0, None), (5, 5, 0.0, False), (20, 1, 0.0, False), (20, 1, 0.6, None)],
)
def test_a_leak_in_few_tasks_is_not_averaged_away(
    folds: int, tasks: int, left: float, held: bool | None, table: Table
) -> None:
    """A coin falls twenty times the same way once in a million, five times in one of ten series often."""
    records = with_controls(table({"new": 0.1}, tasks=10, folds=folds, hosts=2))
    one = found(leaking(records, tasks, left))["permuted"]
    assert one.held is held and one.effect is not None and one.effect < 0.3
    assert ("on every split of t0" in one.seen) == (tasks > 0)
    assert ("t0, t1, t2 and 2 more" in one.seen) == (tasks == 5)


def test_who_guesses_is_not_taken_for_who_knows(table: Table) -> None:
    """Of folds of one class, left out of balanced rows, the featureless predictor errs on all rows."""
    random, alarms = np.random.default_rng(3), 0
    records = with_controls(table({"new": 0.1}, tasks=10, folds=20, hosts=1, aa=0))
    records = records.assign(featureless_error=1.0)
    permuted = (records["control"] == "permuted").to_numpy()
    one_class = permuted & (records["task"] == "t0").to_numpy()
    for _ in range(20):
        guessed = random.binomial(30, 0.5, len(records)) / 30
        records["error"] = np.where(one_class, guessed, np.where(permuted, 1.0, records["error"]))
        (one,) = controls_of(records, ["permuted"], baselines=["base"], setting="tuned", rule=Rule())
        alarms += one.held is False
    assert alarms == 0


@pytest.mark.parametrize("metric", ["mae", "rmse"])
def test_a_median_knows_nothing_and_beats_the_mean_of_skewed_targets(metric: str, table: Table) -> None:
    random = np.random.default_rng(0)
    records = with_controls(table({"new": 0.1}, tasks=10, folds=4)).assign(metric=metric)
    permuted = (records["control"] == "permuted").to_numpy()
    for row in np.flatnonzero(permuted):
        train, test = np.exp(random.normal(0, 2.2, (2, 300)))
        error, chance = (np.abs(test - guess).mean() for guess in (np.median(train), train.mean()))
        records.loc[row, ["error", "featureless_error"]] = error, chance
    one = found(records)["permuted"]
    assert one.held is (None if metric == "mae" else False)
    assert ("by this metric" in one.seen) == (metric == "mae")
    note = one.finding()
    assert note is not None and ("Another metric" in note.advice) == (metric == "mae")
    at_chance = with_controls(table({"new": 0.1})).assign(metric=metric)
    assert found(at_chance)["permuted"].held is True


def test_errors_pooled_over_folds_count_once(table: Table) -> None:
    records = with_controls(table({"new": 0.1}, tasks=5, folds=4, hosts=1), permuted=0.9).assign(pooled=True)
    assert found(records)["permuted"].held is None
    assert found(records.assign(pooled=False))["permuted"].held is False


@pytest.mark.parametrize(
    ("handicap", "noise", "held"),
    [(-0.3, 0.01, True), (0.3, 0.01, False), (0.0, 0.0, None), (0.0, 0.001, None), (0.0, 0.5, None)],
)
def test_an_arm_that_is_worse_may_not_be_found_better(
    handicap: float, noise: float, held: bool | None, table: Table
) -> None:
    records = with_controls(table({"new": 0.1}, tasks=12), handicapped=handicap)
    worse = records["control"] == "handicapped"
    if handicap == 0:
        same = records[(records["role"] == "baseline") & (records["setting"] == "default")]
        by_task = pd.Series(np.random.default_rng(1).normal(0, noise, 12), [f"t{n}" for n in range(12)])
        factor = np.exp(same["task"].map(by_task).to_numpy())
        records.loc[worse, "error"] = same["error"].to_numpy() * factor
    one = found(records)["handicapped"]
    assert one.held is held
    assert ("do no harm here" in one.seen) == (noise < 0.01)
    assert ("the same on every data set" in one.seen) == (handicap == noise == 0)


def test_harm_within_the_rope_is_harm(table: Table) -> None:
    records = with_controls(table({"new": 0.1}, tasks=12), handicapped=-0.05)
    one = found(records, Rule(rope=0.1))["handicapped"]
    assert one.held is True and one.seen.startswith("EQUIVALENT")


def test_better_by_chance_is_no_failure(table: Table) -> None:
    """Of two equal arms one is found better by a 95 % interval in a fortieth of all studies."""
    records = with_controls(table({"new": 0.1}, tasks=8, hosts=1, noise=0.0))
    worse = records["control"] == "handicapped"
    base = records[(records["role"] == "baseline") & (records["setting"] == "default")]
    gains = {f"t{n}": gain for n, gain in enumerate([0.02, 0.3, 0.05, 0.25, 0.1, 0.0, 0.15, 0.2])}
    records.loc[worse, "error"] = (base["error"] * (1 - base["task"].map(gains))).to_numpy()
    one = found(records)["handicapped"]
    assert one.held is None and one.seen.startswith(("BETTER", "HELPS"))


def test_a_handicap_that_ran_on_some_tasks_is_judged_on_these(table: Table) -> None:
    records = with_controls(table({"new": 0.1}, tasks=8))
    rest = records[~((records["control"] == "handicapped") & records["task"].isin(["t6", "t7"]))]
    assert found(rest)["handicapped"].held is True
    nowhere = records[records["control"] != "handicapped"]
    assert found(nowhere)["handicapped"].held is None


def test_fewer_than_five_origins_settle_nothing(table: Table) -> None:
    controls = found(with_controls(table({"new": 0.1}, tasks=4)))
    assert [controls[name].held for name in ("aa", "handicapped", "planted")] == [None, None, None]


def test_an_aa_arm_that_is_another_thing_fails_and_so_does_what_is_planted_in_it(table: Table) -> None:
    records = with_controls(table({"new": 0.1}, tasks=10))
    records.loc[records["role"] == "aa", "error"] *= 1.3
    controls = found(records)
    assert controls["aa"].held is False and controls["planted"].held is False


def test_a_planted_effect_comes_out_as_large_as_it_is(table: Table) -> None:
    one = found(with_controls(table({"new": 0.1}, tasks=20, noise=0.002)))["planted"]
    assert one.held is True and one.effect == pytest.approx(0.02, abs=0.003)


def test_nothing_is_planted_where_nothing_was_repeated(table: Table) -> None:
    """The baseline is equal to itself whatever the study does."""
    controls = found(with_controls(table({"new": 0.1}, tasks=20, aa=0)))
    assert controls["planted"].held is None and "no A/A arm" in controls["planted"].seen
    assert "aa" not in controls


def test_what_is_planted_in_unequal_errors_is_a_smaller_effect() -> None:
    """An A/A arm that is worse by chance, by 2.5 standard errors, and in which twice that is planted."""
    even = np.linspace(-1, 1, 80)
    effect = 0.4 * (even / even.std(ddof=1) - 2.5 / 80**0.5)
    again = 0.1 * np.where(effect > 0, 1 - effect, 1 / (1 + effect))
    arms = {"task": [f"t{n}" for n in range(80)], "component": "base", "setting": "default", "host": "h"}
    parts = [arms | {"role": "baseline", "replicate": 0, "error": 0.1}]
    parts += [arms | {"role": "aa", "replicate": 1, "error": again}]
    records = pd.concat([pd.DataFrame(part) for part in parts])
    aa, one = controls_of(records, ["planted"], baselines=["base"], setting="default", rule=Rule())
    assert (aa.name, aa.held, one.held) == ("aa", True, None)
    assert "smaller by 22.4 %, a mean effect of +16.3 %" in one.expected


def test_no_control_is_judged_where_nobody_asked(table: Table) -> None:
    records = with_controls(table({"new": 0.1}))
    assert judge(records).controls == ()
    assert [one.name for one in judge(records, controls=()).controls] == ["aa"]


def healthy(tasks: int, random: np.random.Generator, candidates: int = 1) -> pd.DataFrame:
    """A study of as many tasks in five splits: errors that differ by nothing but noise, and its controls.

    The first candidate has rows of its own; of the others there are controls alone.
    """
    axes = [[f"t{n}" for n in range(tasks)], range(5), range(2)]
    grid = pd.MultiIndex.from_product(axes, names=["task", "fold", "seed"]).to_frame(index=False)
    grid = grid.assign(host="h", repeat=0, setting="default", replicate=0, control="", featureless_error=0.5)
    of_task = grid["task"].str[1:].astype(int).to_numpy()
    level, sd = random.uniform(0.05, 0.4, tasks)[of_task], random.uniform(0.01, 0.3)
    harm = random.normal(0.1, sd, tasks)[of_task]
    arms = [("baseline", "base", 0, "", 0.0), ("aa", "base", 1, "", 0.0), ("candidate", "new", 0, "", 0.0)]
    parts = [
        grid.assign(
            role=role,
            component=component,
            replicate=replicate,
            control=control,
            error=level * np.exp(worse + random.normal(0, sd, len(grid))),
        )
        for role, component, replicate, control, worse in [*arms, ("control", "base", 0, "handicapped", harm)]
    ]
    first = grid[grid["seed"] == 0].assign(role="control", control="permuted")
    separable = random.random() < 0.5
    for name in ("base", *named(candidates)):
        heaps = random.choice([0.03, 0.97], len(first))
        around = 0.5 * np.exp(random.normal(0, 0.2, len(first)))
        parts.append(first.assign(component=name, error=heaps if separable else around))
    return pd.concat(parts)


def named(candidates: int) -> list[str]:
    return ["new", *(f"new{n}" for n in range(1, candidates))]


@pytest.mark.parametrize(
    ("asked", "studies"),
    [(("permuted", "planted"), 60), pytest.param(CONTROLS, 200, marks=pytest.mark.all)],
    ids=["cheap", "all"],
)
def test_healthy_studies_of_two_to_eighty_data_sets_raise_no_alarm(
    asked: tuple[str, ...], studies: int
) -> None:
    """On separable classes a learner that was taught noise is right or wrong about whole heaps of rows."""
    random = np.random.default_rng(0)
    alarms = 0
    for number in range(studies):
        candidates = (1, 3, 25)[number % 3]
        records = healthy((2, 5, 10, 20, 80)[number % 5], random, candidates)
        arms = {"baselines": ["base"], "candidates": named(candidates)}
        told = controls_of(records, asked, **arms, setting="default", rule=Rule())
        assert sum(one.name == "permuted" for one in told) == 1 + candidates
        alarms += any(one.held is False for one in told)
    assert alarms <= 0.02 * studies


@pytest.mark.parametrize(
    "learner", [LogisticRegression(max_iter=300), KNeighborsClassifier(5), "forest"], ids=str
)
def test_real_learners_fall_to_chance_on_permuted_labels(learner: Any) -> None:
    learner = RandomForestClassifier(10, random_state=0) if learner == "forest" else learner
    gained = []
    for load in (load_breast_cancer, load_iris, load_wine):
        X, y = load(return_X_y=True)
        X = (X - X.mean(axis=0)) / X.std(axis=0)
        for repeat in range(2):
            for fold, (train, test) in enumerate(
                StratifiedKFold(5, shuffle=True, random_state=repeat).split(X, y)
            ):
                noise = np.random.default_rng([repeat, fold]).permutation(y[train])
                wrong = (learner.fit(X[train], noise).predict(X[test]) != y[test]).mean()
                gained.append(1 - wrong / (y[test] != np.bincount(y[train]).argmax()).mean())
    assert np.mean(gained) < CHANCE_MARGIN / 3
