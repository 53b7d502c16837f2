"""The study of the tests of publishing, judged, as exports take it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.api.exporting import published_study
from benchmark.api.verifying import opened_bundle
from benchmark.publish.exports.published import Published


@pytest.fixture(scope="session")
def judged(published: Path) -> Published:
    """The small study, from its bundle."""
    return published_study(opened_bundle(published))
