"""One installation for all tests of serving: environments and layers are built once."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from regista.bootstrap.certificates import ensure_certificates
from regista.bootstrap.house import build_house
from regista.bootstrap.serving import start_serving
from regista.bootstrap.settings import Settings
from regista.entities.names import new_id
from regista.services.house import House
from tests.support.scoring import Site


@pytest.fixture(scope="session")
def settings() -> Iterator[Settings]:
    """A home with a short name, so that workers listen on sockets."""
    with tempfile.TemporaryDirectory(prefix="rg", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        made = Settings(
            home=home, catalog=f"sqlite:///{home / 'catalog.sqlite'}", store=f"file://{home / 'store'}", gateway_port=0
        )
        ensure_certificates(made.tls, ("127.0.0.1",))
        yield made


@pytest.fixture(scope="session")
def house(settings: Settings) -> Iterator[House]:
    """The services, with the loop in this process."""
    house = build_house(settings)
    stop = start_serving(house, settings)
    yield house
    stop(workers=True)
    house.catalog.close()


@pytest.fixture
def site(house: House, settings: Settings) -> Iterator[Site]:
    """A workspace of the test's own."""
    made = Site(house, settings, f"w{new_id()[-8:]}")
    yield made
    made.close()
