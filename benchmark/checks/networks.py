"""What an architecture, an activation or a loss promises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from benchmark.checks.bench import Bench
from benchmark.checks.check import Rule, expect
from benchmark.checks.subject import Place, Subject
from benchmark.execute.fitting import assemble
from benchmark.execute.tune import apply
from benchmark.spec import PARAMETER_ROLES, TASK_TYPES

__all__ = [
    "ACTIVATION",
    "ARCHITECTURE",
    "LOSS",
    "a_row_alone_is_a_row_among_others",
    "architecture_survives_state_dict",
    "every_parameter_has_a_role",
    "gradients_reach_every_parameter",
    "is_a_mean_over_rows",
    "is_elementwise",
    "is_least_where_the_target_is",
    "outputs_have_the_contracts_shape",
    "tells_its_attention_logits",
    "uses_the_activation",
    "uses_the_training_rows",
    "width_widens",
]

CLOSE = 1e-4
"""Between a row alone and the same row among others, whose products are summed in another order."""


def outputs_have_the_contracts_shape(subject: Subject) -> None:
    """A module whose ``forward`` gives ``(batch, n_outputs)``, with members or positions in the middle."""
    for place in _one_per_form(subject):
        bench, task = Bench.at(place), place.task
        expect(isinstance(bench.network, torch.nn.Module), "a torch.nn.Module", type(bench.network))
        shape = tuple(bench.output().shape)
        n_rows, n_outputs = len(bench.rows), task.n_outputs
        good = len(shape) in (2, 3) and shape[0] == n_rows and shape[-1] == n_outputs
        if task.task_type == "language":
            good = shape == (n_rows, bench.rows.positions, n_outputs)
        expect(good, f"({n_rows}, …, {n_outputs}) on {task.name}", shape)


def a_row_alone_is_a_row_among_others(subject: Subject) -> None:
    """In evaluation mode a batch of one row gives what the row gives within any batch, every time."""
    for place in _one_per_form(subject):
        bench = Bench.at(place)
        bench.train(1)
        together, again = bench.output(slice(0, 9)), bench.output(slice(0, 9))
        expect(torch.equal(together, again), "the same output twice in evaluation mode")
        alone = bench.output(slice(3, 4))
        within = together[3:4, : alone.shape[1]] if alone.ndim == 3 else together[3:4]
        apart = float((alone - within).abs().max())
        expect(apart < CLOSE, f"the same output on {place.task.name}", f"differences up to {apart:.3g}")


def gradients_reach_every_parameter(subject: Subject) -> None:
    """Within three steps of Adam every parameter has had a gradient that is finite and not all zero."""
    for place in _one_per_form(subject):
        bench = Bench.at(place, optimizer=lambda params, **_: torch.optim.Adam(_flat(params), lr=1e-3))
        reached: set[str] = set()
        for _ in range(3):
            bench.train(1)
            for name, parameter in bench.network.named_parameters():
                if parameter.grad is not None and bool(parameter.grad.isfinite().all()):
                    reached |= {name} if bool(parameter.grad.any()) else set()
        asked = {name for name, parameter in bench.network.named_parameters() if parameter.requires_grad}
        expect(asked <= reached, f"a gradient in all on {place.task.name}", sorted(asked - reached))


def architecture_survives_state_dict(subject: Subject) -> None:
    """Another one with other weights gives the same output once it has loaded the ``state_dict``."""
    first, second = Bench.at(subject.place), Bench.at(subject.place, seed=1)
    first.train(2)
    expect(not torch.equal(first.output(), second.output()), "other outputs from another seed", "the same")
    second.network.load_state_dict(first.network.state_dict())
    expect(torch.equal(first.output(), second.output()), "the same output after loading the state_dict")


def uses_the_activation(subject: Subject) -> None:
    """It makes the activation that it is passed, and its output depends on it."""
    place, made = subject.place, []

    def watched() -> torch.nn.Module:
        made.append(1)
        return torch.nn.Softsign()

    outputs = [Bench.at(place, activation=make).output() for make in (watched, torch.nn.Identity)]
    expect(made, "a call of activation()", "none")
    expect(not torch.equal(*outputs), "other outputs with another activation", "the same")


def uses_the_training_rows(subject: Subject) -> None:
    """Built on other training rows, it is another network."""
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
    """Its roles are those of its parameters, each of a known kind, and ``hidden`` ones are matrices."""
    for place in _one_per_form(subject):
        network = Bench.at(place).network
        roles, parameters = network.parameter_roles(), dict(network.named_parameters())  # type: ignore[operator]
        expect({*roles} == {*parameters}, "a role for each parameter", {*roles} ^ {*parameters})
        expect({*roles.values()} <= {*PARAMETER_ROLES}, f"{PARAMETER_ROLES}", {*roles.values()})
        flat = [name for name, role in roles.items() if role == "hidden" and parameters[name].ndim < 2]
        expect(not flat, "matrices where the role is hidden", flat)


def tells_its_attention_logits(subject: Subject) -> None:
    """After a pass in training mode every attention layer says its weights and its largest logit by head."""
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
    """``width`` leads to a whole number, and twice as much of it makes more parameters."""
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


def is_elementwise(subject: Subject) -> None:
    """Each number out depends on the one number in at its place, whatever the shape; its slope is finite."""
    x = torch.linspace(-4, 4, 60).reshape(3, 4, 5).requires_grad_()
    module = subject.make()
    expect(isinstance(module, torch.nn.Module), "a torch.nn.Module", type(module))
    expect(subject.make() is not module, "a new module every time")
    module.eval()
    y = module(x)
    expect(y.shape == x.shape, f"shape {tuple(x.shape)}", tuple(y.shape))
    expect(torch.allclose(module(x.flatten().flip(0)).flip(0), y.flatten(), atol=1e-6), "numbers apart")
    y.sum().backward()
    assert x.grad is not None
    expect(bool(x.grad.isfinite().all()), "finite slopes", x.grad)
    expect(not torch.allclose(x.grad, x.grad.mean()), "a bend somewhere", "a straight line")


def is_a_mean_over_rows(subject: Subject) -> None:
    """The loss of a batch is the mean of its rows' losses, as weights suppose, and has finite gradients."""
    for task_type in _task_types(subject):
        output, target = _outputs(task_type)
        loss = subject.make(task_type, output.shape[-1] if output.ndim == 2 else 1)
        whole = loss(output, target)
        expect(whole.ndim == 0, "one number", tuple(whole.shape))
        rows = torch.stack([loss(output[i : i + 1], target[i : i + 1]) for i in range(len(target))])
        expect(torch.allclose(whole, rows.mean(), rtol=1e-4), f"the mean {rows.mean():.6g} of rows", whole)
        whole.backward()
        assert output.grad is not None
        expect(bool(output.grad.isfinite().all() and output.grad.any()), "finite gradients, not all 0")


