"""What a class without a YAML can be seen to take: it is built and called on a few made-up rows."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from benchmark.config import instantiate
from benchmark.resolve.rows import STEPS, architecture_rows, raw_rows, target_of
from benchmark.resolve.signatures import forms_of
from benchmark.spec import CLASSIFICATION, FORMS, MODALITIES, TASK_TYPES, Component
from benchmark.targets import resolve

__all__ = ["Tried", "tried"]

Attempts = Mapping[str, Callable[[], None]]

_TABULAR = tuple(one for one in TASK_TYPES if one != "language")
_WEAK = {
    "regressor": "components.weak_learner.regressors.Ridge",
    "tree_shape": "components.weak_learner.own_tree.OwnTree",
}
"""A weak learner that gives one of the two alone."""


@dataclass(frozen=True)
class Tried:
    """What is to be seen when a component is called."""

    needs: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()
    failure: str = ""
    """The error, where it runs on nothing."""


def tried(part: Component) -> Tried:
    """What a component takes and gives, of what its signatures do not tell.

    It has to be called in a process that may be lost: nothing is known about what it does.
    """
    torch.manual_seed(0)
    found: Tried = _TRIALS[part.slot](part, instantiate(part))
    return found


def _ran(attempts: Attempts) -> tuple[list[str], str]:
    """Those that come to their end, and the error of the first where none does."""
    ended, failures = [], []
    for name, attempt in attempts.items():
        try:
            attempt()
        except Exception as error:  # whatever it raises at what it was not written for
            failures.append(f"{type(error).__name__}: {' '.join(str(error).split())[:120]}")
        else:
            ended.append(name)
    return ended, "" if ended else next(iter(failures), "")


def _architecture(part: Component, make: Any) -> Tried:
    forms = forms_of(resolve(part.make["_target_"], part.file).forward)
    ended, failure = _ran({form: _pass(part, make, form) for form in forms})
    steps, _ = _ran({"tokens": _pass(part, make, "tokens", every_step=True)} if "tokens" in forms else {})
    if not ended and not steps:
        return Tried(tuple(f"input:{form}" for form in forms if forms != ("table",)), failure=failure)
    taken = [form for form in FORMS.values() if form in {*ended, *steps}]
    needs = [f"input:{form}" for form in taken if taken != ["table"]]
    if steps and not ended:
        needs.append("task:language")
    if "tokens" in ended and not steps:
        needs += [f"task:{one}" for one in _TABULAR]
    return Tried(tuple(needs))


def _pass(part: Component, make: Any, form: str, every_step: bool = False) -> Callable[[], None]:
    """Builds a network and has it read a long and a short batch; members are no positions."""

    def attempt() -> None:
        spec, inputs = architecture_rows(form, STEPS, every_step=every_step)
        extra = {"activation": torch.nn.ReLU, "training_rows": inputs}
        n_outputs = spec.n_tokens if every_step else 3
        network = make(spec, n_outputs, **{word: extra[word] for word in part.needs if word in extra})
        network.eval()
        shorter = architecture_rows(form, STEPS - 2, every_step=every_step)[1]
        with torch.no_grad():
            first, second = network(*inputs), network(*shorter)
        by_position = first.ndim == 3 and first.shape[1:2] != second.shape[1:2]
        if form in ("sequence", "tokens") and by_position != every_step:
            raise ValueError(f"outputs {tuple(first.shape)} where every_step is {every_step}")

    return attempt


def _loss(part: Component, make: Any) -> Tried:  # noqa: ARG001 - a trial's signature
    looked: list[int] = []
    ended, failure = _ran({one: _cost(make, one, looked) for one in TASK_TYPES})
    if not looked and ended == [*TASK_TYPES]:
        # One formula for every task type, which is meant for classes or for values: where it leads tells.
        sensible, _ = _ran({one: _descent(make, one) for one in TASK_TYPES})
        ended = sensible or ended
    return Tried(_tasks(ended, TASK_TYPES), failure=failure)


class _Watched(str):
    """A task type that notes when it is looked at."""

    looked: list[int]

    def __eq__(self, other: object) -> bool:
        self.looked.append(1)
        return str.__eq__(self, other)

    def __hash__(self) -> int:
        self.looked.append(1)
        return str.__hash__(self)


def _cost(make: Any, task_type: str, looked: list[int]) -> Callable[[], None]:
    def attempt() -> None:
        word = _Watched(task_type)
        word.looked = looked
        output, target, n_outputs = target_of(task_type)
        value = make(word, n_outputs)(output, target)
        if value.numel() != 1 or not value.isfinite():
            raise ValueError(f"a loss {value}")

    return attempt


def _descent(make: Any, task_type: str) -> Callable[[], None]:
    """Outputs nearer to the target, of classes and of values, cost less."""

    def attempt() -> None:
        output, target, n_outputs = target_of(task_type)
        loss = make(task_type, n_outputs)
        right = torch.nn.functional.one_hot(target, n_outputs) * 8.0 if output.ndim == 2 else target
        optimum = (right * 1.0).requires_grad_()
        (gradient,) = torch.autograd.grad(loss(optimum, target), [optimum])
        (before,) = torch.autograd.grad(loss(output, target), [output])
        settled = float(gradient.norm()) < 0.2 * float(before.norm())
        if not settled or not loss(right, target) < loss(output, target):
            raise ValueError("the least loss is elsewhere")

    return attempt


def _learner(part: Component, make: Any) -> Tried:
    ended, failure = _ran({one: _fit(part, make, one) for one in _asked_types(part)})
    return Tried(_tasks(ended, _TABULAR) if not _named(part, "task") else (), failure=failure)


def _booster(part: Component, make: Any) -> Tried:
    """What it wants for a weak learner: a regressor, or a tree's shape where it cannot do with one."""
    attempts = {}
    for word, weak in _WEAK.items():
        given = functools.partial(make, resolve(weak, part.file)(seed=0))
        seen = _learner(part, given)
        attempts[word] = Tried((word, *seen.needs), failure=seen.failure)
    return next((seen for seen in attempts.values() if not seen.failure), attempts["regressor"])


