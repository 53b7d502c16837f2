"""What every component promises, checked: for Swapbench's own catalog and for anybody's components."""

from benchmark.checks.check import Check, CheckFailed
from benchmark.checks.doctor import Examination, examine
from benchmark.checks.suite import checks_of, conformance

__all__ = ["Check", "CheckFailed", "Examination", "checks_of", "conformance", "examine"]
