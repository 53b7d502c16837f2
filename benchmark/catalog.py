"""Finds the YAML of components, pipelines, datasets, suites and studies, and reads what is not composed.

A catalog is a list of root folders laid out alike: ``components/<slot>/<name>.yaml``,
``components/pipeline/<name>.yaml``, ``datasets/<name>.yaml`` (``datasets/openml/t/31.yaml`` is the task
``openml/t/31``), ``datasets/suite/<name>.yaml``, ``study/<name>.yaml`` and ``protocol/<name>.yaml``. The
roots are the harness's own, those of installed packages (entry-point group ``swapbench.catalog``, the value
being a package), and ``--config-dir``.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

import components
from benchmark.errors import RequestError, nearest
from benchmark.parse import read
from benchmark.spec import SLOTS, Dataset, Suite

__all__ = ["GROUPS", "Catalog", "load_yaml", "open_catalog", "read_card"]

GROUPS: Mapping[str, str] = {
    **{slot: f"components/{slot}" for slot in SLOTS},
    "pipeline": "components/pipeline",
    "dataset": "datasets",
    "suite": "datasets/suite",
    "study": "study",
    "protocol": "protocol",
}
"""Folder of every kind of entry, below a root."""

_OPENML_TASK = re.compile(r"openml/(?P<server>test/)?t/(?P<number>[1-9]\d*)")
_OPENML_SUITE = re.compile(r"openml/s/([1-9]\d*)")
_ABOUT = ("description", "licence", "citation", "url", "evidence", "known")
"""What a card may say for people."""
_PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Catalog:
    """Where every entry's file is."""

    roots: tuple[Path, ...]
    files: Mapping[str, Mapping[str, Path]] = field(repr=False)
    """By kind, then by name."""

    def names(self, kind: str) -> list[str]:
        """The sorted names of all entries of one kind (a slot, ``dataset``, ``suite``, ``study`` …)."""
        return sorted(self.files[kind])

    def path(self, kind: str, name: str) -> Path:
        """The file of an entry.

        Raises
        ------
        RequestError
            When there is none; names the nearest.
        """
        if name not in self.files[kind]:
            raise RequestError(f"there is no {kind} '{name}'; {nearest(name, self.files[kind])}")
        return self.files[kind][name]

    def document(self, kind: str, name: str) -> Mapping[str, Any]:
        """The plain content of an entry's file."""
        return load_yaml(self.path(kind, name))

    def has_dataset(self, name: str) -> bool:
        """Whether a name stands for a card, or for a task of OpenML, which needs none."""
        return name in self.files["dataset"] or _OPENML_TASK.fullmatch(name) is not None

    def dataset(self, name: str) -> Dataset:
        """The card of a dataset; a task of OpenML that has none gets the one it needs.

        Raises
        ------
        RequestError
            When there is none; names the nearest.
        """
        task = _OPENML_TASK.fullmatch(name)
        if task and name not in self.files["dataset"]:
            return Dataset(name, source="openml", location=f"{task['server'] or ''}{task['number']}")
        if name.startswith("openml/") and task is None:
            raise RequestError(f"there is no dataset '{name}'; a task of OpenML is openml/t/NUMBER")
        return read_card(self.path("dataset", name), name)

    def suite(self, name: str) -> Suite:
        """A named list of tasks, or the number of one of OpenML's.

        Raises
        ------
        RequestError
            When there is none; names the nearest.
        """
        number = _OPENML_SUITE.fullmatch(name)
        if number and name not in self.files["suite"]:
            return Suite(name, openml=int(number[1]))
        file = self.path("suite", name)
        suite = read(Suite, load_yaml(file), str(file), name=name, file=str(file))
        if (suite.openml is None) == (not suite.tasks):
            raise RequestError(f"{file}: a suite has either 'tasks' or the number of an 'openml' suite")
        return suite


def read_card(file: Path, name: str) -> Dataset:
    """The card that a YAML file holds.

    Raises
    ------
    RequestError
        For a wrong or missing key, or a wrong kind of value.
    """
    card = read(Dataset, load_yaml(file), str(file), name=name, file=str(file))
    for key in card.about:
        if key not in _ABOUT:
            raise RequestError(f"{file}: about: unknown key '{key}'; {nearest(key, _ABOUT)}")
    if not card.target and card.source in ("file", "bundled") and card.modality == "tabular":
        raise RequestError(f"{file}: the key 'target' is missing")
    return card


