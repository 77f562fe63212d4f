"""Sorting in memory by attributes that everything has."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from regista.entities.search import Field, Order
from regista.errors import InvalidError

T = TypeVar("T")


def sort_by(items: Sequence[T], orders: Sequence[Order], attribute: Callable[[T, str], str | int]) -> list[T]:
    """*items* in the order of *orders*, the first of them first; where they leave it open as it was."""
    found = list(items)
    for order in reversed(orders):
        if order.field is not Field.ATTRIBUTE:
            raise InvalidError(f"Invalid order_by entity: {order.field}")
        found.sort(key=lambda item, name=order.key: attribute(item, name), reverse=not order.ascending)  # type: ignore[misc]
    return found
