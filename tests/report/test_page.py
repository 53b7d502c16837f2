"""The page: self-contained, verdict first, and harmless whatever names it is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmark.report.sections.history import link
from benchmark.report.words import interval, percent
from benchmark.spec import Tuning

ATTACK = '<script>alert(1)</script>"><img src=x onerror=alert(1)> {{ 7*7 }} $x_'
VOID = {"meta", "link", "br", "img", "use", "path", "rect"}


class Reader(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.headings: list[str] = []
        self.within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.within and self.within.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self.within and self.within[-1] == "h2":
            self.headings.append(data)


def read(page: Path) -> Reader:
    reader = Reader()
    reader.feed(page.read_text(encoding="utf-8"))
    return reader


@pytest.fixture(scope="module")
def page(folder: Path) -> Reader:
    return read(folder / "index.html")


@pytest.fixture(scope="module")
def attacked(build: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = ("radam", "adamw", "lightgbm", "mlp", "wine", "study", "question", "reason", "refused", "cpu")
    rename = {name: f"{name}{ATTACK}" for name in names} | {"paper": f"javascript:alert(1)//{ATTACK}"}
    case = build(rename, tasks={"wine": 0.05, "iris": 0.06, "a": 0.1, "b": 0.2, "c": 0.3})
    failed = case.records["status"] != "ok"
    case.records["traceback"] = failed.map({True: f"Traceback\n  {ATTACK}", False: ""})
    page: Path = case.write(tmp_path_factory.mktemp("attacked"))
    return page


def test_the_verdict_comes_first_and_every_section_is_there(page: Reader) -> None:
    assert page.headings == [
        "Verdict",
        "Evidence",
        "Robustness",
        "Beside the verdict",
        "Field",
        "Data",
        "Tuned against default",
        "Tuning budget",
        "Cost",
        "References",
        "Noise floor",
        "Failures",
        "Not run",
        "Claims",
        "Protocol",
        "Provenance",
        "Files",
    ]


def test_the_verdicts_stand_in_words_with_their_numbers(case: Any, page: Reader) -> None:
    text = " ".join(" ".join(page.text).split())
    for c in case.judgement.comparisons:
        for part in (c.verdict, percent(c.effect.mean), interval(c.effect.ci_verdict), c.sentence):
            assert part in text
    assert case.study.question in text
    assert "in these hosts only" in text


def test_it_loads_nothing(page: Reader, folder: Path) -> None:
    assert not page.tags["script"] and not page.tags["img"] and not page.tags["iframe"]
    outside = [
        (tag, value) for tag, name, value in page.attributes if name in ("src", "href") and ":" in value
    ]
    assert all(tag == "a" or value == "data:," for tag, value in outside), outside
    assert {value for tag, value in outside if tag == "a"} == {
        "https://arxiv.org/abs/1908.03265",
        "https://arxiv.org/abs/2302.06675",
    }
    text = (folder / "index.html").read_text()
    assert "@import" not in text and "@font-face" not in text and "url(http" not in text


def test_its_links_lead_somewhere(page: Reader, folder: Path) -> None:
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    for tag, name, value in page.attributes:
        if tag == "a" and name == "href" and ":" not in value:
            assert value[1:] in ids if value.startswith("#") else (folder / value).is_file(), value


def test_tables_and_figures_can_be_read_aloud(page: Reader, case: Any) -> None:
    scopes = Counter(value for tag, name, value in page.attributes if tag == "th" and name == "scope")
    assert scopes["col"] + scopes["row"] == page.tags["th"]
    labels = [value for tag, name, value in page.attributes if tag == "svg" and name == "aria-label"]
    assert len(labels) == page.tags["figure"] == 19
    assert any(percent(case.judgement.comparisons[0].effect.mean) in label for label in labels)


def test_it_warns_where_the_baseline_loses_to_a_reference(page: Reader) -> None:
    text = " ".join(" ".join(page.text).split())
    said = "the baseline adamw loses to 2 of 4 references on average over data sets: lightgbm ("
    assert text.count(said) == 1  # however many comparisons it concerns


def test_it_warns_where_tuned_settings_crowd_at_the_end_of_a_search_space(page: Reader) -> None:
    text = " ".join(" ".join(page.text).split())
    said = "sgd lr: 100.0 % of the tuned settings lie at the upper end (0.1) of its search space"
    assert text.count(said) == 1
    assert "adamw lr:" not in text
    assert "Where the tuned settings lie in their search spaces" in text


def test_where_one_trial_was_allowed_nothing_is_called_tuned(
    build: Callable[..., Any], tmp_path: Path
) -> None:
    case = build(tasks={"wine": 0.05, "iris": 0.06, "a": 0.1, "b": 0.2, "c": 0.3})
    protocol = replace(case.study.protocol, tuning=Tuning(trials=1))
    once = replace(case, study=replace(case.study, protocol=protocol), trials=case.trials.query("trial == 0"))
    text = " ".join(" ".join(read(once.write(tmp_path)).text).split())
    assert "Tuned (1 trial: the default), against adamw" in text
    assert "What tuning buys" not in text
    assert "Tuned, against adamw" not in text


def test_repeated_tuning_tells_where_the_noise_comes_from(
    build: Callable[..., Any], tmp_path: Path, page: Reader
) -> None:
    said = "Where the noise of tuned results comes from"
    assert said not in " ".join(page.text)
    case = build(tasks={"wine": 0.05, "iris": 0.06, "a": 0.1, "b": 0.2, "c": 0.3})
    twins = [case.records.assign(seed=case.records["seed"] + more) for more in (0, 2)]
    for more, twin in enumerate(twins):
        twin["error"] *= 1 + 0.01 * more
        twin["tuning"] = (twin["seed"] % 2).where(twin["setting"] == "tuned", 0)
    text = " ".join(read(replace(case, records=pd.concat(twins, ignore_index=True)).write(tmp_path)).text)
    assert said in text and "tuning sd" in text


def test_hostile_names_stay_text(attacked: Path) -> None:
    reader = read(attacked)
    assert not reader.tags["script"] and not reader.tags["img"]
    assert not [name for _, name, _ in reader.attributes if name.startswith("on")]
    assert not [value for _, name, value in reader.attributes if name == "href" and "javascript" in value]
    text = "".join(reader.text)
    for name in (
        "radam",
        "adamw",
        "lightgbm",
        "mlp",
        "wine",
        "study",
        "question",
        "reason",
        "refused",
        "cpu",
    ):
        assert f"{name}{ATTACK}" in text, name
    assert f"Traceback\n  {ATTACK}" in text
    folder = attacked.parent
    assert "<script" not in "".join(path.read_text() for path in (folder / "figures").glob("*.svg"))
    assert all(path.resolve().is_relative_to(folder.resolve()) for path in folder.rglob("*"))


@pytest.mark.parametrize(
    ("reference", "address"),
    [
        ("arXiv:1908.03265", "https://arxiv.org/abs/1908.03265"),
        ("arXiv:cs/0112017v2", "https://arxiv.org/abs/cs/0112017v2"),
        ("doi:10.1000/182", "https://doi.org/10.1000/182"),
        ("https://example.org/a?b=c", "https://example.org/a?b=c"),
        ("javascript:alert(1)", None),
        ("https://example.org/' onclick='x", None),
        ("torch", None),
    ],
)
def test_only_addresses_become_links(reference: str, address: str | None) -> None:
    assert link(reference) == address
