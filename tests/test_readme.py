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


def test_its_commands_can_be_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "path" / "to").mkdir(parents=True)
    (tmp_path / "path" / "to" / "my_optimizer.py").write_text(
        "import torch\n\n\nclass MyOptimizer(torch.optim.SGD):\n    pass\n"
    )
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("swapbench ")]
    commands = [shlex.split(line, comments=True) for line in lines]
    assert len(commands) >= 5
    for command in commands:
        overrides = [item for item in command[2:] if not re.fullmatch(r"--budget|\d+[smh]", item)]
        assert main(["plan", *overrides]) == 0, command
    assert "fits" in capsys.readouterr().out
