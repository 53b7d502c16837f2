"""The checks notice what is broken, say what they saw, and let pass what is sound."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from benchmark.catalog import open_catalog
from benchmark.checks import Check, CheckFailed, checks_of, conformance
from benchmark.checks.subject import component_named
from benchmark.errors import RequestError
from benchmark.scaffold import scaffold
from benchmark.spec import SLOTS
from tests.checks.broken import BROKEN, Sample

Write = Callable[[Sample], list[Check]]


@pytest.fixture(autouse=True)
def own_components() -> Iterator[None]:
    """Components of a test's folder are gone after it, and threads are what they were."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    open_catalog()


def write(sample: Sample, folder: Path, header: str = "") -> None:
    place = folder / "components" / sample.slot
    place.mkdir(parents=True)
    (place / "sample.py").write_text(sample.code, encoding="utf-8")
    target = f"_target_: components.{sample.slot}.sample.Sample, _partial_: true"
    make = f"make: {{{target}{', ' if sample.make else ''}{sample.make}}}"
    source = "source: {note: made for a test, space: made up}"
    header = header or f"# @package components.{sample.slot}.sample"
    text = "\n".join([header, make, source, sample.yaml, ""])
    (place / "sample.yaml").write_text(text, encoding="utf-8")


@pytest.fixture
def checks(tmp_path: Path) -> Write:
    def made(sample: Sample) -> list[Check]:
        write(sample, tmp_path / "mine")
        catalog = open_catalog([tmp_path / "mine"])
        return [*checks_of(component_named(catalog, sample.slot, "sample"), catalog)]

    return made


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_promise_is_noticed(what: str, checks: Write) -> None:
    sample = BROKEN[what]
    by_name = {check.name: check for check in checks(sample)}
    with pytest.raises(CheckFailed, match=f"^{sample.slot} sample: {sample.check}: ") as failure:
        by_name[sample.check].run()
    assert "AttributeError" not in str(failure.value) and "NameError" not in str(failure.value)


@pytest.mark.parametrize("slot", SLOTS)
def test_what_swapbench_new_writes_keeps_every_promise(slot: str, tmp_path: Path) -> None:
    scaffold(slot, "sample", tmp_path)
    catalog = open_catalog([tmp_path])
    made = checks_of(component_named(catalog, slot, "sample"), catalog)
    for check in made:
        check.run()
    assert all(check.about.endswith(".") and check.component.name == "sample" for check in made)
    assert len({check.name for check in made}) == len(made) >= 7


def test_a_header_that_is_not_the_path(tmp_path: Path) -> None:
    write(BROKEN["activation that is a line"], tmp_path, header="# @package components.activation.other")
    catalog = open_catalog([tmp_path])
    (check,) = (
        check
        for check in checks_of(component_named(catalog, "activation", "sample"), catalog)
        if check.name == "header_equals_path"
    )
    with pytest.raises(
        CheckFailed, match="expected the first line '# @package components.activation.sample'"
    ):
        check.run()


@pytest.mark.all
def test_two_lines_in_a_repository_of_ones_own(tmp_path: Path) -> None:
    """One test for each (component, check) of the folder, and of nothing else, in pytest's own report."""
    write(BROKEN["activation that mixes"], tmp_path / "mine")
    lines = "from benchmark.checks import conformance\ntest_component = conformance(['mine'])\n"
    (tmp_path / "test_mine.py").write_text(lines, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "--strict-markers"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "test_mine.py::test_component[activation-sample-builds] PASSED" in done.stdout
    assert "test_mine.py::test_component[activation-sample-is_elementwise] FAILED" in done.stdout
    assert "activation sample: is_elementwise: expected numbers apart" in done.stdout
    assert "relu" not in done.stdout


def test_a_component_without_its_package_is_skipped_with_the_reason(tmp_path: Path) -> None:
    line = BROKEN["activation that is a line"]
    write(line._replace(yaml='needs: ["package:not_there"]'), tmp_path)
    test_component = conformance([tmp_path])
    catalog = open_catalog([tmp_path])
    check = checks_of(component_named(catalog, "activation", "sample"), catalog)[0]
    with pytest.raises(pytest.skip.Exception, match="the package 'not_there' is not installed"):
        test_component(check)


def test_folders_without_components_are_no_catalog_to_check(tmp_path: Path) -> None:
    (tmp_path / "datasets").mkdir()
    with pytest.raises(RequestError, match=f"there are no components in {tmp_path}"):
        conformance([tmp_path])


def test_pytest_is_imported_by_whoever_asks_for_the_test() -> None:
    code = "import benchmark.checks, sys; sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
