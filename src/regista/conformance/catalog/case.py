"""What every part of the contract begins with."""

from collections.abc import Callable
from typing import TypeVar

import pytest

from regista.entities.page import Page, PageRequest
from regista.interfaces.catalog import Catalog

T = TypeVar("T")


class CatalogCase:
    """An empty catalog for each test; a driver's test class gives it."""

    @pytest.fixture
    def catalog(self) -> Catalog:
        """An empty catalog; a subclass gives it, and closes it."""
        raise NotImplementedError("give the contract a catalog")


def every(turn: Callable[[PageRequest], Page[T]], limit: int = 2) -> list[T]:
    """All items of a list, read in pages of *limit*; no page is longer, and only the last one is shorter."""
    found: list[T] = []
    cursor = None
    while True:
        page = turn(PageRequest(limit, cursor))
        found += page.items
        if page.next is None:
            assert len(page.items) <= limit
            return found
        assert len(page.items) == limit
        cursor = page.next
