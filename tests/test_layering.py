"""The layout's rules, read off the sources: who may import whom, what is pure, what is too large."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from benchmark.catalog import GROUPS, open_catalog

ROOT = Path(__file__).resolve().parents[1]
PARTS = sorted(file for top in ("benchmark", "components") for file in (ROOT / top).rglob("*.py"))
SOURCES = [*PARTS, *sorted((ROOT / "tests").rglob("*.py"))]
TREES = {file: ast.parse(file.read_text(encoding="utf-8")) for file in SOURCES}

MAY_IMPORT: Mapping[str, str] = {
    "spec": "",
    "slots": "",
    "errors": "",
    "findings": "",
    "lazy": "",
    "parse": "errors",
    "metrics": "errors spec",
    "records": "errors spec",
    "catalog": "errors parse spec",
    "targets": "errors records spec",
    "config": "errors spec targets",
    "loggers": "errors",
    "resolve": "catalog config errors loggers parse records slots spec targets",
    "plan": "errors findings records slots spec",
    "data": "errors metrics spec",
    "execute": "catalog config data errors metrics parse plan records spec targets",
    "checks": "catalog config data errors execute findings metrics plan records resolve spec",
    "judge": "errors findings",
    "foreign": "errors judge",
    "report": "errors findings judge lazy records spec",
    "publish": "errors findings judge metrics parse plan records report resolve spec targets",
    "listing": "catalog spec",
    "scaffold": "catalog errors spec",
    "api": "catalog checks config data errors execute findings foreign judge lazy loggers plan publish "
    "records report resolve spec targets",
    "arguments": "errors parse",
    "texts": "api checks execute findings judge report",
    "cli": "api arguments catalog data errors foreign listing report scaffold texts",
    "__main__": "cli",
    "__init__": "api catalog errors foreign judge lazy spec",
}
"""Which parts of the harness a part may import, besides itself. A new part gets a row of its own."""

BANNED_NOUNS = {"Experiment", "Method", "Model", "Config", "Manager", "Wrapper"}
SPOKEN_OF = {"featureless", "bundled", "generated", "native", "target"}
"""Names of entries that the harness may know: the judge puts a number on failures with the first; the others
are also words of a contract (where data comes from, what a preprocessor gives, what a loss is passed)."""


def part_of(file: Path) -> str:
    """The first name below the package: a module or a folder."""
    return file.relative_to(ROOT / "benchmark").parts[0].removesuffix(".py")


def below(*folders: str) -> list[Path]:
    """The sources inside some folders or files of the harness."""
    return [file for file in PARTS if file.is_relative_to(ROOT / "benchmark") and part_of(file) in folders]


def for_type_checkers(tree: ast.AST) -> set[ast.AST]:
    """Everything inside ``if TYPE_CHECKING:``."""
    blocks = (
        statement
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for statement in node.body
    )
    return {node for block in blocks for node in ast.walk(block)}


def imports(file: Path) -> Iterator[str]:
    """Every dotted name that a file imports when it runs: at its top, in a function, by name in a string."""
    hidden = for_type_checkers(TREES[file])
    for node in ast.walk(TREES[file]):
        if node in hidden:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{shown(file)}:{node.lineno}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if re.fullmatch(r"benchmark(\.\w+)+(:\w+)?", node.value):
                yield node.value.replace(":", ".")


def shown(file: Path) -> str:
    return str(file.relative_to(ROOT))


def tops(file: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(file)}


@pytest.mark.parametrize("file", below(*MAY_IMPORT), ids=shown)
def test_a_part_imports_only_what_its_row_allows(file: Path) -> None:
    allowed = {part_of(file), *MAY_IMPORT[part_of(file)].split()}
    used = {name.split(".")[1] for name in imports(file) if name.startswith("benchmark.")}
    assert used <= allowed


def test_every_part_has_a_row() -> None:
    found = {part_of(file) for file in PARTS if file.is_relative_to(ROOT / "benchmark")}
    assert found == set(MAY_IMPORT)


@pytest.mark.parametrize("name", ["spec", "slots"])
def test_nouns_and_contracts_need_the_standard_library_only(name: str) -> None:
    for file in below(name):
        own = {"benchmark"} if file.parent.name == name else set()  # the parts of one package
        assert tops(file) <= {*sys.stdlib_module_names} | own, shown(file)


def test_one_module_imports_hydra() -> None:
    users = [file for file in PARTS if tops(file) & {"hydra", "omegaconf"}]
    assert [shown(file) for file in users] == ["benchmark/config.py"]


@pytest.mark.parametrize("file", below("plan", "judge"), ids=shown)
def test_planning_and_judging_touch_no_disk_clock_or_global_randomness(file: Path) -> None:
    impure = {
        "datetime",
        "hydra",
        "io",
        "os",
        "pathlib",
        "random",
        "shutil",
        "sqlite3",
        "tempfile",
        "time",
        "torch",
    }
    assert not tops(file) & impure
    streams = {"BitGenerator", "Generator", "PCG64", "Philox", "SeedSequence", "default_rng"}
    for node in ast.walk(TREES[file]):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("open", "print", "input"), f"line {node.lineno}: {called}"
            assert not called.endswith((".read_csv", ".read_parquet", ".to_csv", ".to_parquet"))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("np.random", "numpy.random"):
            assert node.attr in streams, f"line {node.lineno}: numpy's global random state"


@pytest.mark.parametrize(
    "file", [file for file in PARTS if file.is_relative_to(ROOT / "components")], ids=shown
)
def test_components_do_not_know_the_harness(file: Path) -> None:
    assert "benchmark" not in tops(file)


def test_folders_that_others_join_are_no_packages() -> None:
    for folder in ("datasets", *(GROUPS[kind] for kind in GROUPS if GROUPS[kind].startswith("components"))):
        assert not list((ROOT / folder).rglob("__init__.py")), folder
    assert not list((ROOT / "datasets").rglob("*.py")), "datasets/ holds YAML only"


@pytest.mark.parametrize("file", SOURCES, ids=shown)
def test_modules_and_functions_stay_small(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 400
    for node in ast.walk(TREES[file]):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= 60, f"{node.name}: {length} lines"


def test_no_class_is_called_by_a_word_that_says_nothing() -> None:
    for file, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                words = set(re.findall(r"[A-Z][a-z]*", node.name))
                assert not words & BANNED_NOUNS, f"{shown(file)}:{node.lineno}: {node.name}"


@pytest.mark.parametrize("file", PARTS, ids=shown)
def test_nothing_is_decided_by_the_name_of_an_entry(file: Path) -> None:
    catalog = open_catalog()
    kinds = [kind for kind in GROUPS if kind not in ("study", "protocol")]
    names = {name for kind in kinds for name in catalog.names(kind)} - SPOKEN_OF
    for node in ast.walk(TREES[file]):
        sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
        patterns = [node.value] if isinstance(node, ast.MatchValue) else []
        literals = {
            leaf.value
            for side in (*sides, *patterns)
            for leaf in (side, *getattr(side, "elts", ()))
            if isinstance(leaf, ast.Constant)
        }
        assert not literals & names, f"line {getattr(node, 'lineno', 0)}: {ast.unparse(node)}"


@pytest.mark.parametrize("file", PARTS, ids=shown)
def test_every_module_says_what_is_public(file: Path) -> None:
    defined = {
        node.name: node.lineno
        for node in TREES[file].body
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_")
    }
    listed: list[str] = next(
        (
            ast.literal_eval(node.value)
            for node in TREES[file].body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        ),
        [],
    )
    assert set(defined) <= set(listed)
    assert len(listed) == len(set(listed))


def test_every_yaml_file_of_the_catalog_says_where_it_is() -> None:
    for top in ("components", "datasets"):
        for file in sorted((ROOT / top).rglob("*.yaml")):
            place = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            text = file.read_text(encoding="utf-8")
            assert text.split("\n", 1)[0] == f"# @package {place}", shown(file)
            assert isinstance(yaml.safe_load(text), dict), shown(file)
