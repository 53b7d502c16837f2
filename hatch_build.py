"""Puts the catalog's YAML into the wheel, inside the package ``benchmark``.

``datasets/`` must never become an import package (it would shadow Hugging Face ``datasets``), and
``components/`` ships its Python files only; so their YAML travels as ``benchmark/shipped/``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ShipCatalog(BuildHookInterface):  # type: ignore[type-arg]
    """Maps every YAML file of the catalog to its place in the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files; an editable install reads them from the checkout instead."""
        if version == "editable":
            return
        root = Path(self.root)
        for folder in ("components", "datasets"):
            for file in sorted((root / folder).rglob("*.yaml")):
                build_data["force_include"][str(file)] = f"benchmark/shipped/{file.relative_to(root)}"
