"""The figures of many methods: for 3 to 35 of them, with any names, and with captions that say enough."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from benchmark.judge.side_by_side.board import Board, board
from benchmark.report.figures.canvas import Drawing, inline, save, style
from benchmark.report.figures.pareto import pareto
from benchmark.report.figures.profiles import profiles, time_profiles
from benchmark.report.figures.ratings import ratings
from benchmark.report.figures.wins import wins

Draw = Callable[[Board, str], Drawing | None]
EVERY: tuple[Draw, ...] = (ratings, wins, profiles, time_profiles, pareto)


def field(methods: int, tasks: int = 12, *, seconds: bool = True, failures: bool = True) -> pd.DataFrame:
    """Records of ``methods`` methods, the first ones better and slower; a few fail."""
    random = np.random.default_rng(methods)
    rows = []
    for number in range(methods):
        for task in range(tasks):
            failed = failures and number == methods - 1 and task < 2
            error = (0.1 + 0.02 * task) * (1 + 0.1 * number) * np.exp(random.normal(0, 0.1))
            rows.append(
                {
                    "component": f"method_{number:02d}",
                    "task": f"t{task:02d}",
                    "error": np.nan if failed else error,
                    "status": "diverged" if failed else "ok",
                    "fit_seconds": 100 * np.exp(-0.2 * number + random.normal(0, 0.3)) if seconds else np.nan,
                }
            )
    return pd.DataFrame(rows)


@pytest.mark.parametrize("methods", [3, 8, 35])
@pytest.mark.parametrize("draw", EVERY)
def test_every_figure_is_drawn_and_says_what_it_rests_on(draw: Draw, methods: int, tmp_path: Path) -> None:
    with style():
        drawing = draw(board(field(methods)), "About this study.")
        assert drawing is not None
        text = save(drawing, tmp_path)
    assert "12 independent data sets" in drawing.caption
    assert "About this study." in drawing.caption
    assert (
        "alpha 0.05" in drawing.caption or "No test is made" in drawing.caption or "95 %" in drawing.caption
    )
    ElementTree.fromstring(inline(text, "a", drawing.alt))
    assert len(pd.read_csv(tmp_path / f"{drawing.name}.csv")) == len(drawing.table)
    assert "method_00" in drawing.alt


@pytest.mark.parametrize("draw", EVERY)
def test_two_methods_have_a_comparison_instead(draw: Draw) -> None:
    assert draw(board(field(2)), "") is None


@pytest.mark.parametrize("draw", [time_profiles, pareto])
def test_where_no_seconds_are_known_nothing_is_drawn_of_them(draw: Draw) -> None:
    assert draw(board(field(5, seconds=False)), "") is None


def test_the_target_of_a_profile_of_times_is_named() -> None:
    with style():
        median = time_profiles(board(field(4)), "")
        named = time_profiles(board(field(4), target="method_01", rope=0.02), "")
    assert median is not None and "the median error of the methods that came through" in median.caption
    assert named is not None and "the error of method_01 and 2 % more" in named.caption


def test_bold_in_the_win_matrix_is_what_the_test_tells_apart() -> None:
    found = board(field(6))
    with style():
        drawing = wins(found, "")
    assert drawing is not None
    bold = sum(text.get_fontweight() == "bold" for text in drawing.figure.axes[0].texts)
    assert bold == 2 * (found.pairs["p_holm"] <= 0.05).sum() > 0
    assert len(drawing.figure.axes[0].texts) == 30


def test_filled_ratings_are_those_not_told_apart_from_the_first() -> None:
    found = board(field(8))
    with style():
        drawing = ratings(found, "")
    assert drawing is not None
    tied, apart = drawing.figure.axes[0].collections[-2:]
    filled, hollow = (len(np.asarray(dots.get_offsets())) for dots in (tied, apart))
    assert filled == found.standing["tied_for_first"].sum()
    assert filled + hollow == 8


def test_few_data_sets_have_no_intervals_and_the_caption_says_so() -> None:
    found = board(field(4, tasks=3))
    with style():
        drawing = ratings(found, "")
    assert drawing is not None
    assert "3 independent data sets are too few for intervals." in drawing.caption
    assert "nan" not in drawing.alt


def test_a_method_far_off_stays_out_of_the_picture_with_its_number() -> None:
    frame = field(6, failures=False)
    frame.loc[frame["component"] == "method_05", "error"] *= 40
    with style():
        drawing = pareto(board(frame), "")
    assert drawing is not None
    axes = drawing.figure.axes[0]
    shown = [text.get_text() for text in axes.texts]
    assert len(shown) == 6
    assert any(text.startswith("method_05 ") and text.endswith("×") for text in shown)
    assert axes.get_ylim()[1] < 5


def test_names_in_the_picture_do_not_cover_each_other() -> None:
    frame = field(8, failures=False)
    with style():
        drawing = pareto(board(frame), "")
        assert drawing is not None
        drawing.figure.canvas.draw()
        boxes = [text.get_window_extent() for text in drawing.figure.axes[0].texts]
    overlapping = [(one, other) for n, one in enumerate(boxes) for other in boxes[:n] if one.overlaps(other)]
    assert not overlapping


@pytest.mark.parametrize("draw", EVERY)
def test_names_of_any_kind(draw: Draw, tmp_path: Path) -> None:
    names = ["<b>&", "a" * 80, "$x$", "größe\n"]
    frame = field(4)
    frame["component"] = frame["component"].map({f"method_{n:02d}": name for n, name in enumerate(names)})
    with style():
        drawing = draw(board(frame), "")
        assert drawing is not None
        text = save(drawing, tmp_path)
    ElementTree.fromstring(inline(text, "a", drawing.alt))
