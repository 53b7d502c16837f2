"""From a network's output to a loss while training, and to predictions afterwards."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from benchmark.execute.fitting.rows import Rows, chunk_size
from benchmark.spec import CLASSIFICATION

__all__ = ["mean_loss", "predict"]


def mean_loss(
    loss: Callable[[Tensor, Tensor], Tensor],
    output: Tensor,
    target: Tensor,
    weights: Tensor | None = None,
    *,
    weigh_value: bool = False,
) -> Tensor:
    """The loss of a batch, over the rows of all members, the steps of forecasts and the positions asked.

    0 where nothing is asked.

    Members have equally many rows, so the mean over all rows of all members is the mean of their losses.

    Parameters
    ----------
    loss
        Gives the mean over rows.
    output
        ``(batch, n_outputs)``; of an ensemble ``(batch, k, n_outputs)``; of texts ``(batch, time,
        n_outputs)``.
    target
        As in :func:`train`; of texts maybe longer than the output, with nothing asked there.
    weights
        ``(batch,)``. The gradient is then that of the weighted mean of the rows' losses, as if rows were
        repeated; the value stays the plain mean. Since the loss is a mean over rows, its gradient by a row of
        the output is the row's own, divided by the number of rows: multiplying it there is exact, and asks
        nothing of the loss.
    weigh_value
        The value is the weighted mean too, for optimizers that look at it (a line search); the loss is then
        asked for every row by itself.
    """
    output, target, weights = _flattened(output, target, weights)
    if not len(target):
        return output.sum()  # a mean over nothing would be NaN; this 0 has gradients, all 0
    if weights is not None:
        shares = weights * (len(weights) / weights.sum())
        of_rows = shares.view(-1, *[1] * (output.ndim - 1))
        output.register_hook(lambda gradient: gradient * of_rows)  # type: ignore[no-untyped-call]
        if weigh_value:
            plain = loss(output, target)
            with torch.no_grad():
                rows = [loss(output[row : row + 1], target[row : row + 1]) for row in range(len(target))]
                weighted = (torch.stack(rows) * shares).mean()
            return plain + (weighted - plain.detach())
    return loss(output, target)


def _flattened(
    output: Tensor, target: Tensor, weights: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Output, target and weights with one row for each number or class that is predicted."""
    if target.ndim == 2 and not target.is_floating_point():
        target = target[:, : output.shape[1]]
        asked = target >= 0
        weights = None if weights is None else weights[:, None].expand_as(target)[asked]
        return output[asked], target[asked], weights
    if output.ndim == 3:
        target = target.repeat_interleave(output.shape[1], dim=0)
        weights = None if weights is None else weights.repeat_interleave(output.shape[1])
        output = output.flatten(0, 1)
    if not target.is_floating_point():
        return output, target, weights
    if target.ndim == 2 and weights is not None:
        weights = weights.repeat_interleave(target.shape[1])
    return output.flatten(), target.flatten(), weights


@torch.inference_mode()
def predict(
    network: Callable[..., Tensor],
    rows: Rows,
    task_type: str,
    n_outputs: int = 1,
    *,
    asked: Tensor | None = None,
) -> npt.NDArray[np.float32]:
    """What the network says of all rows; members are averaged.

    Probabilities ``(n_rows, n_classes)``; standardised values ``(n_rows,)``, of forecasts ``(n_rows,
    horizon)``; of texts the probabilities ``(n_rows, time)`` of the codes in ``asked``.

    Parameters
    ----------
    n_outputs
        Numbers that the network gives for a row, or a position of it: what it will take to keep them.
    asked
        Class codes ``(n_rows, time)`` of a language task. Where nothing is asked (-1) the probability is 1;
        where there is no text, it is 0.
    """
    chunk, parts = chunk_size(rows.positions, n_outputs), []
    for start in range(0, len(rows), chunk):
        some = slice(start, start + chunk)
        output = network(*rows.part(some))
        if asked is not None:
            parts.append(_likelihoods(output, asked[some]))
            continue
        output = output.softmax(-1) if task_type in CLASSIFICATION else output
        output = output.mean(1) if output.ndim == 3 else output
        parts.append(output.squeeze(-1) if task_type == "regression" else output)
    return torch.cat(parts).float().cpu().numpy()


def _likelihoods(output: Tensor, asked: Tensor) -> Tensor:
    """Probabilities ``(batch, time)`` of codes, from outputs ``(batch, longest, n_classes)``."""
    given = (asked < 0).float()
    codes = asked[:, : output.shape[1]]
    of_codes = output.softmax(-1).gather(-1, codes.clamp(min=0)[..., None]).squeeze(-1)
    given[:, : output.shape[1]] = torch.where(codes < 0, 1.0, of_codes)
    return given
