"""A real browser over pages on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Any]:
    """Opens a file in a tab of its own; at the end nothing may have gone wrong in it."""
    contexts, faults = [], []

    def opened(file: Path, width: int = 1200, anchor: str = "", **options: Any) -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, accept_downloads=True, offline=True, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda asked: faults.append(asked.url) if asked.url.startswith("http") else None)
        page.on("dialog", lambda dialog: faults.append(f"dialog: {dialog.message}"))
        page.goto(file.as_uri() + anchor)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not faults
