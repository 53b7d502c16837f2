"""Components with a YAML file that break one promise each, and the check that notices when it runs alone.

The museum holds the bugs that an author would really write, and asks for the whole diagnosis of each. What is
written here is what it has none of: mostly a word of the YAML that is not kept.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import NamedTuple

from benchmark.resolve.signatures import words_of

__all__ = ["BROKEN", "Sample"]


class Sample(NamedTuple):
    """A component and the check that must fail for it."""

    slot: str
    code: str
    """Defines the class ``Sample``."""
    check: str
    yaml: str = ""
    """Lines beside ``make``."""
    make: str = ""
    """Constructor arguments."""


SGD = """
import torch
class Sample(torch.optim.SGD):
    def __init__(self, params, lr=0.05{more}):
        super().__init__(params, lr=lr)
{body}
"""
ACTIVATION = """
import torch
class Sample(torch.nn.Module):
    def __init__(self, slope=0.5):
        super().__init__()
        if slope > 1:
            raise ValueError("too steep")
        self.slope = slope
    def forward(self, x):
        return {formula}
"""
NETWORK = """
import torch
class Sample(torch.nn.Module):
    def __init__(self, input_spec, n_outputs, activation, width=16{more}):
        super().__init__()
        self.first = torch.nn.Linear(input_spec.n_numeric, width)
        self.bend = activation()
        self.last = torch.nn.Linear(width, n_outputs)
        {init}
    def forward(self, x_num, x_cat):
        x = self.first(x_num)
        {forward}
        return self.last(x)
    def parameter_roles(self):
        roles = {{"first.weight": "embedding", "last.weight": "output"}}
        roles |= {{"first.bias": "bias", "last.bias": "bias"}}
        {roles}
        return roles
"""
BEND = "x = self.bend(x)"
TABLE = """
import numpy as np, pandas as pd
from sklearn.base import BaseEstimator
class Sample(BaseEstimator):
    def fit_transform(self, X, y):
        self.mean_ = X.select_dtypes("number").mean().fillna(0.0)
        self.of_ = pd.Series(y, X.index).groupby(X[X.columns[0]], observed=True).mean()
        {fit}
        return self.transform(X)
    def transform(self, X):
        out = X.select_dtypes("number") - self.mean_
        {transform}
        return out
"""
LEARNER = """
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
class Sample(BaseEstimator):
    def __init__(self, task_type, seed, c=1.0):
        self.task_type, self.seed, self.c = task_type, seed, c
        {init}
    def binning(self):
        return ()
    def bin(self, X, y):
        return np.zeros(X.shape)
    def fit(self, X, y, sample_weight=None, validation=None, binned=None):
        {fit}
        self.inner_ = LogisticRegression(C=self.c).fit(X, y)
        self.classes_ = self.inner_.classes_
        return self
    def predict(self, X):
        return self.inner_.predict(X)
    def predict_proba(self, X):
        said = self.inner_.predict_proba(X)
        {said}
        return said
"""
CLASSES = 'needs: ["task:binary", "task:multiclass"]'


def _needs(*words: str) -> str:
    return f'needs: ["task:binary", "task:multiclass", {", ".join(words)}]'


def _network(init: str = "pass", forward: str = BEND, roles: str = "pass", more: str = "") -> str:
    return NETWORK.format(init=init, forward=forward, roles=roles, more=more)


def _learner(init: str = "pass", fit: str = "pass", said: str = "pass") -> str:
    return LEARNER.format(init=init, fit=fit, said=said)


_SLOWER = """
    def eval(self): pass
    def train(self): pass
