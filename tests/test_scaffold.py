"""`swapbench new` writes what works, says how to try it, or says in one line why not and writes nothing."""

from __future__ import annotations

import ast
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmark import api
from benchmark.catalog import Catalog, open_catalog
from benchmark.cli import main
from benchmark.config import instantiate
from benchmark.errors import RequestError
from benchmark.records.store import open_store
from benchmark.resolve.components import read_component
from benchmark.scaffold import scaffold, trial
from benchmark.spec import SLOTS, InputSpec

ROOT = Path(__file__).resolve().parents[1]
every_slot = pytest.mark.parametrize("slot", SLOTS)
TINY = ("protocol.budget.amount=8", "executor=serial")


@pytest.fixture(autouse=True)
def own_components() -> Iterator[None]:
    """Components of a test's folder are gone after it."""
    yield
    open_catalog()


def files_below(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def make(slot: str, name: str, into: Path) -> Any:
    """The new component as the slot would call it."""
    scaffold(slot, name, into)
    catalog = open_catalog([into])
    document = catalog.document(slot, name)
    return instantiate(read_component(slot, name, document, str(catalog.path(slot, name))))


@every_slot
def test_the_command_it_prints_runs(slot: str, tmp_path: Path) -> None:
    """In its own study, on classes and numbers, tuned, with every record ok."""
    text = scaffold(slot, f"my_{slot}", tmp_path / "mine")
    name, *arguments = shlex.split(text.splitlines()[-1])
    assert (name, arguments) == ("swapbench", trial(slot, f"my_{slot}", tmp_path / "mine"))
    assert arguments[0] == "run" and arguments[-2:] == ["--config-dir", str(tmp_path / "mine")]

    results = tmp_path / "results"
    planned = api.plan_study([*arguments[1:-2], *TINY, f"results_dir={results}"], [tmp_path / "mine"])
    assert planned.plan.refused == ()
    api.run(planned, quiet=True)
    with open_store(results, write=False) as store:
        records, trials = store.record_table(planned.name), store.trial_table(planned.name)
    mine = records[records["component"] == f"my_{slot}"]
    assert set(mine["task"]) == {"iris", "engel"} and set(mine["setting"]) == {"default", "tuned"}
    assert list(records["reason"][records["status"] != "ok"]) == []
    assert trials["trial"][trials["component"] == f"my_{slot}"].max() == 1, "its space is searched"
    assert np.isfinite(mine["error"]).all()


@every_slot
def test_it_is_in_the_list_and_knows_nothing_of_the_harness(
    slot: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", slot, "listed_part", "--into", str(tmp_path)]) == 0
    assert main(["list", "--config-dir", str(tmp_path)]) == 0
    assert "listed_part" in capsys.readouterr().out
    assert files_below(tmp_path) == [f"components/{slot}/listed_part{end}" for end in (".py", ".yaml")]
    source = (tmp_path / f"components/{slot}/listed_part.py").read_text()
    assert "{{" not in source and "ListedPart" in source
    imported = {node.module or "" for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)}
    assert not any(module.startswith("benchmark") for module in imported)


def test_what_it_writes_passes_this_projects_own_checks(tmp_path: Path) -> None:
    for slot in SLOTS:
        scaffold(slot, "checked_part", tmp_path)
    for check in (["check"], ["format", "--check"]):
        arguments = [*check, "--config", str(ROOT / "pyproject.toml"), "--no-cache", str(tmp_path)]
        done = subprocess.run([sys.executable, "-m", "ruff", *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("slot", "name", "said"),
    [
        ("optmizer", "mine", "did you mean 'optimizer'?"),
        ("optimizer", "my-opt", "such as my_my_opt"),
        ("optimizer", "2nd", "NAME '2nd'"),
        ("optimizer", "lambda", "NAME 'lambda'"),
        ("optimizer", "none", "NAME 'none'"),
        ("optimizer", "off", "NAME 'off'"),
        ("optimizer", "NaN", "NAME 'NaN'"),
        ("optimizer", "../escape", "NAME '../escape'"),
        ("optimizer", "", "such as my_part"),
        ("optimizer", "adamw", "adamw.yaml; choose another NAME"),
        ("preprocessor", "tables", "tables.py; choose another NAME"),
    ],
)
def test_a_wrong_request_is_one_line_and_writes_nothing(
    slot: str, name: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", slot, name, "--into", str(tmp_path / "mine")]) == 2
    printed = capsys.readouterr()
    assert said in printed.err and printed.err.count("\n") == 1 and printed.out == ""
    assert files_below(tmp_path) == [] and not (tmp_path / "mine").exists()


@pytest.mark.parametrize("end", [".py", ".yaml"])
def test_a_file_that_is_there_stays_as_it_is(end: str, tmp_path: Path) -> None:
    file = tmp_path / "components" / "loss" / f"kept{end}"
    file.parent.mkdir(parents=True)
    file.write_text("# mine\n")
    with pytest.raises(RequestError, match="exists already"):
        scaffold("loss", "kept", tmp_path)
    assert file.read_text() == "# mine\n" and len(files_below(tmp_path)) == 1


def test_a_folder_that_cannot_be_written_to_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match="cannot write .*file"):
        scaffold("loss", "lost", tmp_path / "file")

    opened = Path.open

    def full_disk(self: Path, *arguments: Any, **options: Any) -> Any:
        if self.suffix == ".yaml" and self.is_relative_to(tmp_path):
            raise OSError(28, "No space left on device", str(self))
        return opened(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", full_disk)
    with pytest.raises(RequestError, match="No space left on device"):
        scaffold("loss", "lost", tmp_path)
    assert files_below(tmp_path) == ["file"]


@given(name=st.one_of(st.text(max_size=12), st.from_regex(r"[a-zA-Z_]\w{0,8}", fullmatch=True)))
def test_any_name_is_refused_or_means_itself(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is written parses as Python and as YAML, under that name."""
    into = tmp_path_factory.mktemp("named")
    try:
        scaffold("schedule", name, into)
    except RequestError as error:
        assert "\n" not in str(error) and files_below(into) == []
        return
    ast.parse((into / f"components/schedule/{name}.py").read_text())
    catalog = Catalog((into,), {"schedule": {name: into / f"components/schedule/{name}.yaml"}})
    target = catalog.document("schedule", name)["make"]["_target_"]
    assert target.split(".")[:3] == ["components", "schedule", name]


def test_the_optimizer_keeps_its_memory_in_its_state(tmp_path: Path) -> None:
    """Two steps by hand: v = 1, x = 1 - 0.1; v = 0.5 + 1, x -= 0.15."""
    parameter = torch.nn.Parameter(torch.tensor([1.0]))
    optimizer = make("optimizer", "by_hand", tmp_path)([parameter], lr=0.1, momentum=0.5, weight_decay=0.0)
    for _ in range(2):
        parameter.grad = torch.tensor([1.0])
        optimizer.step()
    assert float(parameter.detach()) == pytest.approx(0.75)
    assert float(optimizer.state_dict()["state"][0]["velocity"]) == pytest.approx(1.5)


def test_the_architecture_takes_numbers_categories_or_both(tmp_path: Path) -> None:
    built = make("architecture", "any_table", tmp_path)
    numbers, codes = torch.randn(5, 3), torch.zeros(5, 2, dtype=torch.int64)
    for spec, x_num, x_cat in (
        (InputSpec(3), numbers, None),
        (InputSpec(0, (2, 4)), None, codes),
        (InputSpec(3, (2, 4)), numbers, codes),
    ):
        network = built(spec, 7, activation=torch.nn.ReLU)
        assert network(x_num, x_cat).shape == (5, 7)
        assert set(network.parameter_roles()) == {name for name, _ in network.named_parameters()}


def test_the_preprocessor_fills_gaps_and_knows_the_training_rows_only(tmp_path: Path) -> None:
    train = pd.DataFrame({"n": [0.0, 2.0, None], "c": pd.Series(["b", "a", None], dtype="category")})
    test = pd.DataFrame({"n": [None, 1e9], "c": pd.Series(["new", "b"], dtype="category")})
    test.index = pd.Index([7, 3])
    out = make("preprocessor", "cut_off", tmp_path)(limit=3.0).fit(train).transform(test)
    assert list(out["n"]) == [0.0, 3.0] and list(out["c"]) == [0, 2] and list(out.index) == [7, 3]


@pytest.mark.parametrize("slot", ["booster", "estimator"])
def test_learners_answer_for_the_classes_they_saw(slot: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    X = pd.DataFrame({"a": random.normal(size=90), "gap": np.where(random.random(90) < 0.3, np.nan, 1.0)})
    y = np.where(X["a"] > 0, 3, 1)
    shape = [make("weak_learner", "tree_of_mine", tmp_path)(seed=1)] if slot == "booster" else []
    learner = make(slot, "two_of_four", tmp_path)(*shape, task_type="multiclass", seed=1).fit(X, y)
    shares = learner.predict_proba(X)
    assert list(learner.classes_) == [1, 3] and shares.shape == (90, 2)
    assert np.allclose(shares.sum(axis=1), 1) and (learner.predict(X) == y).mean() > 0.9
