"""What an optimizer promises."""

from benchmark.checks.optimizers import contract, descending, gradients, stepping

__all__ = ["RULES"]

RULES = (*contract.RULES, *descending.RULES, *stepping.RULES, *gradients.RULES)
"""Of two that explain a third, the first here does so."""
