"""What a preprocessor promises: of any data, and of tables made up for one question each."""

from benchmark.checks.preprocessors import contract, odd_tables

__all__ = ["RULES"]

RULES = (*contract.RULES, *odd_tables.RULES)
