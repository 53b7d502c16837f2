"""What the README shows works as it stands there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from benchmark.cli import main

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_its_python_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), {})
    assert "fits" in capsys.readouterr().out


def commands() -> list[list[str]]:
    """What follows ``swapbench run`` and the like in every shown line, without what only a run takes."""
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("swapbench ")]
    shown = [shlex.split(line, comments=True) for line in lines]
    return [[item for item in line[2:] if not re.fullmatch(r"--budget|\d+[smh]", item)] for line in shown]


def plan(command: list[str]) -> None:
    assert main(["plan", *command]) == 0, command


def test_its_commands_can_be_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "path" / "to").mkdir(parents=True)
    (tmp_path / "path" / "to" / "my_optimizer.py").write_text(
        "import torch\n\n\nclass MyOptimizer(torch.optim.SGD):\n    pass\n"
    )
    rows = "".join(f"{row % 7},{row % 3 == 0}\n" for row in range(40))
    (tmp_path / "path" / "to" / "churn.csv").write_text(f"calls,churned\n{rows}")
    offline = [command for command in commands() if "openml/" not in " ".join(command)]
    assert len(offline) >= 8
    for command in offline:
        plan(command)
    assert "fits" in capsys.readouterr().out


@pytest.mark.shared_data
def test_its_openml_tasks_can_be_planned_where_they_are_cached(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENML_CACHE_DIR", str(shared / "openml_cache"))
    (command,) = [command for command in commands() if "openml/" in " ".join(command)]
    plan(command)
    assert "2 tasks" in capsys.readouterr().out
