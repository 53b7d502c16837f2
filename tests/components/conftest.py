"""Components of the catalog, read as a study reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from benchmark.catalog import open_catalog
from benchmark.config import instantiate
from benchmark.resolve.components import read_component
from benchmark.spec import Component


@pytest.fixture(scope="session")
def component() -> Callable[[str, str], Component]:
    """Reads a component by slot and name."""
    catalog = open_catalog()

    def read(slot: str, name: str) -> Component:
        return read_component(slot, name, catalog.document(slot, name), str(catalog.path(slot, name)))

    return read


@pytest.fixture(scope="session")
def make(component: Callable[[str, str], Component]) -> Callable[[str, str], Callable[..., Any]]:
    """Gives a component's constructor with its arguments bound."""
    return lambda slot, name: instantiate(component(slot, name))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
