"""`swapbench diff` as it is typed: a small study, run twice with a component edited in between."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmark.cli import main
from benchmark.records.store import open_store
from benchmark.scaffold import scaffold

STUDY = (
    "study=estimators",
    "candidates=[knn,mine]",
    "baselines=[random_forest]",
    "hosts=[random_forest]",
    "references=[featureless]",
    "tasks=[iris,engel]",
    "protocol=quick",
    "protocol.tuning.trials=2",
    "components.estimator.random_forest.make.shared.n_estimators=5",
    "executor=serial",
)
LONG_AGO = "2026-01-02T03:04:05Z"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with results, reported long ago and now, and bundles of both."""
    place = tmp_path_factory.mktemp("user")
    results = f"results_dir={place / 'results'}"
    asked = [*STUDY, results, "name=small", "--config-dir", str(place)]
    scaffold("estimator", "mine", place)
    assert main(["run", *asked]) == 0
    assert main(["bundle", "small", results, "--out", str(place / "before.zip")]) == 0
    assert main(["bundle", "small", results, "--anonymous", "--out", str(place / "anonymous")]) == 0
    with open_store(place / "results", write=True) as store:
        store._db.execute("UPDATE history SET at = ?", (LONG_AGO,))
    code = place / "components" / "estimator" / "mine.py"
    text = code.read_text(encoding="utf-8")
    assert "self.target_[nearest]" in text
    code.write_text(text.replace("self.target_[nearest]", "self.target_[nearest[:, :2]]"), encoding="utf-8")
    assert main(["run", *asked]) == 0
    assert main(["bundle", "small", results, "--out", str(place / "after")]) == 0
    return place


@pytest.fixture(autouse=True)
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


@pytest.mark.parametrize(
    ("before", "after"), [("small@2026-01-02", "small"), ("before.zip", "after"), ("before.zip", "small")]
)
def test_an_edited_component_is_named_before_its_cells_and_verdicts(
    before: str, after: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", before, after]) == 1
    shown = capsys.readouterr().out.splitlines()
    around, cells = shown.index("Around the numbers"), shown.index("Cells")
    verdicts = next(number for number, line in enumerate(shown) if line.startswith("Verdicts"))
    assert around < cells < verdicts
    assert shown[around + 1].startswith("  component: estimator.mine: code: ")
    assert any(line.startswith("  8 cells: another error or metric") for line in shown[cells:verdicts])
    assert all(" mine on " in line for line in shown[cells:verdicts] if line.startswith("  candidate"))
    assert all(
        "mine against" in line and "new code: estimator.mine" in line for line in shown[verdicts + 1 :]
    )


def test_json_has_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "small@2026-01-02T03:04:05", "after", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["differ"] and found["before"] == f"small@{LONG_AGO}" and found["after"] == "after"
    assert found["cells"]["counts"]["error"] == 8 and found["cells"]["same_key"] == 0
    assert {one["kind"] for one in found["around"]} <= {"component", "harness"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("before.zip", "before.zip"),
        ("before.zip", "anonymous"),
        ("before.zip", "small@2026-06-30T12:00"),
        ("after", "small"),
    ],
)
def test_the_same_study_does_not_differ_wherever_it_is_from(
    before: str, after: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", before, after, "results_dir=results"]) == 0
    assert "\nNo difference: 40 cells and 4 verdicts the same\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["smal", "small"], "did you mean 'small'?"),
        (["small", "after", "results_dir=elsewhere"], "no study of this name was run in elsewhere"),
        (["small@2025-12-31", "small"], f"nothing was reported by then; it was reported at {LONG_AGO}, "),
        (["small@yesterday", "small"], "expected a date such as 2026-11-20 or 2026-11-20T18:30Z; it was "),
        (["small", "nowhere.zip"], "nowhere.zip: there is no bundle here"),
        (["small", "results/small"], "say small results_dir=results"),
        (["small", "after", "workers=2"], "workers=2: "),
        (["small"], "the following arguments are required: AFTER;"),
    ],
)
def test_what_is_not_there_is_refused_in_a_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", *words]) == 2
    shown = capsys.readouterr().err
    assert said in shown and shown.count("\n") == 1


def test_a_study_that_was_never_reported_says_how(capsys: pytest.CaptureFixture[str]) -> None:
    lock = Path("results", "other", "study.lock")
    lock.parent.mkdir(exist_ok=True)
    lock.write_text("{}", encoding="utf-8")
    assert main(["diff", "other", "small"]) == 2
    assert "`swapbench report` writes one" in capsys.readouterr().err
