"""One small study, run for real, and its bundle: what every test of publishing looks at or forges."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmark.api import PlannedStudy, bundle, plan_study, run
from benchmark.publish.archive import opened, write
from benchmark.publish.checksums import checksums
from benchmark.publish.layout import CHECKSUMS
from benchmark.scaffold import scaffold

Files = Mapping[str, bytes]
Forge = Callable[[Mapping[str, bytes | None]], Path]

TASKS = ("iris", "wine", "engel", "diabetes", "breast_cancer")
STUDY = (
    "study=estimators",
    "candidates=[knn,mine]",
    "baselines=[random_forest]",
    "hosts=[random_forest]",
    "references=[linear,featureless]",
    f"tasks=[{','.join(TASKS)}]",
    "protocol=quick",
    "protocol.tuning.trials=2",
    "components.estimator.random_forest.make.shared.n_estimators=12",
    "executor=serial",
    "name=small",
)
"""Twelve trees, a scaffolded learner and its friends on five tables, two folds each: half a minute."""


@pytest.fixture(scope="session")
def author(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The author's folder: a catalog of one component, and the results of a study of it."""
    folder = tmp_path_factory.mktemp("author")
    scaffold("estimator", "mine", folder)
    return folder


@pytest.fixture(scope="session")
def planned(author: Path) -> PlannedStudy:
    """The study, run to its end."""
    found = plan_study([*STUDY, f"results_dir={author / 'results'}"], [author])
    run(found, quiet=True)
    return found


@pytest.fixture(scope="session")
def published(planned: PlannedStudy, author: Path) -> Path:
    """Its bundle, a folder."""
    return bundle(planned, author / "bundle").place


@pytest.fixture(scope="session")
def content(published: Path) -> Files:
    """The files of the bundle."""
    return opened(published)


@pytest.fixture
def forged(content: Files, tmp_path: Path) -> Forge:
    """Writes the bundle with some files changed (None: left out) and the checksums made new."""

    def write_forged(changed: Mapping[str, bytes | None]) -> Path:
        files = {name: text for name, text in {**content, **changed}.items() if text is not None}
        files[CHECKSUMS] = checksums({name: text for name, text in files.items() if name != CHECKSUMS})
        place = tmp_path / "forged"
        write(files, place)
        return place

    return write_forged


def edited(content: bytes, change: Callable[[dict[str, object]], None]) -> bytes:
    """A JSON text with a change of its values, written as it was."""
    values = json.loads(content)
    change(values)
    return (json.dumps(values, indent=1, sort_keys=True) + "\n").encode()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Debian's Chromium, driven by its own protocol."""
    sync_api = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no Chromium: make system-deps")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()
