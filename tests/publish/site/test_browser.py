"""The site in a real browser, by clicks and keys, from the disk and without a network."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmark.api import leaderboard
from benchmark.judge.field.entrants import entrants
from benchmark.judge.field.ranks import nemenyi
from benchmark.judge.pairing import tabulate
from benchmark.publish.archive import put
from benchmark.publish.site import Shown, site_files
from tests.publish.site.made import made, past
from tests.publish.site.test_site import HOSTILE

pytestmark = pytest.mark.all

ROOT = Path(__file__).resolve().parents[3]
CANDIDATES = ["radam", "lion", "muon", "soap", "adan", "sgd"]
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]"
OUTER = "rows => rows.map(row => row.outerHTML)"
TASKS = [f"task{number:02d}" for number in range(24)]


@pytest.fixture(scope="module")
def study() -> Shown:
    return made(
        CANDIDATES,
        TASKS,
        hosts=("mlp", "resnet"),
        settings=("tuned", "default"),
        folds=2,
        history=[past("2026-11-01T03:00:00Z", "HELPS"), past("2026-11-02T03:00:00Z", "HARMS")],
        sources={"radam": {"paper": "https://arxiv.org/abs/1908.03265"}},
    )


@pytest.fixture(scope="module")
def site(study: Shown, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("board") / "site"
    put(site_files([study, made(["radam"], TASKS[:6], name="two arms", seed=3)], "Board"), out)
    return out


def column(page: Any, number: int, table: str = "#standing") -> list[str]:
    texts: list[str] = page.locator(f"{table} tbody tr:visible > :nth-child({number})").all_inner_texts()
    return [text.split("\n")[0].removesuffix(" may be first").strip() for text in texts]


def expected(study: Shown, setting: str, **picked: str) -> pd.DataFrame:
    """Mean rank and mean effect of every entrant on a part, with plain t intervals, by SciPy."""
    field = entrants(tabulate(study.records), study.arms, setting)
    facts = [
        {"host": host, "modality": study.tasks[task].modality, "task type": study.tasks[task].task_type}
        for _, task, host in field.cells.index
    ]
    kept = [all(one[name] == value for name, value in picked.items()) for one in facts]
    cells, ranks = field.cells[kept], field.ranks()[kept]
    base = cells["base"]
    effects = cells.apply(lambda errors: (base - errors) / np.maximum(base, errors))
    rows = {}
    for name in study.arms:
        for what, values in (("rank", ranks), ("effect", effects)):
            by = values[name].groupby(level="origin").mean()
            half = stats.t.ppf(0.975, len(by) - 1) * stats.sem(by)
            low, high = by.mean() - half, by.mean() + half
            rows[name, what] = (by.mean(), low, high, len(by))
    return pd.DataFrame(rows, index=["mean", "low", "high", "n"]).T


def test_a_person_finds_the_way_from_the_front_to_the_cells(site: Path, open_page: Any) -> None:
    page = open_page(site / "index.html")
    page.get_by_role("link", name="Which of them helps?").first.click()
    page.get_by_role("link", name="cells of muon against base, default").click()
    assert page.url.endswith("cells/muon.html#default")
    heading = page.get_by_role("heading", name="default, against base")
    assert heading.is_visible()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Every split and seed as CSV").click()
    rows = list(csv.DictReader(Path(waiting.value.path()).open()))
    assert len(rows) == len(TASKS) * 2 * 2 * 2
    assert {row["component"] for row in rows} == {"muon"}
    page.get_by_role("link", name="muon", exact=True).click()
    assert page.get_by_role("heading", name="muon", level=1).is_visible()
    page.get_by_role("link", name="task", exact=False).first.click()
    assert "/tasks/" in page.url


def test_a_table_sorts_by_click_and_by_key(site: Path, study: Shown, open_page: Any) -> None:
    page = open_page(site / "studies/made/index.html")
    button = page.locator("#standing").get_by_role("button", name="mean effect")
    head = button.locator("xpath=..")
    button.click()
    assert head.get_attribute("aria-sort") == "ascending"
    effects = {c.candidate: c.effect.mean for c in study.judgement.comparisons if c.setting == "tuned"}
    ascending = sorted(effects, key=lambda name: effects[name])
    assert column(page, 1) == [*ascending, "base"]
    button.focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert column(page, 1) == [*ascending[::-1], "base"], "what has no number comes last"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    assert column(page, 1) == sorted(study.arms)


@pytest.mark.parametrize(
    "picked",
    [
        {"host": "mlp"},
        {"task type": "binary"},
        {"host": "resnet", "modality": "tabular", "task type": "regression"},
    ],
    ids=str,
)
def test_a_part_has_the_numbers_that_scipy_gives_it(
    picked: dict[str, str], site: Path, study: Shown, open_page: Any
) -> None:
    page = open_page(site / "studies/made/index.html")
    for name, value in picked.items():
        page.locator(f'#filter select[name="{name}"]').select_option(value)
    wanted = expected(study, "tuned", **picked)
    ranks = wanted.xs("rank", level=1)["mean"].sort_values(kind="stable")
    assert column(page, 1) == list(ranks.index)
    for row in page.locator("#standing tbody tr").all():
        name = row.get_attribute("data-name")
        cells = row.locator("td").all_inner_texts()
        rank, effect = wanted.loc[(name, "rank")], wanted.loc[(name, "effect")]
        assert cells[4] == f"{rank['mean']:.2f}"
        assert cells[5].strip() == f"{rank['low']:.2f} to {rank['high']:.2f}"
        if name != "base":
            assert cells[1] == f"{100 * effect['mean']:+.1f} %".replace("-", "−")
            ends = [f"{100 * effect[end]:+.1f}".replace("-", "−") for end in ("low", "high")]
            assert cells[2] == f"{ends[0]} to {ends[1]} %"
            assert cells[0] == "no verdict"
    said = page.locator("#said").inner_text()
    assert f"{int(wanted['n'].iloc[0])} of {len(TASKS)} independent data sets" in said
    assert "effects against base, with plain 95 % t intervals" in said
    assert "no verdict is given here" in said


def test_lines_join_what_nemenyi_cannot_tell_apart(site: Path, study: Shown, open_page: Any) -> None:
    page = open_page(site / "studies/made/index.html", anchor="#host=mlp")
    means = expected(study, "tuned", host="mlp").xs("rank", level=1)["mean"].sort_values()
    distance = nemenyi(len(means), len(TASKS), 0.05)
    groups: dict[str, set[str]] = {}
    for text, name in zip(
        page.locator("#standing td.lanes .unseen").all_text_contents(), means.index, strict=True
    ):
        for number in re.findall(r"\d+", text):
            groups.setdefault(number, set()).add(name)
    assert groups, "some of them cannot be told apart"
    together = {frozenset((a, b)) for group in groups.values() for a in group for b in group if a != b}
    pairs = [(a, b) for a in means.index for b in means.index if a != b]
    near = {frozenset(pair) for pair in pairs if abs(means[pair[0]] - means[pair[1]]) < distance}
    assert together == near


def test_all_again_is_what_the_judge_said(site: Path, open_page: Any) -> None:
    page = open_page(site / "studies/made/index.html")
    before = page.locator("#standing tbody tr").evaluate_all(OUTER)
    said = page.locator("#said").inner_text()
    page.locator('select[name="setting"]').select_option("default")
    assert "no verdict is given here" in page.locator("#said").inner_text()
    assert "setting=default" in page.url
    page.get_by_role("button", name="Show all").click()
    page.locator("#said", has_text="Wilcoxon").wait_for()
    assert page.locator("#standing tbody tr").evaluate_all(OUTER) == before
    assert page.locator("#said").inner_text() == said


def test_an_entrant_is_found_by_a_part_of_its_name(site: Path, open_page: Any) -> None:
    page = open_page(site / "studies/made/index.html")
    page.get_by_label("Find").fill("ADA")
    assert set(column(page, 1)) == {"radam", "adan"}


def test_it_reads_without_a_script(site: Path, study: Shown, open_page: Any) -> None:
    page = open_page(site / "studies/made/index.html", java_script_enabled=False)
    assert not page.locator("#filter").is_visible()
    assert set(column(page, 1)) == set(study.arms)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path",
    [
        "index.html",
        "studies/made/index.html",
        "studies/two-arms/index.html",
        "studies/made/cells/radam.html",
        "components/optimizer-radam.html",
        "tasks/task00.html",
    ],
)
def test_axe_finds_no_serious_fault(path: str, scheme: str, site: Path, open_page: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = open_page(site / path, color_scheme=scheme, bypass_csp=True)
    for details in page.locator("details").all():
        details.evaluate("node => { node.open = true; }")
    found = axe.Axe().run(page, options={"preload": False}).response["violations"]
    serious = [
        (one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")
    ]
    assert serious == []


@pytest.mark.parametrize("width", [360, 768, 1600])
def test_no_page_is_wider_than_its_window(width: int, site: Path, open_page: Any) -> None:
    for path in site.rglob("*.html"):
        if path.parent.name in ("tasks", "cells") and path.stem not in ("task00", "radam"):
            continue
        page = open_page(path, width)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path
        page.close()


def test_hostile_names_do_nothing(tmp_path: Path, open_page: Any) -> None:
    names = [name for name in HOSTILE if name]
    study = made(names[1:], [f"{name} task" for name in names[:6]], hosts=names[:2], baseline=names[0])
    put(site_files([study], HOSTILE[0]), tmp_path / "site")
    for file in sorted((tmp_path / "site").rglob("*.html")):
        page = open_page(file)
        assert page.evaluate("window.HACKED") is None
        for choice in page.locator("#filter select[name=host]").all():
            choice.select_option(index=1)
            assert page.locator("#standing tbody tr").count() == len(names)
            assert page.evaluate("window.HACKED") is None
        page.close()


@pytest.mark.full
def test_300_components_on_300_data_sets_open_within_a_second(tmp_path: Path, open_page: Any) -> None:
    many = range(300)
    study = made([f"component{number:03d}" for number in many[1:]], [f"task{number:03d}" for number in many])
    files = site_files([study], "Large")
    first = ("studies/made/index.html", "studies/made/board.js", "site.css", "site.js")
    assert sum(len(files[name]) for name in first) < 5e6
    assert len(files["index.html"]) < 5e6
    put(files, tmp_path / "site")
    for path in ("index.html", "studies/made/index.html"):
        times = []
        for _ in range(3):
            page = open_page(tmp_path / "site" / path)
            while not page.evaluate(f"{PAINTED} !== undefined"):
                page.wait_for_timeout(20)
            times.append(page.evaluate(f"{PAINTED}.startTime"))
            page.close()
        assert min(times) < 1000, (path, times)
    page = open_page(tmp_path / "site/studies/made/index.html")
    page.locator('select[name="task type"]').select_option("binary")
    assert page.locator("#standing tbody tr").count() == 300


def test_the_reference_bundles_make_a_site(tmp_path: Path, open_page: Any) -> None:
    leaderboard([ROOT / "results/reference/demo"], tmp_path / "site")
    page = open_page(tmp_path / "site/studies/reference_demo/index.html")
    assert set(column(page, 1)) == {"adamw", "radam", "lion", "muon"}
