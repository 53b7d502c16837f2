"""What trains itself promises: a booster, an estimator, and the weak learner that a booster fits."""

from benchmark.checks.learners import contract, independence, odd_rows, scikit, weak

__all__ = ["LEARNER", "WEAK_LEARNER"]

_TABLES = (*odd_rows.COLUMNS, *odd_rows.WEIGHING)
LEARNER = (
    *(*contract.RULES, *independence.RULES, *odd_rows.CLASSIFYING),
    *(*_TABLES, *odd_rows.VALIDATING, *scikit.RULES),
)
"""For boosters and estimators."""
WEAK_LEARNER = (*weak.RULES, *independence.RULES, *_TABLES, *scikit.RULES)
