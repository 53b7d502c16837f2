"""The workflows: valid, with no more rights than they need, and none where a stranger's code runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmark.texts.entering import harmless

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FOREIGN = re.compile(
    r"\$\{\{\s*github\.(event\.(pull_request\.(title|body|head\.(ref|label))|.*name)|head_ref)"
)


def read(name: str) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(
        (ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8")
    )
    return found


def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_they_are_valid_workflows() -> None:
    check = Path(sys.executable).with_name("check-jsonschema")
    command = [str(check), "--builtin-schema", "vendor.github-workflows", *map(str, FILES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert len(FILES) == 3 and done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_says_its_rights_and_pins_its_actions(file: Path) -> None:
    workflow, text = read(file.name), file.read_text(encoding="utf-8")
    assert isinstance(workflow["permissions"], dict)
    for step in steps(workflow):
        assert "uses" not in step or re.fullmatch(r"actions/[\w/-]+@v\d+", step["uses"]), step
        assert "${{" not in step.get("run", ""), "what comes from outside goes through the environment"
    assert "secrets" not in text
    for job in workflow["jobs"].values():
        assert "timeout-minutes" in job or "pages" in job.get("permissions", {})


def test_where_a_strangers_code_runs_nothing_can_be_written() -> None:
    workflow = read("enter.yml")
    assert workflow[True] == {"pull_request": {"paths": ["components/**"]}}  # YAML takes `on` for true
    assert workflow["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in workflow["jobs"].values())
    (checkout,) = [step for step in steps(workflow) if step.get("uses", "").startswith("actions/checkout")]
    assert checkout["with"] == {"fetch-depth": 0, "persist-credentials": False}
    runs = [step["run"] for step in steps(workflow) if "run" in step]
    assert runs == ["make .venv/installed", 'docs/nightly/enter.sh "$BASE"']
    assert (ROOT / "docs/nightly/enter.sh").is_file() and ".venv/installed:" in (
        ROOT / "Makefile"
    ).read_text()


def test_where_comments_are_written_no_code_of_a_stranger_runs() -> None:
    workflow, text = read("comment.yml"), (ROOT / ".github/workflows/comment.yml").read_text(encoding="utf-8")
    assert workflow[True] == {"workflow_run": {"workflows": ["enter"], "types": ["completed"]}}
    assert workflow["permissions"] == {"actions": "read", "pull-requests": "write"}
    assert all("uses" not in step for step in steps(workflow))
    runs = "\n".join(step["run"] for step in steps(workflow))
    for word in ("git ", "checkout", "python", "pip", "make", "swapbench", "eval", "source "):
        assert word not in re.sub(r"^ *#.*$", "", runs, flags=re.MULTILINE), word
    assert "head_sha" in text and '"$SHA $SOURCE"' in runs
    assert read("enter.yml")["name"] in workflow[True]["workflow_run"]["workflows"]


def test_what_is_posted_is_made_harmless_whatever_it_was(tmp_path: Path) -> None:
    """The very line of the workflow, on hostile text: it leaves what Swapbench itself would have left."""
    (run,) = [step["run"] for step in steps(read("comment.yml")) if step["name"].startswith("Post")]
    line = run[run.index("joiner=") : run.index("if ! [")]
    hostile = (
        "## x\n<script>a</script> @everyone a@b.c [x](javascript:y) ![i](z) ![j][k] [k]: /q "
        "https://e.f WWW.e.f #12 \x1b[31m\x00 <!-- `` | ü\n"
    )
    (tmp_path / "stranger.md").write_bytes(hostile.encode() + b"\xff\xfe\n")
    subprocess.run(
        ["bash", "-euc", line], cwd=tmp_path, check=True, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    )
    posted = (tmp_path / "comment.md").read_text(encoding="utf-8")
    assert posted == harmless(hostile.replace("\x1b", "").replace("\x00", "")) + "\n"
    assert "<" not in posted and "@e" not in posted and "](" not in posted


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_what_they_run_is_clean(file: Path) -> None:
    shellcheck = str(Path(sys.executable).with_name("shellcheck"))
    for step in steps(read(file.name)):
        if run := step.get("run"):
            command = [shellcheck, "--shell=bash", "-"]
            done = subprocess.run(command, input=run, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout


def test_the_night_publishes_what_it_made_and_keeps_its_results() -> None:
    workflow = read("nightly.yml")
    assert workflow["permissions"] == {"contents": "read"}
    night, publish = (workflow["jobs"][name] for name in ("night", "publish"))
    assert "permissions" not in night and publish["permissions"] == {"pages": "write", "id-token": "write"}
    assert [step["run"] for step in night["steps"] if "run" in step] == [
        "make .venv/installed",
        ".venv/bin/swapbench nightly nightly.yaml",
    ]
    restored, kept = (step for step in night["steps"] if step.get("uses", "").startswith("actions/cache/"))
    assert restored["with"]["path"] == kept["with"]["path"] == "results"
    assert "cancelled" in kept["if"] and night["steps"].index(kept) > 3
    assert not any(
        FOREIGN.search(file.read_text(encoding="utf-8")) for file in FILES if file.name != "comment.yml"
    )
