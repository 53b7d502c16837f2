"""Two slots: exact where effects multiply, covered where they do not, and only in complete rectangles."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmark.errors import RequestError
from benchmark.judge import judge
from benchmark.judge.effects import relative
from benchmark.judge.factors.interaction import Interaction, Term, interact
from benchmark.judge.pairing import tabulate
from benchmark.judge.significance import holm

OPTIMIZERS, SCHEDULES = ("adamw", "radam", "lion"), ("constant", "cosine")
FACTORS = {f"{a}+{b}": {"optimizer": a, "schedule": b} for a, b in product(OPTIMIZERS, SCHEDULES)}
BASE = "adamw+constant"


class Place(NamedTuple):
    """Which cell an error is of."""

    optimizer: str
    schedule: str
    task: int
    host: int


Error = Callable[[Place], float]


def records_of(error: Error, *, tasks: int = 6, hosts: int = 2, seeds: int = 1) -> pd.DataFrame:
    """One row per cell of every arm."""
    rows = [
        {
            "component": arm,
            "role": "baseline" if arm == BASE else "candidate",
            "task": f"t{task}",
            "host": f"h{host}",
            "seed": seed,
            "error": error(Place(levels["optimizer"], levels["schedule"], task, host)),
        }
        for arm, levels in FACTORS.items()
        for task, host, seed in product(range(tasks), range(hosts), range(seeds))
    ]
    return pd.DataFrame(rows).assign(setting="tuned", status="ok", featureless_error=0.9)


def found_in(records: pd.DataFrame, factors: Mapping[str, Mapping[str, str]] = FACTORS) -> Interaction:
    excluded = [(arm, "h9") for arm in factors]
    return interact(tabulate(records), factors, BASE, "tuned", host_effects="auto", excluded=excluded)


def term(found: Interaction, kind: str, level: str, *over: str) -> Term:
    (one,) = [t for t in found.of(kind) if t.level == level and (not over or t.over == over)]
    return one


def multiplied(at: Place) -> float:
    first = {"adamw": 1.0, "radam": 0.8 - 0.02 * at.task, "lion": 1.3}[at.optimizer]
    second = {"constant": 1.0, "cosine": 0.9}[at.schedule]
    return 0.05 * (1 + at.task) * (1 + at.host / 10) * first * second


def test_effects_that_multiply_do_not_interact() -> None:
    found = found_in(records_of(multiplied))
    for one in found.of("interaction"):
        assert one.found.mean == pytest.approx(0, abs=1e-15)
        assert (one.p, one.p_holm) == (1.0, 1.0)
    assert term(found, "main", "radam").found.mean == pytest.approx(0.2 + 0.02 * 2.5)
    assert term(found, "main", "cosine").found.mean == pytest.approx(0.1)
    assert term(found, "main", "lion").found.mean == pytest.approx(1 / 1.3 - 1)
    assert found.missing == ()
    assert found.sentence == "No interaction can be seen in any of 2 combinations."


def test_an_interaction_is_the_difference_of_two_gains() -> None:
    def error(at: Place) -> float:
        both = 0.9 + 0.01 * at.task if (at.optimizer, at.schedule) == ("radam", "cosine") else 1.0
        return multiplied(at) * both

    found = found_in(records_of(error))
    with_cosine, without = (term(found, "gain", "radam", at) for at in ("cosine", "constant"))
    one = term(found, "interaction", "radam", "cosine", "constant")
    assert one.found.mean == pytest.approx(with_cosine.found.mean - without.found.mean)
    by_task = [(1 - (0.8 - 0.02 * t) * (0.9 + 0.01 * t)) - (1 - (0.8 - 0.02 * t)) for t in range(6)]
    assert one.found.mean == pytest.approx(np.mean(by_task))
    assert one.found.error == pytest.approx(np.std(by_task, ddof=1) / np.sqrt(6))
    assert term(found, "main", "radam").found.mean == pytest.approx(
        (with_cosine.found.mean + without.found.mean) / 2
    )
    larger = f"The gain of radam over adamw is {100 * one.found.mean:.1f} points larger with cosine than with"
    assert found.sentence.startswith(f"{larger} constant (95 % interval")
    assert found.sentence.endswith("No interaction can be seen in the other combination.")


@given(st.lists(st.floats(0.01, 1), min_size=4, max_size=4))
def test_either_slot_s_gains_tell_the_same_direction(errors: list[float]) -> None:
    neither, first, second, both = (np.array([value]) for value in errors)
    by_first = relative(second, both) - relative(neither, first)
    by_second = relative(first, both) - relative(neither, second)
    if max(abs(by_first), abs(by_second)) > 1e-9:
        assert np.sign(by_first) == np.sign(by_second)


def contrasts(errors: np.ndarray) -> np.ndarray:
    """The second optimizer's gain by schedule, compared; errors ``(..., 2 optimizers, 2 schedules)``."""
    gains = relative(errors[..., 0, :], errors[..., 1, :])
    return np.asarray(gains[..., 1] - gains[..., 0])


