"""`swapbench check` as it is typed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from benchmark.cli import main
from benchmark.report.noticed import COLUMNS

BROKEN = '''
import torch


class Idle(torch.optim.Optimizer):
    """Was never hooked up."""

    def __init__(self, params, lr=0.01):
        super().__init__(params, {"lr": lr})

    def step(self, closure=None):
        return None
'''


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def idle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "idle.py").write_text(BROKEN, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return "idle.py:Idle"


def test_a_bug_is_told_with_its_line_and_ends_with_1(idle: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", idle, "--seconds", "20"]) == 1
    shown = capsys.readouterr().out
    assert shown.startswith("optimizer Idle (idle.py:Idle): ")
    assert "\n  ERROR    steps_as_the_slot_calls_it: expected every parameter moved; saw" in shown
    assert "\n    look   idle.py:11\n" in shown
    assert "\n    so     " in shown and shown.endswith("\n  1 error, 0 warnings\n")
    assert max(map(len, shown.splitlines()[1:])) <= COLUMNS


def test_json_has_the_same(idle: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "activation/relu", idle, "--json", "--seconds", "20"]) == 1
    sound, broken = json.loads(capsys.readouterr().out)
    assert (sound["slot"], sound["component"]) == ("activation", "relu")
    assert all(finding["severity"] != "error" for finding in sound["findings"])
    assert broken["findings"][0]["name"] == "steps_as_the_slot_calls_it"
    assert broken["findings"][0]["consequences"]


def test_a_sound_component_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "relu"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("activation relu (") and "0 errors" in shown


def test_all_names_are_looked_up_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "relu", "rleu"]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err == "swapbench: there is no component 'rleu'; did you mean 'relu'?\n"


def test_what_a_class_needs_is_shown_and_can_be_typed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        "from torch import nn\nclass Entropy(nn.Module):\n"
        "    def __init__(self, task_type, n_outputs): super().__init__()\n"
        "    def forward(self, output, target): return nn.functional.cross_entropy(output, target)\n"
    )
    (tmp_path / "own.py").write_text(text, encoding="utf-8")
    entry = f"{tmp_path}/own.py:Entropy"
    assert main(["check", entry]) == 0
    assert "taken to say task:binary, task:multiclass, task:language;" in capsys.readouterr().out
    assert main(["check", entry, "--needs", "task:binary"]) == 0
    assert "taken to say task:binary;" in capsys.readouterr().out
    assert main(["check", entry, "--needs", "task:bniary"]) == 2
    assert "did you mean 'task:binary'?" in capsys.readouterr().err


def test_a_sound_class_of_a_library_has_no_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "sklearn.preprocessing.StandardScaler"]) == 0
    assert "0 errors" in capsys.readouterr().out
