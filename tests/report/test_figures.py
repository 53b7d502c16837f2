"""What the figures are drawn from, and what becomes of them on a page."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from benchmark.judge import judge
from benchmark.judge.search.budget import expected_best
from benchmark.report import figures
from benchmark.report.figures.canvas import BAD, GOOD, INK, MARKERS, PALETTE
from benchmark.report.words import VERDICTS


@pytest.fixture
def leading(case: Any) -> list[Any]:
    return [c for c in case.judgement.comparisons if c.setting == "tuned"]


def test_the_budget_curve_of_one_cell_is_the_effect_of_its_expected_best(case: Any) -> None:
    one = case.trials[
        (case.trials["task"] == "wine") & (case.trials["host"] == "mlp") & (case.trials["fold"] == 0)
    ]
    curves = figures.budget_curves(one, case.records, "adamw", "sobol").set_index(["component", "k"])[
        "effect"
    ]
    runs = {name: run for name, run in one.groupby("component")}
    default = float(runs["adamw"].loc[runs["adamw"]["trial"] == 0, "error"].iloc[0])
    for name, run in runs.items():
        best = expected_best(run["validation_error"], run["error"])
        wanted = (default - best) / np.maximum(default, best)
        np.testing.assert_allclose(curves[name], wanted, rtol=1e-12)


def test_the_budget_curve_is_the_mean_of_the_tuning_studies_curves(case: Any) -> None:
    first = case.trials[case.trials["task"] == "wine"]
    random = np.random.default_rng(0)
    second = first.assign(
        tuning=1, validation_error=random.random(len(first)), error=random.random(len(first))
    )
    second = second[~((second["component"] == "lion") & (second["trial"] > 2))]  # one study came less far
    both = figures.budget_curves(pd.concat([first, second]), case.records, "adamw", "sobol")

    def errors(trials: pd.DataFrame, component: str, k: int) -> dict[str, float]:
        runs = trials[trials["component"] == component].groupby(["host", "fold"])
        best = {at: expected_best(run["validation_error"], run["error"])[k - 1] for at, run in runs}
        return {
            host: float(np.mean([best[host, fold] for fold in (0, 1)])) for host in ("mlp", "resnet", "tabm")
        }

    def default(host: str) -> float:
        every = pd.concat([first, second])
        chosen = (every["component"] == "adamw") & (every["trial"] == 0) & (every["host"] == host)
        return float(every.loc[chosen, "error"].mean())

    for component, k in (("radam", 1), ("radam", 4), ("adamw", 2), ("lion", 3)):
        ours, theirs = errors(first, component, k), errors(second, component, k)
        effects = []
        for host in ours:
            error, start = (ours[host] + theirs[host]) / 2, default(host)
            effects.append((start - error) / max(start, error))
        row = both[(both["component"] == component) & (both["k"] == k)]
        assert row["effect"].item() == pytest.approx(np.mean(effects))
    assert both.groupby("component")["k"].max().to_dict() == {"adamw": 4, "lion": 3, "radam": 4, "sgd": 4}


def test_the_budget_curve_of_a_guided_search_is_of_its_first_trials(case: Any) -> None:
    """Mean over splits and tuning studies of the best of the first k, whatever the order of the rows."""
    ours = (
        case.trials["task"].eq("wine") & case.trials["host"].eq("mlp") & case.trials["component"].eq("adamw")
    )
    first = case.trials[ours]
    random = np.random.default_rng(1)
    second = first.assign(
        tuning=1, validation_error=random.random(len(first)), error=random.random(len(first))
    )
    both = pd.concat([first, second])
    shuffled = both.sample(frac=1, random_state=0)
    curves = figures.budget_curves(shuffled, case.records, "adamw", "tpe")
    default = both.loc[both["trial"] == 0, "error"].mean()
    for k, effect in zip(curves["k"], curves["effect"], strict=True):
        tried = both[both["trial"] < k].reset_index(drop=True)
        chosen = tried.loc[tried.groupby(["fold", "tuning"])["validation_error"].idxmin(), "error"]
        error = chosen.mean()
        assert effect == pytest.approx((default - error) / max(default, error))
    assert curves["effect"].iloc[0] == pytest.approx(0)
    others = [figures.budget_curves(both, case.records, "adamw", name) for name in ("sobol", "random")]
    pd.testing.assert_frame_equal(*others)
    assert abs(others[0]["effect"].iloc[0]) > 0.01


def test_the_budget_figure_says_which_trials_it_means(case: Any) -> None:
    words = {
        "tpe": ("best of the first k trials by validation", "tpe learns", "Best of the first k trials. With"),
        "sobol": ("best of k trials by validation", "all subsets", "Expected best of any k trials. With"),
    }
    for sampler, (which, why, alt) in words.items():
        curves = figures.budget_curves(case.trials, case.records, "adamw", sampler)
        with figures.style():
            drawing = figures.budget(curves, "adamw", "", sampler)
        assert drawing is not None
        assert which in drawing.caption and why in drawing.caption and drawing.alt.startswith(alt)


def test_the_budget_curve_counts_failed_trials_as_featureless(case: Any) -> None:
    one = case.trials[(case.trials["task"] == "wine") & (case.trials["component"] == "adamw")].copy()
    failed = one["trial"] != 0
    one.loc[failed, ["validation_error", "error"]] = np.nan
    curve = figures.budget_curves(one, case.records, "adamw", "sobol")["effect"].to_list()
    assert curve == sorted(curve)
    assert curve[0] < 0
    assert curve[-1] == pytest.approx(0)


def test_the_budget_curve_does_not_mind_an_untuned_study(case: Any) -> None:
    curves = figures.budget_curves(case.trials.iloc[:0], case.records, "adamw", "sobol")
    assert curves.empty
    assert figures.budget(curves, "adamw", "", "sobol") is None
    only = figures.budget_curves(case.trials[case.trials["trial"] == 0], case.records, "adamw", "sobol")
    assert figures.budget(only, "adamw", "", "sobol") is None


def test_tuning_gains_compare_each_arm_with_itself(case: Any) -> None:
    gains = figures.tuning_gains(case.judgement.comparisons).set_index("arm")["gain"]
    assert list(gains.index) == ["adamw", "lion", "radam", "sgd"]
    np.testing.assert_allclose(gains[["adamw", "lion", "radam"]], 1 - 1 / 1.15, atol=0.01)


def test_reference_effects_are_relative_to_the_baseline(case: Any) -> None:
    effects = figures.reference_effects(case.judgement.references, "adamw")
    errors = effects.pivot(index="task", columns="arm", values="error")
    found = effects.pivot(index="task", columns="arm", values="effect")
    ours, theirs = errors["adamw"], errors["lightgbm"]
    np.testing.assert_allclose(found["lightgbm"], (ours - theirs) / np.maximum(ours, theirs))
    assert (found["adamw"] == 0).all()


def test_the_forest_s_rows_are_the_judgement_s(leading: list[Any]) -> None:
    with figures.style():
        drawing = figures.forest(leading[0], "forest")
    pd.testing.assert_frame_equal(
        drawing.table.sort_values("task", ignore_index=True),
        leading[0].tasks.sort_values("task", ignore_index=True),
    )
    assert drawing.table["effect"].is_monotonic_decreasing


def test_captions_state_n_and_alpha(case: Any, leading: list[Any]) -> None:
    with figures.style():
        caption = figures.forest(leading[0], "forest").caption
    for words in ("8 independent data sets", "3 hosts", "2 splits", "2 seeds", "alpha 0.05"):
        assert words in caption
    assert case.study.protocol.level == 0.95


def test_a_figure_without_its_data_is_not_drawn(case: Any, leading: list[Any]) -> None:
    nobody = figures.reference_effects(case.judgement.references.query("role != 'reference'"), "adamw")
    with figures.style():
        assert figures.references(nobody, "adamw", "") is None
        assert figures.settings(leading, "") is None
        assert figures.floor(pd.DataFrame({"effect": []}), leading, "") is None


def test_inline_svg_brings_no_ids_ink_or_markup_of_its_own(tmp_path: Path) -> None:
    name = '</text><script>alert("url(#x)")</script> $\\frac{$ & _^'
    with figures.style():
        figure = Figure(figsize=(2, 2))
        axes = figure.add_axes((0.2, 0.2, 0.7, 0.7))
        axes.plot([0, 1], [1, 0], marker="o", label=name)
        axes.set_title(name)
        axes.legend()
        drawing = figures.Drawing("f", "t", "c", 'alt "quoted" <b>', figure, pd.DataFrame({"x": [1]}))
        text = figures.save(drawing, tmp_path)
    body = figures.inline(text, "pre", drawing.alt)
    root = ElementTree.fromstring(body)
    assert root.attrib["aria-label"] == drawing.alt
    assert "".join(root.itertext()).count(name) == 2
    assert all(mark.startswith("pre-") for mark in re.findall(r'\bid="([^"]*)"', body))
    links = re.findall(r'<[^>]*?(?:href="#|url\(#)([^)"]*)', body)
    assert links and all(f'id="{link}"' in body for link in links)
    assert INK not in body and "currentColor" in body
    assert "<script" not in body and "http" not in body


def test_the_heat_map_marks_imputed_cells_and_never_bolds_a_tie(build: Callable[..., Any]) -> None:
    case = build(tasks={"wine": 0.05, "iris": 0.06, "a": 0.1, "b": 0.2, "c": 0.3})
    found = next(c for c in case.judgement.comparisons if c.candidate == "sgd")
    with figures.style():
        drawing = figures.heatmap(found, "heatmap")
    texts = drawing.figure.axes[0].texts
    assert len(texts) == len(found.effects)
    assert sum(text.get_text().endswith("†") for text in texts) == int(found.effects["imputed"].sum()) == 3
    loud = sum(text.get_fontweight() == "bold" for text in texts)
    assert loud == int((found.effects["outcome"] != "tie").sum())


def grown(tasks: int, hosts: int, candidates: int = 1) -> Any:
    """A judgement on many data sets."""
    random = np.random.default_rng(4)
    arms = {"base": 0.0} | {f"c{number:02d}_with_a_name_that_is_long": 0.03 for number in range(candidates)}
    rows = [
        (arm, f"{'a very long name of a data set ' * 2}{t}", f"host_{h}", 0.2 * (1 - gain) * np.exp(noise))
        for arm, gain in arms.items()
        for t in range(tasks)
        for h in range(hosts)
        for noise in [random.normal(0, 0.05)]
    ]
    records = pd.DataFrame(rows, columns=["component", "task", "host", "error"])
    return judge(records, candidates=list(arms)[1:], baselines=["base"])


@pytest.mark.parametrize(("tasks", "tallest"), [(3, 3), (40, 12), (120, 18)])
@pytest.mark.parametrize("hosts", [1, 8])
def test_many_data_sets_stay_on_one_sheet(tasks: int, tallest: float, hosts: int) -> None:
    (found,) = grown(tasks, hosts).comparisons
    with figures.style():
        forest, heat = figures.forest(found, "forest"), figures.heatmap(found, "heatmap")
    for drawing in (forest, heat):
        width, height = drawing.figure.get_size_inches()
        assert height <= tallest and width <= 9
        labels = [text.get_text() for text in drawing.figure.axes[0].get_yticklabels()]
        assert len(labels) >= tasks and max(map(len, labels)) <= 30
    numbers = len(heat.figure.axes[0].texts)
    marks = sum(len(np.asarray(dots.get_offsets())) for dots in heat.figure.axes[0].collections[1:])
    loud = int((found.effects["outcome"] != "tie").sum())
    assert (numbers, marks) == ((tasks * hosts, 0) if tasks <= 40 else (0, loud))
    assert ("+ and − stand in cells" in heat.caption) == (tasks > 40)
    assert "n = " in forest.caption and "alpha 0.05" in forest.caption


def test_thirty_candidates_stay_on_one_sheet() -> None:
    found = grown(6, 1, candidates=30).comparisons
    with figures.style():
        drawing = figures.overview(found, "n")
    assert drawing.figure.get_size_inches()[1] <= 13
    assert len(drawing.figure.axes[0].get_yticklabels()) == 30


def seen(colour: str) -> np.ndarray:
    """Linear red, green and blue as a deuteranope sees them (Viénot, Brettel and Mollon 1999)."""
    rgb = np.array([int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]) ** 2.2
    mixed = 0.29275 * rgb[0] + 0.70725 * rgb[1]
    return np.array([mixed, mixed, -0.02234 * rgb[0] + 0.02234 * rgb[1] + rgb[2]])


def test_good_and_bad_differ_for_the_colour_blind_and_no_mark_rests_on_colour() -> None:
    assert np.abs(seen(GOOD) - seen(BAD)).max() > 0.2
    for tone in (GOOD, BAD):
        assert np.abs(seen(tone) - seen("#F3F3F1")).max() > 0.2  # the middle of the heat map
    pairs = {(PALETTE[n % len(PALETTE)], MARKERS[n % len(MARKERS)]) for n in range(31)}
    assert len(pairs) == 31
    near = [
        (first, second)
        for number, first in enumerate(PALETTE)
        for second in PALETTE[:number]
        if np.abs(seen(first) - seen(second)).max() < 0.05
    ]
    assert near == []
    assert len({look.sign for look in VERDICTS.values()}) == len(VERDICTS)


def test_the_cost_figure_has_the_front_with_the_baseline_on_it(leading: list[Any]) -> None:
    with figures.style():
        drawing = figures.cost(leading, "n")
    assert drawing is not None and "Dotted: the arms that no other beats" in drawing.caption
    (line,) = [one for one in drawing.figure.axes[0].lines if one.get_linestyle() == ":"]
    front = {tuple(point) for point in np.asarray(line.get_xydata()).tolist()}
    points = {(c.volatile["cost_ratio"]["fit_seconds"], c.effect.mean) for c in leading} | {(1.0, 0.0)}
    beaten = {p for p in points for q in points if q != p and q[0] <= p[0] and q[1] >= p[1]}
    assert front == points - beaten