"""
MUSEUM = {
    "optimizer_state_is_not_saved": "optimizer_survives_state_dict",
    "optimizer_never_hooked_up": "learns",
    "optimizer_closure_is_not_needed": "calls_the_closure",
    "optimizer_roles_are_ignored": "reads_the_roles",
    "optimizer_seed_is_not_used": "is_deterministic",
    "loss_sum": "is_a_mean_over_rows",
    "loss_wrong_sign": "is_least_where_the_target_is",
    "schedule_below_zero": "rates_are_sound",
    "schedule_forgets_where_it_was": "schedule_survives_state_dict",
    "schedule_error_is_ignored": "reads_the_validation_error",
    "architecture_batch_leak": "a_row_alone_is_a_row_among_others",
    "architecture_weights_outside_the_state": "architecture_survives_state_dict",
    "preprocessor_target_without_folds": "does_not_leak_the_target",
    "preprocessor_imputes_by_the_batch": "learns_from_the_rows_of_fit_alone",
    "estimator_weights_are_lost": "heeds_row_weights",
}
"""Exhibits that stand here too, and the check of each."""


def exhibit(name: str, check: str) -> Sample:
    """A component of the museum."""
    piece = importlib.import_module(f"tests.museum.{name}")
    code = Path(str(piece.__file__)).read_text(encoding="utf-8")
    seen, _ = words_of(getattr(piece, piece.CLASS), piece.SLOT)
    needs = ", ".join(f'"{need}"' for need in dict.fromkeys([*seen, *getattr(piece, "NEEDS", ())]))
    return Sample(piece.SLOT, f"{code}\nSample = {piece.CLASS}\n", check, f"needs: [{needs}]")


BROKEN = {
    "optimizer that can do without the closure": Sample(
        "optimizer", SGD.format(more="", body=""), "calls_the_closure", "needs: [closure]"
    ),
    "optimizer whose modes do nothing": Sample(
        "optimizer",
        SGD.format(more="", body=_SLOWER),
        "switches_between_train_and_eval",
        "needs: [train_eval]",
    ),
    "optimizer that ignores the logits": Sample(
        "optimizer",
        SGD.format(more=", attention_logits=None", body=""),
        "reads_the_attention_logits",
        "needs: [attention_logits]",
    ),
    "activation that mixes": Sample(
        "activation", ACTIVATION.format(formula="x.softmax(-1)"), "is_elementwise"
    ),
    "activation that is a line": Sample("activation", ACTIVATION.format(formula="2 * x"), "bends"),
    "space with an end that does not build": Sample(
        "activation",
        ACTIVATION.format(formula="x.clamp(min=0) + self.slope * x"),
        "space_runs",
        "space: {slope: {low: 0.1, high: 2.0}}",
        "slope: 0.5",
    ),
    "network with a part that hangs loose": Sample(
        "architecture",
        _network(init="self.loose = torch.nn.Parameter(torch.ones(3))"),
        "gradients_reach_every_parameter",
        "needs: [activation]",
    ),
    "network that does not use the activation": Sample(
        "architecture", _network(forward="x = x.relu()"), "uses_the_activation", "needs: [activation]"
    ),
    "network that does not use the rows": Sample(
        "architecture",
        _network(more=", training_rows=None"),
        "uses_the_training_rows",
        "needs: [activation, training_rows]",
    ),
    "network that forgets a role": Sample(
        "architecture",
        _network(roles="del roles['last.bias']"),
        "every_parameter_has_a_role",
        "needs: [activation]\ngives: [roles]",
    ),
    "network whose width is none": Sample(
        "architecture",
        _network(more=", depth=1"),
        "width_widens",
        "needs: [activation]\nwidth: depth",
        "depth: 1",
    ),
    "network with one output": Sample(
        "architecture",
        _network(init="self.last = torch.nn.Linear(width, 1)"),
        "outputs_have_the_contracts_shape",
        "needs: [activation]",
    ),
    "preprocessor that leaves gaps": Sample(
        "preprocessor",
        TABLE.format(fit="pass", transform="pass"),
        "leaves_missing_numbers_only_if_it_says_so",
        'needs: ["modality:tabular"]',
    ),
    "preprocessor that fills gaps but says that it does not": Sample(
        "preprocessor",
        TABLE.format(fit="pass", transform="out = out.fillna(0.0)"),
        "leaves_missing_numbers_only_if_it_says_so",
        'needs: ["modality:tabular"]\ngives: [missing]',
    ),
    "preprocessor that writes into its input": Sample(
        "preprocessor",
        TABLE.format(fit="X.iloc[0, 0] = 5.0", transform="out = out.fillna(0.0)"),
        "leaves_its_input_alone",
        'needs: ["modality:tabular"]',
    ),
    "preprocessor that keeps texts": Sample(
        "preprocessor",
        TABLE.format(fit="pass", transform="out = X"),
        "gives_what_the_contract_says",
        'needs: ["modality:tabular"]',
    ),
    "estimator whose probabilities do not sum to one": Sample(
        "estimator", _learner(said="said = said / 2"), "predictions_have_the_contracts_shape", CLASSES
    ),
    "estimator that writes into its input": Sample(
        "estimator", _learner(fit="X.iloc[:] = X.iloc[:] * 2.0"), "leaves_its_input_alone", CLASSES
    ),
    "estimator that is no longer itself when cloned": Sample(
        "estimator", _learner(init="self.c = c * 2"), "survives_cloning", CLASSES
    ),
    "estimator that ignores validation": Sample(
        "estimator", _learner(), "looks_at_the_validation_rows", _needs("validation")
    ),
    "estimator whose bins hold something else": Sample(
        "estimator",
        _learner(fit="X = X if binned is None else binned"),
        "says_the_same_from_shared_bins",
        _needs("binned"),
    ),
    "estimator that cannot take gaps": Sample(
        "estimator", _learner(), "takes_missing_numbers", _needs('"input:missing"')
    ),
    "estimator that takes no images": Sample(
        "estimator",
        _learner(),
        "takes_every_form_it_names",
        _needs('"input:table"', '"input:image"'),
    ),
    "estimator that guesses": Sample(
        "estimator", _learner(said="said[:] = 1 / said.shape[1]"), "learns", CLASSES
    ),
    "package that is not imported": Sample(
        "activation",
        ACTIVATION.format(formula="x.clamp(min=0) + self.slope * x"),
        "packages_are_declared_and_used",
        'needs: ["package:scipy"]',
    ),
    "package that is not declared": Sample(
        "activation",
        "import hypothesis\n" + ACTIVATION.format(formula="x.clamp(min=0) + self.slope * x"),
        "packages_are_declared_and_used",
    ),
    "weak learner whose shape is no shape": Sample(
        "weak_learner",
        "from sklearn.base import BaseEstimator\nclass Sample(BaseEstimator):\n"
        "    num_leaves, min_samples_leaf, max_depth, feature_fraction = 31, 20, None, 1.0\n"
        "    def __init__(self, seed=0):\n        self.seed = seed\n",
        "gives_a_tree_shape",
        "gives: [tree_shape]",
    ),
    "weak learner that predicts the mean": Sample(
        "weak_learner",
        "from sklearn.dummy import DummyRegressor\nclass Sample(DummyRegressor):\n"
        "    def __init__(self, seed=0):\n        self.seed = seed\n        super().__init__()\n",
        "fits_values",
        "gives: [regressor]",
    ),
    **{name: exhibit(name, check) for name, check in MUSEUM.items()},
}