def test_null_interactions_are_found_in_one_study_of_twenty() -> None:
    """Effects multiply on average, task by task with noise that hosts share: tasks alone are n."""
    rng, studies, tasks, hosts = np.random.default_rng(2), 4000, 6, 3
    parts = rng.normal(0, 0.2, (2, studies, tasks, 2))
    shared = rng.normal(0, 0.1, (studies, tasks, 1, 2, 2))
    own = rng.normal(0, 0.05, (studies, tasks, hosts, 2, 2))
    errors = 0.2 * np.exp((parts[0, ..., None] + parts[1, ..., None, :])[:, :, None] + shared + own)
    by_task = contrasts(errors).mean(axis=-1)
    loud = stats.ttest_1samp(by_task, 0, axis=1).pvalue < 0.05
    assert loud.mean() == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / studies))
    names = {"adamw": 0, "radam": 1, "constant": 0, "cosine": 1}
    small = {arm: levels for arm, levels in FACTORS.items() if "lion" not in arm}
    for study in range(2):

        def error(at: Place, errors: np.ndarray = errors[study]) -> float:
            return float(errors[at.task, at.host, names.get(at.optimizer, 0), names[at.schedule]])

        (one,) = found_in(records_of(error, hosts=hosts), small).of("interaction")
        assert one.p == pytest.approx(stats.ttest_1samp(by_task[study], 0).pvalue)


def test_p_values_are_those_of_the_t_test_adjusted_within_their_kind() -> None:
    rng = np.random.default_rng(0)
    found = found_in(records_of(lambda at: multiplied(at) * rng.uniform(0.8, 1)))
    for kind, slot in (("interaction", "optimizer"), ("main", "optimizer"), ("gain", "schedule")):
        family = [one for one in found.of(kind) if one.slot == slot]
        assert [one.p_holm for one in family] == holm([one.p or 0.0 for one in family])
        for one in family:
            assert one.ci95 is not None and one.p is not None
            assert (one.p < 0.05) == (one.ci95[0] > 0 or one.ci95[1] < 0)


def test_combinations_that_were_not_run_are_named_and_left_out() -> None:
    records = records_of(multiplied)
    found = found_in(records[records["component"] != "lion+cosine"])
    assert found.missing == ("lion with cosine",)
    assert [one.level for one in found.of("interaction")] == ["radam"]
    assert term(found, "main", "lion").over == ("constant",)
    assert term(found, "main", "cosine").over == ("adamw", "radam")
    assert "Not run beside their base: lion with cosine." in found.sentence
    without_base = found_in(records[records["component"] != "adamw+cosine"])
    assert without_base.missing == ("adamw with cosine",)
    assert without_base.of("interaction") == ()
    assert without_base.sentence.startswith("No interaction could be computed.")


def test_a_rectangle_with_a_hole_uses_the_places_that_are_whole() -> None:
    records = records_of(multiplied)
    hole = (records["component"] == "radam+cosine") & (records["host"] == "h1")
    excluded = [("radam+cosine", "h1")]
    found = interact(tabulate(records[~hole]), FACTORS, BASE, "tuned", host_effects="auto", excluded=excluded)
    assert term(found, "interaction", "radam").found.hosts == 1
    assert term(found, "interaction", "lion").found.hosts == 2
    assert term(found, "main", "radam").found.hosts == 1
    assert term(found, "gain", "radam", "constant").found.hosts == 2


def test_failures_are_imputed_as_elsewhere() -> None:
    records = records_of(multiplied)
    records.loc[records["component"] == "radam+cosine", ["status", "error"]] = ["failed", np.nan]
    found = found_in(records)
    gain = term(found, "gain", "radam", "cosine").found.mean
    assert gain == pytest.approx(
        np.mean([multiplied(Place("adamw", "cosine", t, h)) / 0.9 - 1 for t in range(6) for h in range(2)])
    )


def noisy(at: Place) -> float:
    """Effects that multiply, with noise of each arm, task and host."""
    key = [OPTIMIZERS.index(at.optimizer), SCHEDULES.index(at.schedule), at.task, at.host]
    return multiplied(at) * float(np.exp(np.random.default_rng(key).normal(0, 0.01)))


def worse_together(at: Place) -> float:
    return noisy(at) * (1.2 if (at.optimizer, at.schedule) == ("radam", "cosine") else 1.0)


def failing(failed: Callable[[pd.DataFrame], pd.Series], error: Error = noisy) -> Interaction:
    records = records_of(error, tasks=8)
    rows = (records["component"] == "radam+cosine") & failed(records)
    records.loc[rows, ["status", "error"]] = ["failed", np.nan]
    return found_in(records)


