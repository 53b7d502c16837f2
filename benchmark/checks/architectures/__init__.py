"""What an architecture promises: what it says of itself, what its output depends on, how it trains."""

from __future__ import annotations

from benchmark.checks.architectures import contract, independence, reach, training

__all__ = ["RULES"]

RULES = (*contract.RULES, *independence.RULES, *reach.RULES, *training.RULES)
