"""Asking an endpoint about flights, as any program would: HTTPS, a key, JSON."""

import http.client
import json
import ssl
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from demo.flights import features

CALLERS = 8
"""Who ask at a time: the workers run what comes together as one."""


class RefusedError(Exception):
    """The endpoint did not answer with a prediction."""


class Landing(NamedTuple):
    """A flight, how late the model said that it would land, how late it did, and which deployment answered."""

    flight: dict[str, str]
    predicted: float
    deployment: str

    @property
    def error(self) -> float:
        return abs(self.predicted - float(self.flight["arr_delay"]))

    def __str__(self) -> str:
        one = self.flight
        name = f"{one['carrier']}{one['flight']} {one['origin']}→{one['dest']}"
        left, landed = _minutes(float(one["dep_delay"])), _minutes(float(one["arr_delay"]))
        return f"{name:<16} left {left:<14} predicted to land {_minutes(self.predicted):<14} landed {landed}"


class Endpoint:
    """The address, a key, and whom to trust. Several callers ask at a time, each on a connection of its own."""

    def __init__(self, uri: str, key: str, ca: str | Path) -> None:
        self._parts, self._key = urlsplit(uri), key
        self._tls = ssl.create_default_context(cafile=str(ca))
        self._own = threading.local()

    def ask(self, flight: dict[str, str]) -> Landing:
        """How late will the flight land? Raise ``RefusedError`` with the endpoint's words."""
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        connection = self._connection()
        connection.request("POST", self._parts.path, json.dumps(body_of([flight])), headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RefusedError(f"the endpoint answered {answer.status}: {content.decode(errors='replace')[:500]}")
        return Landing(flight, float(json.loads(content)[0]), str(answer.headers["azureml-model-deployment"]))

    def ask_all(self, flights: list[dict[str, str]]) -> tuple[list[Landing], float]:
        """One request for each flight, and how many a second that were."""
        began = time.monotonic()
        with ThreadPoolExecutor(CALLERS) as callers:
            landings = list(callers.map(self.ask, flights))
        return landings, len(landings) / (time.monotonic() - began)

    def _connection(self) -> http.client.HTTPSConnection:
        """The connection of this thread."""
        if not hasattr(self._own, "connection"):
            self._own.connection = http.client.HTTPSConnection(self._parts.netloc, timeout=30, context=self._tls)
        made: http.client.HTTPSConnection = self._own.connection
        return made


def body_of(flights: list[dict[str, str]]) -> dict[str, Any]:
    """The request about flights, in Azure's format."""
    return {"input_data": [features(flight) for flight in flights]}


def split(landings: list[Landing]) -> str:
    """How many requests each deployment answered, and how well."""
    counts = Counter(one.deployment for one in landings)
    parts = []
    for name, count in sorted(counts.items()):
        error = sum(one.error for one in landings if one.deployment == name) / count
        parts.append(f"{name} answered {count}, off by {error:.1f} minutes on average")
    return "; ".join(parts)


def _minutes(delay: float) -> str:
    return f"{abs(round(delay))} min {'late' if delay > 0 else 'early'}" if round(delay) else "on time"
