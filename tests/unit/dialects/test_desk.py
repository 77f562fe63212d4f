"""Work of every pace, over the catalogs in which it is done differently."""

import asyncio
import threading

import pytest

from regista.dialects.azureml.routes import ROUTES as AZUREML_ROUTES
from regista.dialects.desk import Desk, Pace
from regista.dialects.mlflow.routes import ROUTES, TEMPLATES
from regista.drivers.catalog.sql.catalog import SqlCatalog
from regista.errors import UnavailableError
from tests.support.houses import People, open_house
from tests.support.mlflow_door import Door, owner_key

WRITER = "regista-catalog-writer"


@pytest.fixture
def catalog(tmp_path):
    catalog = SqlCatalog.open(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    yield catalog
    catalog.close()


def asked(desk, pace, work):
    """What *work* is answered, and by which thread."""

    async def ask():
        return await desk.do(pace, lambda: (work(), threading.current_thread().name))

    return asyncio.run(ask())


def read(catalog):
    return lambda: catalog.read(lambda tx: tx.settings.find("color"))


def write(catalog):
    return lambda: catalog.write(lambda tx: tx.settings.put("color", "red"))


def test_a_glance_is_the_loops_own_an_entry_the_writers_and_the_rest_a_threads(catalog):
    desk = Desk(catalog, 4, "work")
    assert asked(desk, Pace.ENTRY, write(catalog)) == (None, WRITER)
    assert asked(desk, Pace.GLANCE, read(catalog)) == ("red", "MainThread")
    assert asked(desk, Pace.LONG, read(catalog)) == ("red", "work-1")


def test_a_glance_that_is_long_or_writes_is_done_by_a_thread(catalog):
    desk = Desk(catalog, 4, "work")
    often = lambda: catalog.read(lambda tx: [tx.settings.find("color") for _ in range(10_000)])  # noqa: E731
    assert asked(desk, Pace.GLANCE, often) == ([None] * 10_000, "work-1")
    assert asked(desk, Pace.GLANCE, write(catalog)) == (None, "work-1")
    assert read(catalog)() == "red"


@pytest.mark.postgres
def test_over_a_network_the_loop_does_what_is_small_when_it_has_its_connections_and_threads_until_then(
    postgres_database,
):
    catalog = SqlCatalog.open(postgres_database)
    desk = Desk(catalog, 4, "work")

    async def ask(pace, work):
        return await desk.do(pace, lambda: (work(), threading.current_thread().name))

    async def day():
        assert await ask(Pace.ENTRY, write(catalog)) == (None, "work-small-1")
        while (await ask(Pace.GLANCE, read(catalog)))[1] != "MainThread":  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.01)
        assert await ask(Pace.ENTRY, write(catalog)) == (None, "MainThread")
        assert await ask(Pace.GLANCE, read(catalog)) == ("red", "MainThread")
        assert await ask(Pace.GLANCE, write(catalog)) == (None, "work-small-1")
        assert await ask(Pace.SEARCH, read(catalog)) == ("red", "work-1")
        assert await ask(Pace.LONG, write(catalog)) == (None, "work-1")

    try:
        asyncio.run(day())
    finally:
        catalog.close()


@pytest.mark.parametrize("pace", Pace)
def test_what_the_work_raises_arrives(catalog, pace):
    with pytest.raises(ZeroDivisionError):
        asked(Desk(catalog, 4, "work"), pace, lambda: 1 // 0)


@pytest.mark.parametrize("pace", [Pace.GLANCE, Pace.ENTRY])
def test_a_closed_catalog_is_told(catalog, pace):
    catalog.close()
    with pytest.raises(UnavailableError, match="closed"):
        asked(Desk(catalog, 4, "work"), pace, read(catalog))


def test_a_write_that_does_not_last_is_answered_in_the_words_of_the_protocol(tmp_path):
    with open_house(tmp_path, f"sqlite:///{tmp_path / 'catalog.sqlite'}") as house:
        People(house).workspace("dev")
        door = Door(house, "/mlflow/workspaces/dev", owner_key(house))
        run = door.run("0")
        house.catalog.close()
        answer = door.send("POST", "runs/log-metric", run_id=run, key="loss", value=1, timestamp=1)
    assert (answer.status, answer.json["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")


def test_no_route_that_changes_something_is_a_glance():
    paces = {(method, route.pace) for (method, _), route in {**ROUTES, **TEMPLATES}.items()}
    paces |= {(route.method, route.pace) for route in AZUREML_ROUTES.all}
    assert {method for method, pace in paces if pace is Pace.GLANCE} == {"GET"}
    assert "GET" not in {method for method, pace in paces if pace is Pace.ENTRY}
