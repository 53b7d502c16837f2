"""What a preprocessor promises."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from benchmark.checks.check import Rule, expect
from benchmark.checks.subject import Subject
from benchmark.spec import FORMS, MODALITIES

__all__ = [
    "RULES",
    "does_not_leak_the_target",
    "gives_what_the_contract_says",
    "is_the_same_twice",
    "learns_from_the_rows_of_fit_alone",
    "leaves_its_input_alone",
    "leaves_missing_numbers_only_if_it_says_so",
]

CORRELATION = 0.4
"""Of 200 rows' random targets with a column: chance stays under it, a leak is near 1."""


def gives_what_the_contract_says(subject: Subject) -> None:
    """Float and integer columns, rows in order; or, with ``gives: [native]``, the data's own form."""
    native = subject.says("native")
    for modality, train, test in _data(subject):
        y = np.arange(len(train), dtype=float)
        fitted = subject.make()
        for raw, out in ((train, fitted.fit_transform(train, y)), (test, fitted.transform(test))):
            expect(len(out) == len(raw), f"{len(raw)} rows of {modality} data", len(out))
            form = FORMS[modality] if native else "table"
            expect(_form(out) == form, f"{form} from {modality} data", _form(out))
            if form == "table":
                kinds = {kind.kind for kind in out.dtypes}
                expect(kinds <= {"f", "i"}, "float and integer columns", kinds)
            if isinstance(raw, pd.DataFrame):
                expect(list(out.index) == list(raw.index), "the table's index", list(out.index)[:5])


def learns_from_the_rows_of_fit_alone(subject: Subject) -> None:
    """What stands beside a row when it is transformed, and in which order, changes nothing about it."""
    for modality, train, test in _data(subject):
        fitted = subject.make()
        fitted.fit_transform(train, np.arange(len(train), dtype=float))
        order = np.random.default_rng(0).permutation(len(test))
        whole = _arrays(fitted.transform(test))
        turned = _arrays(fitted.transform(_rows(test, order)))
        alone = _arrays(fitted.transform(_rows(test, order[:1])))
        for place, number in enumerate(order):
            good = np.allclose(turned[place], whole[number], rtol=1e-5, atol=1e-6, equal_nan=True)
            expect(good, f"row {number} of {modality} data as in another order", turned[place])
        good = np.allclose(alone[0], whole[order[0]], rtol=1e-5, atol=1e-6, equal_nan=True)
        expect(good, f"a row of {modality} data alone as among others", alone[0])


def leaves_its_input_alone(subject: Subject) -> None:
    """Fitting and transforming change nothing of what it is passed."""
    for modality, train, test in _data(subject):
        before = copy.deepcopy((train, test))
        subject.make().fit_transform(train, np.arange(len(train), dtype=float))
        same = all(
            np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
            for old, new in zip(before, (train, test), strict=True)
            for a, b in zip(_arrays(old), _arrays(new), strict=True)
        )
        expect(same, f"{modality} data as it was", "changed")


def leaves_missing_numbers_only_if_it_says_so(subject: Subject) -> None:
    """NaN come through from a table exactly if it ``gives: [missing]``."""
    train, test = _tables()
    fitted = subject.make()
    out = fitted.fit_transform(train, np.arange(len(train), dtype=float)), fitted.transform(test)
    left = any(bool(part.isna().any(axis=None)) for part in out)
    says = subject.says("missing")
    expect(left == says, f"gives: [{'missing' if says else ''}] to be true", "NaN" if left else "no NaN")
    infinite = any(bool(np.isinf(part.to_numpy(float)).any()) for part in out)
    expect(not infinite, "no infinite numbers", "some")


