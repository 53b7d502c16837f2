"""The command line says what is wrong in one line and leaves nothing behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmark.cli import main


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("", "the following arguments are required: COMMAND"),
        ("rnu", "there is no 'rnu'; did you mean 'run'?"),
        ("list datsets", "there is no 'datsets'; did you mean 'datasets'?"),
        ("plan --jsn", "unrecognized arguments: --jsn"),
        ("run --budget 3x", "'3x' is no time; write 90s, 30m or 2h"),
        ("run --config-dir nowhere", "--config-dir nowhere: there is no such folder"),
        ("new optimzer mine", "there is no slot 'optimzer'; did you mean 'optimizer'?"),
        ("run study=demmo", "there is no study 'demmo'; did you mean 'demo'?"),
        ("plan --json candidates=[radm]", "there is no optimizer 'radm'; did you mean 'radam'?"),
        ("run device=tpu", "device=tpu: choose from auto, cpu, cuda"),
        ("report tasks=[iris]", "there is no store here"),
        ("judge", "the following arguments are required: TABLE"),
        ("judge nowhere.csv --leaderboard", "nowhere.csv: there is no such file"),
        ("judge nowhere.csv --best much", "invalid float value: 'much'"),
        ("judge nowhere.csv --test-to-train 1/0", "'1/0' is no ratio; write 0.25 or 1/9"),
    ],
)
def test_a_wrong_request_gets_one_line(
    command: str,
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(command.split()) == 2
    said = capsys.readouterr().err
    assert line in said
    assert said.startswith("swapbench: ") and said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_results_folder_that_cannot_be_made_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "tasks=[iris]", "results_dir=/dev/null/x"]) == 2
    assert "results_dir=/dev/null/x" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["slots", "components", "datasets", "suites", "studies", "pipelines"])
def test_list_tells_machines_what_it_tells_people(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", kind, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert main(["list", kind]) == 0
    text = capsys.readouterr().out
    assert rows and all(row["name"] in text for row in rows)
    assert all("slot" in row for row in rows) or kind != "components"


def test_overrides_may_follow_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "tasks=[iris]", "--json", "hosts=[mlp]", "candidates=[radam]"]) == 0
    assert json.loads(capsys.readouterr().out)["study"]["hosts"] == ["mlp"]
