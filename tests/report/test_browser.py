"""The page in a real browser, from disk."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from matplotlib.image import imread

pytestmark = pytest.mark.all

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--virtual-time-budget=5000",
)


def chromium(tmp_path: Path, *arguments: str) -> str:
    """What Chromium prints."""
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("chromium is not installed: make system-deps")
    command = [
        program,
        *FLAGS,
        f"--user-data-dir={tmp_path / 'profile'}",
        "--enable-logging=stderr",
        *arguments,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in done.stderr, done.stderr
    return done.stdout


def test_the_page_shows_its_verdict_without_a_complaint(folder: Path, tmp_path: Path) -> None:
    page = chromium(tmp_path, "--dump-dom", f"file://{folder / 'index.html'}")
    assert "INCONCLUSIVE" in page or "HELPS" in page or "BETTER" in page
    assert page.count("<svg") >= 6


@pytest.mark.parametrize("width", [400, 1000, 1600])
def test_the_page_fills_phone_and_screen(folder: Path, tmp_path: Path, width: int) -> None:
    shot = tmp_path / "page.png"
    chromium(
        tmp_path, f"--screenshot={shot}", f"--window-size={width},900", f"file://{folder / 'index.html'}"
    )
    picture = imread(shot)[..., :3]
    assert picture.shape[1] >= width
    ink = (abs(picture - picture[0, 0]) > 0.2).any(axis=2)
    assert 0.01 < ink.mean() < 0.6
