"""What an architecture's output must depend on: every column of the input, and every parameter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from benchmark.checks.bench import ROWS, Bench
from benchmark.checks.check import Rule, expect
from benchmark.checks.subject import Place, Subject
from benchmark.execute.fitting.rows import Inputs, Padded, Rows, Tables
from benchmark.plan.compatibility import form_of

__all__ = [
    "RULES",
    "gradients_reach_every_parameter",
    "order_of_positions_matters",
    "takes_tables_of_one_kind",
    "uses_every_column",
]

NOTHING = 1e-3
"""Share of what other rows change in the output: less is rounding of the same numbers in another order."""


def gradients_reach_every_parameter(subject: Subject) -> None:
    """Within three steps of Adam every parameter has had a gradient that is finite and not all zero.

    What has no gradient is not trained: it stays what it was drawn to be. The usual causes are ``detach``,
    a part that the output does not go through, and numbers that are not finite.
    """
    for place in subject.one_place_a_form():
        bench = Bench.at(place, optimizer=lambda params, **_: torch.optim.Adam(_parameters(params), lr=1e-3))
        reached: set[str] = set()
        for _ in range(3):
            bench.train(1)
            for name, parameter in bench.network.named_parameters():
                if parameter.grad is not None and bool(parameter.grad.isfinite().all()):
                    reached |= {name} if bool(parameter.grad.any()) else set()
        asked = {name for name, parameter in bench.network.named_parameters() if parameter.requires_grad}
        none = _some(sorted(asked - reached))
        expect(asked <= reached, f"a gradient in all on {place.task.name}", f"none in {none}")


def uses_every_column(subject: Subject) -> None:
    """After three steps of training the output depends on every column, channel or code of the input.

    What is not hooked up cannot be learned from, and nothing else tells: the network trains, a little worse
    than it could.
    """
    for place in subject.one_place_a_form():
        bench = Bench.at(place, rows=_mixed(place) if _takes_a_table(place) else None)
        bench.train(3)  # what starts at zero hides what it is made of
        before = bench.output()
        every = [*_changed(bench.rows)]
        unused = [name for name, changed in every if torch.equal(bench.said(*changed), before)]
        expect(not unused, f"an output that depends on all {len(every)} columns", f"none on {_some(unused)}")


def order_of_positions_matters(subject: Subject) -> str | None:
    """Where positions come in an order, the output depends on it.

    To attention without positions, and to means over time, a series is a bag of values. Of a text the next
    character can hardly be told from the number of times that each has been there.
    """
    bags = [place.task for place in subject.one_place_a_form() if _is_a_bag(place)]
    texts = [task.name for task in bags if task.task_type == "language"]
    expect(
        not texts,
        f"another output on {', '.join(texts)} after the same characters in another order",
        "the same: it has no positions, or looks at the last character alone",
    )
    named = ", ".join(task.name for task in bags)
    return f"the order of positions does not matter to it on {named}" if bags else None


def _is_a_bag(place: Place) -> bool:
    """Whether rows with their positions shuffled have the same output, that at the last one kept there."""
    bench, last_stays = Bench.at(place), int(place.task.task_type == "language")
    if not isinstance(bench.rows, Padded):
        return False
    bench.train(3)
    x, lengths = bench.rows.take(torch.arange(8))
    assert x is not None and lengths is not None
    shortest = int(lengths.min())
    x, lengths, n_mixed = x[:, :shortest], torch.full_like(lengths, shortest), shortest - last_stays
    order = torch.cat([torch.randperm(n_mixed), torch.arange(n_mixed, shortest)])
    said = [bench.said(each, lengths) for each in (x, x[:, order], x.roll(1, 0))]
    as_it_is, shuffled, of_others = (each[:, -1] if last_stays else each for each in said)
    moved, usual = (float((each - as_it_is).abs().max()) for each in (shuffled, of_others))
    return n_mixed > 1 and moved < NOTHING * usual


def takes_tables_of_one_kind(subject: Subject) -> None:
    """It takes a table without numbers, and one without categories.

    Either may be None; where it cannot be, a study has failures instead of results.
    """
    for place in filter(_takes_a_table, subject.one_place_a_form()):
        mixed = _mixed(place)
        for without, rows in (
            ("numbers", Tables(None, mixed.x_cat)),
            ("categories", Tables(mixed.x_num, None)),
        ):
            bench = Bench.at(place, rows=rows)
            bench.train(1)
            expect(bool(bench.output().isfinite().all()), f"finite outputs of a table without {without}")


def _takes_a_table(place: Place) -> bool:
    return form_of(place.pipeline, place.task.modality) == "table"


def _mixed(place: Place) -> Tables:
    """Four columns of numbers and three of categories, which no small task that comes with a library has."""
    n_rows, generator = min(ROWS, len(place.split.train)), torch.Generator().manual_seed(0)
    codes = [torch.randint(n_codes, (n_rows,), generator=generator) for n_codes in (2, 4, 7)]
    return Tables(torch.randn(n_rows, 4, generator=generator), torch.stack(codes, dim=1))


def _changed(rows: Rows) -> Iterator[tuple[str, Inputs]]:
    """Every column or channel by name, and the input with other values in it; of texts all codes at once."""
    inputs = rows.part(slice(None))
    if isinstance(rows, Padded):
        x, lengths = inputs
        assert x is not None
        if not x.is_floating_point():
            yield "codes", (torch.where(x > 0, x % x.max() + 1, 0), lengths)
            return
        parts, axis = {"channel": 0}, 2
    else:
        parts, axis = {"number": 0, "category": 1} if isinstance(rows, Tables) else {"channel": 0}, 1
    for name, place in parts.items():
        part = inputs[place]
        assert part is not None
        other = 0.5 - part if part.is_floating_point() else (part + 1) % (part.amax(0) + 1)
        for column in range(part.shape[axis]):
            changed = part.clone()
            changed.select(axis, column).copy_(other.select(axis, column))
            yield f"{name} {column}", (*inputs[:place], changed, *inputs[place + 1 :])


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(names[:4]) + more


def _parameters(params: object) -> list[torch.nn.Parameter]:
    """Those of groups, or those that are there."""
    listed = [*params]  # type: ignore[misc]
    return [part for group in listed for part in (group["params"] if isinstance(group, dict) else [group])]


_SHAPE = "outputs_have_the_contracts_shape"
RULES = (
    Rule(gradients_reach_every_parameter, look="forward", causes=(_SHAPE,)),
    Rule(uses_every_column, look="forward", causes=(_SHAPE, "evaluation_changes_nothing")),
    Rule(
        order_of_positions_matters,
        applies=lambda subject: bool({*subject.named("input")} & {"sequence", "tokens"}),
        severity="warning",
        look="forward",
        advice="Add positions to the inputs, or let attention know the distances.",
        causes=(_SHAPE, "sees_its_own_position", "sees_no_later_position", "uses_every_column"),
    ),
    Rule(
        takes_tables_of_one_kind,
        applies=lambda subject: "table" in (subject.named("input") or ["table"]),
        severity="warning",
        look="forward",
        causes=(_SHAPE,),
    ),
)
