"""The site's files: what the pages say is what was judged, and nothing that a name says is obeyed."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest

from benchmark.api import leaderboard
from benchmark.cli import main
from benchmark.errors import RequestError
from benchmark.publish.archive import put
from benchmark.publish.differences import Turn
from benchmark.publish.nights import Changes, Drift, Entrance, StudyChanges
from benchmark.publish.site import SITE_MARK, site_files
from benchmark.publish.site.rows import lanes
from tests.publish.site.made import made, past

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = ROOT / "results" / "reference"
TASKS = [f"task{number}" for number in range(8)]
HOSTILE = [
    "<script>window.HACKED = 1</script>",
    "../../x",
    "../../../../etc/passwd",
    "😀 émoji \u202eright to left",
    "a" * 10_000,
    "</script><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "=HYPERLINK(1)",
    "a\nb\tc\x00d",
    "'\"><b>&amp;{{ 7 * 7 }}",
    "CON",
    "",
]


class Tags(HTMLParser):
    """What a page consists of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "

    def values(self, attribute: str) -> list[str]:
        return [attrs[attribute] or "" for _, attrs in self.tags if attribute in attrs]


@pytest.fixture(scope="module")
def site() -> dict[str, bytes]:
    study = made(
        ["radam", "lion", "muon"],
        TASKS,
        hosts=("mlp", "resnet"),
        settings=("tuned", "default"),
        folds=2,
        history=[past("2026-11-01T03:00:00Z", "HELPS"), past("2026-11-02T03:00:00Z", "HARMS")],
        sources={"radam": {"paper": "https://arxiv.org/abs/1908.03265", "note": "javascript:alert(1)"}},
        variants={"radam": 7},
    )
    return site_files([study, made(["radam"], TASKS[:6], name="other", seed=1)], "Board of boards")


def board_of(text: bytes) -> dict[str, Any]:
    body = text.decode().removeprefix("window.BOARD = ").rstrip().removesuffix(";")
    found: dict[str, Any] = json.loads(body)
    return found


def test_the_same_studies_give_the_same_bytes() -> None:
    first, second = (site_files([made(["radam", "lion"], TASKS)], "t") for _ in range(2))
    assert first == second


def test_every_link_leads_somewhere(site: dict[str, bytes]) -> None:
    anchors = {
        path: set(Tags(text.decode()).values("id")) for path, text in site.items() if path.endswith("html")
    }
    followed = 0
    for path in anchors:
        page = Tags(site[path].decode())
        for target in [*page.values("href"), *page.values("src")]:
            if target.startswith(("data:", "https:")):
                continue
            file, _, anchor = target.partition("#")
            whole = str(PurePosixPath(path).parent / file) if file else path
            parts: list[str] = []
            for part in whole.split("/"):
                if part == "..":
                    parts.pop()
                elif part != ".":
                    parts.append(part)
            reached = "/".join(parts)
            assert reached in site, f"{path}: {target}"
            assert not anchor or anchor in anchors[reached], f"{path}: {target}"
            followed += 1
    assert followed > 100


def test_no_page_asks_the_network(site: dict[str, bytes]) -> None:
    for path, text in site.items():
        if path.endswith("html"):
            loaded = [
                attrs.get("src") or attrs.get("href")
                for tag, attrs in Tags(text.decode()).tags
                if tag in ("script", "link", "img", "iframe", "object", "embed")
            ]
            assert all(
                where and re.match(r"(\.\./)*(site\.(js|css)|board\.js)$|data:,$", where) for where in loaded
            )
            assert b"Content-Security-Policy" in text
        if path.endswith((".css", ".js")):
            assert b"://" not in text, path


def test_the_board_says_what_was_judged() -> None:
    study = made(["radam", "lion", "muon"], TASKS)
    files = site_files([study], "t")
    page = Tags(files["studies/made/index.html"].decode())
    board = study.judgement.board
    assert board is not None
    assert page.values("data-name") == list(board.standing["method"])
    for sentence in board.sentences:
        assert sentence in page.text
    for c in study.judgement.comparisons:
        assert c.sentence in Tags(files[f"studies/made/cells/{c.candidate}.html"].decode()).text
        assert c.verdict in page.text


