"""What every component promises, checked: for Swapbench's own catalog and for anybody's components."""

from benchmark.checks.check import Check, CheckFailed
from benchmark.checks.suite import checks_of, conformance

__all__ = ["Check", "CheckFailed", "checks_of", "conformance"]
