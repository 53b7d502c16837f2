"""What a folder of one's own may hold, and what files may not do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmark.catalog import open_catalog
from benchmark.cli import main
from benchmark.config import instantiate
from benchmark.data import load
from benchmark.errors import RequestError
from benchmark.resolve.components import read_component

PY = """import torch

from components.optimizer.helper_of_mine import FACTOR


class Mine(torch.optim.Adam):
    def __init__(self, params, lr=1e-3):
        super().__init__(params, lr=lr * FACTOR)
"""
MAKE = "make: {_target_: components.optimizer.mine.Mine, _partial_: true, lr: 1.0e-3}\n"


def test_everything_of_ones_own_at_once(
    shelf: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shelf.python("optimizer", "helper_of_mine", "FACTOR = 2\n")
    shelf.python("optimizer", "mine", PY)
    shelf.put("optimizer", "mine", MAKE + "space: {lr: {low: 1e-5, high: 1e-1, log: true}}\n")
    shelf.put(
        "pipeline",
        "small",
        "family: neural\nslots: {preprocessor: standard, architecture: mlp, activation: relu, "
        "loss: likelihood, optimizer: mine, schedule: cosine}\n",
    )
    rows = "\n".join(f"{n % 7},{n % 3},{'ab'[n % 2]}" for n in range(60))
    shelf.write(shelf.root / "datasets" / "table.csv", f"u,v,label\n{rows}\n")
    shelf.put("dataset", "table", "source: file\nlocation: table.csv\ntarget: label\norigin: me\n")
    shelf.put("suite", "mine", "tasks: [table, iris]\n")
    shelf.put("protocol", "tiny", PROTOCOL, header="")
    shelf.put(
        "study",
        "question",
        "defaults:\n  - override /protocol: tiny\n\nquestion: Mine?\nslot: optimizer\ncandidates: [mine]\n"
        "baselines: [adamw]\nhosts: [small]\nreferences: [featureless]\nsuite: mine\n",
    )
    assert main(["plan", "study=question", "--config-dir", str(shelf.root)]) == 0
    said = capsys.readouterr().out
    assert (
        said.startswith("question: Mine?\n") and "2 tasks × 1 host" in said and "(small) × 2 splits" in said
    )


PROTOCOL = """splits: {repeats: 1, folds: 2, validation: 0.2}
seeds: 1
aa: 1
tuning: {trials: 2, sampler: sobol, what: slot}
budget: {unit: steps, amount: 10, batch_size: 32, evaluations: 2, patience: 2}
limits: {seconds: 60}
rope: 0.01
level: 0.95
host_effects: auto
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("make: [\n", "not readable as YAML: line 3: expected the node content"),
        ("", "expected a mapping of keys to values, got None"),
        ("space: {}\n", "the key 'make' is missing"),
        ("make: 3\n", "make: expected a mapping with the key _target_, got 3"),
        ("make: {_partial_: true}\n", "make: the key '_target_' is missing"),
        ("make: {_target_: 3, _partial_: true}\n", "make._target_: expected text"),
        ("make: {_target_: torch.optim.Adam, _partial_: true, lr: '???'}\n", "make.lr: has no value"),
        ("make: {_target_: torch.optim.Adam, 3: 1}\n", "make: expected text as a key, got 3"),
        ("make: !!python/object/apply:os.system [x]\n", "could not determine a constructor"),
        (MAKE + "spaces: {}\n", "unknown key 'spaces'; did you mean 'space'"),
        (MAKE + "space: {lrr: {low: 1, high: 2}}\n", "make has no argument 'lrr'; did you mean 'lr'"),
        (MAKE + "space: {_target_: {choices: [a]}}\n", "make has no argument '_target_'"),
        (MAKE + "space: {lr: {low: 1, high: 2}}\n", "make.lr: expected a number from 1 to 2"),
        (MAKE + "space: {lr: {low: 2, high: 1}}\n", "expected low < high"),
        (MAKE + "space: {lr: {low: 0, high: 1, log: true}}\n", "low > 0 for log"),
        (MAKE + "space: {lr: {low: .nan, high: 1}}\n", "low: expected a finite number"),
        (MAKE + "space: {lr: {low: 1, hgh: 2}}\n", "unknown key 'hgh'; did you mean 'high'"),
        (MAKE + "space: {lr: {choices: []}}\n", "choices: at least one is needed"),
        (MAKE + "space: {lr: {choices: [1, 2]}}\n", "make.lr: expected one of 1, 2"),
        (MAKE + "space: [lr]\n", "space: expected a mapping, got ['lr']"),
        (MAKE + "needs: [rolse]\n", "unknown need 'rolse'; did you mean 'roles'"),
        (MAKE + "needs: [task:binry]\n", "unknown need 'task:binry'; did you mean 'task:binary'"),
        (MAKE + "needs: roles\n", "needs: expected a list, got 'roles'"),
        (MAKE + "gives: [roles]\n", "gives: unknown word 'roles'"),
        (MAKE + "fills: [optimizer, schedul]\n", "there is no slot 'schedul'; did you mean 'schedule'"),
        (MAKE + "fills: [schedule]\n", "its own slot 'optimizer' is not among them"),
        (MAKE + "fills: 3\n", "fills: expected a list, got 3"),
        (MAKE + "source: [a]\n", "source: expected a mapping"),
        (MAKE.replace("mine.Mine", "mine.Mien"), "there is no 'Mien' in components.optimizer.mine; did"),
        (MAKE.replace("lr:", "lrr:"), "has no argument 'lrr'; did you mean 'lr'"),
        (MAKE.replace("components.optimizer.mine.Mine", "prodigyopt.Prodigy"), "trust=[prodigyopt] adds it"),
    ],
)
def test_a_wrong_component_names_file_and_key(shelf: Any, text: str, message: str) -> None:
    shelf.python("optimizer", "helper_of_mine", "FACTOR = 2\n")
    shelf.python("optimizer", "mine", PY)
    file = shelf.put("optimizer", "mine", text)
    catalog = open_catalog([shelf.root])
    with pytest.raises(RequestError) as caught:
        instantiate(read_component("optimizer", "mine", catalog.document("optimizer", "mine"), str(file)))
    assert message in str(caught.value) and "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(file))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("defaults: [/study: demo]\n" + MAKE, "unknown key 'defaults'"),
        (MAKE + "needs: ['package:nonexistentpkg']\n", "'nonexistentpkg' is not installed; install it"),
        (
            MAKE.replace("components.optimizer.mine.Mine", "prodigyoptt.X"),
            "'prodigyoptt' is not installed; did you mean",
        ),
        (MAKE.replace("1.0e-3", "'${oc.env:HOME}'"), "mine.make.lr: '${oc.env:HOME}' calls a resolver"),
        (MAKE + "spaces: {}\n", "unknown key 'spaces'; did you mean 'space'"),
    ],
)
def test_a_wrong_component_is_refused_with_its_study(shelf: Any, text: str, message: str) -> None:
    shelf.python("optimizer", "helper_of_mine", "FACTOR = 2\n")
    shelf.python("optimizer", "mine", PY)
    file = shelf.put("optimizer", "mine", text)
    said = shelf.refusal("candidates=[mine]")
    assert message in said and said.startswith((str(file), "components.optimizer.mine"))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("raise SystemExit(3)\n", "cannot import 'components.optimizer.mine.Mine': SystemExit: 3"),
        ("import nosuchpackage\n", "No module named 'nosuchpackage'"),
        ("1 / 0\n", "ZeroDivisionError: division by zero"),
        ("def (:\n", "not readable as Python: invalid syntax (mine.py, line 1)"),
        ("class Mine:\n    pass\n", "is not a class that fits the slot optimizer"),
        ("def Mine(params):\n    pass\n", "is not a class"),
    ],
)
def test_a_python_file_in_trouble_says_why(shelf: Any, source: str, message: str) -> None:
    shelf.python("optimizer", "mine", source)
    shelf.put("optimizer", "mine", MAKE)
    assert message in shelf.refusal("candidates=[mine]")


