"""Lists that fetch their next page when it is needed."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from regista.client.transport import Transport
from regista.entities.page import Page

T = TypeVar("T")


def pages(
    transport: Transport, path: str, page_type: type[Page[T]], query: Mapping[str, Any] | None = None
) -> Iterator[T]:
    """Yield every item of every page."""
    cursor: str | None = None
    while True:
        asked = dict(query or {}) | {"limit": 500} | ({"cursor": cursor} if cursor else {})
        page = transport.call("GET", path, query=asked, type=page_type)
        yield from page.items
        if not page.next:
            return
        cursor = page.next
