"""The command: from the store and from a bundle the same files, into no folder but its own."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd
import pytest

from benchmark.api import PlannedStudy, export
from benchmark.cli import main
from benchmark.publish.exports.files import exported
from benchmark.publish.exports.published import Published
from benchmark.publish.exports.tables import table_files
from benchmark.report.tables import Table, latex, markdown
from benchmark.report.tables import csv as as_csv

WHOLE = (
    "README.md",
    "methods.md",
    "methods.tex",
    "references.bib",
    "checklist.md",
    "croissant/croissant.json",
)


def files(place: Path) -> dict[str, bytes]:
    return {
        str(one.relative_to(place)): one.read_bytes() for one in sorted(place.rglob("*")) if one.is_file()
    }


@pytest.fixture(scope="module")
def exports(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(published, tmp_path_factory.mktemp("exports") / "bundle").place


def test_the_store_and_the_bundle_give_the_same_files(
    planned: PlannedStudy, exports: Path, tmp_path: Path
) -> None:
    written = export(planned, tmp_path / "store")
    assert files(written.place) == files(exports)
    assert written.files == len(files(exports))
    assert {*WHOLE} <= {*files(exports)}


def test_the_command_says_where_they_are(
    published: Path, exports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(published), "--out", str(tmp_path / "one")]) == 0
    assert capsys.readouterr().out.startswith(f"exports: {tmp_path / 'one'} (")
    assert files(tmp_path / "one") == files(exports)


def test_earlier_exports_are_replaced_and_nothing_else_is(
    published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["export", str(published), "--out", str(out)]) == 0
    (out / "tables" / "old.csv").write_text("old", encoding="utf-8")
    assert main(["export", str(published), "--out", str(out)]) == 0
    assert not (out / "tables" / "old.csv").exists()
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "README.md").write_text("# My paper\n", encoding="utf-8")
    assert main(["export", str(published), "--out", str(mine)]) == 2
    assert f"--out {mine}: is there already, and holds no exports" in capsys.readouterr().err
    assert files(mine) == {"README.md": b"# My paper\n"}


def test_wrong_words_are_refused_in_a_line(
    published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in ([str(published), "workers=2"], ["nosuchstudy", f"results_dir={tmp_path}"]):
        assert main(["export", *words, "--out", str(tmp_path / "out")]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_results_are_the_means_of_the_records(judged: Published) -> None:
    table = pd.read_csv(io.BytesIO(table_files(judged)["tables/results.csv"]))
    setting = judged.judgement.comparisons[0].setting
    records = judged.records[(judged.records["replicate"] == 0) & (judged.records["role"] == "candidate")]
    records = records[records["setting"] == setting]
    expected = records.groupby(["task", "component"])["score"].mean()
    seen = table[table["role"] == "candidate"].set_index(["task", "component"])["mean"]
    assert len(seen) == len(expected) > 0
    pd.testing.assert_series_equal(
        seen.sort_index(), expected.sort_index(), check_names=False, check_dtype=False
    )


def test_every_table_is_there_in_three_forms_with_as_many_rows(judged: Published) -> None:
    made = table_files(judged)
    names = {name.rpartition(".")[0] for name in made}
    assert {"tables/verdicts", "tables/results", "tables/spaces", "tables/pipelines", "tables/tasks"} <= names
    for name in names:
        rows = len([*csv.reader(io.StringIO(made[f"{name}.csv"].decode()))]) - 1
        shown = [line for line in made[f"{name}.md"].decode().splitlines() if line.startswith("|")]
        assert len(shown) == rows + 2
        assert made[f"{name}.tex"].decode().count(r" \\") == rows + 1


def test_text_stays_text_in_every_form() -> None:
    hostile = "=cmd|' /C calc'!A0\n<b>"
    table = Table(
        "one", "A | caption", pd.DataFrame({"name": [hostile, "@x", "fine", None], "value": [-1.5, 2, 3, 4]})
    )
    rows = [*csv.reader(io.StringIO(as_csv(table.frame)))]
    assert rows[1:] == [[f"'{hostile}", "-1.5"], ["'@x", "2.0"], ["fine", "3.0"], ["", "4.0"]]
    lines = markdown(table).splitlines()
    assert lines[0] == "A \\| caption"
    assert all(line.replace("\\|", "").count("|") == 3 for line in lines[2:])
    assert "<b>" not in "\n".join(lines)


def test_no_line_ends_within_a_text() -> None:
    frame = pd.DataFrame({"name": ["x\r=1+1", "y\r\nz"], "value": [1, 2]})
    assert "\r" not in as_csv(frame)
    assert [row[0] for row in csv.reader(io.StringIO(as_csv(frame)))][1:] == ["x\n=1+1", "y\nz"]


@pytest.mark.parametrize("name", ["[2em]", "*"])
def test_a_cell_is_no_argument_of_the_line_before(name: str) -> None:
    table = Table("one", "", pd.DataFrame({"name": ["a", name]}))
    assert f"\\\\\n{name}" not in latex(table)


def test_a_place_that_cannot_be_written_is_refused(
    published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert main(["export", str(published), "--out", str(tmp_path / "file" / "x")]) == 2
    assert "cannot be used" in capsys.readouterr().err


def test_the_same_bytes_every_time(judged: Published) -> None:
    assert exported(judged) == exported(judged)
