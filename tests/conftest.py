"""What every test may use. A test that needs PostgreSQL asks for ``postgres_database`` and gets a real, empty one."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from regista.bootstrap.settings import load_settings
from regista.bootstrap.shutdown import shut_down
from tests.support.postgres import PostgresMissingError, PostgresServer, running_postgres
from tests.support.server import RunningServer, running_server

pytest.register_assert_rewrite("regista.conformance")

# Two shared cores make single examples slow by accident; what is slow in truth runs into the test's own timeout.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background of a shell: children would inherit that Ctrl-C is ignored, and tests send it to them.
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("regista", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fast", settings.get_profile("regista"), max_examples=20)
settings.load_profile("fast" if os.environ.get("REGISTA_FAST") else "regista")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each file to one worker, and to a single one all that kill processes: side by side they would starve each other.
    The scripts of each version of the official SDK are as long as many files and go by themselves."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            if nodeid.startswith("tests/crash/"):
                return "tests/crash"
            version = re.search(r"\[(azureml\d+)-", nodeid)
            return str(super()._split_scope(nodeid)) + (version[1] if version else "")

    return Scheduling(config, log)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One real server per test process, started when the first test asks for it. It never skips."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(running_postgres())
        except PostgresMissingError as missing:
            pytest.fail(str(missing), pytrace=False)
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres_server: PostgresServer) -> str:
    """The SQLAlchemy address of the session's server; its database is shared by all tests of the process."""
    return postgres_server.url


@pytest.fixture
def postgres_database(postgres_server: PostgresServer) -> Iterator[str]:
    """The SQLAlchemy address of an empty database that no other test sees."""
    name = postgres_server.create_database()
    yield postgres_server.url_of(name)
    postgres_server.drop_database(name)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One real ``regista up`` per test process. Tests share it: each makes scopes of its own."""
    home = tmp_path_factory.mktemp("regista") / "home"
    with running_server(home) as running:
        yield running
    shut_down(load_settings(home=str(home)), lambda _: None, jobs=True)  # gateway, workers and jobs outlive a server
