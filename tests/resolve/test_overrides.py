"""What a person types: everything wrong is one line, and nothing is written."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmark.catalog import open_catalog
from benchmark.cli import main
from benchmark.resolve.study import question_digest

SMALL = ("tasks=[iris]", "hosts=[mlp]", "references=[featureless]")
WRONG = [
    ("study=dmeo", "there is no study 'dmeo'; did you mean 'demo'"),
    ("study=/etc/passwd", "there is no study '/etc/passwd'; choose from"),
    ("executor.name=process", "there is no such executor; did you mean 'processes'"),
    ("suite=bundeld", "there is no suite 'bundeld'; did you mean 'bundled'"),
    ("tasks=[irs]", "there is no dataset 'irs'; did you mean 'iris'"),
    ("candidates=[radam,radm]", "there is no optimizer 'radm'; did you mean 'radam'"),
    ("baselines=[adamww]", "there is no optimizer 'adamww'; did you mean 'adamw'"),
    ("hosts=[mlpp]", "there is no pipeline 'mlpp'; did you mean 'mlp'"),
    ("slot=optimiser", "there is no such slot; did you mean 'optimizer'"),
    ("hosts=[lightgbm]", "'lightgbm' is a boosting pipeline, which has no slot 'optimizer' to vary"),
    ("protocol.sedds=3", "there is no key 'sedds' in protocol; did you mean 'seeds'"),
    ("+protocol.sedds=3", "protocol: unknown key 'sedds'; did you mean 'seeds'"),
    ("protocol.budget.amout=3", "no key 'amout' in protocol.budget; did you mean 'amount'"),
    ("foo=3", "there is no key 'foo' in the study"),
    ("+sede=3", "bad override 'sede': there is no key 'sede' in a study; did you mean 'seed'"),
    ("protocol.stop=sequental", "protocol.stop: there is no 'sequental'; did you mean 'sequential'"),
    ("primary=radm", "primary=radm: no such candidate; did you mean 'radam'"),
    ("primary=adamw", "primary=adamw: no such candidate"),
    ("protocol.rope=2", "protocol.rope: expected a value from 0 to below 1, got 2.0"),
    ("candidates=[]", "candidates: a study needs at least one"),
    ("tasks=[]", "tasks: a study needs at least one"),
    ("candidates=radam", "candidates: expected a list such as [a,b], got 'radam'"),
    ("candidates=[null]", "candidates: expected names, got None"),
    ("candidates=[{a:1}]", "candidates: expected names, got {'a': 1}"),
    ("candidates=[radam,radam]", "candidates: 'radam' stands there twice"),
    ("candidates=[adamw]", "candidates: 'adamw' is a baseline too"),
    ("seed=-1", "seed: expected a whole number from 0, got -1"),
    ("workers=0", "workers=0: expected a whole number from 1"),
    ("results_dir=", "results_dir=: expected a folder"),
    ("name=../../etc", "expected the name of a folder"),
    ("name=store.sqlite", "the store's own files are called so"),
    ("trust=torch", "trust: expected a list"),
    (
        "components.optimizer.adamw.make.lrr=1",
        "no key 'lrr' in components.optimizer.adamw.make; did you mean 'lr'",
    ),
    ("+components.optimizer.adamw.make.lrr=1", "AdamW has no argument 'lrr'; did you mean 'lr'"),
    ("+components.optimizer.adamw.make.lr=1", "it is there already; write"),
    ("components.optimizer.sgd.make.lr=1", "no such component in this study"),
    ("components.optimizer.adamw.mak.lr=1", "did you mean 'make'"),
    ("components.optimizer.adamw=3", "adamw.yaml: expected a mapping with the keys make"),
    ("~components.optimizer.adamw", "the study needs it"),
    ("~components.optimizer.adamw.make", "adamw.yaml: the key 'make' is missing"),
    ("components.optimizer.adamw.make.lr=1e-9", "adamw.space=null takes the search away"),
    ("components.architecture.mlp.make.d_block=32.5", "expected a whole number from 32 to 256"),
    ("components.optimizer.adamw.make._target_=os.system", "in none of the declared libraries"),
    ("components.pipeline.mlp.slots.architecture=resnett", "did you mean 'resnet'"),
    ("+components.pipeline.mlp.slots.booster=lightgbm", "slots: unknown key 'booster'"),
    ("components.pipeline.mlp.slots.loss=null", "slots: 'loss' is missing"),
]


@pytest.mark.parametrize(("override", "message"), WRONG)
def test_a_wrong_override_is_one_line(refused: Callable[..., str], override: str, message: str) -> None:
    assert message in refused(override)


@pytest.mark.parametrize(
    ("candidate", "message"),
    [
        ("torch.optim.RAdamm", "there is no 'RAdamm' in torch.optim; did you mean 'RAdam'"),
        ("torch.optm.RAdam", "there is no 'optm' in torch; did you mean 'optim'"),
        ("torch.optim", "is not a class"),
        ("torch.nn.Linear", "is not a class that fits the slot optimizer"),
        ("torch.nn.functional.relu", "is not a class"),
        ("torch.optim.Optimizer", "missing a required argument: 'defaults'"),
        ("os.system", "is not a class"),
        ("prodigyoptt.Prodigy", "no package 'prodigyoptt' is installed; did you mean 'prodigyopt'"),
        ("nosuchpackageatall.X", "install it"),
        ("prodigyopt.Prodgy", "did you mean 'Prodigy'"),
        (".foo", "is no dotted path"),
        ("my.py", "'my.py' names a file; write my.py:CLASS"),
        ("my.py:Opt", "my.py; there is nothing to choose from"),
        ("torch.optim.SGD,pytorch_optimizer.SGD", "two entries of one name 'SGD'"),
        ("torch.optim.adamw.adamw", "two entries of one name 'adamw'"),
        ("torch.optim.Adam,torch.optim.Adam", "stands there twice"),
    ],
)
def test_a_wrong_typed_candidate_is_one_line(
    refused: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    candidate: str,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in refused(f"candidates=[{candidate}]")


@pytest.mark.parametrize(
    ("slot", "baseline", "candidate", "says"),
    [
        ("schedule", "constant", "torch.optim.lr_scheduler.ExponentialLR", "take total_steps as its 'gamma'"),
        ("schedule", "constant", "torch.optim.lr_scheduler.OneCycleLR", "take total_steps as its 'max_lr'"),
        ("loss", "likelihood", "torch.nn.SmoothL1Loss", "take task_type as its 'size_average'"),
    ],
)
def test_a_class_that_would_take_what_it_is_passed_for_something_else(
    refused: Callable[..., str], slot: str, baseline: str, candidate: str, says: str
) -> None:
    line = refused(f"slot={slot}", f"baselines=[{baseline}]", f"candidates=[{candidate}]")
    assert says in line and f"`swapbench new {slot} NAME`" in line


def test_a_class_that_cannot_be_called_says_how_it_would_be(refused: Callable[..., str]) -> None:
    line = refused("slot=activation", "baselines=[relu]", "candidates=[torch.nn.Threshold]")
    assert "the slot calls make()" in line and "`swapbench new activation NAME`" in line


def test_a_typed_candidate_cannot_be_the_baseline(refused: Callable[..., str]) -> None:
    both = "[torch.optim.Adam]"
    assert "'Adam' is a baseline too" in refused(f"candidates={both}", f"baselines={both}")


def test_suite_and_tasks(shelf: Any) -> None:
    assert shelf.load("suite=bundled").study.tasks == ("iris",)
    suite = shelf.load("tasks=null", "suite=bundled").study
    assert len(suite.tasks) > 8 and suite.suite == "bundled"
    assert "suite: a study needs one, or tasks" in shelf.refusal("tasks=null", "suite=null")


def test_the_featureless_reference_is_always_there(shelf: Any) -> None:
    assert shelf.load("references=[linear]").study.references == ("linear", "featureless")


def test_what_is_typed_arrives(shelf: Any) -> None:
    resolved = shelf.load(
        "candidates=[radam]",
        "components.optimizer.adamw.make.lr=3e-3",
        "components.architecture.mlp.make.d_block=32",
        "components.optimizer.radam.space=null",
        "++components.optimizer.radam.make.foreach=false",
        "protocol.seeds=2",
        "seed=7",
    )
    host = resolved.hosts["mlp"].components
    assert resolved.components["adamw"][0].make["lr"] == 3e-3 == host["optimizer"].make["lr"]
    assert host["architecture"].make["d_block"] == 32
    assert not resolved.components["radam"][0].space
    assert resolved.components["radam"][0].make["foreach"] is False
    assert resolved.study.protocol.seeds == 2 and resolved.study.seed == 7


@pytest.mark.parametrize("path", ["prodigyopt.Prodigy", "lion_pytorch.Lion"])
def test_a_class_from_anywhere_is_a_candidate(shelf: Any, path: str) -> None:
    name = path.rpartition(".")[2]
    resolved = shelf.load(f"candidates=[{path}]")
    (part,) = resolved.components[name]
    lr = part.make["lr"]
    assert part.trusted and part.file == path and part.make["_target_"] == path
    assert (part.space["lr"].low, part.space["lr"].high) == pytest.approx((lr / 30, lr * 30))
    changed = shelf.load(f"candidates=[{path}]", f"components.optimizer.{name}.make.lr={lr * 2}")
    assert changed.components[name][0].make["lr"] == lr * 2
    assert changed.digest != resolved.digest


SOURCE = "import torch\n\n\nclass MyOpt(torch.optim.AdamW):\n    pass\n"


@pytest.mark.parametrize("folder", ["plain", "with space", "with'quote", "with,comma", "ünï"])
def test_a_class_in_a_file_is_a_candidate(shelf: Any, tmp_path: Path, folder: str) -> None:
    file = shelf.write(tmp_path / folder / "my opt.py", SOURCE)
    escaped = str(file).replace("'", "\\'")
    resolved = shelf.load(f"candidates=['{escaped}:MyOpt']")
    assert resolved.components["MyOpt"][0].make["_target_"] == f"{file.resolve()}:MyOpt"


def test_a_moved_file_asks_the_same_question(shelf: Any, tmp_path: Path) -> None:
    files = [shelf.write(tmp_path / folder / "mine.py", SOURCE) for folder in ("a", "b")]
    first, second = (shelf.load(f"candidates=['{file}:MyOpt']") for file in files)
    assert first.digest == second.digest


def test_of_two_overrides_of_one_argument_the_last_is_the_question(shelf: Any) -> None:
    path = "components.optimizer.adamw.make.lr"
    one, two = f"{path}=1e-3", f"{path}=2e-3"
    assert shelf.load(one, two).digest == shelf.load(two).digest != shelf.load(two, one).digest


def test_the_question_has_a_digest_without_reading_components(shelf: Any) -> None:
    typed = [*SMALL, "candidates=[lion_pytorch.Lion]", "components.optimizer.Lion.make.lr=1e-3"]
    assert question_digest(open_catalog(), typed, lambda suite: suite.tasks) == shelf.load(*typed).digest


def test_how_it_runs_is_not_the_question(shelf: Any) -> None:
    plain = shelf.load()
    assert (
        shelf.load("workers=1", "executor=serial", "results_dir=x", "name=y", "device=cpu").digest
        == plain.digest
    )
    assert shelf.load("seed=1").digest != plain.digest
    assert shelf.load("name=y").named and not shelf.load("name=null").named


def test_when_to_stop_and_what_comes_first_are_the_question(shelf: Any) -> None:
    plain = shelf.load()
    asked = [
        shelf.load("protocol.stop=sequential"),
        shelf.load("protocol.stop=sequential", "protocol.sequence=normal"),
        shelf.load("protocol.confirm=split"),
        shelf.load("primary=lion"),
    ]
    assert len({plain.digest, *(study.digest for study in asked)}) == 5
    assert (plain.study.primary, asked[-1].study.primary) == ("", "lion")


def test_a_study_fixed_before_later_parts_of_the_question_keeps_its_digest(shelf: Any) -> None:
    study = shelf.load().study
    asked = dataclasses.asdict(dataclasses.replace(study, name=""))
    for key in ("stop", "sequence", "confirm", "stacking", "precision", "controls"):
        del asked["protocol"][key]
    for key in ("memory_mb", "retries"):
        del asked["protocol"]["limits"][key]
    del asked["primary"]
    before = hashlib.sha256(json.dumps([asked, {}, {}], sort_keys=True).encode()).hexdigest()
    assert shelf.load().digest == before
    assert shelf.load("protocol.stop=never", "protocol.confirm=none", "primary=null").digest == before


def test_a_primary_candidate_that_is_not_installed_is_refused(shelf: Any) -> None:
    shelf.put(
        "optimizer", "absent", "make: {_target_: torch.optim.SGD, lr: 0.1}\nneeds: ['package:nowhere']\n"
    )
    shelf.put(
        "study",
        "mine",
        "slot: optimizer\ncandidates: [radam, absent]\nbaselines: [adamw]\nhosts: [mlp]\n"
        "suite: bundled_small\n",
    )
    assert shelf.load("study=mine").missing
    assert "'nowhere' is not installed" in shelf.refusal("study=mine", "primary=absent")


def test_the_command_line_prints_one_line_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in (
        ["run", "tasks=[irs]"],
        ["run", "candidates=[radm]"],
        ["plan", "protocol.sedds=3"],
        ["report", "study=dmeo"],
        ["run", "--config-dir", "nowhere"],
        ["run", "candidates=[my.py:Opt]"],
    ):
        assert main(arguments) == 2
        said = capsys.readouterr()
        assert re.fullmatch(r"swapbench: [^\n]+\n", said.err) and said.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["a file", "a missing disk"])
def test_results_that_cannot_be_written_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("")
    folder = "taken" if place == "a file" else "/proc/nowhere"
    assert main(["run", "tasks=[iris]", "hosts=[mlp]", "candidates=[radam]", f"results_dir={folder}"]) == 2
    assert re.fullmatch(
        rf"swapbench: results_dir={folder}: cannot be made: [^\n]+\n", capsys.readouterr().err
    )


def test_a_real_process_says_the_same(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmark", "run", "candidates=[radm]"],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "swapbench: there is no optimizer 'radm'; did you mean 'radam'?\n"
    assert list(tmp_path.iterdir()) == []
