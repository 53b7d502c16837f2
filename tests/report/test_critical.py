"""Critical difference diagrams: what is joined, where it stands, and the same as TikZ source."""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from benchmark.judge.field.pairwise import signed_rank_pairs
from benchmark.judge.field.ranks import mean_ranks, nemenyi, nemenyi_p, rank_rows
from benchmark.report.figures.canvas import Drawing, save, style
from benchmark.report.figures.critical import Kind, critical, layout, standing
from benchmark.report.tikz import critical_tikz

KINDS: tuple[Kind, ...] = ("nemenyi", "wilcoxon_holm")


def errors(n: int, k: int, step: float = 0.05, seed: int = 0) -> pd.DataFrame:
    values = np.random.default_rng(seed).random((n, k)) + step * np.arange(k)
    return pd.DataFrame(values, columns=[f"method {i}" for i in range(k)])


def ranked(table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(rank_rows(table), columns=table.columns)


def paired(table: pd.DataFrame) -> pd.DataFrame:
    effects = {(a, b): table[b] - table[a] for a, b in combinations(table.columns, 2)}
    return signed_rank_pairs(pd.DataFrame(effects))


def drawn(table: pd.DataFrame, kind: Kind) -> Drawing:
    with style():
        drawing = critical(ranked(table), kind=kind, pairs=paired(table) if kind != "nemenyi" else None)
    assert drawing is not None
    return drawing


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_holds_the_order_and_the_bars(kind: Kind) -> None:
    table = errors(40, 8, 0.1)
    found = drawn(table, kind).table
    assert list(found["method"]) == list(mean_ranks(ranked(table)).index)
    assert found["mean_rank"].is_monotonic_increasing
    pairs = paired(table).set_index(["first", "second"])["p_holm"]
    p = nemenyi_p(ranked(table))
    bars = {row.method: set(str(row.bars).split()) for row in found.itertuples()}
    for a, b in combinations(table.columns, 2):
        apart = (p.loc[a, b] if kind == "nemenyi" else pairs[a, b]) <= 0.05
        assert not (apart and bars[a] & bars[b])
        if kind == "nemenyi" and not apart:
            assert bars[a] & bars[b]
    numbers = set().union(*bars.values())
    assert numbers == {str(i + 1) for i in range(len(numbers))} and len(numbers) > 1


def test_a_bar_of_wilcoxon_and_holm_never_hides_a_difference_between_its_ends() -> None:
    """The ends of a run may be told apart though all neighbours are alike, and the other way round."""
    table = pd.DataFrame(np.zeros((12, 4)), columns=list("abcd"))
    ranks = pd.DataFrame(np.tile([1.0, 2, 3, 4], (12, 1)), columns=list("abcd"))
    pairs = paired(table).assign(p_holm=[1.0, 0.01, 1, 1, 1, 1])  # a and c alone differ
    means, runs, difference = standing(ranks, kind="wilcoxon_holm", pairs=pairs)
    assert difference is None
    assert [list(means.index[first : last + 1]) for first, last in runs] == [["a", "b"], ["b", "c", "d"]]


@pytest.mark.parametrize("kind", KINDS)
def test_the_caption_states_n_test_and_alpha_and_no_p_alone(kind: Kind) -> None:
    table = errors(14, 4, 0.2)
    caption = drawn(table, kind).caption
    assert "4 methods over 14 independent data sets" in caption and "alpha 0.05" in caption
    assert re.search(r"Davenport's F \d+\.\d+ with 3 and 39 degrees of freedom, p \S+\)", caption)
    assert ("critical difference 1.25" in caption) == (kind == "nemenyi")
    assert ("Holm's adjustment over all 6 pairs" in caption) == (kind == "wilcoxon_holm")


def test_the_caption_says_when_nothing_can_be_told_apart() -> None:
    caption = drawn(errors(6, 5, 2.0), "wilcoxon_holm").caption
    assert "cannot tell any two methods apart" in caption
    assert drawn(errors(6, 5, 2.0), "wilcoxon_holm").table["bars"].eq("1").all()
    assert "cannot tell any two" not in drawn(errors(30, 5, 2.0), "wilcoxon_holm").caption
    assert "Ranks as a whole do not tell" in drawn(errors(10, 4, 0.0), "nemenyi").caption
    assert "F infinite" in drawn(errors(9, 3, 2.0), "nemenyi").caption


def test_too_few_methods_or_data_sets_give_no_diagram() -> None:
    for n, k in ((20, 2), (4, 5), (1, 5)):
        assert critical(ranked(errors(n, k))) is None
        assert critical_tikz(ranked(errors(n, k))) is None
    with pytest.raises(ValueError, match="needs pairs"):
        critical(ranked(errors(9, 3)), kind="wilcoxon_holm")


@pytest.mark.parametrize(("n", "k"), [(5, 3), (20, 10), (200, 20), (8, 35), (400, 35)])
def test_nothing_in_the_picture_overlaps(n: int, k: int) -> None:
    drawing = drawn(
        errors(n, k, 0.03).rename(columns=lambda name: f"a name of some length, {name}"), "nemenyi"
    )
    renderer = FigureCanvasAgg(drawing.figure).get_renderer()
    texts = list(drawing.figure.axes[0].texts)
    boxes = [text.get_window_extent(renderer) for text in texts]
    for (one, first), (other, second) in combinations(zip(texts, boxes, strict=True), 2):
        assert not first.overlaps(second), (one.get_text(), other.get_text())
    names = [text.get_text() for text in texts if "…" in text.get_text()]
    assert len(names) == k


def test_leader_lines_do_not_cross() -> None:
    means, runs, difference = standing(ranked(errors(60, 17, 0.04)), kind="nemenyi")
    where = layout(means, runs, difference)
    for left in (True, False):
        side = [one for one in where.labels if one.left == left]
        outwards = sorted(side, key=lambda one: one.x if left else -one.x)
        assert all(one.y < other.y for one, other in pairwise(outwards))
    assert [one.rank for one in where.labels] == sorted(means)
    for first, second in combinations(where.bars, 2):
        assert first[2] != second[2] or first[1] < second[0]
    lowest = max(y for _, _, y in where.bars)
    assert lowest < min(one.y for one in where.labels) <= max(one.y for one in where.labels) < where.depth


def test_the_ruler_is_as_long_as_the_critical_difference() -> None:
    means, runs, difference = standing(ranked(errors(60, 6, 0.3)), kind="nemenyi")
    where = layout(means, runs, difference)
    (first, low), *_, (last, high) = where.ticks
    assert where.ruler is not None
    start, end = where.ruler
    assert (end - start) * (high - low) / (last - first) == pytest.approx(nemenyi(6, 60, 0.05))
    assert layout(means, runs, 99.0).ruler is None
    assert "longer than this axis" in (critical_tikz(ranked(errors(5, 3, 0.0)), alpha=0.001) or "")


def test_all_alike_is_one_bar(tmp_path: Path) -> None:
    drawing = drawn(errors(7, 5) * 0 + 1e300, "nemenyi")
    assert drawing.table["bars"].eq("1").all() and drawing.table["mean_rank"].eq(3).all()
    with style():
        text = save(drawing, tmp_path)
    assert "method 4" in text and (tmp_path / "critical-nemenyi.pdf").stat().st_size > 1000


def coordinates(source: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"\((-?[\d.]+),(-?[\d.]+)\)", source)]