def _asked_types(part: Component) -> tuple[str, ...]:
    return tuple(one for one in _TABULAR if one in (_named(part, "task") or _TABULAR))


def _fit(part: Component, make: Any, task_type: str) -> Callable[[], None]:
    def attempt() -> None:
        X, y = raw_rows("numbers"), _labels(task_type)
        learner = make(task_type=task_type, seed=0)
        learner.fit(X, y, **({"validation": (X.copy(), y.copy())} if "validation" in part.needs else {}))
        if task_type in CLASSIFICATION:
            learner.predict_proba(X)
            if {*np.asarray(learner.classes_).tolist()} != {*y.tolist()}:
                raise ValueError("classes_ are not the codes that it was fitted on")
        elif np.ndim(learner.predict(X)) != y.ndim:
            raise ValueError("predictions of another shape than the targets")

    return attempt


def _labels(task_type: str) -> np.ndarray:
    rows = raw_rows("numbers")
    if task_type in CLASSIFICATION:
        return np.arange(len(rows)) % (2 if task_type == "binary" else 3)
    values: np.ndarray = rows.to_numpy(np.float64)[:, :2].sum(axis=1)
    return values if task_type == "regression" else np.column_stack([values, -values])


def _preprocessor(part: Component, make: Any) -> Tried:  # noqa: ARG001
    forms: dict[str, str] = {}
    ended, failure = _ran({one: _transform(make, one, forms) for one in MODALITIES})
    native = ("native",) if {"image", "list"} & {*forms.values()} else ()
    needs = tuple(f"modality:{one}" for one in ended if len(ended) < len(MODALITIES))
    odd = forms.get("tabular", "DataFrame") != "DataFrame"
    return Tried(needs, native, failure or (f"a table becomes {forms['tabular']}" if odd else ""))


def _transform(make: Any, modality: str, forms: dict[str, str]) -> Callable[[], None]:
    def attempt() -> None:
        rows = raw_rows(modality)
        train, later = rows[: len(rows) // 2 + 1], rows[len(rows) // 2 + 1 :]
        transformer = make()
        transformer.fit_transform(train, np.arange(len(train), dtype=float))
        out = transformer.transform(later)
        kind = "image" if isinstance(out, np.ndarray) and out.ndim == 4 else type(out).__name__
        if modality != "tabular" and kind not in ("DataFrame", "image", "list"):
            raise TypeError(f"{modality} becomes {kind}")
        forms[modality] = kind

    return attempt


def _optimizer(part: Component, make: Any) -> Tried:
    def attempt() -> None:
        layer = torch.nn.Linear(3, 2)
        groups: Any = [*layer.parameters()]
        if "roles" in part.needs:
            groups = [
                {"params": [layer.weight], "role": "hidden"},
                {"params": [layer.bias], "role": "bias"},
            ]
        extra: dict[str, Any] = {"attention_logits": lambda: []} if "attention_logits" in part.needs else {}
        optimizer = make(groups, **extra)

        def closure(create_graph: bool = False) -> Any:
            with torch.enable_grad():
                optimizer.zero_grad()
                value = layer(torch.ones(4, 3)).square().mean()
                value.backward(create_graph=create_graph)
            return value.detach()

        closure()
        optimizer.step(*([closure] if "closure" in part.needs else []))

    return Tried(failure=_ran({"step": attempt})[1])


def _schedule(part: Component, make: Any) -> Tried:
    def attempt() -> None:
        optimizer = torch.optim.SGD(torch.nn.Linear(1, 1).parameters(), lr=0.1)
        schedule = make(optimizer, 10)
        optimizer.step()
        schedule.step(*([1.0] if "validation_error" in part.needs else []))

    return Tried(failure=_ran({"step": attempt})[1])


def _activation(part: Component, make: Any) -> Tried:  # noqa: ARG001
    def attempt() -> None:
        x = torch.randn(4, 6)
        if make()(x).shape != x.shape:
            raise ValueError("another shape comes out than went in")

    return Tried(failure=_ran({"forward": attempt})[1])


def _weak_learner(part: Component, make: Any) -> Tried:
    def attempt() -> None:
        learner = make(seed=0)
        if "regressor" in part.gives:
            X = raw_rows("numbers").to_numpy(np.float64)
            learner.fit(X, _labels("regression")).predict(X)

    return Tried(failure=_ran({"fit": attempt})[1])


def _named(part: Component, kind: str) -> list[str]:
    pairs = [need.partition(":") for need in part.needs]
    return [value for prefix, _, value in pairs if prefix == kind]


def _tasks(ended: list[str], every: tuple[str, ...]) -> tuple[str, ...]:
    """The task types, where they are some and not all."""
    return tuple(f"task:{one}" for one in ended) if 0 < len(ended) < len(every) else ()


_TRIALS: Mapping[str, Callable[[Component, Any], Tried]] = {
    "preprocessor": _preprocessor,
    "architecture": _architecture,
    "activation": _activation,
    "loss": _loss,
    "optimizer": _optimizer,
    "schedule": _schedule,
    "booster": _booster,
    "weak_learner": _weak_learner,
    "estimator": _learner,
}