def open_catalog(config_dirs: Sequence[Path] = ()) -> Catalog:
    """The catalog over the harness's own entries, installed packages' and the given folders'.

    Python files beside the YAML of ``config_dirs`` become importable as ``components.<slot>.<file>``,
    exactly like the harness's own; those of an earlier catalog no longer are.

    Raises
    ------
    RequestError
        When two files give one name, a name is none, or a folder does not exist or holds no catalog.
    """
    for folder in config_dirs:
        if not folder.is_dir():
            raise RequestError(f"--config-dir {folder}: there is no such folder")
        if not any((folder / below).is_dir() for below in GROUPS.values()):
            tops = sorted({below.partition("/")[0] for below in GROUPS.values()})
            raise RequestError(f"--config-dir {folder}: it has none of the folders {', '.join(tops)}")
    own = _own_roots()
    roots = tuple(dict.fromkeys((*own, *_installed_roots(), *(folder.resolve() for folder in config_dirs))))
    _join_components([root / "components" for root in roots if root not in own])
    return Catalog(roots, {kind: _scan(roots, kind) for kind in GROUPS})


def load_yaml(file: Path) -> Mapping[str, Any]:
    """The mapping that a YAML file holds; no tags, no objects, no key twice.

    Raises
    ------
    RequestError
        When the file is not YAML or not a mapping.
    """
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), _Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RequestError(f"{file}: not readable as YAML: {_problem(error)}") from error
    if not isinstance(content, Mapping):
        raise RequestError(f"{file}: expected a mapping of keys to values, got {content!r}")
    return content


def _problem(error: Exception) -> str:
    """What is wrong with a YAML text, and in which line."""
    mark = getattr(error, "problem_mark", None)
    if isinstance(error, yaml.MarkedYAMLError) and mark is not None:
        context = "" if error.context is None or error.context.startswith("while") else f"{error.context} "
        return f"line {mark.line + 1}: {context}{error.problem}"
    return " ".join(str(error).split())


class _Loader(yaml.SafeLoader):
    """YAML's plain values; a key that stands twice in one mapping is an error."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key.value, str) and key.value in seen:
                problem = f"the key '{key.value}' stands there twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def _join_components(folders: Sequence[Path]) -> None:
    """Make the Python files of other people's ``components`` folders importable, freshly."""
    own = Path(components.__path__[0])
    components.__path__[:] = [str(own), *(str(folder) for folder in folders if folder.is_dir())]
    sources: dict[Path, Path] = {}
    for folder in map(Path, components.__path__):
        for file in folder.glob("*/*.py"):
            first = sources.setdefault(file.relative_to(folder), file)
            if first != file:
                raise RequestError(f"two Python files of one name '{file.stem}': {first} and {file}")
    for name, module in list(sys.modules.items()):
        source = getattr(module, "__file__", None)
        if name.startswith("components.") and source and not Path(source).is_relative_to(own):
            parent, _, child = name.rpartition(".")
            vars(sys.modules[parent]).pop(child, None)
            del sys.modules[name]
    importlib.invalidate_caches()


def _own_roots() -> tuple[Path, ...]:
    """A wheel carries the YAML inside the package; a checkout has it beside the package."""
    shipped = _PACKAGE / "shipped"
    return _PACKAGE / "conf", shipped if shipped.is_dir() else _PACKAGE.parent


def _installed_roots() -> Iterator[Path]:
    for entry in importlib.metadata.entry_points(group="swapbench.catalog"):
        spec = importlib.util.find_spec(entry.value)
        if spec is None or not spec.submodule_search_locations:
            raise RequestError(f"entry point swapbench.catalog '{entry.name}': no package '{entry.value}'")
        yield Path(next(iter(spec.submodule_search_locations))).resolve()


def _scan(roots: Sequence[Path], kind: str) -> Mapping[str, Path]:
    found: dict[str, Path] = {}
    for root in roots:
        top = root / GROUPS[kind]
        for file in sorted(top.rglob("*.y*ml") if kind == "dataset" else top.glob("*.y*ml")):
            parts = file.relative_to(top).with_suffix("").parts
            if kind == "dataset" and parts[0] == "suite":
                continue
            name = "/".join(parts)
            if file.suffix != ".yaml" or not (_OPENML_TASK.fullmatch(name) or all(map(_is_name, parts))):
                raise RequestError(
                    f"{file}: an entry is named NAME.yaml, its name made of letters, digits, '-' and '_', "
                    "and neither a number nor a YAML word such as null"
                )
            if name in found:
                raise RequestError(f"two entries of one name '{name}': {found[name]} and {file}")
            found[name] = file
    return found


def _is_name(stem: str) -> bool:
    """Whether a name reads as text wherever it can be typed."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", stem):
        return False
    try:
        float(stem)
    except ValueError:
        return isinstance(yaml.safe_load(stem), str)
    return False
