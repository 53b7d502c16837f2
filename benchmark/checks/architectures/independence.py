"""What an architecture's output must not depend on: chance, other rows, padding, and what comes later."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from benchmark.checks.bench import Bench
from benchmark.checks.check import Rule, expect
from benchmark.checks.subject import Subject
from benchmark.execute.fitting.rows import Padded

__all__ = [
    "RULES",
    "a_row_alone_is_a_row_among_others",
    "evaluation_changes_nothing",
    "padding_changes_nothing",
    "rows_do_not_see_each_other",
    "sees_its_own_position",
    "sees_no_later_position",
    "takes_longer_rows",
]

CLOSE = 1e-4
"""Between sums of the same numbers in another order, as a share of the largest output and of 1."""


def evaluation_changes_nothing(subject: Subject) -> None:
    """In evaluation mode the same rows give the same output twice, and leave the network as it was.

    Predictions would be draws, and depend on how often and in what order rows are predicted; the usual cause
    is dropout, or batch norm by hand, that does not ask ``self.training``.
    """
    for place in subject.one_place_a_form():
        bench = Bench.at(place)
        bench.train(1)
        bench.network.eval()
        before, first, second = bench.weights(), bench.output(slice(0, 9)), bench.output(slice(0, 9))
        apart = float((first - second).abs().max())
        expect(torch.equal(first, second), "the same output twice", f"differences up to {apart:.3g}")
        changed = [name for name, now in bench.weights().items() if not torch.equal(now, before[name])]
        expect(not changed, "a state that stays", f"changes in {', '.join(changed)}")


def rows_do_not_see_each_other(subject: Subject) -> None:
    """In evaluation mode a row's output depends on no other row of its batch, nor on its place in it.

    Test rows would tell about each other: results depend on the size and the order of batches, and cannot be
    had for one row. The usual causes are a mean over the wrong dimension, and time where rows were expected.
    """
    for place in subject.one_place_a_form():
        bench = Bench.at(place)
        bench.train(1)
        where, every_step = f"on {place.task.name}", place.task.task_type == "language"
        gradient = None if isinstance(bench.rows, Padded) and bench.rows.x.ndim == 2 else _foreign(bench)
        reached = gradient is None or not gradient.any()
        largest = 0.0 if gradient is None else float(gradient.abs().max())
        expect(reached, f"no gradient of row 0 by other rows {where}", f"up to {largest:.3g}")
        order = torch.arange(8).roll(3)
        together, moved = (bench.said(*bench.rows.take(rows)) for rows in (torch.arange(8), order))
        apart = _apart(moved, together[order], every_step)
        expect(apart < CLOSE, f"rows in another order to give outputs in that order {where}", _up_to(apart))
        company = bench.said(*bench.rows.take(torch.tensor([0, *range(9, 16)])))
        apart = _apart(company[:1], together[:1], every_step)
        expect(apart < CLOSE, f"the same output of row 0 in other company {where}", _up_to(apart))


def a_row_alone_is_a_row_among_others(subject: Subject) -> None:
    """In evaluation mode a batch of one row gives what the row gives within any batch.

    Predictions would depend on how many rows are predicted at once.
    """
    for place in subject.one_place_a_form():
        bench = Bench.at(place)
        bench.train(1)
        together, alone = bench.output(slice(0, 9)), bench.output(slice(3, 4))
        apart = _apart(alone, together[3:4], place.task.task_type == "language")
        expect(apart < CLOSE, f"the same output on {place.task.name}", _up_to(apart))


def padding_changes_nothing(subject: Subject) -> None:
    """What comes after the end of a row, zeros to the length of the longest, does not change its output.

    A short row would be read as one that goes on, and its output depend on the longest row of its batch; the
    usual cause is to read the state at the last column instead of at ``lengths - 1``.
    """
    for place in subject.one_place_a_form():
        bench, every_step = Bench.at(place), place.task.task_type == "language"
        if not isinstance(bench.rows, Padded):
            continue
        bench.train(1)
        x, lengths = bench.rows.take(torch.arange(6))
        assert x is not None and lengths is not None
        short = (lengths // 2 - torch.arange(6)).clamp(min=1)
        after = torch.arange(x.shape[1]) >= short[:, None]
        cut = x.masked_fill(after if x.ndim == 2 else after[..., None], 0)
        together = bench.said(cut, short)
        for row, length in enumerate(short.tolist()):
            alone = bench.said(cut[row : row + 1, :length], short[row : row + 1])
            apart = _apart(alone, together[row : row + 1], every_step)
            text = f"what {length} steps give of themselves, also before {x.shape[1] - length} of padding,"
            expect(apart < CLOSE, f"{text} on {place.task.name}", _up_to(apart))


def takes_longer_rows(subject: Subject) -> None:
    """Rows twice as long as the longest of the training rows have finite outputs.

    ``input_spec.shape`` tells the longest training row; those of the test may be longer.
    """
    for place in subject.one_place_a_form():
        bench = Bench.at(place)
        if isinstance(bench.rows, Padded):
            x = bench.rows.x[:4]
            twice = bench.said(torch.cat([x, x], dim=1), torch.full((len(x),), 2 * x.shape[1]))
            expect(bool(twice.isfinite().all()), f"finite outputs on {place.task.name}", twice)


def sees_no_later_position(subject: Subject) -> None:
    """Where an output is wanted at every position, it does not change when what comes later does.

    The next character is what is to be predicted: a network that sees it copies it, its error falls to
    nothing, and all of that is the leak. The usual cause is a mask that is missing, or off by one.
    """
    for bench, x, lengths in _texts(subject):
        before = bench.said(x, lengths)
        for position in _positions(x):
            after = bench.said(_other_codes(bench, x, slice(position + 1, None)), lengths)
            apart = _apart(after[:, : position + 1], before[:, : position + 1], True)
            expect(
                apart < CLOSE,
                f"the output at position {position} to stay when positions from {position + 1} on change",
                _up_to(apart),
            )


def sees_its_own_position(subject: Subject) -> None:
    """Where an output is wanted at every position, it depends on what stands there.

    The newest character tells most about the next one: a network that does not look at it is off by one,
    and predicts the character after the next from what it has.
    """
    for bench, x, lengths in _texts(subject):
        before = bench.said(x, lengths)
        for position in _positions(x):
            after = bench.said(_other_codes(bench, x, slice(position, position + 1)), lengths)
            same = torch.equal(after[:, position], before[:, position])
            expect(not same, f"another output at position {position} for other characters there", "the same")


def _apart(one: Tensor, other: Tensor, every_step: bool) -> float:
    """The largest difference, as a share of the largest output or of 1; where both have a position."""
    if every_step:
        steps = min(one.shape[1], other.shape[1])
        one, other = one[:, :steps], other[:, :steps]
    return float((one - other).abs().max() / other.abs().max().clamp(min=1.0))


def _up_to(apart: float) -> str:
    return f"differences up to {apart:.3g}"


def _foreign(bench: Bench) -> Tensor:
    """The gradient of row 0's output by the numbers of the other rows."""
    bench.network.eval()
    inputs = [*bench.rows.take(torch.arange(8))]
    place = next(
        number for number, part in enumerate(inputs) if part is not None and part.is_floating_point()
    )
    asked = inputs[place]
    assert asked is not None
    asked.requires_grad_()
    total = bench.network(*inputs)[0].sum()
    (gradient,) = torch.autograd.grad(total, [asked], allow_unused=True)
    return torch.zeros(1) if gradient is None else gradient[1:]


