"""A bundle holds everything, in the same bytes whenever it is made, and nothing of the author's machine."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from benchmark.api import PlannedStudy, bundle, verify
from benchmark.api.verifying import opened_bundle
from benchmark.cli import main
from benchmark.errors import RequestError
from benchmark.publish import layout
from benchmark.publish.anonymous import named_in, without_paths
from benchmark.publish.archive import Files, opened
from benchmark.publish.bundle import Bundle
from benchmark.publish.document import read_document, write_document
from tests.publish.conftest import TASKS


def test_it_has_every_file_and_the_code_that_nobody_else_has(content: Files) -> None:
    assert {
        *layout.FILES,
        "sources/components/estimator/mine.py",
        "sources/components/estimator/mine.yaml",
    } == {*content}


def test_it_is_the_same_bytes_again_as_folder_and_as_zip(
    planned: PlannedStudy, content: Files, tmp_path: Path
) -> None:
    bundle(planned, tmp_path / "again")
    bundle(planned, tmp_path / "one.zip")
    first = (tmp_path / "one.zip").read_bytes()
    bundle(planned, tmp_path / "one.zip")
    assert (tmp_path / "one.zip").read_bytes() == first
    assert opened(tmp_path / "again") == opened(tmp_path / "one.zip") == content


def test_its_values_and_its_files_are_the_same_thing(content: Files) -> None:
    assert Bundle.of(content).files() == content


def test_the_document_makes_the_plan_again(planned: PlannedStudy, content: Files) -> None:
    document = read_document(content[layout.STUDY])
    again = document.plan()
    assert [row.job.key for row in again.rows] == [row.job.key for row in planned.plan.rows]
    assert again.refused == planned.plan.refused
    assert read_document(write_document(document)) == document


def test_nothing_in_it_names_a_folder_of_this_machine(content: Files, author: Path) -> None:
    for name, text in content.items():
        assert str(author).encode() not in text and str(Path.home()).encode() + b"/" not in text, name


def test_labels_are_left_out_where_the_licence_does_not_allow_them(
    planned: PlannedStudy, published: Path, tmp_path: Path
) -> None:
    labelled = {task for task, *_ in opened_bundle(published).labels}
    assert labelled < set(TASKS) and "diabetes" not in labelled
    assert {*bundle(planned, tmp_path / "b").withheld} == set(TASKS) - labelled


def test_an_anonymous_one_says_nothing_of_the_commit_and_still_holds(
    planned: PlannedStudy, tmp_path: Path
) -> None:
    place = bundle(planned, tmp_path / "anonymous", anonymous=True).place
    found = opened_bundle(place)
    assert {(one["commit"], one["dirty"]) for one in found.environments} == {(None, None)}
    assert verify(place).holds


def test_what_names_a_person_is_found_and_paths_are_cut(published: Path) -> None:
    assert list(named_in({"sources/a.py": b"x = 1\n# by Jane Doe\n"}, {"jane doe": "git user.name"})) == [
        "sources/a.py: line 2 has the git user.name 'jane doe'"
    ]
    records = opened_bundle(published).records.head(1).copy()
    records["traceback"] = 'File "/home/jane/my work/x.py", line 3\nC:\\Users\\jane\\y.py https://a.b/c'
    cut = without_paths(records)["traceback"].iloc[0]
    assert "jane" not in cut and "y.py" in cut and "https://a.b/c" in cut


def test_a_bare_name_means_the_newest_run(
    planned: PlannedStudy, author: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = f"results_dir={author / 'results'}"
    assert main(["bundle", "small", results, "--out", str(tmp_path / "b.zip")]) == 0
    said = capsys.readouterr()
    assert f"newest run: {planned.folder}" in said.err and "swapbench verify" in said.out
    with pytest.raises(RequestError, match="did you mean .small"):
        from benchmark.api import named

        named(["smal", results])


def test_it_never_takes_the_place_of_something_else(planned: PlannedStudy, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    with pytest.raises(RequestError, match="mine"):
        bundle(planned, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "x"


def test_sha256sum_reads_the_checksums(published: Path) -> None:
    done = subprocess.run(
        ["sha256sum", "-c", layout.CHECKSUMS], cwd=published, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="OpenSSH is not installed")
def test_a_signed_one_says_by_whom_and_another_signer_is_refused(
    planned: PlannedStudy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("jane", "eve"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(tmp_path / name)]
        subprocess.run(command, check=True)
        (tmp_path / f"{name}.signers").write_text(f"{name} {(tmp_path / f'{name}.pub').read_text()}")
    place = bundle(planned, tmp_path / "b.zip", sign=tmp_path / "jane").place
    assert main(["verify", str(place), "--signers", str(tmp_path / "jane.signers")]) == 0
    assert "signed by jane" in capsys.readouterr().out
    assert main(["verify", str(place), "--signers", str(tmp_path / "eve.signers")]) == 2
    assert "is of nobody in" in capsys.readouterr().err