@pytest.mark.parametrize(("kind", "n", "k"), [(KINDS[0], 14, 4), (KINDS[0], 30, 35), (KINDS[1], 40, 12)])
def test_tikz_is_a_document_of_its_own(kind: Kind, n: int, k: int) -> None:
    table = errors(n, k, 0.1)
    pairs = paired(table) if kind != "nemenyi" else None
    source = critical_tikz(ranked(table), kind=kind, pairs=pairs)
    assert source is not None
    body = re.sub(r"\\[{}]", "", source)
    assert body.count("{") == body.count("}")
    begun, ended = (re.findall(rf"\\{word}{{(\w+)}}", source) for word in ("begin", "end"))
    assert begun == ["document", "tikzpicture"] == ended[::-1]
    commands = [line for line in source.splitlines() if line.startswith("  ")]
    assert all(line.endswith(";") and line.startswith((r"  \draw", r"  \node")) for line in commands)
    for name in table.columns:
        assert len(re.findall(rf"{re.escape(name)}(?!\d)", source)) == 1
    places = coordinates(source)
    means, runs, difference = standing(ranked(table), kind=kind, pairs=pairs)
    where = layout(means, runs, difference)
    assert all(0 <= x <= where.width and -0.6 <= y <= where.depth for x, y in places)
    rows = {anchor: [] for anchor in ("east", "west")}  # type: dict[str, list[float]]
    for line in commands:
        if found := re.search(r"node\[anchor=(east|west)\]", line):
            rows[found[1]].append(coordinates(line)[-1][1])
    assert len(rows["east"]) + len(rows["west"]) == k
    for side in rows.values():
        # \scriptsize with 1 pt around it is under 10 pt high.
        assert min(np.diff(sorted(side)), default=1.0) * 72.27 > 10
    assert len(re.findall(r"line width=2.4pt", source)) == len(runs)


def test_tikz_escapes_names() -> None:
    table = errors(9, 3)
    table.columns = pd.Index(["a_b & c%", r"$x^2$ \input{evil}", "#1{"])
    source = critical_tikz(ranked(table)) or ""
    assert r"a\_b \& c\%" in source and r"\#1\{" in source
    assert r"\textbackslash{}input\{evil\}" in source and r"\input" not in source
