"""Where entries are found, and what is refused as one."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from benchmark.catalog import GROUPS, load_yaml, open_catalog
from benchmark.errors import RequestError
from benchmark.spec import SLOTS

OPTIMIZER = "# @package components.optimizer.{name}\nmake: {{_target_: torch.optim.Adam, _partial_: true}}\n"


def entry(root: Path, kind: str, name: str, text: str = "", ending: str = ".yaml") -> Path:
    file = root / GROUPS[kind] / f"{name}{ending}"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text or OPTIMIZER.format(name=name), encoding="utf-8")
    return file


def test_the_harness_has_entries_of_every_kind() -> None:
    catalog = open_catalog()
    for kind in (*SLOTS, "pipeline", "dataset", "suite", "study", "protocol"):
        assert catalog.names(kind) == sorted(catalog.names(kind)) != []
        for name in catalog.names(kind):
            assert catalog.path(kind, name).is_file()


def test_a_folder_adds_entries(tmp_path: Path) -> None:
    file = entry(tmp_path, "optimizer", "mine")
    catalog = open_catalog([tmp_path])
    assert catalog.path("optimizer", "mine") == file.resolve()
    assert {"mine", "adamw"} <= set(catalog.names("optimizer"))
    assert "mine" not in open_catalog().names("optimizer")


@pytest.mark.parametrize("kind", ["optimizer", "pipeline", "dataset", "suite", "study", "protocol"])
def test_two_entries_of_one_name_are_refused_with_both_files(tmp_path: Path, kind: str) -> None:
    name = open_catalog().names(kind)[0]
    file = entry(tmp_path, kind, name)
    with pytest.raises(RequestError) as caught:
        open_catalog([tmp_path])
    assert f"two entries of one name '{name}'" in str(caught.value)
    assert str(file.resolve()) in str(caught.value)
    assert str(open_catalog().path(kind, name)) in str(caught.value)


def test_the_same_folder_twice_is_one_folder(tmp_path: Path) -> None:
    entry(tmp_path, "optimizer", "mine")
    assert "mine" in open_catalog([tmp_path, tmp_path / "components" / ".."]).names("optimizer")


def test_two_python_files_of_one_name_are_refused(tmp_path: Path) -> None:
    file = entry(tmp_path, "optimizer", "muon", "x = 1\n", ending=".py")
    with pytest.raises(RequestError, match="two Python files of one name 'muon'") as caught:
        open_catalog([tmp_path])
    assert str(file.resolve()) in str(caught.value)


@pytest.mark.parametrize(
    "name", ["3", "1e5", "null", "true", "yes", "my.adam", "my adam", "a,b", "<b>", "ünï"]
)
def test_a_name_reads_as_text_wherever_it_is_typed(tmp_path: Path, name: str) -> None:
    file = entry(tmp_path, "optimizer", name)
    with pytest.raises(RequestError, match="an entry is named NAME.yaml") as caught:
        open_catalog([tmp_path])
    assert str(file.resolve()) in str(caught.value)


def test_yml_is_no_ending(tmp_path: Path) -> None:
    entry(tmp_path, "optimizer", "mine", ending=".yml")
    with pytest.raises(RequestError, match=r"mine\.yml: an entry is named NAME\.yaml"):
        open_catalog([tmp_path])


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"--config-dir .*nowhere: there is no such folder"):
        open_catalog([tmp_path / "nowhere"])
    with pytest.raises(
        RequestError, match="it has none of the folders components, datasets, protocol, study"
    ):
        open_catalog([tmp_path])


def test_an_unknown_name_comes_with_the_nearest() -> None:
    with pytest.raises(RequestError, match="there is no dataset 'irs'; did you mean 'iris'"):
        open_catalog().path("dataset", "irs")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "line 1: expected the node content"),
        ("a: 1\na: 2\n", "line 2: the key 'a' stands there twice"),
        ("b: {a: 1, a: 2}\n", "the key 'a' stands there twice"),
        ("a: !!python/object/apply:os.getcwd []\n", "line 1: could not determine a constructor"),
        ("a: !!python/name:os.system\n", "could not determine a constructor"),
        ("- a\n", "expected a mapping of keys to values, got \\['a'\\]"),
        ("", "expected a mapping of keys to values, got None"),
        ("a: 1\n---\nb: 2\n", "expected a single document"),
        ("a: \x00", "special characters are not allowed"),
    ],
)
def test_what_is_no_plain_yaml_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(text)
    with pytest.raises(RequestError, match=message) as caught:
        load_yaml(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"a: \xff\xfe\n")
    with pytest.raises(RequestError, match=r"x\.yaml: not readable as YAML"):
        load_yaml(tmp_path / "x.yaml")


def test_merge_keys_are_plain_yaml(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n")
    assert load_yaml(tmp_path / "x.yaml")["b"] == {"x": 1, "y": 3}


def test_python_beside_the_yaml_is_importable_and_never_stale(tmp_path: Path) -> None:
    file = entry(tmp_path, "optimizer", "fresh", "VALUE = 1\n", ending=".py")
    entry(tmp_path, "optimizer", "fresh")
    open_catalog([tmp_path])
    assert importlib.import_module("components.optimizer.fresh").VALUE == 1
    file.write_text("VALUE = 22\n")
    open_catalog([tmp_path])
    assert importlib.import_module("components.optimizer.fresh").VALUE == 22
    open_catalog()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("components.optimizer.fresh")


def test_the_harness_own_modules_stay_loaded(tmp_path: Path) -> None:
    own = importlib.import_module("components.optimizer.muon")
    entry(tmp_path, "optimizer", "mine")
    open_catalog([tmp_path])
    assert sys.modules["components.optimizer.muon"] is own


def test_cards_and_suites_are_read(tmp_path: Path) -> None:
    entry(tmp_path, "dataset", "mine", "source: file\nlocation: x.csv\ntarget: y\norigin: me\n")
    entry(tmp_path, "suite", "pair", "tasks: [mine, iris]\n")
    catalog = open_catalog([tmp_path])
    assert catalog.dataset("mine").target == "y"
    assert catalog.suite("pair").tasks == ("mine", "iris")


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("dataset", "source: file\n", "the key 'location' is missing"),
        ("dataset", "source: file\nlocation: x\n", "the key 'target' is missing"),
        (
            "dataset",
            "source: file\nlocation: x\ntraget: y\norigin: me\n",
            "unknown key 'traget'; did you mean 'target'",
        ),
        ("dataset", "source: [a]\nlocation: x\ntarget: y\norigin: me\n", "source: expected text"),
        ("suite", "task: [iris]\n", "unknown key 'task'; did you mean 'tasks'"),
        ("suite", "tasks: iris\n", "tasks: expected a list, got 'iris'"),
    ],
)
def test_a_wrong_card_names_file_and_key(tmp_path: Path, kind: str, text: str, message: str) -> None:
    file = entry(tmp_path, kind, "mine", text)
    catalog = open_catalog([tmp_path])
    with pytest.raises(RequestError, match=message) as caught:
        (catalog.dataset if kind == "dataset" else catalog.suite)("mine")
    assert str(caught.value).startswith(str(file.resolve()))
