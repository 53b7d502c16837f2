"""`docs/nightly/enter.sh` in real repositories, and the other scripts as far as they can be read."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.publish.nights.standing import read_watched

ROOT = Path(__file__).resolve().parents[2]
NIGHTLY = ROOT / "docs" / "nightly"
YAML = (
    "# @package components.activation.{name}\n"
    "make: {{_target_: torch.nn.{torch}, _partial_: true}}\n"
    "source: {{paper: 'arXiv:1606.08415', code: torch}}\n"
)
SAYS = "#!/bin/sh\nprintf '%s\\n' \"$@\" > said\n"


def git(*words: str, at: Path) -> str:
    named = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *named, *words], cwd=at, check=True, capture_output=True, text=True)
    return done.stdout


def card(at: Path, name: str, torch: str = "GELU", slot: str = "activation") -> Path:
    file = at / "components" / slot / f"{name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(YAML.format(name=name, torch=torch), encoding="utf-8")
    return file


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One with six components on main, and a branch for those that are entered."""
    at = tmp_path / "a repository"
    at.mkdir()
    for name in ("kept", "changed", "renamed", "deleted"):
        card(at, name)
    (at / "components/activation/shared.py").write_text("ONE = 1\n", encoding="utf-8")
    for name in ("user_one", "user_two"):
        file = card(at, name)
        file.write_text(file.read_text().replace("torch.nn.GELU", "components.activation.shared.One"))
    git("init", at=at)
    git("add", "-A", at=at)
    git("commit", "-m", "first", at=at)
    git("checkout", "-b", "entry", at=at)
    return at


def run(at: Path, *words: str, program: str = "") -> subprocess.CompletedProcess[str]:
    if not program:
        recorder = at.parent / "recorder"
        recorder.write_text(SAYS, encoding="utf-8")
        recorder.chmod(0o755)
        program = str(recorder)
    environment = {**os.environ, "SWAPBENCH": program}
    script = str(NIGHTLY / "enter.sh")
    return subprocess.run(
        [script, *words], cwd=at, env=environment, capture_output=True, text=True, check=False
    )


def asked(at: Path) -> list[str]:
    return (at / "said").read_text(encoding="utf-8").splitlines()


def test_added_changed_and_renamed_ones_are_entered_and_deleted_ones_are_not(repository: Path) -> None:
    at = repository
    card(at, "added")
    card(at, "changed", torch="SiLU")
    git("mv", "components/activation/renamed.yaml", "components/activation/new name.yaml", at=at)
    git("rm", "components/activation/deleted.yaml", at=at)
    card(at, "a_host", slot="pipeline")
    (at / "components/activation/shared.py").write_text("ONE = 2\n", encoding="utf-8")
    (at / "README").write_text("components/activation/kept.yaml\n", encoding="utf-8")
    git("add", "-A", at=at)
    git("commit", "-m", "second", at=at)
    git("checkout", "main", at=at)
    card(at, "of_main")  # what main got meanwhile is nobody's entry
    git("add", "-A", at=at)
    git("commit", "-m", "third", at=at)
    git("checkout", "entry", at=at)
    card(at, "not_committed")
    done = run(at / "components", "main", "hosts=[mlp]", "--seconds", "5")
    assert (done.returncode, done.stderr) == (0, "")
    assert asked(at) == [
        "enter",
        *(
            f"activation/{name}"
            for name in ("added", "changed", "new name", "user_one", "user_two", "not_committed")
        ),
        *("hosts=[mlp]", "--seconds", "5", "--out", "comment.md", "--json", "comment.json"),
    ]


def test_names_do_no_harm(repository: Path) -> None:
    for name in ("$(touch owned)", "-rf", "a;touch owned", "new\nline", "'"):
        card(repository, name)
    git("add", "-A", at=repository)
    git("commit", "-m", "second", at=repository)
    assert run(repository, "main").returncode == 0
    assert "activation/$(touch owned)" in asked(repository) and "activation/-rf" in asked(repository)
    assert not list(repository.rglob("owned"))


def test_without_a_change_nothing_is_entered(repository: Path) -> None:
    done = run(repository, "main")
    assert (done.returncode, done.stdout) == (0, "no component was added or changed since main\n")
    assert not (repository / "said").exists()


def test_an_unknown_base_is_an_error(repository: Path) -> None:
    assert run(repository, "nowhere").returncode not in (0, 1, 2)
    assert not (repository / "said").exists()


def test_it_enters_for_real(repository: Path) -> None:
    """The whole way: a repository of somebody's, one new activation, real data."""
    card(repository, "tried", torch="Softplus")
    git("add", "-A", at=repository)
    git("commit", "-m", "second", at=repository)
    program = repository.parent / "swapbench"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m benchmark "$@"\n')
    program.chmod(0o755)
    for name in ("user_one", "user_two"):  # their class is not there
        (repository / f"components/activation/{name}.yaml").unlink()
    words = (
        "hosts=[mlp]",
        "tasks=[iris,engel]",
        "references=[]",
        "protocol.budget.amount=8",
        "--config-dir",
        ".",
    )
    done = run(repository, "main", *words, "--seconds", "10", "executor=serial", program=str(program))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "`activation/tried`" in (repository / "comment.md").read_text(encoding="utf-8")
    assert (repository / "comment.json").is_file()


def test_the_shell_scripts_are_clean() -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    scripts = sorted(NIGHTLY.glob("*.sh"))
    assert scripts and all(file.stat().st_mode & stat.S_IXUSR for file in scripts)
    done = subprocess.run([shellcheck, *scripts], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze here")
def test_the_units_are_valid(tmp_path: Path) -> None:
    program = tmp_path / ".venv" / "bin" / "swapbench"
    program.parent.mkdir(parents=True)
    program.write_text(SAYS)
    program.chmod(0o755)
    units = []
    for file in NIGHTLY.glob("swapbench-nightly.*"):
        units.append(tmp_path / file.name)
        text = file.read_text(encoding="utf-8").replace("/opt/swapbench", str(tmp_path))
        units[-1].write_text(text, encoding="utf-8")
    assert len(units) == 2
    verify = ["systemd-analyze", "verify", *map(str, units)]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "swapbench-nightly" in line]
    assert (done.returncode, ours) == (0, []), done.stderr


def test_the_example_of_a_night_can_be_read() -> None:
    watched = read_watched(NIGHTLY / "nightly.yaml")
    assert [study.name for study in watched.studies] == ["optimizers", "activations"]


def test_the_crontab_calls_what_is_there() -> None:
    line = (NIGHTLY / "crontab.example").read_text(encoding="utf-8").splitlines()[-1]
    assert line.split()[:5] == ["17", "2", "*", "*", "*"] and "swapbench nightly nightly.yaml" in line
    program = line.split(maxsplit=5)[5].replace(
        "cd /opt/swapbench && .venv/bin/swapbench nightly nightly.yaml", "CODE"
    )
    for code, shown in ((0, ""), (4, "x"), (5, ""), (1, "x")):
        run = program.replace("CODE > night.log 2>&1", f"echo x > log; (exit {code})").replace(
            "night.log", "log"
        )
        done = subprocess.run(["sh", "-c", run], capture_output=True, text=True, check=False, cwd="/tmp")
        assert done.stdout.strip() == shown, (code, done)
