"""A catalog of one's own, and studies read from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmark.catalog import GROUPS, open_catalog
from benchmark.errors import RequestError
from benchmark.resolve.study import ResolvedStudy, resolve_study

SMALL = ("tasks=[iris]", "hosts=[mlp]", "references=[featureless]")


class Shelf:
    """A ``--config-dir`` in the making."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, kind: str, name: str, text: str, *, header: str | None = None) -> Path:
        """Write an entry below its header; the file comes back."""
        file = self.root / GROUPS[kind] / f"{name}.yaml"
        place = "_global_" if kind == "study" else f"{GROUPS[kind].replace('/', '.')}.{name}"
        return self.write(file, (f"# @package {place}\n" if header is None else header) + text)

    def python(self, slot: str, name: str, source: str) -> Path:
        """Write a Python file beside the YAML of a slot."""
        return self.write(self.root / GROUPS[slot] / f"{name}.py", source)

    def write(self, file: Path, text: str) -> Path:
        """Write any file."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def load(self, *overrides: str) -> ResolvedStudy:
        """The small study with these overrides, resolved."""
        folders = [self.root] if any(self.root.glob("*/")) else []
        return resolve_study(open_catalog(folders), [*SMALL, *overrides], lambda suite: suite.tasks, folders)

    def refusal(self, *overrides: str) -> str:
        """The one line that refuses these overrides."""
        with pytest.raises(RequestError) as caught:
            self.load(*overrides)
        assert "\n" not in str(caught.value)
        return str(caught.value)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """An empty folder for entries of one's own."""
    return Shelf(tmp_path / "mine")


@pytest.fixture
def refused(shelf: Shelf) -> Callable[..., str]:
    """Gives the line that refuses some overrides of the small study."""
    return shelf.refusal


@pytest.fixture(autouse=True)
def no_trust_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """``trust=`` lasts for one command; a test process is many."""
    monkeypatch.setattr("benchmark.targets._trusted_packages", set[Any]())
