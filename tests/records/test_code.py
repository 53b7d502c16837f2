"""What code is this: identities change when an outcome could, and need no import."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmark.catalog import open_catalog
from benchmark.errors import RequestError
from benchmark.records import code
from benchmark.records.code import (
    code_identity,
    harness_identity,
    is_file_target,
    local_imports,
    missing_package,
    package_hint,
    split_file_target,
)


def identity(target: str) -> str:
    return code_identity(frozenset({target}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file, its helper, and the helper's helper in a package."""
    (tmp_path / "mine.py").write_text("import helper\n\n\nclass Mine:\n    pass\n")
    (tmp_path / "helper.py").write_text("from pack.deep import x\n")
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("")
    (tmp_path / "pack" / "deep.py").write_text("from . import sibling\nx = 1\n")
    (tmp_path / "pack" / "sibling.py").write_text("y = 1\n")
    (tmp_path / "bystander.py").write_text("z = 1\n")
    return tmp_path


@pytest.mark.parametrize(
    "edited", ["mine.py", "helper.py", "pack/__init__.py", "pack/deep.py", "pack/sibling.py"]
)
def test_an_edit_of_what_is_imported_changes_the_identity(folder: Path, edited: str) -> None:
    before = identity(f"{folder}/mine.py:Mine")
    (folder / edited).write_text((folder / edited).read_text() + "\nnew = 1\n")
    assert identity(f"{folder}/mine.py:Mine") != before


def test_an_edit_of_a_bystander_does_not(folder: Path) -> None:
    before = identity(f"{folder}/mine.py:Mine")
    (folder / "bystander.py").write_text("z = 2\n")
    assert identity(f"{folder}/mine.py:Mine") == before


def test_the_name_and_place_of_a_typed_file_are_not_in_it(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.py").write_text("class Mine:\n    pass\n")
    assert identity(f"{tmp_path}/a/a.py:Mine") == identity(f"{tmp_path}/b/b.py:Mine")


def test_a_component_of_ones_own_and_its_neighbour(tmp_path: Path) -> None:
    slot = tmp_path / "components" / "optimizer"
    slot.mkdir(parents=True)
    (slot / "mine_too.py").write_text("from components.optimizer.near import x\nfrom . import far\n")
    (slot / "near.py").write_text("x = 1\n")
    (slot / "far.py").write_text("x = 1\n")
    open_catalog([tmp_path])
    target = "components.optimizer.mine_too.Mine"
    seen = {identity(target)}
    for name in ("mine_too", "near", "far"):
        (slot / f"{name}.py").write_text((slot / f"{name}.py").read_text() + "z = 1\n")
        seen.add(identity(target))
    assert len(seen) == 4
    assert "components.optimizer.mine_too" not in sys.modules
    open_catalog()


def test_a_local_package_by_dotted_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    package = tmp_path / "swapbench_local" / "swapbench_local"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("")
    (package / "__init__.py").write_text("from .inner import Opt\n")
    (package / "inner.py").write_text("class Opt: pass\n")
    seen = {identity("swapbench_local.swapbench_local.Opt")}
    for file in (package.parent / "__init__.py", package / "__init__.py", package / "inner.py"):
        file.write_text(file.read_text() + "z = 1\n")
        seen.add(identity("swapbench_local.swapbench_local.Opt"))
    assert len(seen) == 4 and "swapbench_local" not in sys.modules


def test_an_installed_library_stands_for_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = identity("prodigyopt.Prodigy")
    assert before == identity("prodigyopt.Other")
    known = code._distribution("prodigyopt")
    assert known is not None and known[0] == "prodigyopt"
    monkeypatch.setattr(code, "_distribution", lambda _: ("prodigyopt", "999"))
    assert identity("prodigyopt.Prodigy") != before


def test_the_standard_library_is_no_fact() -> None:
    assert identity("os.path") == code_identity(frozenset())


def test_circular_imports_end(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("import two\n")
    (tmp_path / "two.py").write_text("import one\nimport two\n")
    assert identity(f"{tmp_path}/one.py:X")


def test_what_is_not_python_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("def (:\n")
    with pytest.raises(
        RequestError, match=r"x\.py: not readable as Python: invalid syntax \(x\.py, line 1\)$"
    ):
        identity(f"{tmp_path}/x.py:X")


def test_neighbours_of_a_file(folder: Path) -> None:
    (folder / "mine.py").write_text("import helper, os, torch\nfrom pack import deep\n")
    assert local_imports(folder / "mine.py") == {
        "helper": folder / "helper.py",
        "pack": folder / "pack" / "__init__.py",
    }


def test_targets_are_taken_apart() -> None:
    assert (
        is_file_target("a b/c.py:D")
        and not is_file_target("a.py.D")
        and not is_file_target("torch.optim.Adam")
    )
    assert split_file_target("/a:b/c.py:D") == (Path("/a:b/c.py"), "D")


@pytest.mark.parametrize(
    ("target", "missing"),
    [
        ("torch.optim.Adam", None),
        ("components.optimizer.nowhere.X", None),
        ("x.py:Y", None),
        ("nosuchpackage.X", "nosuchpackage"),
        (".x", ""),
        ("__main__.X", None),
    ],
)
def test_missing_packages_are_named(target: str, missing: str | None) -> None:
    assert missing_package(target) == missing


def test_a_missing_package_comes_with_its_nearest_or_how_to_get_it() -> None:
    assert package_hint("prodigyoptt") == "did you mean 'prodigyopt'?"
    assert package_hint("qqqqqqqq") == "install it, for example with pip install qqqqqqqq"


def test_the_harness_identity_is_of_meaning_not_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = Path(code.__file__).parent.parent
    copy = tmp_path / "benchmark"
    for module in code._OUTCOME_MODULES:
        file = copy / f"{module}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text((package / f"{module}.py").read_text())
    (copy / "records").mkdir()
    monkeypatch.setattr(code, "__file__", str(copy / "records" / "code.py"))
    same = harness_identity.__wrapped__()
    assert same == harness_identity()
    for file in (copy / "execute" / "fitting" / "train.py", copy / "data" / "taskdata.py"):
        original = file.read_text()
        file.write_text("# a comment\n\n" + original.replace('"""', '"""Reworded. ', 1))
        assert harness_identity.__wrapped__() == same
        file.write_text(original + "\nx = 1\n")
        assert harness_identity.__wrapped__() != same
        file.write_text(original)
