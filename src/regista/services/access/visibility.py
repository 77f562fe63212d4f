"""Pages of what a caller may see, as if nothing else were there: not even a cursor tells of the rest."""

from collections.abc import Callable
from typing import TypeVar

from regista.entities.page import MAX_PAGE, Page, PageRequest

T = TypeVar("T")


def visible_page(fetch: Callable[[PageRequest], Page[T]], request: PageRequest, sees: Callable[[T], bool]) -> Page[T]:
    """The page of *request* out of those items of *fetch* for which *sees* holds.

    A cursor names the item it stands behind; it is always one that the caller sees, and there is one only where another
    such item follows."""
    limit = min(request.limit, MAX_PAGE)
    found: list[T] = []
    cursor, end = request.cursor, None
    while True:
        size = MAX_PAGE if limit > 0 else limit  # a limit that makes no sense is refused where all limits are
        page = fetch(PageRequest(size, cursor))
        for index, item in enumerate(page.items):
            if not sees(item):
                continue
            if len(found) == limit:
                return Page(tuple(found), end)
            found.append(item)
            if len(found) == limit:
                end = fetch(PageRequest(index + 1, cursor)).next
        if page.next is None:
            return Page(tuple(found), None)
        cursor = page.next