def test_the_numbers_for_the_filter_are_those_that_were_judged() -> None:
    study = made(["radam", "lion"], TASKS, hosts=("mlp", "resnet"), folds=3)
    data = board_of(site_files([study], "t")["studies/made/board.js"])
    names = [entrant["name"] for entrant in data["entrants"]]
    cells, errors = (data["settings"]["tuned"][name] for name in ("cells", "errors"))
    found = {
        (cell["origin"], cell["host"], name): error
        for cell, row in zip(cells, errors, strict=True)
        for name, error in zip(names, row, strict=True)
    }
    means = study.records.groupby(["origin", "host", "component"])["error"].mean()
    assert found == {place: pytest.approx(error, rel=1e-5) for place, error in means.items()}
    assert data["t"][6] == pytest.approx(2.364624, abs=1e-5)  # 7 degrees of freedom
    q = data["nemenyi"] / (3 * 4 / 6) ** 0.5
    assert q == pytest.approx(2.343, abs=1e-3)  # Demšar (2006), table 5, 3 classifiers


def test_a_component_that_failed_throughout_a_cell_has_no_number_there() -> None:
    study = made(["radam", "lion"], TASKS)
    study.records.loc[
        (study.records["component"] == "lion") & (study.records["task"] == "task3"), ["status", "error"]
    ] = ["failed", np.nan]
    data = board_of(site_files([study], "t")["studies/made/board.js"])
    lion = [entrant["name"] for entrant in data["entrants"]].index("lion")
    rows = data["settings"]["tuned"]
    missing = [
        cell["origin"] for cell, row in zip(rows["cells"], rows["errors"], strict=True) if row[lion] is None
    ]
    assert missing == ["task3"]


def test_every_claim_has_its_cells_down_to_the_split(site: dict[str, bytes]) -> None:
    rows = list(csv.DictReader(io.StringIO(site["studies/made/cells/radam.csv"].decode())))
    assert len(rows) == 8 * 2 * 2 * 2  # data sets, hosts, settings, folds
    page = Tags(site["studies/made/cells/radam.html"].decode())
    assert page.text.count("All 32 blocks") == 2
    assert {row["key"][:12] for row in rows} <= set(page.text.split())


def test_history_shows_the_turn_of_a_verdict(site: dict[str, bytes]) -> None:
    text = " ".join(Tags(site["studies/made/index.html"].decode()).text.split())
    assert "2026-11-02 03:00:00 radam base tuned ▲ HELPS → ▼ HARMS +1.0 %" in text


def test_a_component_says_where_it_comes_from_and_how_often_it_was_tried(site: dict[str, bytes]) -> None:
    page = Tags(site["components/optimizer-radam.html"].decode())
    assert "https://arxiv.org/abs/1908.03265" in page.values("href")
    assert not any(target.startswith("javascript") for target in page.values("href"))
    assert "7 variants of it" in page.text


def test_a_held_back_study_and_nights_with_hostile_names_are_harmless() -> None:
    hidden = replace(made(["radam", "lion"], TASKS), held_back=True)
    drift = Drift(HOSTILE[0], HOSTILE[1], "regression", -0.2, 0.001, 0.01, 6, "2026-11-20T00:00:00Z")
    drift = replace(drift, largest=((HOSTILE[2], -0.5),), causes=tuple(HOSTILE[:4]))
    turn = Turn(HOSTILE[0], HOSTILE[1], HOSTILE[2], "flipped", "HELPS", "HARMS", 0.1, -0.1, tuple(HOSTILE))
    entrances = tuple(Entrance(name, "new", {HOSTILE[0]: "HELPS"}) for name in HOSTILE)
    one = StudyChanges(
        HOSTILE[0],
        "failed",
        HOSTILE[-1],
        entrances=entrances,
        flipped=(turn,),
        drifts=(drift,),
        around=tuple(HOSTILE),
        failing=dict.fromkeys(HOSTILE, 3),
        broken={name: name for name in HOSTILE},
        waiting=tuple(HOSTILE),
    )
    changes = Changes("2026-11-23T00:00:00Z", 1.0, (one, replace(one, held_back=True)))
    told = json.loads(json.dumps(changes.public().to_json()))
    files = site_files([hidden], "Nights", [told, told])
    assert not [name for name in files if "cells" in name or "tasks/" in name]
    text = b"".join(files.values()).decode()
    assert not [task for task in hidden.tasks if task in text]
    for name in ("index.html", "nights.html"):
        page = files[name].decode()
        assert "<img" not in page and page.count("<script") == 1 and len(page) < 60_000
    markdown = changes.to_markdown()
    assert "<script" not in markdown.replace("\\<", "") and len(changes.summary()) < 5_000


