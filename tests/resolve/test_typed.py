"""What a person may type for a component, and which slot it then has."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.catalog import open_catalog
from benchmark.errors import RequestError
from benchmark.resolve.typed import asked_component
from benchmark.scaffold import scaffold
from benchmark.spec import SLOTS

CLASSES = {
    "loss": "class C(torch.nn.Module):\n    def __init__(self, task_type, n_outputs): ...",
    "activation": "class C(torch.nn.Module):\n    def __init__(self, slope=0.1): ...",
    "architecture": "class C(torch.nn.Module):\n    def __init__(self, spec, n_outputs, width=3): ...",
    "optimizer": "class C(torch.optim.SGD): ...",
    "schedule": "class C(torch.optim.lr_scheduler.LRScheduler):\n"
    "    def __init__(self, optimizer, total_steps): ...",
    "preprocessor": "class C:\n    def fit_transform(self, X, y): ...\n    def transform(self, X): ...",
    "booster": "class C(BaseEstimator):\n    def __init__(self, weak_learner, task_type, seed): ...",
    "estimator": "class C(BaseEstimator):\n    def __init__(self, task_type, seed): ...",
    "weak_learner": "class C(BaseEstimator):\n    def __init__(self, seed): ...",
}


@pytest.mark.parametrize("slot", SLOTS)
def test_the_slot_is_told_by_what_it_asks_for(slot: str, tmp_path: Path) -> None:
    head = "import torch\nfrom sklearn.base import BaseEstimator\n"
    (tmp_path / "own.py").write_text(f"{head}{CLASSES[slot]}\n", encoding="utf-8")
    part = asked_component(open_catalog(), f"{tmp_path}/own.py:C")
    assert (part.slot, part.name, part.trusted) == (slot, "C", True)


@pytest.mark.parametrize("slot", SLOTS)
def test_what_swapbench_new_writes_has_its_slot(slot: str, tmp_path: Path) -> None:
    scaffold(slot, "own", tmp_path)
    (file,) = (tmp_path / "components" / slot).glob("*.py")
    name = next(
        line.split("class ")[1].split("(")[0].rstrip(":")
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.startswith("class ") and not line.startswith("class _")
    )
    assert asked_component(open_catalog(), f"{file}:{name}", slot).slot == slot


def test_names_of_the_catalog() -> None:
    catalog = open_catalog()
    assert asked_component(catalog, "radam").file.endswith("optimizer/radam.yaml")
    assert asked_component(catalog, "schedule/linear").slot == "schedule"
    assert asked_component(catalog, "linear", "estimator").slot == "estimator"
    typed = asked_component(catalog, "torch.optim.Rprop")
    assert (typed.slot, typed.name) == ("optimizer", "Rprop")


@pytest.mark.parametrize(
    ("entry", "slot", "message"),
    [
        ("radm", "", "there is no component 'radm'; did you mean 'radam'?"),
        ("radam", "schedule", "there is no component 'radam'; "),
        ("linear", "", "'linear' is in 2 slots; write one of schedule/linear, estimator/linear"),
        ("optimiser/radam", "", "'optimiser/radam': there is no slot 'optimiser'; did you mean 'optimizer'?"),
        ("radam", "optimiser", "--slot optimiser: there is no such slot; did you mean 'optimizer'?"),
        ("own.py", "", "'own.py' names a file; write own.py:CLASS"),
        ("own.py:C", "", "'own.py:C': there is no file"),
        ("torch.optim.RAdm", "", "there is no 'RAdm' in torch.optim; did you mean 'RAdam'?"),
        ("torch.optim.RAdam", "loss", "'torch.optim.RAdam' is not a class that fits the slot loss"),
        ("torch.nn.CrossEntropyLoss", "", "starts a class that fits; the catalog has loss/cross_entropy"),
        ("torch.optim.lr_scheduler.OneCycleLR", "", "would take total_steps as its 'max_lr'"),
        ("torch.optim.lr_scheduler.OneCycleLR", "", "the catalog has schedule/one_cycle"),
        ("sklearn.multiclass.OneVsRestClassifier", "", "missing a required argument: 'estimator'"),
        ("torch.nn.CrossEntropyLoss", "loss", "would take task_type as its 'weight'"),
        ("pathlib.Path", "", "'pathlib.Path' fits no slot; --slot SLOT says why not one of them"),
        ("nosuchpackage.C", "", "no package 'nosuchpackage' is installed"),
    ],
)
def test_what_stands_for_nothing_is_refused(entry: str, slot: str, message: str) -> None:
    with pytest.raises(RequestError) as refusal:
        asked_component(open_catalog(), entry, slot)
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("fit", "needs"),
    [
        ("X, y", ()),
        ("X, y, sample_weight=None", ("weights",)),
        ("X, y, validation=None", ("validation",)),
        ("X, y, validation=None, sample_weight=None", ("validation",)),
        ("X, y, validation=None, sample_weight=None, validation_weight=None", ("validation", "weights")),
        ("X, y, binned=None", ("binned",)),
    ],
)
def test_a_learner_asks_for_what_its_fit_takes(fit: str, needs: tuple[str, ...], tmp_path: Path) -> None:
    head = "from sklearn.base import BaseEstimator\n"
    text = f"{head}{CLASSES['estimator']}\n    def fit(self, {fit}): ...\n"
    (tmp_path / "own.py").write_text(text, encoding="utf-8")
    assert asked_component(open_catalog(), f"{tmp_path}/own.py:C").needs == needs


@pytest.mark.parametrize(
    ("body", "gives"),
    [
        ("(self, seed): ...\n    def fit(self, X, y): ...\n    def predict(self, X): ...", ("regressor",)),
        ("(self, seed, num_leaves=8, min_samples_leaf=1, max_depth=-1): ...", ("tree_shape",)),
    ],
)
def test_a_weak_learner_gives_what_it_can_do(body: str, gives: tuple[str, ...], tmp_path: Path) -> None:
    text = f"class C(BaseEstimator):\n    def __init__{body}\n"
    (tmp_path / "own.py").write_text(f"from sklearn.base import BaseEstimator\n{text}", encoding="utf-8")
    part = asked_component(open_catalog(), f"{tmp_path}/own.py:C", "weak_learner")
    assert part.gives == gives


@pytest.mark.parametrize(
    ("entry", "needs"),
    [
        ("torch.optim.SGD", ()),
        ("torch.optim.LBFGS", ("closure",)),
        ("schedulefree.AdamWScheduleFree", ("train_eval",)),
    ],
)
def test_an_optimizer_asks_for_what_its_step_takes(entry: str, needs: tuple[str, ...]) -> None:
    assert asked_component(open_catalog(), entry).needs == needs


@pytest.mark.parametrize(
    ("body", "slot"),
    [
        ("forward(self, x_num, x_cat): ...", "architecture"),
        ("forward(self, x, lengths): ...", "architecture"),
        ("forward(self, output, target): ...", "loss"),
        ("forward(self, x): ...", "activation"),
    ],
)
def test_arguments_that_are_passed_on_are_no_evidence(body: str, slot: str, tmp_path: Path) -> None:
    text = f"import torch\nclass C(torch.nn.Module):\n    def __init__(self, *a, **k): ...\n    def {body}\n"
    (tmp_path / "own.py").write_text(text, encoding="utf-8")
    assert asked_component(open_catalog(), f"{tmp_path}/own.py:C").slot == slot


def test_arguments_that_are_passed_on_are_those_of_the_class_above(tmp_path: Path) -> None:
    text = (
        "import torch\n"
        "class B(torch.nn.Module):\n    def __init__(self, spec, n_outputs, activation): ...\n"
        "    def forward(self, x): ...\n"
        "class C(B):\n    def __init__(self, *a, **k): super().__init__(*a, **k)\n"
    )
    (tmp_path / "own.py").write_text(text, encoding="utf-8")
    part = asked_component(open_catalog(), f"{tmp_path}/own.py:C")
    assert (part.slot, part.needs) == ("architecture", ("activation",))


def test_words_that_are_typed_are_of_the_slots_contract(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(f"import torch\n{CLASSES['optimizer']}\n", encoding="utf-8")
    entry, catalog = f"{tmp_path}/own.py:C", open_catalog()
    assert asked_component(catalog, entry, needs=["roles"]).needs == ("roles",)
    with pytest.raises(RequestError, match="unknown need 'rols'; did you mean 'roles'"):
        asked_component(catalog, entry, needs=["rols"])
    with pytest.raises(RequestError, match="'radam' has one"):
        asked_component(catalog, "radam", needs=["roles"])


@pytest.mark.parametrize(
    ("entry", "slot", "target", "needs"),
    [
        ("sklearn.ensemble.RandomForestClassifier", "estimator", "ByTaskType", "task:multiclass"),
        ("sklearn.tree.DecisionTreeRegressor", "estimator", "ByTaskType", "task:forecasting"),
        ("sklearn.preprocessing.StandardScaler", "preprocessor", "Scaled", ""),
    ],
)
def test_scikit_learns_classes_are_taken_as_the_catalog_takes_them(
    entry: str, slot: str, target: str, needs: str
) -> None:
    part = asked_component(open_catalog(), entry)
    assert part.slot == slot and part.make["_target_"].endswith(target)
    assert not needs or needs in part.needs
