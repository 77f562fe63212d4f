"""The table of routes: every place has one route for a method, and what there is not is said."""

from collections import Counter

import pytest

from regista.dialects.azureml.call import Answer, Level, Place
from regista.dialects.azureml.places import SERVICES
from regista.dialects.azureml.routes import ROUTES
from regista.dialects.azureml.routing import Route, Routes

VERSION = "models/{name}/versions/{version}"


SHADOWED = {("GET", "", Level.WORKSPACE, "codes/*/versions")}
"""The SDK looks for code by its hash and under a name that it has just made up: what comes first answers that."""


def handler(*_: object, **__: str) -> Answer:
    return Answer(200)


@pytest.fixture
def routes():
    return Routes(
        [Route("GET", (Level.WORKSPACE,), VERSION, handler), Route("PUT", (Level.WORKSPACE,), VERSION, handler)]
    )


def place(path: str, level: Level = Level.WORKSPACE, service: str = "") -> Place:
    return Place(level, service, rest=tuple(path.split("/")))


def test_what_stands_in_braces_is_handed_on_as_it_was_written(routes):
    route, names = routes.find("GET", place("MODELS/Churn Model/versions/3.1"))
    assert route.method == "GET"
    assert names == {"name": "Churn Model", "version": "3.1"}


def test_another_method_is_told_what_there_is(routes):
    assert sorted(routes.find("DELETE", place("models/a/versions/1"))) == ["GET", "PUT"]


@pytest.mark.parametrize(
    "there",
    [
        place("models/a"),
        place("models/a/versions/1", Level.REGISTRY),
        place("models/a/versions/1", service="history"),
        place("data/a/versions/1"),
    ],
)
def test_elsewhere_there_is_nothing(routes, there):
    assert routes.find("GET", there) == []


def test_no_two_routes_answer_the_same():
    def shape(route: Route) -> str:
        return "/".join("*" if part.startswith("{") else part.lower() for part in route.template.split("/"))

    known = Counter((r.method, r.service, level, shape(r)) for r in ROUTES.all for level in r.levels)
    assert {key for key, count in known.items() if count > 1} == SHADOWED


def test_every_route_can_be_reached():
    assert {route.service for route in ROUTES.all} - {""} <= set(SERVICES)


def test_only_discovery_is_public():
    open_to_all = {route.template for route in ROUTES.all if route.public}
    assert open_to_all == {"metadata/endpoints", "discovery", "identity/token"}
