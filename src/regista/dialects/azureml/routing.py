"""The table of routes: what is fixed is compared in any case, what stands in braces is handed on as it was written."""

from collections.abc import Callable, Iterable

import msgspec

from regista.dialects.azureml.call import Answer, Level, Place
from regista.dialects.desk import Pace

Handler = Callable[..., Answer]
"""Takes the call and what the template leaves open, by name; returns the answer or raises a ``RegistaError``."""


class Route(msgspec.Struct, frozen=True):
    """What answers *method* at *template* below a place. ``public``: asked without a credential, as the SDK does there.
    ``pace``: how much work it is."""

    method: str
    levels: tuple[Level, ...]
    template: str
    handler: Handler
    service: str = ""
    public: bool = False
    pace: Pace = Pace.LONG


class Routes:
    """All routes of the dialect."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes: dict[tuple[str, Level, int], list[tuple[tuple[str, ...], Route]]] = {}
        self.all = tuple(routes)
        for route in self.all:
            parts = tuple(part for part in route.template.split("/") if part)
            for level in route.levels:
                self._routes.setdefault((route.service, level, len(parts)), []).append((parts, route))

    def find(self, method: str, place: Place) -> tuple[Route, dict[str, str]] | list[str]:
        """The route and what its template leaves open, else the methods that there are at this path."""
        others: list[str] = []
        for parts, route in self._routes.get((place.service, place.level, len(place.rest)), ()):
            open_parts = _match(parts, place.rest)
            if open_parts is None:
                continue
            if route.method == method:
                return route, open_parts
            others.append(route.method)
        return others


def _match(template: tuple[str, ...], parts: tuple[str, ...]) -> dict[str, str] | None:
    found: dict[str, str] = {}
    for wanted, given in zip(template, parts, strict=True):
        if wanted.startswith("{"):
            found[wanted[1:-1]] = given
        elif wanted.lower() != given.lower():
            return None
    return found
