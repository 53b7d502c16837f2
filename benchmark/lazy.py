"""Public names that are imported when they are first used, so that importing a package costs no time."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["on_demand"]


def on_demand(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of ``package``, whose public names live in the modules that ``homes`` gives.

    A home is ``module``, or ``module:name`` where the name there is another.
    """

    def attribute(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        module, _, there = homes[name].partition(":")
        return getattr(importlib.import_module(module), there or name)

    return attribute