def does_not_leak_the_target(subject: Subject) -> None:
    """Training rows, each of a category of its own, do not tell their random targets."""
    random = np.random.default_rng(0)
    X = pd.DataFrame({"row": pd.Categorical([f"row {number}" for number in range(200)])})
    X["noise"] = random.normal(size=200)
    for y in (random.normal(size=200), random.integers(0, 2, 200)):
        out = subject.make().fit_transform(X, y).to_numpy(float)
        codes = out[:, [column for column in range(out.shape[1]) if out[:, column].std() > 0]]
        correlations = np.abs(np.corrcoef(codes.T, y)[-1, :-1])
        largest = float(correlations.max(initial=0))
        expect(largest < CORRELATION, f"correlations under {CORRELATION} with the target", f"{largest:.2f}")


def is_the_same_twice(subject: Subject) -> None:
    """Two made alike and fitted alike give the same bits."""
    train, test = _tables()
    y = np.arange(len(train), dtype=float)
    makers = [subject.make(), subject.make()]
    outs = [(fitted.fit_transform(train, y), fitted.transform(test)) for fitted in makers]
    expect(all(a.equals(b) for a, b in zip(*outs, strict=True)), "the same table twice")


def _data(subject: Subject) -> Iterator[tuple[str, Any, Any]]:
    """By modality that it takes: rows to fit and rows to transform."""
    random = np.random.default_rng(0)
    train, test = _tables()
    series = [random.normal(3, 7, (length, 2)).astype(np.float32) for length in (4, 1, 6, 2, 5, 9, 2)]
    texts = ["abba", "", "Zürich", "b c", "new: öäü", "ab", "a"]
    images = random.integers(0, 256, (7, 3, 4, 5), dtype=np.uint8)
    every = {
        "tabular": (train, test),
        "image": (images[:4], images[4:]),
        "sequence": (series[:4], series[4:]),
        "text": (texts[:4], texts[4:]),
    }
    for modality in subject.named("modality") or MODALITIES:
        yield modality, *every[modality]


def _tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """With gaps, a constant, a column without any value, and a category that training never saw."""
    random = np.random.default_rng(1)
    table = pd.DataFrame({"number": random.normal(5, 3, 40), "large": random.lognormal(0, 4, 40)})
    table["gaps"] = np.where(random.random(40) < 0.3, np.nan, table["number"])
    table["constant"], table["empty"] = 7.0, np.nan
    kinds = random.choice(["a", "b", "c"], 40)
    kinds[30] = "never seen"
    table["kind"] = pd.Categorical.from_codes(pd.factorize(kinds)[0], pd.factorize(kinds)[1])
    table.loc[[3, 33], "kind"] = np.nan
    table.index = pd.Index(random.permutation(40))
    return table.iloc[:28], table.iloc[28:]


def _form(out: Any) -> str:
    if isinstance(out, pd.DataFrame):
        return "table"
    if isinstance(out, np.ndarray):
        return "image" if out.ndim == 4 else f"an array of {out.ndim} dimensions"
    if not isinstance(out, list):
        return type(out).__name__
    kinds = {(row.ndim, row.dtype.kind) for row in out}
    if kinds == {(2, "f")}:
        return "sequence"
    return "tokens" if kinds == {(1, "i")} else f"rows of dimensions and kinds {kinds}"


def _arrays(rows: Any) -> list[np.ndarray]:
    if isinstance(rows, pd.DataFrame):
        plain = rows.apply(lambda column: column.cat.codes if column.dtype == "category" else column)
        return [*plain.to_numpy(float)]
    return [np.asarray(row) for row in rows]


def _rows(rows: Any, numbers: np.ndarray) -> Any:
    if isinstance(rows, pd.DataFrame):
        return rows.iloc[numbers]
    return rows[numbers] if isinstance(rows, np.ndarray) else [rows[number] for number in numbers]


def _takes_tables(subject: Subject) -> bool:
    return "tabular" in (subject.named("modality") or MODALITIES)


_ON_TABLES: tuple[Callable[[Subject], None], ...] = (
    leaves_missing_numbers_only_if_it_says_so,
    does_not_leak_the_target,
    is_the_same_twice,
)
RULES = (
    Rule(gives_what_the_contract_says),
    Rule(learns_from_the_rows_of_fit_alone),
    Rule(leaves_its_input_alone),
    *(Rule(function, applies=_takes_tables) for function in _ON_TABLES),
)
