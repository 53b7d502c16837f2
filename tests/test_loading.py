"""A finished study in Python: what it says is what its report and bundle say; the notebook runs."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import benchmark
from benchmark import RequestError
from benchmark.api import LoadedStudy

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "results" / "reference" / "demo"


@pytest.fixture(scope="module")
def demo() -> LoadedStudy:
    return benchmark.load(DEMO)


def test_a_bundle_says_what_its_author_published(demo: LoadedStudy) -> None:
    published = json.loads((DEMO / "verdict.json").read_text())["comparisons"]
    table = demo.verdict()
    names = ["candidate", "baseline", "setting", "verdict"]
    assert table[names].to_dict("records") == [{name: one[name] for name in names} for one in published]
    assert list(table["effect"]) == pytest.approx([one["effect"]["mean"] for one in published])
    assert demo.name == "reference_demo"
    pd.testing.assert_series_equal(
        demo.records["key"].sort_values(ignore_index=True),
        pd.read_parquet(DEMO / "records.parquet")["key"].sort_values(ignore_index=True),
        check_dtype=False,
    )
    assert len(demo.trials) == len(pd.read_parquet(DEMO / "trials.parquet"))


def test_effects_are_those_that_the_verdict_is_the_mean_of(demo: LoadedStudy) -> None:
    effects = demo.effects()
    one = demo.comparison("lion", setting="default")
    mine = effects[(effects["candidate"] == "lion") & (effects["setting"] == "default")]
    assert mine["effect"].mean() == pytest.approx(one.effect.mean)


def test_the_first_comparison_is_the_primary_one_unless_named(demo: LoadedStudy) -> None:
    assert demo.comparison() is demo.judgement.primary
    assert demo.comparison("muon", setting="default").candidate == "muon"
    with pytest.raises(RequestError, match="candidate=mun: reference_demo has no such comparison.*muon"):
        demo.comparison("mun")


def test_a_wrong_name_is_told_apart_from_the_right_ones_beside_it(demo: LoadedStudy) -> None:
    with pytest.raises(RequestError, match=r"setting=tund: .*tuned"):
        demo.comparison("lion", setting="tund")


def test_figures_show_themselves_and_carry_their_numbers(demo: LoadedStudy) -> None:
    forest = demo.plot.forest("lion")
    assert forest._repr_svg_().startswith("<?xml")
    one = demo.comparison("lion")
    drawn = forest.table.set_index("task")["effect"]
    assert drawn.to_dict() == pytest.approx(one.tasks.set_index("task")["effect"].to_dict())
    assert {"overview", "pareto"} <= set(demo.plot.names)
    for name in demo.plot.names:
        assert "<svg" in demo.plot[name]._repr_svg_(), name
    with pytest.raises(RequestError, match="plot.'overvew'.: no such figure.*overview"):
        demo.plot["overvew"]


def test_the_folder_of_a_run_says_what_its_report_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = [
        "study=demo",
        "candidates=[radam]",
        "tasks=[iris,engel]",
        "protocol.tuning.trials=1",
        "protocol.budget.amount=10",
        "name=small",
    ]
    benchmark.run(benchmark.plan_study(asked), quiet=True)
    with pytest.raises(RequestError, match="small: not finished|small: not reported"):
        benchmark.load(tmp_path / "results" / "small")
    report = benchmark.write_report(benchmark.plan_study(asked))
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "results" / "small").rglob("*")}
    study = benchmark.load("results/small")
    assert {c.candidate: c.effect.mean for c in study.judgement.comparisons} == {
        c.candidate: c.effect.mean for c in report.judgement.comparisons
    }
    assert before == {file: file.stat().st_mtime_ns for file in before}, "loading wrote something"


@pytest.mark.parametrize("place", ["nowhere", ".", "results"])
def test_what_is_no_study_is_refused(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match="neither a bundle nor the folder of a study"):
        benchmark.load(place)


def test_the_notebook_runs() -> None:
    import nbformat
    from nbclient import NotebookClient

    file = ROOT / "docs" / "python.ipynb"
    notebook = nbformat.read(file, as_version=4)  # type: ignore[no-untyped-call]
    assert not any(cell.get("outputs") for cell in notebook.cells), "outputs are not committed"
    NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(file.parent)}}
    ).execute()
    shown = [out for cell in notebook.cells for out in cell.get("outputs", ())]
    assert any("image/svg+xml" in out.get("data", {}) for out in shown)
    assert any("text/html" in out.get("data", {}) for out in shown)
