"""Composition and instantiation, as a user and as an attacker."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.catalog import open_catalog
from benchmark.config import check_overrides, compose, instantiate
from benchmark.errors import RequestError
from benchmark.spec import Component
from benchmark.targets import resolve, targets, trust

ROOTS = open_catalog().roots


def optimizer(make: dict[str, Any], *, trusted: bool = False) -> Component:
    return Component("optimizer", "mine", {"_partial_": True, **make}, file="mine.yaml", trusted=trusted)


def refusal(component: Component) -> str:
    with pytest.raises(RequestError) as caught:
        instantiate(component)
    text = str(caught.value)
    assert "\n" not in text and text.startswith("mine.yaml: ")
    return text


def test_the_shipped_study_composes_to_plain_values() -> None:
    config = compose(ROOTS, [])
    assert config["slot"] == "optimizer"
    assert type(config) is dict and type(config["candidates"]) is list
    assert "hydra" not in config


def test_later_overrides_win() -> None:
    assert compose(ROOTS, ["seed=1", "seed=2"])["seed"] == 2


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("study=dmeo", "there is no study 'dmeo'; did you mean 'demo'"),
        ("protocol=quik", "there is no protocol 'quik'; did you mean 'quick'"),
        ("executor=process", "there is no executor 'process'; did you mean 'processes'"),
        ("protocol.sedds=3", "there is no key 'sedds' in protocol; did you mean 'seeds'"),
        ("protocol.budget.amout=3", "there is no key 'amout' in protocol.budget; did you mean 'amount'"),
        ("protocol.seeds.x=3", "no key 'x' in protocol.seeds; it has no keys"),
        ("sede=3", "there is no key 'sede' in the study; did you mean 'seed'"),
        ("name=${oc.env:HOME}", "name: '${oc.env:HOME}' calls a resolver"),
        ("name='${oc.decode:${oc.env:HOME}}'", "calls a resolver"),
        ("name='${${slot}:HOME}'", "calls a resolver"),
        ("name='${ oc.env : HOME }'", "calls a resolver"),
        ("name=${nothing}", "name: Interpolation key 'nothing' not found"),
        ("name=${name}", "name: Recursive interpolation"),
    ],
)
def test_composition_says_what_is_wrong(override: str, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        compose(ROOTS, [override])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value) and "hydra" not in str(caught.value).lower()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("candidates=[radam", "write KEY=VALUE, a list as [a,b]"),
        ("protocol.seeds", "write KEY=VALUE"),
        ("a b c", "write KEY=VALUE"),
        ("candidates=[ü]", "inside quotes"),
        ("=3", "there is no key before the '='"),
        ("seed=1,2", "one value is wanted"),
        ("seed=range(1,3)", "one value is wanted"),
        ("seed=choice(1,2)", "one value is wanted"),
        ("study@foo=demo", "no study understands '@'"),
        ("hydra.run.dir=x", "there is no key 'hydra.run.dir' in a study"),
        ("hydra/launcher=basic", "there is no key 'hydra/launcher' in a study"),
        ("hydra.searchpath=[x]", "there is no key 'hydra.searchpath' in a study"),
        ("components=3", "there is no key 'components' in a study"),
        ("~study", "a study needs 'study'"),
        ("~protocol.seeds", "a study needs 'protocol.seeds'"),
        ("protocol=null", "expected the name of a protocol"),
        ("study=3", "expected the name of a study"),
    ],
)
def test_what_no_study_understands_is_refused_at_once(override: str, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        check_overrides(["seed=1", override])
    assert message in str(caught.value) and repr(override) in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=20))
def test_no_text_gets_past_as_anything_but_an_override_or_one_line(text: str) -> None:
    try:
        check_overrides([text])
    except RequestError as error:
        assert "\n" not in str(error)


def test_arguments_are_bound_and_nested_targets_built() -> None:
    base = {"_target_": "torch.optim.AdamW", "_partial_": True, "lr": 0.5}
    made = instantiate(
        optimizer({"_target_": "components.optimizer.lookahead.Lookahead", "base": base, "k": 3})
    )
    assert isinstance(made, functools.partial) and made.keywords["k"] == 3
    built = made([torch.nn.Parameter(torch.zeros(2))])
    assert isinstance(built, torch.optim.Optimizer) and built.param_groups[0]["lr"] == 0.5


def test_lists_and_mappings_come_as_they_are() -> None:
    made: Any = instantiate(optimizer({"_target_": "torch.optim.Adam", "betas": (0.8, 0.9)}))
    assert made.keywords["betas"] == [0.8, 0.9]


PARAMETRIZED: list[tuple[dict[str, Any], str]] = [
    ({"_target_": "os.system"}, "is in none of the declared libraries"),
    ({"_target_": "prodigyopt.Prodigy"}, "trust=[prodigyopt] adds it"),
    ({"_target_": "evil.py:Evil"}, "only the command line may name a file"),
    (
        {"_target_": "torch.optim.Adam", "lr": {"_target_": "subprocess.Popen", "args": "x"}},
        "'subprocess.Popen'",
    ),
    ({"_target_": "torch.optim.Adam", "lr": [{"a": {"_target_": "os.system"}}]}, "_target_ 'os.system'"),
    ({"_target_": "torch.optim.Adam", "lr": {"_target_": "torch.load"}}, "is not a class"),
    ({"_target_": "torch.optim.Adam", "lr": {"_target_": "torch.Tensor"}}, "not a class that fits any slot"),
    ({"_target_": "torch.hub.load"}, "is not a class"),
    ({"_target_": "torch.os.system"}, "is not a class"),
    ({"_target_": "torch.optim"}, "is not a class"),
    ({"_target_": "torch.nn.Linear"}, "is not a class that fits the slot optimizer"),
    ({"_target_": "torch.optim.RAdamm"}, "there is no 'RAdamm' in torch.optim; did you mean 'RAdam'"),
    ({"_target_": "torch.optm.RAdam"}, "there is no 'optm' in torch; did you mean 'optim'"),
    ({"_target_": "torch.optim.RAdam.foo"}, "there is no 'foo' in torch.optim.RAdam"),
    (
        {"_target_": "components.optimizer.muonn.Muon"},
        "there is no 'muonn' in components.optimizer; did you mean 'muon'",
    ),
    ({"_target_": "torch"}, "no dotted path such as torch.optim.RAdam"),
    ({"_target_": "torch..optim"}, "no dotted path"),
    ({"_target_": "torch.optim.Adam", "lrr": 1}, "torch.optim.Adam has no argument 'lrr'; did you mean 'lr'"),
    ({"_target_": "torch.optim.Adam", "params": []}, "multiple values for argument 'params'"),
    ({"_target_": "torch.optim.Optimizer"}, "missing a required argument: 'defaults'"),
    ({"_target_": "torch.optim.Adam", "_partial_": False}, "'_partial_: true' is missing"),
    ({"_target_": "torch.optim.Adam", "_args_": [1]}, "unknown key '_args_'"),
    ({"_target_": "torch.optim.Adam", "_convert_": "object"}, "unknown key '_convert_'"),
    ({"_target_": "torch.optim.Adam", "lr": "${oc.env:HOME}"}, "calls a resolver"),
]


@pytest.mark.parametrize(("make", "message"), PARAMETRIZED)
def test_what_is_no_optimizer_is_refused(make: dict[str, Any], message: str) -> None:
    assert message in refusal(optimizer(make))


def test_nothing_runs_before_everything_outside_is_checked(tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    nested = {"_target_": "subprocess.Popen", "args": ["touch", str(proof)]}
    refusal(optimizer({"_target_": "torch.optim.Adam", "lr": nested}))
    assert not proof.exists()


def test_what_a_person_typed_is_trusted_and_what_a_file_put_inside_is_not() -> None:
    instantiate(optimizer({"_target_": "prodigyopt.Prodigy"}, trusted=True))
    nested = {"_target_": "prodigyopt.Prodigy", "lr": {"_target_": "lion_pytorch.Lion"}}
    assert "lion_pytorch" in refusal(optimizer(nested, trusted=True))


def test_trust_adds_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmark.targets._trusted_packages", set())
    trust(["prodigyopt"])
    assert callable(instantiate(optimizer({"_target_": "prodigyopt.Prodigy"})))


@pytest.mark.parametrize("slot", ["optimizer", "architecture", "estimator", "weak_learner", "preprocessor"])
def test_a_class_of_another_slot_does_not_fit(slot: str) -> None:
    other = "torch.nn.Linear" if slot != "architecture" else "torch.optim.Adam"
    component = Component(slot, "mine", {"_target_": other, "_partial_": True}, file="mine.yaml")
    assert f"fits the slot {slot}" in refusal(component)


def test_every_target_is_seen_the_outermost_first() -> None:
    make = {"a": {"_target_": "x.Y", "b": [{"_target_": "z.W"}]}, "_target_": "p.Q"}
    assert list(targets(make)) == ["p.Q", "x.Y", "z.W"]


SOURCE = "import torch\n\n\nclass Mine(torch.optim.Adam):\n    pass\n"


def test_a_file_is_loaded_once_per_content(tmp_path: Path) -> None:
    file = tmp_path / "my opt.py"
    file.write_text(SOURCE)
    first = resolve(f"{file}:Mine", "here")
    assert resolve(f"{file}:Mine", "here") is first
    file.write_text(SOURCE.replace("Adam", "SGD"))
    assert issubclass(resolve(f"{file}:Mine", "here"), torch.optim.SGD)


def test_a_file_may_import_its_neighbour_also_after_that_changed(tmp_path: Path) -> None:
    (tmp_path / "swapbench_neighbour.py").write_text("from torch.optim import Adam as Base\n")
    (tmp_path / "mine.py").write_text(
        "from swapbench_neighbour import Base\n\n\nclass Mine(Base):\n    pass\n"
    )
    assert issubclass(resolve(f"{tmp_path}/mine.py:Mine", "here"), torch.optim.Adam)
    (tmp_path / "swapbench_neighbour.py").write_text("from torch.optim import SGD as Base  # now this\n")
    assert issubclass(resolve(f"{tmp_path}/mine.py:Mine", "here"), torch.optim.SGD)


def test_a_neighbour_that_is_shadowed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hypothesis.py").write_text("X = 1\n")
    (tmp_path / "mine.py").write_text(f"import hypothesis\n{SOURCE}")
    with pytest.raises(
        RequestError, match="imports 'hypothesis', which is .* and not .*hypothesis.py; rename it"
    ):
        resolve(f"{tmp_path}/mine.py:Mine", "here")


@pytest.mark.parametrize(
    ("source", "name", "message"),
    [
        (SOURCE, "Missing", "there is no 'Missing' in the file; choose from Mine"),
        (SOURCE, "Mien", "did you mean 'Mine'"),
        (SOURCE, "", "there is no '' in the file"),
        ("raise RuntimeError('no\\nway')\n", "Mine", "cannot import .*: RuntimeError: no way"),
        ("import sys\nsys.exit(3)\n", "Mine", "SystemExit: 3"),
        ("import nosuchpackage\n", "Mine", "ModuleNotFoundError: No module named 'nosuchpackage'"),
        ("def (:\n", "Mine", r"not readable as Python: .* line 1"),
        ("\0", "Mine", "not readable as Python"),
    ],
)
def test_a_file_without_the_class_says_why(tmp_path: Path, source: str, name: str, message: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(source)
    with pytest.raises(RequestError, match=message) as caught:
        resolve(f"{file}:{name}", "here")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_comes_with_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SOURCE)
    with pytest.raises(RequestError, match=r"there is no file .*mien\.py; did you mean 'mine\.py'"):
        resolve(f"{tmp_path}/mien.py:Mine", "here")
