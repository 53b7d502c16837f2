"""What a preprocessor promises of the data that it takes, whatever they are."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandas as pd

from benchmark.checks.check import Rule, expect
from benchmark.checks.preprocessors.data import data_of, form, tables, takes_tables, untold
from benchmark.checks.rows import alike, apart, arrays, taken
from benchmark.checks.subject import Subject
from benchmark.spec import FORMS

__all__ = [
    "RULES",
    "forgets_its_last_fit",
    "forgets_what_it_transformed",
    "gives_what_the_contract_says",
    "is_the_same_twice",
    "learns_from_the_rows_of_fit_alone",
    "leaves_its_input_alone",
    "leaves_missing_numbers_only_if_it_says_so",
    "says_what_data_it_takes",
    "shares_no_state",
]


def says_what_data_it_takes(subject: Subject) -> None:
    """It takes data of every modality, or its needs name those that it takes.

    On tasks of the others a study has failures instead of results. What else is said here concerns tables.
    """
    expect(not untold(subject), "rows of any modality, since it names none", "tables alone to be taken")


def gives_what_the_contract_says(subject: Subject) -> None:
    """Float and integer columns, rows in order; or, with ``gives: [native]``, the data's own form.

    Learners are built for the forms that they name. Rows out of order pair every input with another row's
    target, and nothing can be learned.
    """
    native = subject.says("native")
    for modality, train, test in data_of(subject):
        fitted = subject.make()
        for raw, out in (
            (train, fitted.fit_transform(train, _target(train))),
            (test, fitted.transform(test)),
        ):
            expect(len(out) == len(raw), f"{len(raw)} rows of {modality} data", len(out))
            wanted = FORMS[modality] if native else "table"
            expect(form(out) == wanted, f"{wanted} from {modality} data", form(out))
            if wanted == "table":
                kinds = {kind.kind for kind in out.dtypes}
                expect(kinds <= {"f", "i"}, "float and integer columns", kinds)
            if isinstance(raw, pd.DataFrame):
                expect(list(out.index) == list(raw.index), "the table's index", list(out.index)[:5])


def learns_from_the_rows_of_fit_alone(subject: Subject) -> None:
    """What stands beside a row when it is transformed, and in which order, changes nothing about it.

    What is learned from the rows of a test fold (a mean, a range, the codes of its categories) is a leak: the
    learner is told something of rows that it is to predict, and the same row means something else in
    another batch.
    """
    for modality, train, test in data_of(subject):
        fitted = subject.make()
        fitted.fit_transform(train, _target(train))
        order = np.random.default_rng(0).permutation(len(test))
        whole = arrays(fitted.transform(test))
        half = len(order) // 2
        for numbers, how in (
            (order, "in another order"),
            (order[:half], "among half of the others"),
            (order[half:], "among the other half"),
            (order[:1], "alone"),
        ):
            among, found = [whole[number] for number in numbers], fitted.transform(taken(test, numbers))
            what = f"{modality} rows {how} to be what they are among all"
            expect(alike(among, found), what, apart(among, found))


def forgets_what_it_transformed(subject: Subject) -> None:
    """Transforming some rows changes nothing about what it makes of others afterwards.

    The validation rows are transformed before the test rows. What is learned from them then stands in the
    test rows, and a result depends on what was asked first.
    """
    for modality, train, test in data_of(subject):
        fitted = subject.make()
        fitted.fit_transform(train, _target(train))
        before = copy.deepcopy(fitted.transform(train))
        fitted.transform(test)
        after = fitted.transform(train)
        what = f"the same of {modality} rows after others were transformed"
        expect(alike(before, after), what, apart(before, after))


def forgets_its_last_fit(subject: Subject) -> None:
    """Fitted again on other rows it makes of a row what a fresh one makes of it.

    What is kept from an earlier fit comes from another fold, whose training rows are the test rows of this
    one.
    """
    for modality, train, test in data_of(subject):
        fresh, again = subject.make(), subject.make()
        again.fit_transform(test, _target(test))
        outs = [(one.fit_transform(train, _target(train)), one.transform(test)) for one in (fresh, again)]
        for first, second in zip(*outs, strict=True):
            what = f"the same of {modality} rows as from a fresh one"
            expect(alike(first, second), what, apart(first, second))


def shares_no_state(subject: Subject) -> None:
    """What it makes of a row stays what it is when another one is made and fitted on other rows.

    A study fits one for every fold and arm in the same process. What they share, such as an attribute of the
    class or a default argument that is written into, holds the statistics of the last fit, whoever's it was.
    """
    for modality, train, test in data_of(subject):
        alone, followed = subject.make(), subject.make()
        alone.fit_transform(train, _target(train))
        before = copy.deepcopy(alone.transform(test))
        followed.fit_transform(train, _target(train))
        subject.make().fit_transform(test, _target(test))
        after = followed.transform(test)
        what = f"the same of {modality} rows whether or not another one was fitted"
        expect(alike(before, after), what, apart(before, after))


def leaves_its_input_alone(subject: Subject) -> None:
    """Fitting and transforming change nothing of what it is passed.

    Arms of a study share their data: what one preprocessor writes into it, the next arm is trained on.
    """
    for modality, train, test in data_of(subject):
        before = copy.deepcopy((train, test))
        fitted = subject.make()
        fitted.fit_transform(train, _target(train))
        fitted.transform(test)
        same = all(
            np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
            for old, new in zip(before, (train, test), strict=True)
            for a, b in zip(arrays(old), arrays(new), strict=True)
        )
        expect(same, f"{modality} data as it was", "changed")


def leaves_missing_numbers_only_if_it_says_so(subject: Subject) -> None:
    """NaN come through from a table exactly if it ``gives: [missing]``.

    Most learners stop at a NaN or turn all into NaN; those that take some are passed them only where the
    preprocessor says that it leaves them in.
    """
    train, test = tables()
    fitted = subject.make()
    out = fitted.fit_transform(train, _target(train)), fitted.transform(test)
    left = any(bool(part.isna().any(axis=None)) for part in out)
    says = subject.says("missing")
    expect(left == says, f"gives: [{'missing' if says else ''}] to be true", "NaN" if left else "no NaN")
    infinite = any(bool(np.isinf(part.to_numpy(float)).any()) for part in out)
    expect(not infinite, "no infinite numbers", "some")


def is_the_same_twice(subject: Subject) -> None:
    """Two made alike and fitted alike give the same bits.

    It gets no seed, so what it draws has to come from a seed of its own. Otherwise the same study has another
    result each time, and arms that should share their inputs do not.
    """
    train, test = tables()
    makers = [subject.make(), subject.make()]
    outs = [(fitted.fit_transform(train, _target(train)), fitted.transform(test)) for fitted in makers]
    expect(all(a.equals(b) for a, b in zip(*outs, strict=True)), "the same table twice", "another one")


def _target(rows: Any) -> np.ndarray:
    return np.arange(len(rows), dtype=float)


_COPES = ("copes_with_constant_columns", "copes_with_unseen_categories", "copes_with_missing_values")
_STATE = ("shares_no_state", "is_the_same_twice")
RULES = (
    Rule(
        says_what_data_it_takes,
        applies=lambda subject: not subject.named("modality"),
        severity="warning",
        look="fit_transform",
        advice="say `needs: [modality:tabular]` in a YAML, which `swapbench new preprocessor NAME` starts",
    ),
    Rule(gives_what_the_contract_says, look="transform"),
    Rule(shares_no_state, look="fit_transform", causes=("is_the_same_twice",)),
    Rule(forgets_its_last_fit, look="fit_transform", causes=_STATE),
    Rule(forgets_what_it_transformed, look="transform", causes=_STATE),
    Rule(
        learns_from_the_rows_of_fit_alone,
        look="transform",
        causes=(*_STATE, "forgets_what_it_transformed"),
    ),
    Rule(leaves_its_input_alone, look="fit_transform"),
    Rule(
        leaves_missing_numbers_only_if_it_says_so,
        applies=takes_tables,
        look="transform",
        causes=(*_COPES, "learns_from_the_rows_of_fit_alone"),
    ),
    Rule(is_the_same_twice, applies=takes_tables, look="fit_transform"),
)
