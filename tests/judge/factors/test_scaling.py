"""Slopes of the effect on size: exact, covered, and never counting sizes as data sets."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import RequestError
from benchmark.judge import compare, judge
from benchmark.judge.effects import grid
from benchmark.judge.factors.scaling import Scaling, scale, slopes_of
from benchmark.judge.intervals import estimate, estimate_as, interval

Table = Callable[..., pd.DataFrame]
SIZES = (500.0, 1000.0, 4000.0)
WIDTHS = (32.0, 128.0)


class Place(NamedTuple):
    """Where effects are: arrays ``(n_effects,)``."""

    origin: np.ndarray
    host: np.ndarray
    rows: np.ndarray
    """log2, as is the width."""
    width: np.ndarray


def effects_of(
    effect: Callable[[Place], np.ndarray],
    *,
    origins: int = 8,
    hosts: int = 2,
    rows: tuple[float, ...] = SIZES,
    widths: tuple[float, ...] = WIDTHS,
) -> pd.DataFrame:
    """Effects by (task, host) for a full grid of sizes."""
    index = pd.MultiIndex.from_product([range(origins), range(hosts), rows, widths])
    frame = index.set_names(["o", "h", "rows", "width"]).to_frame(index=False)
    o, h = frame["o"].to_numpy(), frame["h"].to_numpy()
    frame["effect"] = effect(
        Place(o, h, np.log2(frame["rows"].to_numpy()), np.log2(frame["width"].to_numpy()))
    )
    frame["origin"], frame["base_host"] = "o" + frame["o"].astype(str), "h" + frame["h"].astype(str)
    frame["task"] = frame["origin"] + "@" + frame["rows"].astype(str)
    frame["host"] = frame["base_host"] + "@" + frame["width"].astype(str)
    frame["imputed"], frame["complete_case"] = False, frame["effect"]
    return frame.drop(columns=["o", "h"])


def scaled(effects: pd.DataFrame, factor: str = "rows", host_effects: str = "auto") -> Scaling:
    found = scale(
        effects, factor, candidate="new", baseline="base", setting="tuned", host_effects=host_effects
    )
    assert found is not None
    return found


def sized(table: Table, shrink: float = 0.0, **kinds: object) -> pd.DataFrame:
    """Records in which the candidate's gain of 8 % changes by ``shrink`` per doubling of the rows."""
    records = table({"new": 0.08}, **kinds)
    parts = []
    for size in SIZES:
        for width in WIDTHS:
            part = records.assign(rows=size, width=width, base_host=records["host"])
            part["task"] = part["task"] + f"@{size:g}"
            part["host"] = part["host"] + f"@{width:g}"
            ours = part["component"] == "new"
            part.loc[ours, "error"] *= (0.92 + shrink * np.log2(size / SIZES[0])) / 0.92
            parts.append(part)
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize(("factor", "wanted"), [("rows", -0.02), ("width", 0.01)])
def test_an_exact_slope_is_found_exactly(factor: str, wanted: float) -> None:
    effects = effects_of(lambda p: 0.3 + 0.01 * p.origin - 0.02 * p.host - 0.02 * p.rows + 0.01 * p.width)
    found = scaled(effects, factor)
    assert found.slope.mean == pytest.approx(wanted, abs=1e-14)
    assert found.ci95
    np.testing.assert_allclose(np.array(found.ci95), wanted, atol=1e-14)
    assert dict(found.n) == {"origins": 8, "hosts": 2, "sizes": 3 if factor == "rows" else 2}
    np.testing.assert_allclose(found.sizes["mean"], found.sizes["fitted"], atol=1e-14)
    last = effects[effects[factor] == effects[factor].max()]["effect"].mean()
    assert found.largest == effects[factor].max()
    assert found.at_largest.mean == pytest.approx(last, abs=1e-14)


def test_holes_in_the_grid_of_sizes_do_not_mix_rows_with_width() -> None:
    effects = effects_of(lambda p: 0.5 - 0.02 * p.rows + 0.05 * p.width)
    holes = effects[~((effects["rows"] == 4000) & (effects["width"] == 128))]
    assert scaled(holes).slope.mean == pytest.approx(-0.02, abs=1e-13)
    assert scaled(holes, "width").slope.mean == pytest.approx(0.05, abs=1e-13)


def test_sizes_that_move_together_have_no_slope_of_their_own() -> None:
    effects = effects_of(lambda p: 0.01 * p.rows, rows=(500.0, 2000.0))
    together = effects[(effects["rows"] == 500) == (effects["width"] == 32)]
    for factor in ("rows", "width"):
        kinds = {"candidate": "new", "baseline": "base", "setting": "tuned", "host_effects": "auto"}
        assert scale(together, factor, **kinds) is None


