"""Every component of the catalog keeps what it promises: one test for each (component, check)."""

import pytest

from benchmark.checks import conformance

test_component = conformance(slow=pytest.mark.full)
