"""What a class is seen to take when it is called, of what its signatures do not tell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmark.api.examining import typed_component
from benchmark.catalog import open_catalog
from benchmark.errors import RequestError
from benchmark.resolve.components import read_component
from benchmark.resolve.tried import tried
from benchmark.resolve.typed import asked_component
from benchmark.spec import Component

BODIES: Mapping[str, str] = {
    "Positions": """(nn.Module):
    def __init__(self, spec, n_outputs):
        super().__init__()
        self.embedding = nn.Embedding(spec.n_tokens, n_outputs)
    def forward(self, x, lengths): return self.embedding(x)""",
    "Steps": """(nn.Module):
    def __init__(self, spec, n_outputs):
        super().__init__()
        self.output = nn.Linear(spec.shape[1], n_outputs)
    def forward(self, x, lengths): return self.output(x.sum(1))""",
    "Image": """(nn.Module):
    def __init__(self, spec, n_outputs):
        super().__init__()
        channels, height, width = spec.shape
        self.output = nn.Linear(channels * height * width, n_outputs)
    def forward(self, x): return self.output(x.flatten(1))""",
    "Table": """(nn.Module):
    def __init__(self, spec, n_outputs):
        super().__init__()
        self.output = nn.Linear(spec.n_numeric, n_outputs)
    def forward(self, x_num, x_cat): return self.output(x_num)""",
    "Entropy": """(nn.Module):
    def __init__(self, task_type, n_outputs): super().__init__()
    def forward(self, output, target): return nn.functional.cross_entropy(output, target)""",
    "Either": """(nn.Module):
    def __init__(self, task_type, n_outputs):
        super().__init__()
        self.values = task_type in ("regression", "forecasting")
    def forward(self, output, target):
        loss = nn.functional.mse_loss if self.values else nn.functional.cross_entropy
        return loss(output, target)""",
    "Boost": """(BaseEstimator):
    def __init__(self, weak_learner, task_type, seed): self.weak_learner = weak_learner
    def fit(self, X, y):
        self.member_ = clone(self.weak_learner).fit(X.to_numpy(), y)
        return self
    def predict(self, X): return self.member_.predict(X.to_numpy())""",
    "Trees": """(BaseEstimator):
    def __init__(self, weak_learner, task_type, seed): self.leaves = weak_learner.num_leaves
    def fit(self, X, y):
        self.mean_ = y.mean()
        return self
    def predict(self, X): return np.full(len(X), self.mean_)""",
    "Tables": """:
    def fit_transform(self, X, y): return self.transform(X)
    def transform(self, X): return X.select_dtypes("number").fillna(0.0)""",
}
HEAD = "import numpy as np\nfrom torch import nn\nfrom sklearn.base import BaseEstimator, clone\n"
CLASSES = ("task:binary", "task:multiclass", "task:language")
SEEN = {
    "Positions": ("input:tokens", "task:language"),
    "Steps": ("input:sequence",),
    "Image": ("input:image",),
    "Table": (),
    "Entropy": CLASSES,
    "Either": (),
    "Boost": ("regressor", "task:regression", "task:forecasting"),
    "Trees": ("tree_shape", "task:regression"),
    "Tables": ("modality:tabular",),
}


def own(name: str, folder: Path) -> str:
    file = folder / "own.py"
    file.write_text(f"{HEAD}class {name}{BODIES[name]}\n", encoding="utf-8")
    return f"{file}:{name}"


@pytest.mark.parametrize("name", BODIES)
def test_what_it_takes_is_seen(name: str, tmp_path: Path) -> None:
    seen = tried(asked_component(open_catalog(), own(name, tmp_path)))
    assert seen.needs == SEEN[name]
    assert not seen.failure


FORMS = {"mlp": (), "cnn": ("input:image",), "gru": ("input:sequence", "input:tokens"), "ft_transformer": ()}


@pytest.mark.parametrize(("name", "needs"), FORMS.items())
def test_of_the_catalogs_it_sees_what_they_say(name: str, needs: tuple[str, ...]) -> None:
    catalog = open_catalog()
    part: Component = read_component("architecture", name, catalog.document("architecture", name), name)
    assert {*needs} <= {*tried(part).needs} and {*needs} <= {*part.needs}
    assert not needs or {one for one in part.needs if one.startswith("input:")} >= {*tried(part).needs}


def test_what_is_typed_counts_before_what_is_seen(tmp_path: Path) -> None:
    entry, catalog = own("Entropy", tmp_path), open_catalog()
    assert typed_component(catalog, entry).needs == CLASSES
    assert typed_component(catalog, entry, needs=["task:binary"]).needs == ("task:binary",)


def test_what_ends_its_process_is_lost_alone(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "import os\nfrom torch import nn\nclass C(nn.Module):\n"
        "    def __init__(self, spec, n_outputs): super().__init__()\n"
        "    def forward(self, x_num, x_cat): os._exit(3)\n",
        encoding="utf-8",
    )
    assert typed_component(open_catalog(), f"{tmp_path}/own.py:C").needs == ()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("torch.nn.Linear", "does not do what the slot architecture asks for"),
        ("torch.optim.SparseAdam", "does not support dense gradients"),
        ("sklearn.decomposition.PCA", "the catalog has preprocessor/pca"),
        ("sklearn.preprocessing.OrdinalEncoder", "the catalog has preprocessor/ordinal"),
    ],
)
def test_a_librarys_class_that_does_something_else_is_refused_in_a_line(entry: str, message: str) -> None:
    with pytest.raises(RequestError) as refusal:
        typed_component(open_catalog(), entry)
    assert message in str(refusal.value) and "\n" not in str(refusal.value)
