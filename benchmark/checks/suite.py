"""All checks of a component, and the pytest test that runs them over a catalog."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark.catalog import Catalog, open_catalog
from benchmark.checks import (
    activations,
    architectures,
    costs,
    declared,
    fits,
    learners,
    losses,
    optimizers,
    preprocessors,
    schedules,
)
from benchmark.checks.check import Check, Rule
from benchmark.checks.subject import Subject, component_named
from benchmark.errors import RequestError
from benchmark.resolve.components import missing_reason
from benchmark.spec import SLOTS, Component

__all__ = ["RULES", "checks_of", "conformance"]

RULES: Mapping[str, Sequence[Rule]] = {
    "preprocessor": preprocessors.RULES,
    "architecture": (*architectures.RULES, *costs.ARCHITECTURE),
    "activation": activations.RULES,
    "loss": losses.RULES,
    "optimizer": (*optimizers.RULES, *costs.OPTIMIZER),
    "schedule": schedules.RULES,
    "booster": (*learners.LEARNER, *costs.LEARNER),
    "weak_learner": learners.WEAK_LEARNER,
    "estimator": (*learners.LEARNER, *costs.LEARNER),
}
"""What the components of each slot promise, beside what all do."""


def checks_of(component: Component, catalog: Catalog | None = None) -> Sequence[Check]:
    """Everything that a component promises by its slot and by what it declares, ready to run.

    Parameters
    ----------
    component
        As :func:`benchmark.resolve.components.read_component` reads it.
    catalog
        Where it is found, with the pipelines to try it in; Swapbench's own if not given.
    """
    subject = Subject(component, catalog or open_catalog())
    rules = (*declared.RULES, *RULES[component.slot], *fits.RULES)
    return [Check(rule, subject) for rule in rules if rule.applies(subject)]


def conformance(
    config_dirs: Sequence[str | Path] = (), *, marks: Callable[[Check], Any] = lambda _: ()
) -> Callable[..., None]:
    """A pytest test with one case for each (component, check) of some folders, or of Swapbench's catalog.

    In a test module of your own repository, two lines check every component in the folder ``mine``::

        from benchmark.checks import conformance

        test_component = conformance(["mine"])

    What is no error is not run. A component whose package is not installed is skipped, with that reason.

    Parameters
    ----------
    config_dirs
        Folders laid out like Swapbench's own (``mine/components/optimizer/mine.yaml``).
    marks
        The marks of a check's case, such as ``lambda check: pytest.mark.slow if check.slow else ()``.

    Raises
    ------
    RequestError
        When pytest is not installed, a folder holds no components, or a file is wrong.
    """
    try:
        import pytest
    except ModuleNotFoundError as error:
        raise RequestError("conformance() makes a test for pytest, which is not installed") from error
    folders = [Path(folder) for folder in config_dirs]
    catalog = open_catalog(folders)
    cases = [
        pytest.param(check, id=f"{part.slot}-{part.name}-{check.name}", marks=marks(check))
        for part in _components(catalog, folders)
        for check in checks_of(part, catalog)
        if check.rule.severity == "error"
    ]
    if not cases:
        raise RequestError(f"conformance: there are no components in {', '.join(map(str, folders))}")

    @pytest.mark.parametrize("check", cases)
    def test_component(check: Check) -> None:
        if reason := missing_reason(check.component):
            pytest.skip(reason[1])
        if folders:
            open_catalog(folders)  # another catalog may have been opened since, without these folders' code
        check.run()

    return test_component


def _components(catalog: Catalog, folders: Sequence[Path]) -> Iterator[Component]:
    """Those of the folders; all of the catalog where there are none."""
    for slot in SLOTS:
        for name in catalog.names(slot):
            file = catalog.path(slot, name)
            if not folders or any(file.is_relative_to(folder.resolve()) for folder in folders):
                yield component_named(catalog, slot, name)
