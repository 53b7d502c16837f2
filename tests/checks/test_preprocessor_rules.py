"""What the rules of preprocessors say of preprocessors made up for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from benchmark.catalog import Catalog, open_catalog
from benchmark.checks import checks_of
from benchmark.checks.preprocessors import RULES
from benchmark.findings import Finding
from benchmark.resolve.typed import asked_component

CODE = """
import numpy as np
import pandas as pd
class Mine:
    def fit_transform(self, X, y):
        {fit}
        numbers = X.select_dtypes("number")
        self.medians_ = numbers.median().fillna(0.0)
        self.deviation_ = numbers.std().replace(0.0, 1.0).fillna(1.0)
        self.known_ = {{name: sorted(X[name].dropna().unique()) for name in X.select_dtypes("category")}}
        out = self.transform(X)
        {fitted}
        return out
    def transform(self, X):
        out = X.select_dtypes("number").fillna(self.medians_) / self.deviation_
        for name, known in self.known_.items():
            out[name] = pd.Index(known).get_indexer(X[name]) + 1
        {transform}
        return out
"""
Say = Callable[..., Finding | None]


def code(fit: str = "pass", fitted: str = "pass", transform: str = "pass") -> str:
    return CODE.format(fit=fit, fitted=fitted, transform=transform)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """One for all, since its pipelines are read once."""
    return open_catalog()


@pytest.fixture
def say(tmp_path: Path, catalog: Catalog) -> Iterator[Say]:
    """The finding of one check of one file."""
    threads = torch.get_num_threads()

    def finding(rule: str, code: str) -> Finding | None:
        file = tmp_path / "mine.py"
        file.write_text(code, encoding="utf-8")
        part = asked_component(catalog, f"{file}:Mine", "preprocessor")
        part = dataclasses.replace(part, needs=("modality:tabular",))
        (check,) = (check for check in checks_of(part, catalog) if check.name == rule)
        return check.finding()

    yield finding
    torch.set_num_threads(threads)


RANK = "out = out.rank()"
NEVER = "copes_with_unseen_categories"
BROKEN = [
    ("learns_from_the_rows_of_fit_alone", code(transform=RANK), "among half of the others|in another order"),
    (
        "forgets_what_it_transformed",
        code(transform="self.deviation_ = self.deviation_ * 1.1"),
        "after others were transformed",
    ),
    (
        "forgets_its_last_fit",
        code(fit="X = X.fillna(getattr(self, 'medians_', pd.Series(dtype=float)))"),
        "as from a fresh one",
    ),
    (
        "shares_no_state",
        code("Mine.rows = len(X)", transform="out['number'] += self.rows"),
        "another one was fitted",
    ),
    ("is_the_same_twice", code(fitted="out = out + np.random.normal()"), "another one"),
    ("leaves_its_input_alone", code(fit="X.iloc[0, 0] = 9.0"), "changed"),
    ("treats_later_rows_alike", code(fitted="out['number'] = 3 * out['number']"), "number: "),
    ("treats_later_rows_alike", code(fitted="out['one'] = 1.0"), "expected columns"),
    ("treats_later_rows_alike", code(fitted="out['kind'] = out['kind'].astype(float)"), "expected types"),
    (
        "copes_with_constant_columns",
        code(transform="out = out / X.select_dtypes('number').std()"),
        "others, in ",
    ),
    (
        NEVER,
        code(transform="out.loc[out['kind'] == 0, 'kind'] = 1"),
        "expected code 0 for a category that training",
    ),
    (NEVER, code(transform="X['kind'].map({k: 1 for k in self.known_['kind']}).astype(int)"), "non-finite"),
    (
        "copes_with_missing_values",
        code(fit="self.medians_ = 0", transform="out['number'] = X['number']"),
        "40 others",
    ),
    ("does_not_leak_the_target", code(fitted="out.iloc[:, 0] += y * 9"), "correlations under 0.4"),
    ("gives_what_the_contract_says", code(transform="out = out.iloc[::-1]"), "the table's index"),
    (
        "leaves_missing_numbers_only_if_it_says_so",
        code(transform="out['gaps'] = X.get('gaps', 0.0)"),
        "saw NaN",
    ),
]


@pytest.mark.parametrize(("rule", "broken", "seen"), BROKEN)
def test_what_is_broken_is_said(rule: str, broken: str, seen: str, say: Say) -> None:
    found = say(rule, broken)
    assert found is not None and found.severity == "error"
    assert any(words in found.seen for words in seen.split("|")), found.seen
    assert found.why and "mine.py:" in found.look


@pytest.mark.parametrize("rule", dict.fromkeys(rule for rule, _, _ in BROKEN))
def test_what_is_sound_is_let_pass(rule: str, say: Say) -> None:
    assert say(rule, code()) is None


def test_training_rows_that_are_encoded_otherwise_are_a_note(say: Say) -> None:
    found = say("treats_later_rows_alike", code(fitted="out['number'] += 1e-3 * y"))
    assert found is not None and (found.severity, found.seen) == (
        "note",
        "training rows are given other numbers than later ones in number",
    )


def test_a_class_for_tables_alone_is_told_once_to_say_so(tmp_path: Path, catalog: Catalog) -> None:
    file = tmp_path / "mine.py"
    file.write_text(code(), encoding="utf-8")
    part = asked_component(catalog, f"{file}:Mine", "preprocessor")
    own = {rule.name for rule in RULES}
    made = [check.finding() for check in checks_of(part, catalog) if check.name in own]
    (found,) = [one for one in made if one is not None]
    assert (found.name, found.severity) == ("says_what_data_it_takes", "warning")
    assert "needs: [modality:tabular]" in found.advice


def test_what_a_file_of_a_catalog_does_not_rule_out_it_takes(tmp_path: Path, catalog: Catalog) -> None:
    file = tmp_path / "mine.py"
    file.write_text(code(), encoding="utf-8")
    part = asked_component(catalog, f"{file}:Mine", "preprocessor")
    part = dataclasses.replace(part, file=str(tmp_path / "mine.yaml"))
    (check,) = (one for one in checks_of(part, catalog) if one.name == "gives_what_the_contract_says")
    found = check.finding()
    assert found is not None and (found.severity, "select_dtypes" in found.seen) == ("error", True)