def _texts(subject: Subject) -> Iterator[tuple[Bench, Tensor, Tensor]]:
    """A language task's network after a step, and four texts cut to the shortest."""
    place = next((place for place in subject.places() if place.task.task_type == "language"), None)
    if place is not None:
        bench = Bench.at(place)
        bench.train(1)
        x, lengths = bench.rows.take(torch.arange(4))
        assert x is not None and lengths is not None
        shortest = int(lengths.min())
        yield bench, x[:, :shortest], torch.full_like(lengths, shortest)


def _positions(x: Tensor) -> tuple[int, ...]:
    return 1, x.shape[1] // 2, x.shape[1] - 2


def _other_codes(bench: Bench, x: Tensor, where: slice) -> Tensor:
    """Another character at some positions, never padding."""
    n_codes = int(bench.rows.part(slice(None))[0].max())  # type: ignore[union-attr]
    changed = x.clone()
    changed[:, where] = x[:, where] % n_codes + 1
    return changed


def _takes(*forms: str) -> Callable[[Subject], bool]:
    return lambda subject: bool({*subject.named("input")} & {*forms})


_SHAPE = "outputs_have_the_contracts_shape"
RULES = (
    Rule(evaluation_changes_nothing, look="forward"),
    Rule(rows_do_not_see_each_other, look="forward", causes=(_SHAPE, "evaluation_changes_nothing")),
    Rule(
        a_row_alone_is_a_row_among_others,
        look="forward",
        causes=(_SHAPE, "evaluation_changes_nothing", "rows_do_not_see_each_other"),
    ),
    Rule(
        padding_changes_nothing,
        applies=_takes("sequence", "tokens"),
        look="forward",
        causes=(
            _SHAPE,
            "evaluation_changes_nothing",
            "rows_do_not_see_each_other",
            "sees_no_later_position",  # padding comes later
        ),
    ),
    Rule(takes_longer_rows, applies=_takes("sequence", "tokens"), look="forward", causes=(_SHAPE,)),
    Rule(
        sees_no_later_position,
        applies=_takes("tokens"),
        look="forward",
        causes=(_SHAPE, "evaluation_changes_nothing"),
    ),
    Rule(sees_its_own_position, applies=_takes("tokens"), look="forward", causes=(_SHAPE,)),
)