def test_an_arm_that_always_fails_is_no_interaction() -> None:
    found = failing(lambda records: records["host"].notna())
    one = term(found, "interaction", "radam")
    assert one.found.mean < -0.2 and one.ci95 is not None and one.ci95[1] < -0.1
    assert (one.imputed, one.effects, one.p, one.p_holm) == (16, 16, None, None)
    assert "smaller" not in found.sentence
    assert found.sentence.endswith(
        "Resting on imputed failures and not judged: radam with cosine (16 of 16 effects imputed)."
    )
    assert one.to_json()["imputed"] == 16
    for kind, over in (("gain", ("cosine",)), ("main", ("constant", "cosine"))):
        (contrast,) = [t for t in found.of(kind) if t.level == "radam" and t.over == over]
        assert (contrast.imputed, contrast.p) == (16, None)
    other = term(found, "interaction", "lion")
    assert other.imputed == 0 and other.p is not None and other.p_holm == other.p


@pytest.mark.parametrize("host", ["h0", "h1"])
def test_failures_on_one_host_add_nothing_to_what_the_others_show(host: str) -> None:
    """Complete cases of either sign: the p value is never that of the imputed failures."""
    found = failing(lambda records: records["host"] == host)
    one = term(found, "interaction", "radam")
    assert one.imputed == 8 and one.ci95 is not None and one.ci95[1] < 0
    assert one.p is None or one.p > 0.05
    assert "smaller" not in found.sentence


@pytest.mark.parametrize(("failed", "judged"), [(3, True), (4, False)])
def test_four_complete_data_sets_do_not_vouch_for_the_failures(failed: int, judged: bool) -> None:
    tasks = [f"t{number}" for number in range(failed)]
    one = term(failing(lambda rows: rows["task"].isin(tasks), worse_together), "interaction", "radam")
    assert (one.imputed, one.found.origins) == (2 * failed, 8)
    assert (one.p is not None) == judged


def test_an_interaction_that_the_complete_cases_show_too_says_how_many_failed() -> None:
    records = records_of(worse_together, tasks=8).assign(
        featureless_error=0.0
    )  # the other arm's error is imputed
    rows = (records["component"] == "radam+cosine") & (records["task"] == "t3")
    records.loc[rows, ["status", "error"]] = ["failed", np.nan]
    found = found_in(records)
    one = term(found, "interaction", "radam")
    complete = term(found_in(records[records["task"] != "t3"]), "interaction", "radam")
    assert one.p is not None and complete.p is not None and complete.p < 0.05
    assert one.p >= complete.p
    assert "points) (2 of 16 effects imputed)." in found.sentence


def test_few_origins_are_not_judged() -> None:
    found = found_in(records_of(multiplied, tasks=4))
    assert found.sentence == (
        "Whether the two interact is not judged: 4 independent data sets are too few (five are needed)."
    )
    alone = found_in(records_of(multiplied, tasks=1))
    assert {(one.p, one.ci95) for one in alone.terms} == {(None, None)}


@given(st.integers(0, 10**6))
@settings(max_examples=1, deadline=None)
def test_judge_puts_it_into_the_verdict_whatever_the_order_of_rows(root: int) -> None:
    rng = np.random.default_rng(1)
    records = records_of(lambda at: multiplied(at) * rng.uniform(0.8, 1), seeds=2)
    pages = [
        judge(rows, factors=FACTORS).to_json(study="s", slot="optimizer+schedule", metric="error")
        for rows in (records, records.sample(frac=1, random_state=root))
    ]
    assert json.dumps(pages[0], allow_nan=False) == json.dumps(pages[1], allow_nan=False)
    (entry,) = pages[0]["interaction"]
    assert (entry["baseline"], entry["base"]) == (BASE, {"optimizer": "adamw", "schedule": "constant"})
    assert [(one["level"], one["over"]) for one in entry["interaction"]] == [
        ("radam", ["cosine", "constant"]),
        ("lion", ["cosine", "constant"]),
    ]
    assert len(entry["main"]) == 3
    assert "interaction" not in judge(records).to_json(study="s", slot="optimizer", metric="error")


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ({"adamw+cosine": FACTORS["adamw+cosine"]}, "nothing about 'adamw.constant', did you mean"),
        (
            FACTORS | {"radam": {"optimizer": "radam"}},
            "'radam' fills optimizer, every arm fills the same two",
        ),
        (FACTORS | {"twin": FACTORS[BASE]}, "'twin' and 'adamw.constant' are the same combination"),
    ],
)
def test_factors_that_make_no_rectangle_are_refused(
    factors: Mapping[str, Mapping[str, str]], message: str
) -> None:
    with pytest.raises(RequestError, match=message):
        found_in(records_of(multiplied, tasks=1), factors)
