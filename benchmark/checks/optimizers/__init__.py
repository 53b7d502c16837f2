"""What an optimizer promises."""

import dataclasses

from benchmark.checks.optimizers import contract, descending, gradients, independence, stepping

__all__ = ["RULES"]

_OTHERS = (*contract.RULES, *descending.RULES, *stepping.RULES, *gradients.RULES)
RULES = (
    *independence.RULES,
    # They compare what several optimizers do, one after the other.
    *(dataclasses.replace(rule, causes=("shares_no_state", *rule.causes)) for rule in _OTHERS),
)
"""Of two that explain a third, the first here does so."""
