"""What a component does inside a whole pipeline, whatever its slot."""

from __future__ import annotations

import itertools

import numpy as np

from benchmark.checks import (
    activations,
    architectures,
    learners,
    losses,
    optimizers,
    preprocessors,
    schedules,
)
from benchmark.checks.check import Rule, expect
from benchmark.checks.declared import CONTRACTS
from benchmark.checks.subject import Place, Subject, error_of, fitted
from benchmark.metrics import METRICS
from benchmark.plan.compatibility import form_of

__all__ = [
    "RULES",
    "is_deterministic",
    "learns",
    "takes_every_form_it_names",
    "takes_missing_numbers",
]

SHARE = 0.95
"""Of the featureless error: what is left of it where something has been learned."""
STEPS = (60, 300)
"""Of a network's training; the second where the first was not enough."""
TRIES = 3
"""Tasks on which it may show that it learns."""


def learns(subject: Subject) -> None:
    """In a pipeline of the catalog it predicts a small real task better than a featureless predictor does.

    On one of several easy tasks anything that works beats the mean, or the most frequent class. What does not
    is not hooked up, or has its sign, its target or its rows wrong.
    """
    seen = []
    places = [*itertools.islice(subject.one_place_a_task(), TRIES)]
    for steps, place in itertools.product(STEPS, places or [subject.place]):
        error, featureless = error_of(place, fitted(place, steps).prediction), _featureless_error(place)
        where = f"on {place.task.name} in {place.pipeline.name}, {steps} steps"
        seen.append(f"{error:.3f} against {featureless:.3f} {where}")
        if error < SHARE * featureless:
            return
    expect(False, f"an error under {SHARE} of the featureless one", "; ".join(seen))


def is_deterministic(subject: Subject) -> None:
    """The same seeds give the same bits twice.

    A study pairs its arms by their seeds, and others run it again to check it. With random numbers of
    its own a component can do neither.
    """
    first, second = (fitted(subject.place, steps=10) for _ in range(2))
    same = np.array_equal(first.prediction, second.prediction)
    apart = np.abs(first.prediction - second.prediction).max()
    expect(same, "the same predictions from the same seeds", f"differences up to {apart:.3g}")


def takes_every_form_it_names(subject: Subject) -> None:
    """Every form of input that its needs name runs in some pipeline of the catalog.

    Tasks of that form are given to it, since it says so, and fail one after the other.
    """
    forms = {form for form in subject.named("input") if form != "missing"}
    for form in sorted(forms):
        found = next(
            (place for place in subject.places() if form_of(place.pipeline, place.task.modality) == form),
            None,
        )
        expect(found is not None, f"a pipeline and a small task for input:{form}")
        assert found is not None
        prediction = fitted(found, steps=1).prediction
        expect(np.isfinite(prediction).all(), f"finite predictions for input:{form}")


def takes_missing_numbers(subject: Subject) -> None:
    """It fits and predicts a table in which every seventh number is missing.

    Where it says that it takes missing numbers, preprocessors leave them in for it.
    """
    place = next(subject.places(missing=True), None)
    expect(place is not None, "a pipeline of the catalog in which it meets missing numbers")
    assert place is not None
    expect(np.isfinite(fitted(place, steps=1).prediction).all(), "finite predictions from missing numbers")


def _featureless_error(place: Place) -> float:
    """Of the training rows' frequencies or mean; of language, of the codes' frequencies."""
    task, y = place.task, place.data.y
    train, test = y[place.split.train], y[place.split.test]
    if task.n_classes == 0:
        prediction = np.broadcast_to(train.mean(axis=0), test.shape)
    else:
        frequencies = np.bincount(train[train >= 0], minlength=task.n_classes) / (train >= 0).sum()
        prediction = (
            np.where(test < 0, 1.0, frequencies[test])
            if test.ndim == 2
            else np.broadcast_to(frequencies, (len(test), task.n_classes))
        )
    return METRICS[task.metric].error(test, prediction, None)


def _looks_at_features(subject: Subject) -> bool:
    return subject.component.name != "featureless"


_SLOTS = (
    *(preprocessors.RULES, learners.LEARNER, learners.WEAK_LEARNER, optimizers.RULES, schedules.RULES),
    *(architectures.RULES, activations.RULES, losses.RULES),
)
_UNSOUND = tuple(dict.fromkeys(rule.name for rules in _SLOTS for rule in rules if rule.severity == "error"))
"""What breaks any promise of its slot may not learn for that reason."""
_OWN_RANDOMNESS = (
    "is_the_same_twice",
    "its_seed_alone_decides",
    "shares_no_state",
    "weights_follow_the_seed",
    "goes_by_steps_alone",
)
RULES = (
    Rule(learns, applies=_looks_at_features, causes=(*_UNSOUND, "is_deterministic")),
    Rule(is_deterministic, causes=(*CONTRACTS, *_OWN_RANDOMNESS)),
    Rule(
        takes_every_form_it_names,
        applies=lambda subject: bool({*subject.named("input")} - {"missing"}),
        causes=CONTRACTS,
    ),
    Rule(
        takes_missing_numbers,
        applies=lambda subject: subject.says("input:missing"),
        causes=CONTRACTS,
    ),
)
"""For the components of every slot."""
