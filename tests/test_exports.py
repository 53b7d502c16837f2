"""The public names: all there, cheap to import, and never in the way of a stage."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
import types

import pytest

import benchmark

HEAVY = ("torch", "pandas", "numpy", "sklearn", "scipy", "hydra", "matplotlib")


@pytest.mark.parametrize("name", benchmark.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    found = getattr(benchmark, name)
    assert not isinstance(found, types.ModuleType)
    assert found.__doc__


def test_public_names_are_about_a_dozen_sorted_and_listed() -> None:
    assert sorted(benchmark.__all__) == list(benchmark.__all__)
    assert 10 <= len(set(benchmark.__all__)) == len(benchmark.__all__) <= 17
    assert set(benchmark.__all__) <= set(dir(benchmark))


def test_no_public_name_is_a_submodule_too() -> None:
    """An import of ``benchmark.plan`` somewhere would silently put the package in the function's place."""
    modules = {found.name for found in pkgutil.iter_modules(benchmark.__path__)}
    assert not modules & set(benchmark.__all__)


def test_a_star_import_gives_exactly_the_public_names() -> None:
    names: dict[str, object] = {}
    exec("from benchmark import *", names)
    assert set(names) - {"__builtins__"} == set(benchmark.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="verdicts"):
        benchmark.verdicts  # noqa: B018
    with pytest.raises(ImportError, match="verdicts"):
        exec("from benchmark import verdicts")


def test_importing_costs_no_time_and_nothing_heavy() -> None:
    code = (
        "import sys, time; start = time.perf_counter(); import benchmark; "
        "print(time.perf_counter() - start, *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, *modules = done.stdout.split()
    assert float(seconds) < 0.3
    assert not set(HEAVY) & set(modules)


@pytest.mark.parametrize(
    "module", [found.name for found in pkgutil.walk_packages(benchmark.__path__, "benchmark.")]
)
def test_every_module_has_what_its_all_says(module: str) -> None:
    found = importlib.import_module(module)
    assert all(hasattr(found, name) for name in getattr(found, "__all__", ()))
