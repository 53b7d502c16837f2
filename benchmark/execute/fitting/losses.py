"""Which losses of a training were not finite, asked without waiting for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

__all__ = ["Losses"]

UNSEEN = 1000
"""Losses that are kept before somebody looks at them."""


@dataclass(eq=False)
class Losses:
    """How many training losses were not finite, of one network or of several side by side.

    They stay where they are until somebody asks: asking after every step would make a GPU wait and a CPU
    synchronise.
    """

    lost: Tensor
    """How many so far, ``(n_networks,)`` int64."""
    last: Tensor
    """Whether the last one was finite, ``(n_networks,)`` bool."""
    unseen: list[Tensor] = field(default_factory=list)

    @classmethod
    def of_none(cls, device: torch.device) -> Losses:
        """Of one network before its first step."""
        lost = torch.zeros(1, dtype=torch.int64, device=device)
        return cls(lost, torch.ones(1, dtype=torch.bool, device=device))

    @classmethod
    def joined(cls, parts: Sequence[Losses]) -> Losses:
        """Of several networks side by side, all of which were looked at."""
        return cls(torch.cat([part.lost for part in parts]), torch.cat([part.last for part in parts]))

    def parted(self) -> Iterator[Losses]:
        """Of each network by itself."""
        self.look()
        for place in range(len(self.lost)):
            yield Losses(self.lost[place : place + 1], self.last[place : place + 1])

    def add(self, values: Tensor) -> None:
        """Those of one pass, ``(n_networks,)``, or one number."""
        self.unseen.append(values)
        if len(self.unseen) == UNSEEN:
            self.look()

    def look(self) -> None:
        """Count what was added, and let go of it."""
        if self.unseen:
            finite = torch.stack(self.unseen).view(len(self.unseen), -1).isfinite()
            self.lost, self.last = self.lost + (~finite).sum(0), finite[-1]
            self.unseen.clear()

    def found(self) -> list[tuple[int, bool]]:
        """Of each network: how many were not finite, and whether the last one was finite."""
        self.look()
        return list(zip(self.lost.tolist(), self.last.tolist(), strict=True))