@pytest.mark.parametrize("count", [2, 12])
def test_hostile_names_are_harmless(count: int, tmp_path: Path) -> None:
    names = HOSTILE[:count]
    study = made(
        names[1:],
        [f"{name} task" for name in HOSTILE[:6]],
        hosts=(HOSTILE[0],),
        baseline=names[0],
        name=HOSTILE[2],
        sources={names[0]: {HOSTILE[0]: HOSTILE[6]}},
        history=[past("2026-11-01T03:00:00Z", HOSTILE[0], HOSTILE[5])],
    )
    files = site_files([study], HOSTILE[0])
    for path, text in files.items():
        assert re.fullmatch(r"[a-z0-9_/.-]{1,200}", path) and ".." not in path, path
        assert not path.startswith("/")
        if path.endswith("html"):
            page = Tags(text.decode())
            scripts = [attrs for tag, attrs in page.tags if tag == "script"]
            assert all(set(attrs) == {"defer", "src"} for attrs in scripts)
            assert not [tag for tag, _ in page.tags if tag in ("img", "iframe")]
            assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
            assert "49" not in page.text.split(), "a name is no template"
            assert not any(target.startswith("javascript") for target in page.values("href"))
            assert len(text) < 400_000, path
        if path.endswith("csv"):
            assert not any(
                cell.startswith("=") for row in csv.reader(io.StringIO(text.decode())) for cell in row
            )
        if path.endswith("board.js"):
            assert board_of(text)["entrants"]
    put(files, tmp_path / "site")  # they are names that a disk takes
    assert (tmp_path / "site" / "index.html").is_file()


def test_names_that_differ_in_case_alone_have_pages_of_their_own() -> None:
    files = site_files([made(["Lion", "lion", "LION"], TASKS)], "t")
    assert len({path.casefold() for path in files if path.startswith("components/")}) == 4


def test_lines_of_groups_share_a_column_where_they_do_not_meet() -> None:
    drawn = lanes("abcde", [("a", "b"), ("b", "c", "d"), ("d", "e")])
    assert [len(row) for row in drawn.values()] == [2] * 5
    assert [tuple(lane is not None for lane in drawn[name]) for name in "abcde"] == [
        (True, False),
        (True, True),
        (False, True),
        (True, True),
        (True, False),
    ]


def test_the_command_writes_the_site_of_bundles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "site"
    assert (
        main(["leaderboard", str(REFERENCE / "demo"), str(REFERENCE / "schedules"), "--out", str(out)]) == 0
    )
    assert "site: " in capsys.readouterr().out
    assert {"reference_demo", "reference_schedules"} == set(
        json.loads((out / SITE_MARK).read_text())["studies"]
    )
    (out / "old.html").write_text("")
    leaderboard([REFERENCE / "demo"], out)
    assert not (out / "old.html").exists(), "a site is written anew"


def test_it_shows_the_finished_studies_of_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tiny = ["study=demo", "candidates=[radam]", "protocol.tuning.trials=1", "protocol.budget.amount=10"]
    assert main(["run", *tiny, "tasks=[iris,engel]", "name=small"]) == 0
    assert main(["run", *tiny, "tasks=[iris,wine]", "name=begun", "--budget", "0"]) == 1
    found = leaderboard([Path("results")], Path("site"))
    assert found.studies == ("small",)
    assert len(found.left_out) == 1 and "begun: not finished" in found.left_out[0]
    text = (tmp_path / "site/studies/small/index.html").read_text()
    assert 'id="h-history"' in text


@pytest.mark.parametrize("what", ["folder", "file", "zip"])
def test_nothing_else_is_written_over(what: str, tmp_path: Path) -> None:
    out = tmp_path / ("site.zip" if what == "zip" else "site")
    if what == "folder":
        out.mkdir()
        (out / "thesis.tex").write_text("years of work")
    elif what == "file":
        out.write_text("years of work")
    with pytest.raises(RequestError, match=f"--out {re.escape(str(out))}"):
        leaderboard([REFERENCE / "demo"], out)
    assert what != "folder" or (out / "thesis.tex").read_text() == "years of work"


def test_nothing_to_show_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["leaderboard", str(tmp_path), "--out", str(tmp_path / "site")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "site").exists()