def test_a_wrong_header_is_said_with_the_right_one(shelf: Any) -> None:
    file = shelf.put("optimizer", "mine", MAKE, header="")
    said = shelf.refusal("candidates=[mine]")
    assert said.startswith(f"{file}: the first line must be '# @package components.optimizer.mine'")


STUDY = """question: Q
slot: optimizer
candidates: [radam]
baselines: [adamw]
hosts: [mlp]
references: []
suite: bundled
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("candidate: [radam]\n", "there is no key 'candidate' in a study; did you mean 'candidates'"),
        ("trust: [os]\n", "trust: only the command line may say so"),
        ("candidates: [prodigyopt.Prodigy]\n", "'prodigyopt.Prodigy' is in none of the declared libraries"),
        ("candidates: ['/tmp/evil.py:Evil']\n", "only the command line may name a file"),
        ("candidates: [radm]\n", "there is no optimizer 'radm'"),
        ("seed: [1]\n", "seed: expected a whole number from 0"),
        ("name: ../up\n", "expected the name of a folder"),
        ("name: ${oc.env:HOME}\n", "calls a resolver"),
        ("protocol: {sedds: 3}\n", "protocol: unknown key 'sedds'; did you mean 'seeds'"),
        ("defaults:\n  - override /protocol: quik\n", "there is no protocol 'quik'; did you mean 'quick'"),
        ("defaults: 3\n", "the study cannot be composed"),
        ("x: [\n", "mine.yaml: not readable as YAML"),
        ("question: a\n" * 2, "the key 'question' stands there twice"),
        ("x: !!python/object/apply:os.system [touch x]\n", "could not determine a constructor"),
    ],
)
def test_a_wrong_study_is_one_line(shelf: Any, text: str, message: str) -> None:
    key = text.partition(":")[0]
    rest = "".join(line for line in STUDY.splitlines(keepends=True) if not line.startswith(f"{key}:"))
    shelf.put("study", "mine", text + rest if key == "defaults" else rest + text)
    assert message in shelf.refusal("study=mine")


def test_a_study_without_its_header_is_said(shelf: Any) -> None:
    file = shelf.put("study", "mine", STUDY, header="")
    assert shelf.refusal("study=mine").startswith(f"{file}: the first line must be '# @package _global_'")


def test_a_study_may_name_classes_of_declared_libraries(shelf: Any) -> None:
    shelf.put("study", "mine", STUDY.replace("[radam]", "[torch.optim.RAdam]"))
    assert shelf.load("study=mine").study.candidates == ("RAdam",)


def test_a_study_file_cannot_smuggle_a_target_into_what_a_person_typed(shelf: Any, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    shelf.put(
        "study",
        "mine",
        STUDY + "components: {optimizer: {Prodigy: {make: {lr: {_target_: subprocess.Popen, args: [touch, "
        f"{proof}]}}}}}}}}\n",
    )
    shelf.refusal("study=mine", "candidates=[prodigyopt.Prodigy]")
    assert not proof.exists()


def test_trust_is_typed(shelf: Any) -> None:
    shelf.put("optimizer", "mine", "make: {_target_: prodigyopt.Prodigy, _partial_: true}\n")
    assert shelf.load("candidates=[mine]", "trust=[prodigyopt]").trust == ("prodigyopt",)


def test_a_missing_package_is_refused_where_asked_for_and_kept_with_its_reason_elsewhere(shelf: Any) -> None:
    shelf.put("optimizer", "mine", "make: {_target_: nosuchpackage.Opt, _partial_: true}\n")
    shelf.put("study", "ours", STUDY.replace("[radam]", "[radam, mine]"))
    assert shelf.load("study=ours").missing == {"mine": "the package 'nosuchpackage' is not installed"}
    assert "'nosuchpackage' is not installed" in shelf.refusal("study=ours", "candidates=[mine]")


@pytest.mark.parametrize(
    ("slots", "message"),
    [
        ("preprocessor: standard", "slots: 'estimator' is missing; a estimator pipeline fills every slot"),
        ("preprocessor: standard, estimator: linear, loss: likelihood", "slots: unknown key 'loss'"),
        ("preprocessor: standard, estimator: liner", "there is no estimator 'liner'; did you mean 'linear'"),
        (
            "preprocessor: standard, estimatr: linear",
            "slots: unknown key 'estimatr'; did you mean 'estimator'",
        ),
    ],
)
def test_a_wrong_pipeline_names_file_or_slot(shelf: Any, slots: str, message: str) -> None:
    shelf.put("pipeline", "mine", f"family: estimator\nslots: {{{slots}}}\n")
    assert message in shelf.refusal("references=[mine]")


def test_an_unknown_family_comes_with_the_nearest(shelf: Any) -> None:
    shelf.put("pipeline", "mine", "family: neurl\nslots: {optimizer: adamw}\n")
    assert "there is no family 'neurl'; did you mean 'neural'" in shelf.refusal("references=[mine]")


def test_a_table_without_its_target_is_one_line(
    shelf: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shelf.write(shelf.root / "datasets" / "table.csv", "a,labels\n1,x\n2,y\n")
    shelf.put("dataset", "table", "source: file\nlocation: table.csv\ntarget: label\norigin: me\n")
    assert main(["run", "tasks=[table]", "candidates=[radam]", "--config-dir", str(shelf.root)]) == 2
    said = capsys.readouterr()
    assert (
        said.out == "" and said.err.count("\n") == 1 and "'labels'" in said.err and "table.yaml" in said.err
    )
    assert not (tmp_path / "results").exists()


def test_a_card_is_relative_to_itself(shelf: Any) -> None:
    shelf.write(shelf.root / "datasets" / "table.csv", "a,y\n" + "1,u\n2,v\n" * 20)
    shelf.put("dataset", "table", "source: file\nlocation: table.csv\ntarget: y\norigin: me\n")
    resolved = shelf.load("tasks=[table]")
    assert len(load(resolved.datasets["table"]).X) == 40
