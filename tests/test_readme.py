"""What the README shows works as it stands there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from benchmark.cli import main

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_its_python_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").symlink_to(ROOT / "results")  # it is said from the root
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), {})
    assert "fits" in capsys.readouterr().out


def lines() -> list[list[str]]:
    """Every shown line that starts with ``swapbench``, as its words."""
    every = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("swapbench ")]
    return [shlex.split(line, comments=True) for line in every]


def commands() -> list[list[str]]:
    """What follows ``swapbench run`` and the like in every shown line, without what only a run takes."""
    others = {"judge", "check", "bundle", "verify", "reproduce", "export", "diff", "leaderboard"}
    others |= {"nightly", "enter", "watch"}
    shown = [line for line in lines() if line[1] not in others]
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


def test_its_leaderboard_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").symlink_to(ROOT / "results")
    (_, of_bundles) = (line[1:] for line in lines() if line[1] == "leaderboard")
    assert main(of_bundles) == 0
    assert (tmp_path / "site" / "index.html").is_file()


def test_its_tables_can_be_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names, gains = ("mine", "adamw", "svm"), (0.1, 0.0, -0.1)
    rows = [
        (task, name, seed, 0.3 * (1 - gain) + 0.01 * ((7 * task + seed) % 5))
        for task in range(8)
        for name, gain in zip(names, gains, strict=True)
        for seed in range(2)
    ]
    long = "".join(f"{task},{name},{seed},{error}\n" for task, name, seed, error in rows)
    (tmp_path / "results.csv").write_text(f"dataset,method,seed,error\n{long}")
    first = {(task, name): 1 - error for task, name, seed, error in rows if seed == 0}
    wide = "".join(f"{task},{','.join(str(first[task, name]) for name in names)}\n" for task in range(8))
    (tmp_path / "table3.csv").write_text(f"dataset,{','.join(names)}\n{wide}")
    shown = [line for line in lines() if line[1] == "judge"]
    assert len(shown) == 3
    for line in shown:
        assert main(line[1:]) == 0, line
    assert capsys.readouterr().out.count("mine helps") == 2
    assert (tmp_path / "judged" / "report" / "index.html").is_file()


@pytest.mark.shared_data
def test_its_openml_tasks_can_be_planned_where_they_are_cached(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENML_CACHE_DIR", str(shared / "openml_cache"))
    (command,) = [command for command in commands() if "openml/" in " ".join(command)]
    plan(command)
    assert "2 tasks" in capsys.readouterr().out
