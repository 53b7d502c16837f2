"""What CONTRIBUTING.md shows is what happens: its files are written, its commands run, in its order."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FENCES = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)
PATHS = re.compile(r"`(mine/\S+\.yaml)`")
TINY = (
    "protocol.splits.folds=2",
    "protocol.tuning.trials=1",
    "protocol.budget.amount=4",
    "hosts=[mlp]",
    "references=[]",
    "executor=serial",
)


def shown_files() -> dict[str, str]:
    """The YAML blocks by path: the last ``mine/….yaml`` that the text before each one names."""
    found = {}
    for fence in FENCES.finditer(TEXT):
        if fence[1] == "yaml":
            found[PATHS.findall(TEXT[: fence.start()])[-1]] = fence[2]
    return found


def commands(word: str) -> list[list[str]]:
    """Every shown shell line that starts with ``word``, split as the shell does."""
    lines = [line for fence in FENCES.finditer(TEXT) if fence[1] == "sh" for line in fence[2].splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.startswith(f"{word} ")]


def tiny(arguments: list[str]) -> list[str]:
    """What to add to a shown command so that it takes a second."""
    if arguments[0] == "new":
        return []
    own_tasks = any(part.startswith(("tasks=", "suite=", "study=farm")) for part in arguments)
    return [*TINY, *([] if own_tasks else ["tasks=[iris,engel]"])]


def make_beans(card: str, place: Path) -> None:
    """A table that the shown card describes."""
    described = yaml.safe_load(card)
    random = np.random.default_rng(0)
    length = random.normal(size=60)
    columns = {
        described["target"]: np.where(length > 0.5, "lima", np.where(length < -0.5, "mung", "soy")),
        "length": length,
        **{name: random.integers(0, 3, 60) for name in described["categorical"]},
        **{name: np.arange(60) for name in described["ignore"]},
    }
    pd.DataFrame(columns).to_csv(place / described["location"], index=False)


RUN_ALL = """
import json, sys
from benchmark.cli import main
for arguments in json.loads(sys.argv[1]):
    if code := main(arguments):
        sys.exit(f"exit code {code}: swapbench {' '.join(arguments)}")
"""
"""One process for all commands: the imports are paid once, and the components of the folder stay in there."""


def test_the_files_and_commands_work(tmp_path: Path) -> None:
    for path, text in shown_files().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    make_beans(shown_files()["mine/datasets/beans.yaml"], tmp_path / "mine/datasets")
    shown = [arguments[1:] for arguments in commands("swapbench")]
    assert [arguments[0] for arguments in shown] == ["run", "new", "run", "plan", "plan", "plan", "run"]
    quick = [[*arguments, *tiny(arguments)] for arguments in shown]
    done = subprocess.run(
        [sys.executable, "-c", RUN_ALL, json.dumps(quick)], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(list(tmp_path.glob("results/*/report/index.html"))) == 3
    assert "adamax, my_optimizer against adamw" in done.stdout
    (code,) = (fence[2] for fence in FENCES.finditer(TEXT) if fence[1] == "python")
    (tmp_path / "test_mine.py").write_text(code, encoding="utf-8")
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py"]
    done = subprocess.run(pytest, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]


def test_the_six_lines_are_six() -> None:
    first = shown_files()["mine/components/optimizer/adamax.yaml"]
    assert TEXT.index("six lines") < TEXT.index(first)
    assert len(first.splitlines()) == 6


def test_every_file_says_where_it_is() -> None:
    for path, text in shown_files().items():
        place = "_global_" if "/study/" in path else ".".join(Path(path).with_suffix("").parts[1:])
        assert text.splitlines()[0] == f"# @package {place}"


def test_every_make_target_and_every_linked_file_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {word for line in re.findall(r"`?make ([a-z -]+)", TEXT) for word in line.split()[:2]}
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert {"test", "check", "test-all", "test-full", "system-deps"} <= named & targets
    for link in re.findall(r"\]\((\S+?)\)", TEXT):
        assert (ROOT / link).is_file(), link
    for path in re.findall(r"`((?:benchmark|tests|datasets)/[\w/.-]*)`", TEXT):
        assert (ROOT / path).exists(), path
