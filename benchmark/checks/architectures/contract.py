"""What an architecture says of itself, and that it is so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from benchmark.checks.bench import Bench
from benchmark.checks.check import Rule, expect
from benchmark.checks.subject import Place, Subject
from benchmark.execute.fitting import assemble
from benchmark.execute.tune import apply
from benchmark.spec import PARAMETER_ROLES

__all__ = [
    "RULES",
    "architecture_survives_state_dict",
    "every_parameter_has_a_role",
    "outputs_have_the_contracts_shape",
    "tells_its_attention_logits",
    "uses_the_activation",
    "uses_the_training_rows",
    "width_widens",
]


def outputs_have_the_contracts_shape(subject: Subject) -> None:
    """A module whose ``forward`` gives ``(batch, n_outputs)``, with members or positions in the middle.

    What comes in another shape is broadcast against the targets without a word, and the loss is that of
    other pairs than those that were meant.
    """
    for place in subject.one_place_a_task():
        bench, task = Bench.at(place), place.task
        expect(isinstance(bench.network, torch.nn.Module), "a torch.nn.Module", type(bench.network))
        shape = tuple(bench.output().shape)
        n_rows, n_outputs = len(bench.rows), task.n_outputs
        good = len(shape) in (2, 3) and shape[0] == n_rows and shape[-1] == n_outputs
        if task.task_type == "language":
            good = shape == (n_rows, bench.rows.positions, n_outputs)
        expect(good, f"({n_rows}, …, {n_outputs}) on {task.name}", shape)


def architecture_survives_state_dict(subject: Subject) -> None:
    """Another one with other weights gives the same output once it has loaded the ``state_dict``.

    The best weights are kept as a ``state_dict`` and taken back at the end: what is not in it is that of the
    last step, and a network that is stored is not the one that is read.
    """
    first, second = Bench.at(subject.place), Bench.at(subject.place, seed=1)
    first.train(2)
    expect(not torch.equal(first.output(), second.output()), "other outputs from another seed", "the same")
    second.network.load_state_dict(first.network.state_dict())
    expect(torch.equal(first.output(), second.output()), "the same output after loading the state_dict")


def uses_the_activation(subject: Subject) -> None:
    """It makes the activation that it is passed, and its output depends on it.

    The study's arms of that slot would all be the same network, and their differences noise.
    """
    place, made = subject.place, []

    def watched() -> torch.nn.Module:
        made.append(1)
        return torch.nn.Softsign()

    outputs = [Bench.at(place, activation=make).output() for make in (watched, torch.nn.Identity)]
    expect(made, "a call of activation()", "none")
    expect(not torch.equal(*outputs), "other outputs with another activation", "the same")


def uses_the_training_rows(subject: Subject) -> None:
    """Built on other training rows, it is another network.

    What was to be read off the data is not, and the network is another one than its description.
    """
    place = subject.place
    make = assemble.makers(place.pipeline)["architecture"]

    def stretched(spec: Any, n_outputs: int, training_rows: Any, **extra: Any) -> torch.nn.Module:
        other = tuple(
            part**3 + 1 if part is not None and part.is_floating_point() else part for part in training_rows
        )
        built: torch.nn.Module = make(spec, n_outputs, training_rows=other, **extra)
        return built

    as_it_is, changed = Bench.at(place), Bench.at(place, architecture=stretched)
    for bench in (as_it_is, changed):
        bench.train(2)  # what starts at zero hides what it is made of
    shapes = [[tuple(t.shape) for t in bench.network.state_dict().values()] for bench in (as_it_is, changed)]
    differ = shapes[0] != shapes[1] or not torch.equal(as_it_is.output(), changed.output())
    expect(differ, "a network that depends on the training rows", "the same")


def every_parameter_has_a_role(subject: Subject) -> None:
    """Its roles are those of its parameters, each of a known kind, and ``hidden`` ones are matrices.

    Optimizers choose by role how they move a parameter: one without a role is not trained, one with a wrong
    role not as its author meant.
    """
    for place in subject.one_place_a_form():
        network = Bench.at(place).network
        roles, parameters = network.parameter_roles(), dict(network.named_parameters())  # type: ignore[operator]
        expect({*roles} == {*parameters}, "a role for each parameter", {*roles} ^ {*parameters})
        expect({*roles.values()} <= {*PARAMETER_ROLES}, f"{PARAMETER_ROLES}", {*roles.values()})
        flat = [name for name, role in roles.items() if role == "hidden" and parameters[name].ndim < 2]
        expect(not flat, "matrices where the role is hidden", flat)


def tells_its_attention_logits(subject: Subject) -> None:
    """After a pass in training mode every attention layer says its weights and its largest logit by head.

    Optimizers that hold the logits down would hold down something else, or nothing.
    """
    bench = Bench.at(subject.place)
    bench.train(1)
    layers, own = bench.network.attention_logits(), {*map(id, bench.network.parameters())}  # type: ignore[operator]
    expect(len(layers), "at least one attention layer")
    for layer in layers:
        parts = [*layer.query, *layer.key]
        expect(all(id(part) in own for part in parts), "query and key among the network's parameters")
        heads = layer.largest.shape
        expect(len(heads) == 1 and bool(layer.largest.isfinite().all()), "(n_heads,) finite", layer.largest)
        uneven = [tuple(part.shape) for part in parts if part.shape[0] % heads[0]]
        expect(not uneven, f"rows in {heads[0]} equal blocks", uneven)


def width_widens(subject: Subject) -> None:
    """``width`` leads to a whole number, and twice as much of it makes more parameters.

    Studies of width compare networks of one width.
    """
    place, path = subject.place, subject.component.width
    node: Any = subject.component.make
    for key in path.split("."):
        expect(key in node, f"an argument {path} in make", [*node])
        node = node[key]
    expect(isinstance(node, int), "a whole number as width", node)
    wider = apply(place.pipeline, {f"architecture.{path}": 2 * node})
    sizes = [
        sum(parameter.numel() for parameter in Bench.at(at).network.parameters())
        for at in (place, Place(wider, place.data, place.task, place.split))
    ]
    expect(sizes[0] < sizes[1], f"more than {sizes[0]} parameters at twice the width", sizes[1])


def _says(word: str) -> Callable[[Subject], bool]:
    return lambda subject: subject.says(word)


RULES = (
    Rule(outputs_have_the_contracts_shape, look="forward"),
    Rule(
        architecture_survives_state_dict,
        look="__init__",
        causes=("outputs_have_the_contracts_shape", "weights_follow_the_seed", "evaluation_changes_nothing"),
    ),
    Rule(uses_the_activation, applies=_says("activation"), look="__init__"),
    Rule(uses_the_training_rows, applies=_says("training_rows"), look="__init__"),
    Rule(every_parameter_has_a_role, applies=_says("roles"), look="parameter_roles"),
    Rule(tells_its_attention_logits, applies=_says("attention_logits"), look="attention_logits"),
    Rule(width_widens, applies=lambda subject: bool(subject.component.width), look="yaml"),
)