def test_sizes_less_than_a_doubling_apart_are_no_sizes(table: Table) -> None:
    records = table({"new": 0.1}, tasks=6).assign(width=64)
    records["rows"] = 150 + records["task"].str[1:].astype(int)
    records["origin"] = "o" + (records["task"].str[1:].astype(int) // 2).astype(str)
    found = judge(records)
    assert found.scaling == ()
    assert "scaling" not in found.to_json(study="s", slot="optimizer", metric="error")


@pytest.mark.parametrize(("origins", "hosts"), [(6, 1), (12, 3), (12, 5)])
def test_the_interval_covers_the_mean_slope_of_random_origins(origins: int, hosts: int) -> None:
    rng, runs, covered, truth = np.random.default_rng(origins + hosts), 200, 0, -0.01
    effects = effects_of(lambda p: 0.0 * p.rows, origins=origins, hosts=hosts, widths=(32.0,))
    for _ in range(runs):
        level, by_origin = rng.normal(0.1, 0.1, origins), rng.normal(truth, 0.02, origins)
        by_host = rng.normal(0, 0.01, hosts)
        true = level[:, None, None] + (by_origin[:, None] + by_host)[..., None] * np.log2(SIZES)
        slopes = slopes_of(effects.assign(effect=rng.normal(true.ravel(), 0.02)), "rows")
        low, high = interval(estimate_as(grid(slopes, "slope"), "auto"), 0.95) or (0.0, 0.0)
        covered += low < truth + (by_host.mean() if hosts < 4 else 0) < high
    assert covered / runs > 0.95 - 3 * np.sqrt(0.95 * 0.05 / runs)
    assert hosts > 3 or covered / runs < 0.95 + 3 * np.sqrt(0.95 * 0.05 / runs)


def test_sizes_of_one_origin_are_no_further_data_sets() -> None:
    """The naive slope over all rows at once takes 20 sizes of 5 origins for 100 data sets."""
    rng = np.random.default_rng(3)
    slope = rng.normal(0, 0.02, 5)
    rows = tuple(500.0 * 2 ** (k / 4) for k in range(20))
    effects = effects_of(
        lambda p: slope[p.origin] * (p.rows - 10), origins=5, hosts=1, rows=rows, widths=(32,)
    )
    found = scaled(effects)
    assert (found.slope.df, found.slope.origins) == (4, 5)
    assert found.slope.error == pytest.approx(slope.std(ddof=1) / np.sqrt(5), rel=1e-6)


def test_few_origins_give_numbers_but_no_judgement() -> None:
    found = scaled(effects_of(lambda p: 0.5 - 0.02 * p.rows + 0.001 * p.origin * p.rows, origins=4))
    assert found.trend == "insufficient"
    assert found.sentence.startswith("4 independent data sets with several sizes: not enough")
    alone = scaled(effects_of(lambda p: 0.5 - 0.02 * p.rows, origins=1))
    assert (alone.trend, alone.ci95) == ("insufficient", None)
    assert json.loads(json.dumps(alone.to_json()["slope"])) == {"mean": pytest.approx(-0.02), "ci95": None}


def test_the_sentence_says_what_becomes_of_the_gain() -> None:
    for slope, how in ((0.02, "grows"), (-0.02, "shrinks")):
        effects = effects_of(lambda p: (0.001 * (p.origin % 3)) * (p.rows - 10))
        gain = effects["effect"] + 0.5 + slope * (np.log2(effects["rows"]) - 10)
        assert f"the gain {how} with scale" in scaled(effects.assign(effect=gain)).sentence
        assert f"the loss {how} with scale" in scaled(effects.assign(effect=-gain)).sentence
    flat = scaled(effects_of(lambda p: 0.1 + 0.02 * (-1) ** p.origin * p.rows))
    assert "no change with scale can be seen" in flat.sentence
    assert "At 4,000 rows, the largest," in flat.sentence


@given(st.integers(0, 10**6))
@settings(max_examples=4, deadline=None)
def test_the_order_of_rows_changes_nothing_and_swapped_arms_mirror(root: int) -> None:
    rng = np.random.default_rng(root)
    effects = effects_of(lambda p: rng.normal(0, 0.1, len(p.origin)), hosts=5)
    found, again = scaled(effects), scaled(effects.sample(frac=1, random_state=root))
    assert found.slope.mean == pytest.approx(again.slope.mean, rel=1e-9)
    mirrored = scaled(effects.assign(effect=-effects["effect"]))
    assert mirrored.slope.mean == -found.slope.mean
    assert found.ci95 and mirrored.ci95
    assert mirrored.ci95 == pytest.approx((-found.ci95[1], -found.ci95[0]))


def test_judge_finds_the_slope_in_the_records(table: Table) -> None:
    found = judge(sized(table, 0.02, noise=0.002))
    rows, width = found.scaling
    assert (rows.factor, width.factor) == ("rows", "width")
    assert rows.slope.mean == pytest.approx(-0.02, abs=0.001)
    assert (rows.trend, width.trend) == ("falls", "open")
    assert "changes by −2.0 points per doubling of the rows" in rows.sentence
    assert rows.ci95
    entry = found.to_json(study="s", slot="optimizer", metric="error")["scaling"][0]
    assert entry["slope"] == {"mean": rows.slope.mean, "ci95": list(rows.ci95)}
    assert [one["size"] for one in entry["sizes"]] == list(SIZES)
    json.dumps(entry, allow_nan=False)


def test_variants_of_a_host_are_one_host(table: Table) -> None:
    records = sized(table, hosts=2, tasks=6)
    found = compare(records, "new", "base")
    assert (found.n["hosts"], found.host_effects) == (2, "fixed")
    assert "(h0, h1)" in found.population
    assert sorted(found.hosts["host"]) == ["h0@128", "h0@32", "h1@128", "h1@32"]
    alone = compare(records.drop(columns=["base_host", "width"]), "new", "base")
    assert (alone.n["hosts"], alone.host_effects) == (4, "random")
    assert found.effect.mean == pytest.approx(alone.effect.mean)
    by_hand = found.effects.groupby(["origin", "base_host"])["effect"].mean().unstack().to_numpy()
    assert found.effect.ci95 == interval(estimate(by_hand, "fixed"), 0.95)
    np.testing.assert_array_equal(grid(found.effects), by_hand)


def test_a_host_with_more_variants_weighs_no_more(table: Table) -> None:
    records = table({"new": 0.1}, hosts=3, noise=0.0, aa=0)
    records["base_host"] = records["host"].replace({"h1": "h0"})
    ours = (records["component"] == "new") & (records["base_host"] == "h0")
    records.loc[ours, "error"] *= 0.5
    found = compare(records, "new", "base")
    assert found.effect.mean == pytest.approx((0.55 + 0.1) / 2)
    assert found.tasks["effect"].tolist() == pytest.approx([(0.55 + 0.1) / 2] * 8)
    assert found.leave_one_host_out == pytest.approx((0.1, 0.55))


def test_a_host_is_a_variant_of_one_host(table: Table) -> None:
    with pytest.raises(RequestError, match="host 'h0' has more than one base_host"):
        compare(table({"new": 0.1}).assign(base_host=[str(k) for k in range(96 * 3)]), "new", "base")


def widths(table: Table, failing: Callable[[pd.DataFrame], pd.Series], **kinds: Any) -> Scaling:
    """The candidate gains 10 % at widths 64, 128 and 256, and fails in the cells that are asked for."""
    records = table({"new": 0.1}, **kinds)
    every = [
        records.assign(host=records["host"] + f"@{width}", base_host=records["host"], width=float(width))
        for width in (64, 128, 256)
    ]
    records = pd.concat(every, ignore_index=True)
    failed = (records["component"] == "new") & failing(records)
    records.loc[failed, ["status", "error"]] = ["failed", np.nan]
    (found,) = judge(records).scaling
    return found


@pytest.mark.parametrize("root", range(6))
def test_failures_at_one_width_are_no_loss_that_grows_with_scale(table: Table, root: int) -> None:
    """Whichever way the noise of the complete cases leans."""
    found = widths(table, lambda records: records["width"] == 256, root=root)
    assert found.ci95 is not None and found.ci95[1] < -0.1
    assert (found.trend, found.imputed) == ("open", 16)
    assert found.sentence.endswith(
        "points): this rests on imputed failures and is not judged (16 of 48 effects imputed)."
    )
    assert found.to_json()["imputed"] == 16


def test_where_only_one_width_is_left_nothing_is_judged(table: Table) -> None:
    found = widths(table, lambda records: records["width"] > 64)
    assert (found.trend, found.imputed) == ("open", 32)
    assert "rests on imputed failures and is not judged" in found.sentence


def test_a_slope_that_the_complete_cases_show_too_is_judged_and_says_so(table: Table) -> None:
    records = sized(table, 0.02, noise=0.002)
    failed = (records["component"] == "new") & (records["task"] == "t7@4000")
    failed &= (records["seed"] == 0) & (records["fold"] == 0)
    records.loc[failed, ["status", "error"]] = ["failed", np.nan]
    rows, width = judge(records).scaling
    assert (rows.trend, rows.imputed) == ("falls", 4)
    assert "with scale (4 of 96 effects imputed). At 4,000 rows, the largest" in rows.sentence
    assert width.trend == "open" and "can be seen (4 of 96 effects imputed)." in width.sentence


def test_without_failures_nothing_is_said_of_them(table: Table) -> None:
    found = widths(table, lambda records: records["width"] < 0)
    assert found.imputed == 0 and found.to_json()["imputed"] == 0
    assert "imputed" not in found.sentence and "At a width of 256, the largest" in found.sentence
