"""Many methods side by side: the same numbers as a comparison, and honest about who competed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmark.errors import RequestError
from benchmark.judge import compare
from benchmark.judge.intervals import simultaneous
from benchmark.judge.pairing import tabulate
from benchmark.judge.side_by_side.board import Board, board, side_by_side
from benchmark.judge.verdict import MIRROR

Table = Callable[..., pd.DataFrame]


def records(errors: dict[str, list[float]], **columns: Any) -> pd.DataFrame:
    """One row per method and data set."""
    rows = [
        {"component": name, "task": f"t{number:02d}", "error": error}
        for name, values in errors.items()
        for number, error in enumerate(values)
    ]
    return pd.DataFrame(rows).assign(**columns)


def drawn(n: int, units: int, seed: int) -> pd.DataFrame:
    """Errors with ties, zeros and failures."""
    random = np.random.default_rng(seed)
    values = random.choice([0.0, 0.1, 0.2, 0.25, 0.4, np.nan], (n, units), p=[0.1, 0.2, 0.2, 0.2, 0.2, 0.1])
    return records({f"m{number}": list(values[number]) for number in range(n)}, seed=0)


def wide(file: Path, *, higher: bool) -> tuple[pd.DataFrame, list[str]]:
    """A table with a column per method as records, a missing cell being a failure; and the methods."""
    table = pd.read_csv(file)
    task, *methods = table.columns
    long = table.melt(id_vars=task, var_name="component", value_name="error").rename(columns={task: "task"})
    failed = np.where(long["error"].isna(), "failed", "ok")
    return long.assign(error=1 - long["error"] if higher else long["error"], status=failed), methods


def mixed(table: Table) -> pd.DataFrame:
    """Two tasks of one origin, two widths of one host, A/A arms, and failures of every kind."""
    found = table({"good": 0.2, "same": 0.0, "bad": -0.3}, tasks=9, hosts=3, folds=1, aa=2, noise=0.05)
    found["origin"] = found["task"].replace({"t1": "t0"})
    found["base_host"] = found["host"].replace({"h1": "h0"})
    some = (found["component"] == "good") & (found["task"] == "t3") & (found["seed"] == 1)
    all_of_one = (found["component"] == "bad") & (found["task"] == "t5")
    unpriced = (found["component"] == "same") & (found["task"] == "t6") & (found["seed"] == 0)
    found.loc[found["task"] == "t6", "featureless_error"] = np.nan
    return found.assign(status=np.where(some | all_of_one | unpriced, "diverged", "ok"))


def test_every_pair_says_what_a_comparison_of_the_two_says(table: Table) -> None:
    given_records = mixed(table)
    methods = ["base", "good", "same", "bad"]
    found = board(given_records, methods, pairs=True, rope=0.02)
    assert len(found.pairs) == 6
    each = simultaneous(0.95, len(found.pairs))
    for row in found.pairs.itertuples():
        first, second, sign = row.first, row.second, 1.0
        if first == "base":  # a comparison has the floor of its baseline
            first, second, sign = second, first, -1.0
        one = compare(given_records, first, second, rope=0.02, level=each)
        assert one.effect.ci_verdict is not None
        low, high = sorted(sign * end for end in one.effect.ci_verdict)
        assert row.mean == pytest.approx(sign * one.effect.mean, abs=1e-12)
        assert (row.low, row.high) == pytest.approx((low, high), abs=1e-12)
        assert row.p == pytest.approx(one.p_wilcoxon)
        assert row.verdict == (one.verdict if sign > 0 else MIRROR[one.verdict])
        tally = (one.wins, one.ties, one.losses)
        assert (row.wins, row.ties, row.losses) == (tally if sign > 0 else tally[::-1])
        floor = np.nan if one.noise_floor is None else one.noise_floor
        assert row.noise_floor == pytest.approx(floor, nan_ok=True)
    assert found.pairs["noise_floor"].notna().sum() == 3
    assert {"HELPS", "INCONCLUSIVE"} <= set(found.pairs["verdict"])


def test_failures_that_decide_the_sign_settle_nothing() -> None:
    random = np.random.default_rng(0)
    level = random.uniform(0.2, 0.3, 12)
    ours = np.append(level[:8] * 0.97, [np.nan] * 4)
    frame = records({"ours": list(ours), "theirs": list(level)}, featureless_error=0.9)
    row = board(frame, pairs=True).pairs.iloc[0]
    one = compare(frame, "ours", "theirs")
    assert (row["verdict"], row["flags"]) == ("INCONCLUSIVE", "complete_case_reversed")
    assert (one.verdict, one.flags[0]) == ("INCONCLUSIVE", "complete_case_reversed")


def test_a_copy_of_a_method_stands_beside_it_and_takes_no_share_of_the_level(table: Table) -> None:
    first = table({"good": 0.2, "bad": -0.3}, aa=0)
    copy = first[first["component"] == "good"].assign(component="twin")
    alone, joined = board(first, pairs=True), board(pd.concat([first, copy]), pairs=True)
    stands = joined.standing.set_index("method")
    assert stands.loc["good"].drop("failures").equals(stands.loc["twin"].drop("failures"))
    twins = joined.pairs[(joined.pairs["first"] == "good") & (joined.pairs["second"] == "twin")].iloc[0]
    assert (twins["mean"], twins["p"], twins["verdict"]) == (0.0, 1.0, "EQUIVALENT")
    assert joined.win_matrix.loc["good", "twin"] == 0.5
    assert len(joined.pairs) == 6
    kept = joined.pairs.set_index(["first", "second"]).loc[("bad", "base")]
    was = alone.pairs.set_index(["first", "second"]).loc[("bad", "base")]
    assert kept["high"] - kept["low"] > was["high"] - was["low"]  # five pairs vary now, not six
    one = compare(first, "bad", "base", level=simultaneous(0.95, 5))
    assert one.effect.ci_verdict == pytest.approx((kept["low"], kept["high"]))
    for name in ("good", "bad", "base"):
        np.testing.assert_allclose(joined.profile[name], alone.profile[name])


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 5), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_the_order_of_methods_and_rows_does_not_matter(n: int, units: int, seed: int) -> None:
    frame = drawn(n, units, seed)
    methods = [f"m{number}" for number in range(n)]
    random = np.random.default_rng(seed)
    moved = [methods[number] for number in random.permutation(n)]
    shuffled = frame.iloc[random.permutation(len(frame))]
    one = board(frame, methods)
    other = board(shuffled, moved)
    pd.testing.assert_frame_equal(one.standing, other.standing)
    pd.testing.assert_frame_equal(one.win_matrix, other.win_matrix.loc[methods, methods])
    pd.testing.assert_frame_equal(one.profile, other.profile[list(one.profile)])
    left = one.without.set_index("removed").sort_index()
    pd.testing.assert_frame_equal(left, other.without.set_index("removed").sort_index())
    assert one.sentences == other.sentences
    assert (one.friedman is None) == (other.friedman is None)
    if one.friedman is not None and other.friedman is not None:
        assert one.friedman.p == pytest.approx(other.friedman.p)


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 5), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_what_always_holds(n: int, units: int, seed: int) -> None:
    found = board(drawn(n, units, seed), pairs=True)
    table = found.standing
    assert table["mean_rank"].is_monotonic_increasing
    assert table["mean_rank"].sum() == pytest.approx(n * (n + 1) / 2)
    assert table["elo"].mean() == pytest.approx(1000)
    # Everybody meets everybody equally often: then ratings and mean ranks tell one order.
    assert (np.diff(table["elo"]) <= 1e-6).all()
    np.testing.assert_allclose(table["wins"], (n - table["mean_rank"]) / (n - 1), atol=1e-12)
    assert table["tied_for_first"].iloc[0]
    assert (table["rank_low"].isna() == (units < 5)).all()
    assert ((table["rank_low"] <= table["rank_high"]) | table["rank_low"].isna()).all()
    shares = found.win_matrix.fillna(0.5).to_numpy()
    np.testing.assert_allclose(shares + shares.T, 1.0)
    text = json.dumps(found.to_json(), allow_nan=False)
    assert json.loads(text)["n"]["methods"] == n


def test_the_order_without_an_entrant_is_that_of_a_board_without_it(table: Table) -> None:
    frame = tabulate(mixed(table))
    methods = ["base", "good", "same", "bad"]
    found = side_by_side(frame, methods, "tuned")
    before = found.standing.set_index("method")["mean_rank"]
    for row in found.without.itertuples():
        rest = [name for name in methods if name != row.removed]
        anew = side_by_side(frame, rest, "tuned").standing.set_index("method")["mean_rank"]
        assert row.winner == anew.idxmin()
        assert row.kendall_tau == pytest.approx(stats.kendalltau(before[rest], anew[rest]).statistic)


def test_removing_the_last_changes_the_winner_and_the_text_says_so() -> None:
    errors = np.array([[1.0, 2.0, 3.0]] * 6 + [[3.0, 1.0, 2.0]] * 4) / 10
    found = board(records(dict(zip("abc", errors.T.tolist(), strict=True))))
    assert found.standing["method"].tolist() == ["b", "a", "c"]
    assert found.without.set_index("removed").loc["c", "winner"] == "a"
    text = " ".join(found.sentences)
    assert "Who leads depends on who entered: without c, a would lead instead of b." in text
    assert "b has the best mean rank, 1.60 of 3" in text and "cannot be told apart from" in text


def test_few_data_sets_get_numbers_and_no_test() -> None:
    for count, words in (
        (1, "1 independent data set is too few"),
        (4, "4 independent data sets are too few"),
    ):
        errors = {"a": [0.1] * count, "b": [0.2] * count, "c": [0.3] * count}
        found = board(records(errors), pairs=True)
        assert found.friedman is None and found.critical_difference is None
        assert found.standing["mean_rank"].tolist() == [1.0, 2.0, 3.0]
        assert found.standing["tied_for_first"].all()
        assert found.holm_cliques == found.nemenyi_cliques == (("a", "b", "c"),)
        assert set(found.pairs["verdict"]) == {"INSUFFICIENT"}
        assert words in found.sentences[0] and "nobody can be told from anybody" in found.sentences[0]


def test_two_methods_have_a_comparison_and_no_critical_difference() -> None:
    found = board(records({"a": [0.1] * 9, "b": [0.2] * 9}), pairs=True)
    assert found.critical_difference is None
    assert found.holm_cliques == ()
    assert found.pairs["verdict"].tolist() == ["HELPS"]
    assert found.standing["tied_for_first"].tolist() == [True, False]
    assert (
        "a has the best mean rank" in found.sentences[0]
        and "told apart from the other one" in found.sentences[0]
    )


@pytest.mark.parametrize("error", [0.0, 1e-300, 0.3, 1e300])
def test_all_alike(error: float) -> None:
    found = board(records({name: [error] * 7 for name in "abc"}), pairs=True)
    assert (found.standing["mean_rank"] == 2.0).all() and (found.standing["elo"] == 1000).all()
    assert (found.standing["iqm"] == 1.0).all()
    np.testing.assert_allclose(found.profile[list("abc")], 1.0)
    assert found.friedman is not None and found.friedman.p_f == 1.0
    assert found.sentences[0].startswith("a, b and c share the best mean rank, 2.00 of 3")
    assert "Chance alone may make" in found.sentences[1]


@pytest.mark.filterwarnings("error")
def test_sizes_beyond_ordinary_numbers() -> None:
    errors = {"a": [1e-300, 0.0, 1e300, 1.0, 0.5, 5e-324], "b": [1e300, 1e-300, 1e300, 2.0, 0.0, 1e-300]}
    found = board(records(errors | {"c": [np.inf, np.nan, 1.0, 1.0, 1e-5, 1e300]}), pairs=True)
    json.dumps(found.to_json(), allow_nan=False)
    assert found.standing["mean_rank"].notna().all()
    assert found.pairs[["mean", "low", "high", "p"]].notna().all(axis=None)


def test_who_failed_throughout_ranks_last_and_is_named() -> None:
    errors = {"a": [0.3] * 6, "b": [0.2] * 6, "c": [0.1] * 4 + [np.nan] * 2}
    found = board(records(errors))
    table = found.standing.set_index("method")
    assert table["mean_rank"].to_dict() == pytest.approx({"b": 10 / 6, "c": 10 / 6, "a": 16 / 6})
    assert table["failures"].to_dict() == {"a": 0, "b": 0, "c": 2}
    assert found.profile["c"].iloc[-1] == pytest.approx(4 / 6)
    assert any(text.startswith("Failed, of 6 blocks: c in 2;") for text in found.sentences)


def test_failing_nearly_everywhere_leaves_no_interquartile_mean() -> None:
    found = board(records({"a": [0.1] * 8, "b": [0.2] * 8, "c": [0.1] + [np.nan] * 7}))
    row = found.standing.set_index("method").loc["c"]
    assert row["iqm"] == np.inf and not row["on_front"]
    shown = {one["method"]: one["iqm"] for one in found.to_json()["standing"]}
    assert shown["c"] is None


def test_seconds_make_a_front_and_a_profile_of_times() -> None:
    errors = {"slow": [0.10] * 6, "fast": [0.20] * 6, "waste": [0.25] * 6, "wrong": [0.9] * 6}
    seconds = {"slow": 40.0, "fast": 10.0, "waste": 80.0, "wrong": 20.0}
    frame = records(errors)
    frame["fit_seconds"] = frame["component"].map(seconds)
    found = board(frame, target="fast", rope=0.01)
    table = found.standing.set_index("method")
    assert table["seconds"].to_dict() == pytest.approx({"slow": 4, "fast": 1, "waste": 8, "wrong": 2})
    assert table["on_front"].to_dict() == {"slow": True, "fast": True, "waste": False, "wrong": False}
    assert found.time_profile is not None
    at = found.time_profile[["fast", "slow", "waste", "wrong"]]
    assert at.iloc[0].tolist() == pytest.approx([1.0, 0.0, 0.0, 0.0])
    assert at.iloc[-1].tolist() == pytest.approx([1.0, 1.0, 0.0, 0.0])
    area = found.time_profile_area
    assert area is not None and area["slow"] == pytest.approx(1 - np.log(4) / np.log(32))
    median = board(frame)  # its target is the middle of 0.20 and 0.25
    assert median.time_profile is not None and median.time_profile["fast"].iloc[0] == pytest.approx(1.0)


def test_where_seconds_are_not_known_there_is_no_profile_of_times() -> None:
    frame = records({"a": [0.1] * 6, "b": [0.2] * 6, "c": [0.3] * 6})
    assert board(frame).time_profile is None
    frame["fit_seconds"] = np.where(frame["component"] == "a", np.nan, 2.0)
    found = board(frame)
    assert found.time_profile is None and found.time_profile_area is None
    assert found.standing.set_index("method")["seconds"].isna().to_dict() == {
        "a": True,
        "b": False,
        "c": False,
    }


def test_only_what_is_volatile_rests_on_time(table: Table) -> None:
    frame = table({"good": 0.2, "bad": -0.1})
    random = np.random.default_rng(0)
    other = frame.assign(fit_seconds=random.uniform(1, 9, len(frame)))
    one, two = board(frame).to_json(), board(other).to_json()
    assert one.pop("volatile") != two.pop("volatile")
    assert json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)


def test_origins_weigh_the_same_in_a_profile() -> None:
    """Three tasks of one origin count as one data set, as they do in ranks."""
    frame = records({"a": [0.1, 0.1, 0.1, 0.4], "b": [0.2, 0.2, 0.2, 0.1]})
    frame["origin"] = frame["task"].where(frame["task"] == "t03", "one")
    found = board(frame)
    assert found.profile[["a", "b"]].iloc[0].tolist() == pytest.approx([0.5, 0.5])
    assert found.standing["mean_rank"].tolist() == [1.5, 1.5]
    assert found.n["origins"] == 2


def test_a_board_of_a_board_table_is_the_same(table: Table) -> None:
    frame = table({"good": 0.2, "bad": -0.1})
    again = board(tabulate(frame))
    assert json.dumps(again.to_json()) == json.dumps(board(frame).to_json())


def test_methods_may_differ_in_their_settings(table: Table) -> None:
    frame = table({"good": 0.2}, settings=("default", "tuned"))
    found = board(frame, ["base", "good"], {"base": "default", "good": "tuned"}, pairs=True)
    default = frame[(frame["component"] == "base") & (frame["setting"] == "default")]
    tuned = frame[(frame["component"] == "good") & (frame["setting"] == "tuned")]
    alike = pd.concat([default, tuned]).assign(setting="one")
    assert found.to_json() == board(alike, ["base", "good"], pairs=True).to_json()


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"alpha": 0.0}, "alpha=0.0"),
        ({"rope": -1.0}, "rope=-1.0"),
        ({"level": 0.4}, "level=0.4"),
        ({"target": "gud"}, "target=gud.*good"),
        ({"anchor": "bas"}, "anchor=bas.*base"),
        ({"methods": ["good"]}, "at least two"),
        ({"methods": ["good", "best"]}, "no component 'best'"),
        ({"setting": "tund"}, "no setting 'tund'.*tuned"),
    ],
)
def test_bad_requests_name_what_is_wrong(table: Table, rule: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError, match=words):
        board(table({"good": 0.2}), **rule)


def test_missing_blocks_are_refused(table: Table) -> None:
    frame = table({"good": 0.2})
    with pytest.raises(RequestError, match="'good' lacks 1 of"):
        board(frame.drop(index=frame.index[frame["component"] == "good"][0]))


def talent(folder: Path, part: str, **rule: Any) -> Board:
    frame, methods = wide(folder / f"talent_{part}_mean.csv", higher=part != "regression")
    return board(frame, methods, **rule)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("part", "first", "tied"),
    [
        ("cls_bin", "tabr", {"catboost", "modernNCA", "lightgbm", "realmlp", "xgboost"}),
        ("cls_multi", "realmlp", {"tabr", "modernNCA", "catboost", "lightgbm", "xgboost"}),
        ("regression", "catboost", {"realmlp", "modernNCA", "tabr", "ftt"}),
    ],
)
def test_talent_names_no_winner_inside_the_noise(
    ground_truth: Path, part: str, first: str, tied: set[str]
) -> None:
    found = talent(ground_truth, part)
    table = found.standing
    assert table["method"].iloc[0] == first
    assert set(table.loc[table["tied_for_first"], "method"]) == {first} | tied
    assert first in found.holm_cliques[0] and set(found.holm_cliques[0]) <= {first} | tied
    by_rank = table.set_index("method")
    inside = by_rank.index[by_rank["mean_rank"] - table["mean_rank"].iloc[0] < found.critical_difference]
    assert set(found.nemenyi_cliques[0]) == set(inside)
    assert stats.kendalltau(table["elo"], -table["mean_rank"]).statistic > 0.99
    assert found.sentences[0].startswith(f"{first} has the best mean rank")
    assert not found.without["winner_changes"][found.without["removed"] != first].any()


@pytest.mark.shared_data
def test_the_pairs_of_talent_agree_with_scipy(ground_truth: Path) -> None:
    found = talent(ground_truth, "cls_bin", pairs=True)
    errors = found.entrants.cells
    first, second = "tabr", "mlp"  # neither of them failed
    gained = (errors[second] - errors[first]) / np.maximum(errors[first], errors[second])
    p = stats.wilcoxon(gained.fillna(0.0).round(12), zero_method="zsplit").pvalue
    row = found.pairs.set_index(["first", "second"]).loc[("mlp", "tabr")]
    assert row["p"] == pytest.approx(p, rel=1e-6)
    assert row["mean"] == pytest.approx(-gained.fillna(0.0).mean())


@pytest.mark.shared_data
def test_all_pairs_of_31_methods_on_120_data_sets_take_seconds(ground_truth: Path) -> None:
    frame, methods = wide(ground_truth / "talent_cls_bin_mean.csv", higher=True)
    table = tabulate(frame)
    start = time.process_time()
    found = side_by_side(table, methods, "unstated", pairs=True)
    assert time.process_time() - start < 6.0
    assert len(found.pairs) == 465 and found.pairs["verdict"].notna().all()


@pytest.mark.shared_data
def test_garcia_and_herrera(ground_truth: Path) -> None:
    frame, methods = wide(ground_truth / "garcia_herrera2008_table2_acc.csv", higher=True)
    found = board(frame, methods)
    assert found.friedman is not None
    assert found.friedman.chi2 == pytest.approx(39.647, abs=5e-4)
    assert found.critical_difference == pytest.approx(1.1136, abs=5e-5)
    assert found.standing["method"].tolist() == ["C4.5", "NaiveBayes", "CN2", "k-NN(k=1)", "Kernel"]
    assert found.nemenyi_cliques[0] == ("C4.5", "NaiveBayes", "CN2")
    assert found.holm_cliques == (("C4.5", "NaiveBayes"), ("CN2", "k-NN(k=1)"))
