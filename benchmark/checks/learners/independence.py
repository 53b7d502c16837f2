"""What a learner's predictions depend on: its last fit and its seed, and nothing else."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from benchmark.checks.check import Rule, expect
from benchmark.checks.learners.table import (
    SEED,
    Table,
    fits_are_slow,
    overlapping,
    takes_tables,
    trains_itself,
)
from benchmark.checks.rows import alike, apart, taken
from benchmark.checks.subject import Subject

__all__ = [
    "RULES",
    "a_row_alone_is_a_row_among_others",
    "forgets_its_last_fit",
    "its_seed_alone_decides",
    "shares_no_state",
]


def shares_no_state(subject: Subject) -> None:
    """What it says stays what it is when another one is made and fitted on other rows.

    A study fits many of them in one process. What they share, such as an attribute of the class or a default
    argument that is written into, makes a prediction depend on which fit came last, so that the same
    study run again, or with other workers, has other results.
    """
    table = _table(subject)
    learner = table.fitted()
    before = table.said(learner)
    if not alike(before, table.said(learner)):
        return  # it changes by itself, which is another rule's affair
    table.fit(table.learner(), table.train.take(_half(table)))
    after = table.said(learner)
    expect(alike(before, after), "what it said before another one was fitted", apart(before, after))


def forgets_its_last_fit(subject: Subject) -> None:
    """Fitted again on other rows it says what a fresh one says.

    What is kept from an earlier fit has seen rows of another fold, and those may be the test rows of this
    one.
    """
    table = _table(subject)
    fresh = table.said(table.fitted())
    learner = table.fit(table.learner(), table.train.take(_half(table)))
    again = table.said(table.fit(learner))
    expect(alike(fresh, again), "what a fresh one says", apart(fresh, again))


def a_row_alone_is_a_row_among_others(subject: Subject) -> None:
    """What it says of a row depends neither on the rows beside it nor on what it was asked before.

    Test rows come one at a time when a learner is used. One that reads their means, ranks or number off the
    batch knows more than it may, and its test error is too good.
    """
    table = _table(subject)
    learner = table.fitted()
    whole = table.said(learner)
    order = np.random.default_rng(0).permutation(len(whole))
    turned = table.said(learner, taken(table.asked.X, order))
    expect(
        alike(whole[order], turned),
        "the same of the same rows in another order",
        apart(whole[order], turned),
    )
    for number in order[:3]:
        alone = table.said(learner, taken(table.asked.X, np.array([number])))
        among = whole[[number]]
        if alone.ndim == 3:  # of a text, as many positions as the longest has
            among = among[:, : alone.shape[1]]
        expect(alike(among, alone), f"the same of row {number} alone as among others", apart(among, alone))
    again = table.said(learner)
    expect(alike(whole, again), "the same when asked again", apart(whole, again))


def its_seed_alone_decides(subject: Subject) -> str | None:
    """With the same seed it says the same, whatever else draws random numbers in the process.

    A learner that draws from the stream of the whole process gives a result that depends on what ran
    before it, and its seed means nothing: no run can be repeated, and arms do not share their randomness.
    """
    table = _table(subject)
    with _streams_kept():
        said = []
        for state in (1, 2):
            random.seed(state)
            np.random.seed(state)
            said.append(table.said(table.fitted()))
        other = table.said(table.fitted(SEED + 1))
    expect(alike(*said), "the same from the same seed", f"{apart(*said)}, after other draws of numpy.random")
    same = other.shape == said[0].shape and np.array_equal(other, said[0])
    return (
        "another seed changes nothing: it draws nothing at random, or does not use its seed" if same else None
    )


def _table(subject: Subject) -> Table:
    return overlapping(subject) if takes_tables(subject) else Table.of(subject)


def _half(table: Table) -> np.ndarray:
    """Every second of the training rows."""
    return np.arange(0, len(table.train.y), 2)


@contextmanager
def _streams_kept() -> Iterator[None]:
    """Undo what is drawn from the streams of the whole process."""
    states = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])


RULES = (
    Rule(
        shares_no_state,
        applies=trains_itself,
        look="fit",
        causes=("predictions_have_the_contracts_shape",),
    ),
    Rule(
        forgets_its_last_fit,
        applies=trains_itself,
        slow=fits_are_slow,
        look="fit",
        causes=("shares_no_state", "its_seed_alone_decides"),
    ),
    Rule(
        its_seed_alone_decides,
        applies=trains_itself,
        slow=fits_are_slow,
        look="fit",
        causes=("shares_no_state",),
    ),
    Rule(
        a_row_alone_is_a_row_among_others,
        applies=trains_itself,
        look="predict",
        causes=("shares_no_state", "its_seed_alone_decides"),
    ),
)
"""For everything that trains itself."""
