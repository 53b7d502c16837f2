"""How an architecture starts and how it trains."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from benchmark.checks.bench import Bench
from benchmark.checks.check import Rule, expect
from benchmark.checks.subject import Place, Subject
from benchmark.execute.fitting.outputs import mean_loss

__all__ = [
    "RULES",
    "modes_switch_and_come_back",
    "overfits_one_batch",
    "starts_near_the_featureless_loss",
    "trains_on_one_row",
    "weights_follow_the_seed",
]

AT_MOST = 3.0
"""Times the featureless loss, of a network that has learned nothing yet."""
OVERFIT_ROWS, OVERFIT_STEPS, LEFT = 16, 300, 0.2
"""Rows that any network can learn by heart, steps of Adam for it, and the share of the loss that may be left:
the probabilities of a softmax, taken for logits, cannot get below a half."""
LRS = (3e-3, 1e-2, 1e-3)


def weights_follow_the_seed(subject: Subject) -> None:
    """The same seed makes the same initial weights, another seed other ones.

    With weights of one seed a study of five seeds is one of one seed, told five times; with weights of no
    seed nobody gets its numbers again. The usual causes are ``manual_seed`` in the component, and a generator
    of its own.
    """
    place = subject.place
    first, again, other = (_initial(place, seed) for seed in (0, 0, 1))
    strays = [name for name in first if not torch.equal(first[name], again[name])]
    expect(not strays, "the same weights from the same seed", f"others in {', '.join(strays[:4])}")
    moved = [name for name in first if not torch.equal(first[name], other[name])]
    expect(moved, "other weights from another seed", "the same in all parameters")


def modes_switch_and_come_back(subject: Subject) -> None:
    """``train()`` and ``eval()`` reach every module, each after the other, and a pass leaves the mode alone.

    Every evaluation switches to ``eval()`` and back: what does not come back trains without dropout and with
    frozen statistics from the first evaluation on.
    """
    bench = Bench.at(subject.place)
    network = bench.network.train()
    before = _modes(network)
    expect(network.training, "a network in training mode after train()", "evaluation mode")
    bench.closure()
    expect(_modes(network) == before, "the same mode after a pass in training mode", "another one")
    training = [name or "the network" for name, on in _modes(network.eval()).items() if on]
    expect(not training, "all modules in evaluation mode after eval()", f"in training: {', '.join(training)}")
    bench.output()
    after = _modes(network.train())
    lost = [name or "the network" for name, on in before.items() if on != after[name]]
    expect(not lost, "the mode from before eval() after train()", f"another one in {', '.join(lost)}")


def trains_on_one_row(subject: Subject) -> None:
    """A batch of one row has finite gradients in training mode.

    Batch norm over single numbers refuses, and is right. A study's batches have two rows or more; other
    people's loops end with a batch of one sooner or later.
    """
    for place in subject.one_place_a_form():
        bench = Bench.at(place)
        bench.network.train()
        one = torch.tensor([0])
        value = mean_loss(bench.loss, bench.network(*bench.rows.take(one)), bench.target[one])
        value.backward()  # type: ignore[no-untyped-call]
        given = [part.grad for part in bench.network.parameters() if part.grad is not None]
        expect(all(bool(gradient.isfinite().all()) for gradient in given), "finite gradients")


def starts_near_the_featureless_loss(subject: Subject) -> None:
    """Before training the loss is finite, and at most three times that of the best constant.

    A network that knows nothing should say so: the first steps go into making its outputs small, and where
    the rate is low they are most of the budget. The usual cause is the scale of the initial weights.
    """
    for place in subject.one_place_a_form():
        bench = Bench.at(place)
        bench.network.train()
        torch.manual_seed(0)
        with torch.no_grad():
            index = torch.arange(len(bench.rows))
            output = bench.network(*bench.rows.take(index))
            start = float(mean_loss(bench.loss, output, bench.target))
            constant = float(mean_loss(bench.loss, _featureless(bench).expand_as(output), bench.target))
        text = (
            f"a finite loss under {AT_MOST:g} x the {constant:.3g} of the best constant on {place.task.name}"
        )
        expect(start <= AT_MOST * constant, text, f"{start:.4g}")  # NaN is not at most anything


def overfits_one_batch(subject: Subject) -> None:
    """Adam brings the loss of 16 rows to a fifth or less of what it was, at one of three rates.

    A network that cannot learn 16 rows by heart cannot learn: its output does not reach the targets, or its
    gradients do not lead there. The usual causes are a softmax or a rectifier at the end.
    """
    for place in _one_of_classes_and_one_of_values(subject):
        left = {}
        for lr in LRS:
            left[lr] = _left(place, lr)
            if left[lr] <= LEFT:
                break
        seen = ", ".join(f"{share:.0%} at lr {lr:g}" for lr, share in left.items())
        text = f"at most {LEFT:.0%} of the loss left after {OVERFIT_STEPS} steps on {place.task.name}"
        expect(min(left.values()) <= LEFT, text, seen)


def _initial(place: Place, seed: int) -> dict[str, Tensor]:
    """The parameters as they are drawn, with every global generator that a fit seeds at the seed."""
    random.seed(seed)
    np.random.seed(seed)
    return {name: part.detach() for name, part in Bench.at(place, seed=seed).network.named_parameters()}


def _modes(network: torch.nn.Module) -> dict[str, bool]:
    return {name: module.training for name, module in network.named_modules()}


def _featureless(bench: Bench) -> Tensor:
    """The output that says the frequencies of the classes, or the mean of standardised values."""
    if bench.target.is_floating_point():
        return torch.zeros(1)
    asked = bench.target[bench.target >= 0]
    frequencies = torch.bincount(asked, minlength=bench.place.task.n_outputs) / len(asked)
    return frequencies.clamp(min=1e-6).log()


def _one_of_classes_and_one_of_values(subject: Subject) -> Iterator[Place]:
    """The first place of each, texts apart, where every row has hundreds of targets."""
    seen = set()
    for place in subject.one_place_a_task():
        kind = place.task.n_classes > 0
        if kind not in seen and place.task.task_type != "language":
            seen.add(kind)
            yield place


def _left(place: Place, lr: float) -> float:
    """What is left of the loss of a few rows, in evaluation mode, as a share of that before."""
    bench = Bench.at(place)
    index = torch.arange(len(bench.rows))[:: len(bench.rows) // OVERFIT_ROWS][:OVERFIT_ROWS]
    target = bench.target[index]
    optimizer = torch.optim.Adam(bench.network.parameters(), lr=lr)
    first = last = float(mean_loss(bench.loss, bench.said(*bench.rows.take(index)), target))
    for step in range(OVERFIT_STEPS):
        bench.network.train()
        torch.manual_seed(step)
        optimizer.zero_grad()
        mean_loss(bench.loss, bench.network(*bench.rows.take(index)), target).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if step % 50 == 49:
            last = float(mean_loss(bench.loss, bench.said(*bench.rows.take(index)), target))
            if last <= LEFT * first:
                break
    return last / first


_SHAPE = "outputs_have_the_contracts_shape"
RULES = (
    Rule(weights_follow_the_seed, look="__init__"),
    Rule(modes_switch_and_come_back, look="train"),
    Rule(trains_on_one_row, severity="warning", look="forward", causes=(_SHAPE,)),
    Rule(starts_near_the_featureless_loss, severity="warning", look="__init__", causes=(_SHAPE,)),
    Rule(
        overfits_one_batch,
        slow=True,
        look="forward",
        causes=(_SHAPE, "gradients_reach_every_parameter", "modes_switch_and_come_back"),
    ),
)