def is_least_where_the_target_is(subject: Subject) -> None:
    """Gradient steps on the output alone lead the prediction to the target."""
    for task_type in _task_types(subject):
        output, target = _outputs(task_type)
        loss = subject.make(task_type, output.shape[-1] if output.ndim == 2 else 1)
        optimizer = torch.optim.Adam([output], lr=0.1)
        for _ in range(200):
            optimizer.zero_grad()
            loss(output, target).backward()
            optimizer.step()
        right = output.argmax(-1) == target if output.ndim == 2 else (output - target).abs() < 0.2
        expect(
            right.all(), f"the target of {task_type} tasks found", f"{int(right.sum())} of {len(target)} rows"
        )


def _one_per_form(subject: Subject) -> Iterator[Place]:
    """The first place of each modality that the component takes."""
    seen = set()
    for place in subject.places():
        if place.task.modality not in seen:
            seen.add(place.task.modality)
            yield place


def _flat(params: Any) -> list[torch.nn.Parameter]:
    params = [*params]
    return [part for group in params for part in group["params"]] if isinstance(params[0], dict) else params


def _task_types(subject: Subject) -> list[str]:
    return subject.named("task") or [*TASK_TYPES]


def _outputs(task_type: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Outputs of eight rows that can be trained, and targets; as the contract shapes them."""
    generator = torch.Generator().manual_seed(0)
    if task_type in ("regression", "forecasting"):
        return torch.randn(8, generator=generator).requires_grad_(), torch.randn(8, generator=generator)
    n_classes = 2 if task_type == "binary" else 5
    target = torch.randint(n_classes, (8,), generator=generator)
    return torch.randn(8, n_classes, generator=generator).requires_grad_(), target


def _says(word: str) -> Any:
    return lambda subject: subject.says(word)


ARCHITECTURE = (
    Rule(outputs_have_the_contracts_shape),
    Rule(a_row_alone_is_a_row_among_others),
    Rule(gradients_reach_every_parameter),
    Rule(architecture_survives_state_dict),
    Rule(uses_the_activation, applies=_says("activation")),
    Rule(uses_the_training_rows, applies=_says("training_rows")),
    Rule(every_parameter_has_a_role, applies=_says("roles")),
    Rule(tells_its_attention_logits, applies=_says("attention_logits")),
    Rule(width_widens, applies=lambda subject: bool(subject.component.width)),
)
ACTIVATION = (Rule(is_elementwise),)
LOSS = (Rule(is_a_mean_over_rows), Rule(is_least_where_the_target_is))
