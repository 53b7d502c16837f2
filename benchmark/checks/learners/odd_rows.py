"""Rows made up for one question each: codes of classes, one class, one column, weights, validation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmark.checks.check import Rule, expect
from benchmark.checks.learners.table import (
    CLASSES,
    ROWS_EACH,
    SEED,
    Rows,
    Table,
    clusters,
    fits_are_slow,
    overlapping,
    simplest,
    takes_tables,
    task_types,
)
from benchmark.checks.subject import Subject

__all__ = [
    "CLASSIFYING",
    "COLUMNS",
    "VALIDATING",
    "WEIGHING",
    "columns_follow_classes",
    "copes_with_a_constant_column",
    "copes_with_one_class",
    "copes_with_one_column",
    "does_not_depend_on_the_order_of_columns",
    "does_not_train_on_the_validation_rows",
    "more_weight_pulls_more",
    "renaming_classes_renames_probabilities",
    "weights_count_as_rows",
]

CLOSE = 2.0
"""Clusters at this distance are told apart by anything, and hardly ever for sure: boosters stop early."""
HEAVY = 5
"""Weight, and number of repetitions, of the rows that count more."""
RENAMED = 0.05
"""Mean difference of probabilities that ties and rounding do not make."""
ORDER_MATTERS = 0.1
"""Mean difference of predictions, of probabilities or of values that are about as far apart."""


def columns_follow_classes(subject: Subject) -> None:
    """``predict_proba`` has the classes' columns in the order of ``classes_``, however they are coded.

    A column under the wrong class turns a good learner into one that is worse than guessing: with two
    classes every decision is inverted.
    """
    codings: list[tuple[int, ...]] = [(1, 0)] if "binary" in task_types(subject) else []
    if "multiclass" in task_types(subject):
        codings.append((3, 0, 1))  # no training row has class 2
    for codes in codings:
        train, asked = clusters(codes, CLOSE)
        table = Table.made_up(subject, "multiclass" if max(codes) > 1 else "binary", train, asked)
        learner = table.fitted()
        classes, said = np.asarray(learner.classes_), table.said(learner)
        expect({*codes} <= {*classes.tolist()}, f"{sorted(codes)} among classes_", classes)
        expect(said.shape[1:] == classes.shape, f"a column for each of classes_ {classes}", said.shape)
        for place, code in enumerate(classes):
            own = asked.y == code
            if not own.any():
                continue
            inside, outside = said[own, place].mean(), said[~own, place].mean()
            what = f"more in column {place}, of class {code}, for rows of that class than for others"
            expect(inside > outside - 0.05, what, f"{inside:.2f} against {outside:.2f}")


def renaming_classes_renames_probabilities(subject: Subject) -> None:
    """With the codes of three classes exchanged, or of two, it exchanges their probabilities.

    Codes are names. What is fitted to them as to values takes class 1 for a mean of 0 and 2, and whether it
    is good depends on the order in which a data set happens to number its classes.
    """
    task_type = task_types(subject)[0 if len({*CLASSES} & {*task_types(subject)}) == 1 else 1]
    names = (0, 1, 2) if task_type == "multiclass" else (0, 1)
    others = (*names[1:], names[0])
    said = []
    for codes, seed in ((names, SEED), (others, SEED), (names, SEED + 1)):
        table = Table.made_up(subject, task_type, *clusters(codes, CLOSE))
        learner = table.fitted(seed)
        classes = np.asarray(learner.classes_).tolist()
        said.append(table.said(learner)[:, [classes.index(code) for code in codes]])
    renamed, chance = (float(np.abs(said[0] - other).mean()) for other in said[1:])
    expect(
        renamed < RENAMED + chance,
        f"the probabilities of classes {names} as those of {others} when so renamed",
        f"{renamed:.2f} apart on average, and {chance:.2f} by another seed",
    )


def copes_with_one_class(subject: Subject) -> str | None:
    """Fitted on rows of one class it predicts that class, or refuses with a ValueError that says so.

    A small or sorted fold may hold a single class. What fails there, or predicts NaN, loses the cell and with
    it a pair of the comparison.
    """
    train, asked = clusters((1, 0), CLOSE)
    table = Table.made_up(subject, task_types(subject)[0], train.take(np.flatnonzero(train.y == 1)), asked)
    try:
        learner = table.fitted()
    except ValueError as error:
        if "class" in str(error).lower():
            return f"it refuses training rows of one class: {' '.join(str(error).split())}"
        raise
    classes, said = np.asarray(learner.classes_), table.said(learner)
    expect(said.shape == (len(asked.y), len(classes)), "a column for each of classes_", said.shape)
    expect(1 in classes, "the class of the training rows in classes_", classes)
    own = said[:, list(classes).index(1)]
    expect(np.isfinite(said).all() and own.min() > 0.5, "that class as the probable one", f"{own.min():.3g}")
    return None


def copes_with_one_column(subject: Subject) -> None:
    """A table of one column gives finite predictions.

    Suites hold such tables, and a preprocessor may leave one column of many.
    """
    task_type, codes = simplest(subject)
    train, asked = (Rows(rows.X[["a"]], rows.y) for rows in clusters(codes, CLOSE))
    _finite(Table.made_up(subject, task_type, train, asked))


def copes_with_a_constant_column(subject: Subject) -> None:
    """A column that is constant in the training rows gives finite predictions.

    Real tables have them, in some folds at least. Dividing by the deviation of such a column makes NaN of
    all that follows.
    """
    task_type, codes = simplest(subject)
    train, asked = clusters(codes, CLOSE)
    # The mean of many times 0.1 is not 0.1 in floats, so that its deviation is not quite 0.
    train = Rows(train.X.assign(same=7.0, tenth=0.1), train.y)
    asked = Rows(asked.X.assign(same=8.0, tenth=0.3), asked.y)
    _finite(Table.made_up(subject, task_type, train, asked))


def does_not_depend_on_the_order_of_columns(subject: Subject) -> None:
    """With the columns in reverse order it says about the same.

    What columns say does not depend on where they stand; a learner to which it matters may have mixed them
    up.
    """
    task_type, codes = simplest(subject)
    said = []
    for names in ("abc", "cba"):
        train, asked = (Rows(rows.X[[*names]], rows.y) for rows in clusters(codes, CLOSE))
        table = Table.made_up(subject, task_type, train, asked)
        said.append(table.said(table.fitted()))
    apart = float(np.abs(said[0] - said[1]).mean())
    expect(apart < ORDER_MATTERS, f"differences under {ORDER_MATTERS} on average", f"{apart:.2f}")


def does_not_train_on_the_validation_rows(subject: Subject) -> None:
    """Of validation rows unlike all training rows it does not know the targets.

    Validation rows are for early stopping and for choosing. A learner trained on them has more training rows
    than its baseline, and the validation error by which its settings are chosen is a training error.
    """
    random = np.random.default_rng(0)
    half = random.normal(size=ROWS_EACH)
    near = np.repeat([0, 1], 2 * ROWS_EACH)
    # Mirrored, so that what the training rows say of the second column is exactly nothing.
    X = pd.DataFrame({"a": near.astype(float), "b": np.tile(np.concatenate([half, -half]), 2)})
    # So many that the smallest tree, too, would be drawn to them.
    n_far = 5 * len(X)
    far = pd.DataFrame({"a": np.ones(n_far), "b": 6 + 0.1 * random.normal(size=n_far)})
    train = Rows(X, near).take(random.permutation(len(X)))
    task_type = task_types(subject)[0]
    asked = Rows(far, np.full(n_far, 0 if task_type in CLASSES else 5))
    table = Table.made_up(subject, task_type, train, asked)
    learner = table.fitted()
    said = table.said(learner)
    if table.classifies:
        share = float(said[:, list(learner.classes_).index(0)].mean())
        expect(
            share < 0.75, "their class to be none that the training rows tell of", f"probability {share:.2f}"
        )
    else:
        expect(
            said.mean() < 3,
            "about 1, as of the training rows next to them",
            f"{said.mean():.2f}, they have 5",
        )


def more_weight_pulls_more(subject: Subject) -> None:
    """Rows with more weight draw predictions towards their targets.

    Weights the wrong way round, or divided by instead of multiplied with, train on what the task calls
    unimportant.
    """
    table = overlapping(subject)
    if table.weighs:
        even, heavy = (_upper(table, factor).mean() for factor in (1, HEAVY))
        what = f"predictions nearer to 1 where rows of 1 weigh {HEAVY} times as much"
        expect(heavy > even - 0.02, what, f"{heavy:.2f} on average, and {even:.2f} with equal weights")


def weights_count_as_rows(subject: Subject) -> str | None:
    """A row of weight five counts about as much as five equal rows.

    Row weights stand for numbers of rows. Where they act otherwise, results on weighted tasks compare the
    handling of weights too.
    """
    table = overlapping(subject)
    if not table.weighs:
        return None
    more = [rows.take(np.repeat(np.arange(len(rows.y)), _weights(rows, HEAVY))) for rows in _parts(table)]
    even, heavy = (_upper(table, factor) for factor in (1, HEAVY))
    repeated = _upper(table.with_rows(*more), 1, table.asked.X)
    moved, off = float(np.abs(repeated - even).mean()), float(np.abs(repeated - heavy).mean())
    seen = f"{off:.3f} apart on average; the repeated rows move predictions by {moved:.3f}"
    expect(off <= moved + 0.05, f"weight {HEAVY} to say about what {HEAVY} rows say", seen)
    return None if off <= 0.1 * moved + 1e-3 else f"weight {HEAVY} says about what {HEAVY} rows say: {seen}"


def _finite(table: Table) -> None:
    said = table.said(table.fitted())
    expect(len(said) == len(table.asked.y), f"{len(table.asked.y)} predictions", len(said))
    expect(np.isfinite(said).all(), "finite predictions", f"{np.count_nonzero(~np.isfinite(said))} others")


def _parts(table: Table) -> tuple[Rows, Rows]:
    return table.train, table.asked


def _weights(rows: Rows, factor: int) -> np.ndarray:
    return np.where(rows.y == 1, factor, 1)


def _upper(table: Table, factor: int, X: Any = None) -> np.ndarray:
    """How near to 1 it says rows are, fitted with so much weight on the rows that are ``(n_rows,)``."""
    weights = [_weights(rows, factor).astype(float) for rows in _parts(table)]
    extra: dict[str, Any] = {"sample_weight": weights[0]} | (
        {"validation_weight": weights[1]} if table.validates else {}
    )
    learner = table.fitted(**extra)
    said = table.said(learner, X)
    return said[:, list(learner.classes_).index(1)] if table.classifies else said


def _classifies(subject: Subject) -> bool:
    return bool({*CLASSES} & {*task_types(subject)})


def _weighs(subject: Subject) -> bool:
    return takes_tables(subject) and (subject.component.slot == "weak_learner" or subject.says("weights"))


def _validates(subject: Subject) -> bool:
    return takes_tables(subject) and subject.says("validation")


_SOUND = ("shares_no_state", "its_seed_alone_decides", "predictions_have_the_contracts_shape", "fits_values")
"""What breaks one of these is no wonder on odd rows."""
CLASSIFYING = (
    Rule(columns_follow_classes, applies=_classifies, look="predict_proba", causes=_SOUND),
    Rule(
        renaming_classes_renames_probabilities,
        applies=_classifies,
        slow=fits_are_slow,
        look="fit",
        causes=(*_SOUND, "columns_follow_classes"),
    ),
    Rule(
        copes_with_one_class,
        applies=_classifies,
        look="fit",
        causes=(*_SOUND, "does_not_train_on_the_validation_rows"),
    ),
)
"""For boosters and estimators that tell classes."""
COLUMNS = (
    Rule(copes_with_one_column, applies=takes_tables, look="fit", causes=_SOUND),
    Rule(copes_with_a_constant_column, applies=takes_tables, look="fit", causes=_SOUND),
    Rule(
        does_not_depend_on_the_order_of_columns,
        applies=takes_tables,
        slow=fits_are_slow,
        severity="warning",
        look="fit",
        causes=_SOUND,
    ),
)
"""For all that take tables."""
WEIGHING = (
    Rule(
        more_weight_pulls_more,
        applies=_weighs,
        slow=fits_are_slow,
        look="fit",
        causes=(*_SOUND, "heeds_row_weights"),
    ),
    Rule(
        weights_count_as_rows,
        applies=_weighs,
        slow=fits_are_slow,
        severity="warning",
        look="fit",
        causes=(*_SOUND, "heeds_row_weights", "more_weight_pulls_more"),
    ),
)
"""For all that take row weights."""
VALIDATING = (Rule(does_not_train_on_the_validation_rows, applies=_validates, look="fit", causes=_SOUND),)
"""For what asks for validation rows."""
