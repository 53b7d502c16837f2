"""One night at a time: what is refused, what is held back, what goes on when something fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmark.cli import main
from benchmark.publish.nights import read_watched
from tests.nights.world import World

HIDDEN = ("anes96", "star98", "fair", "digits", "friedman1")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.chdir(tmp_path)
    return World(tmp_path)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("- 1", "nightly.yaml: expected a mapping with the keys studies, "),
        ("studies: []", "nightly.yaml: studies: expected at least one"),
        ("studies: {a: 1}", "nightly.yaml: studies: expected a list of standing studies"),
        ("studies: [{nam: x}]", "nightly.yaml: studies.0: unknown key 'nam'; did you mean 'name'?"),
        ("studies: [{name: a}, {name: a}]", "nightly.yaml: studies.0: name: 'a' stands there twice"),
        ("studies: [{name: ../a}]", "nightly.yaml: studies.0: name: '../a': a name is of letters"),
        ("studies: [{name: nights}]", "name: 'nights': "),
        ("studies: [{name: a, entrants: al}]", "entrants: did you mean 'all'?"),
        ("studies: [{name: a, overrides: [name=b]}]", "'name=b': the file itself says that"),
        ("studies: [{name: a}]\nbudget: 3x", "nightly.yaml: budget: '3x' is no time; write 90s, 30m or 2h"),
        ("studies: [{name: a}]\nbudgets: 3", "unknown key 'budgets'; did you mean 'budget'?"),
        ("studies: [{name: a}]\nsite: .", "site .: is there already, and is no site"),
        ("studies: [", "nightly.yaml: is no YAML: "),
        (None, "nightly.yaml: cannot be read: No such file or directory"),
    ],
)
def test_a_bad_list_is_refused_in_a_line(
    told: str | None,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if told is not None:
        Path("nightly.yaml").write_text(told)
    assert main(["nightly", "nightly.yaml"]) == 2
    shown = capsys.readouterr().err
    assert said in shown and shown.count("\n") == 1 and not Path("results").exists()


def test_the_list_that_the_documentation_shows_can_be_read(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "nightly.md").read_text()
    (tmp_path / "nightly.yaml").write_text(text.partition("```yaml\n")[2].partition("```")[0])
    watched = read_watched(tmp_path / "nightly.yaml")
    assert [study.held_back for study in watched.studies] == [False, True]
    assert watched.budget_seconds == 7200 and watched.results == tmp_path / "results"


def test_two_nights_never_overlap(world: World) -> None:
    first, second = world.start(), world.start()
    codes = {process.returncode for process in (first, second) if process.communicate() is not None}
    assert codes == {0, 5} and len(world.nights()) == 1


def test_a_study_that_fails_leaves_the_others_alone_and_nobody_reads_what_is_held_back(
    world: World,
) -> None:
    study = ["study=learners", "candidates=[good,alike]"]
    hidden = {
        "name": "hidden",
        "overrides": [*study, f"tasks=[{','.join(HIDDEN)}]"],
        "held_back": True,
    }
    wrong = {"name": "wrong", "overrides": ["study=learner"]}
    world.watch([wrong, hidden, {"name": "open", "overrides": study}])
    dawn = world.night()
    assert dawn.code == 1, dawn.err
    assert [one["status"] for one in dawn.changes["studies"]] == ["failed", "judged", "judged"]
    assert dawn.of("wrong")["reason"].endswith("did you mean 'learners'?")
    site = {file: file.read_text() for file in (world.folder / "site").rglob("*") if file.is_file()}
    assert any("breast_cancer" in text for text in site.values())
    assert not [(file, name) for file, text in site.items() for name in HIDDEN if name in text + str(file)]
    page = (world.folder / "site" / "studies" / "hidden" / "index.html").read_text()
    assert "good" in page and "held back" in page
    # From tonight on nobody is to know the other data sets either, and nothing can be judged again.
    (world.catalog / "study" / "learners.yaml").unlink()
    world.watch([wrong, hidden, {"name": "open", "overrides": study, "held_back": True}])
    ends = world.night()
    shown = [file.read_text() for file in (world.folder / "site").rglob("*") if file.is_file()]
    assert not [text for text in shown if "breast_cancer" in text]
    assert ends.code == 1 and [one["status"] for one in ends.changes["studies"]] == ["failed"] * 3
    assert len(world.nights()) == 2 and "hidden: failed" in ends.out
    told = json.loads((world.folder / "results" / "nights.jsonl").read_text().splitlines()[-1])
    assert set(told["reported"]) == {"hidden", "open"}  # what was told before is not told again


def test_all_enters_every_component_of_the_slot_and_a_budget_ends_the_fits(world: World) -> None:
    folder = world.catalog / "components" / "estimator"
    (folder / "deep.yaml").write_text("# @package components.estimator.deep\nmake: " + "[" * 5000)
    overrides = ["study=learners", "primary=good"]
    world.watch([{"name": "all", "overrides": overrides, "entrants": "all"}])
    dawn = world.night("--budget", "0.01s")
    found = dawn.of("all")
    assert set(found["broken"]) == {"deep"}, dawn.err
    assert dawn.code == 1 and found["status"] == "unfinished" and found["left"] > 600
    assert {"good", "alike", "knn", "linear", "random_forest"} <= set(found["waiting"])
    assert not {"steady", "featureless"} & set(found["waiting"])
    assert not (world.folder / "site").exists() and "finished study" in dawn.err
