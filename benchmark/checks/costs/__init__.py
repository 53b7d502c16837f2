"""What a component costs, and whether it wastes the machine."""

from benchmark.checks.costs import learners, networks, optimizers

__all__ = ["ARCHITECTURE", "LEARNER", "OPTIMIZER"]

ARCHITECTURE, LEARNER, OPTIMIZER = networks.RULES, learners.RULES, optimizers.RULES
