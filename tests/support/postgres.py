"""A real PostgreSQL for tests: its own data folder, its own port on 127.0.0.1, gone when the tests are.

    <temporary folder>/      owned by the user that the server runs as
    ├── data/                the cluster
    ├── sockets/             the Unix socket
    └── log                  what the server says

Nothing of a PostgreSQL that the machine runs already is touched; only its programs are used.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import psycopg
from psycopg import sql

INSTALL = "apt-get install --no-install-recommends postgresql"
"""What makes ``find_programs`` succeed on Debian and Ubuntu."""

STARTUP_SECONDS = 60.0
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "autovacuum": "off",
    "timezone": "UTC",
}
"""Fast, and safe to lose: a test's database does not outlive the test."""


class PostgresMissingError(Exception):
    """PostgreSQL's server programs are not installed; the message says how to install them."""


class PostgresStartError(Exception):
    """The server did not start; the message ends with what it said."""


class PortTakenError(PostgresStartError):
    """Another program took the port between our looking and the server's listening."""


def find_programs() -> Path:
    """The folder with the newest installed ``initdb`` and ``postgres``."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda folder: float(folder.parent.name))
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    message = f"PostgreSQL is not installed, and these tests run against the real one. Install it: {INSTALL}"
    raise PostgresMissingError(message)


class PostgresServer:
    """A running server. ``url`` leads to its first database; ``create_database`` makes more."""

    def __init__(self, folder: Path, port: int, process: "subprocess.Popen[bytes]") -> None:
        self.folder = folder
        self.port = port
        self.process = process

    @property
    def url(self) -> str:
        """The SQLAlchemy address of the database ``postgres``."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """The SQLAlchemy address of *database*."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def create_database(self, template: str = "template1") -> str:
        """Make a database as a copy of *template* (which nobody may be connected to) and return its name."""
        name = f"test_{uuid.uuid4().hex}"
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop_database(self, name: str) -> None:
        """Remove the database, ending the connections to it; dropping the absent is quiet."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(port=self.port, **CONNECTION) as connection:
            connection.execute(statement)

    def stop(self) -> None:
        """End the server, cutting its connections off."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(20)


CONNECTION: dict[str, Any] = {"host": "127.0.0.1", "user": "postgres", "dbname": "postgres", "autocommit": True}


class _Account:
    """Who the server runs as: PostgreSQL refuses root, so root hands over to ``postgres`` (or ``nobody``)."""

    def __init__(self, name: str | None) -> None:
        self.name = name

    @classmethod
    def choose(cls) -> Self:
        if os.geteuid() != 0:
            return cls(None)
        known = {user.pw_name for user in pwd.getpwall()}
        return cls("postgres" if "postgres" in known else "nobody")

    def own(self, folder: Path) -> None:
        if self.name is not None:
            user = pwd.getpwnam(self.name)
            os.chown(folder, user.pw_uid, user.pw_gid)

    def process_options(self, folder: Path) -> dict[str, Any]:
        options: dict[str, Any] = {"cwd": folder, "stdin": subprocess.DEVNULL}
        if self.name is not None:
            group = pwd.getpwnam(self.name).pw_gid
            options |= {"user": self.name, "group": group, "extra_groups": []}
        return options


def _reachable_folder() -> Path:
    """Where another account may go: a private TMPDIR (0700) is not, and a socket's path has to be short."""
    candidates = (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp"))  # mkdtemp inside is private
    for candidate in candidates:
        folders = (candidate, *candidate.parents)
        if len(str(candidate)) < 40 and all(folder.stat().st_mode & 0o001 for folder in folders):
            return candidate
    return candidates[0]


def _collation(programs: Path) -> list[str]:
    """People's PostgreSQL mostly sorts as a language does, not by bytes: a query that relies on bytes must say so."""
    options = subprocess.run([programs / "initdb", "--help"], capture_output=True, text=True, check=True).stdout
    icu = ["--locale-provider=icu", "--icu-locale=en-US"] if "--icu-locale" in options else []
    return ["--encoding=UTF8", "--locale=C.UTF-8", *icu]


def _initialize(programs: Path, folder: Path, account: _Account) -> None:
    done = subprocess.run(
        [
            *(programs / "initdb", "--pgdata", folder / "data", "--username=postgres", "--auth=trust", "--no-sync"),
            *("--no-instructions", *_collation(programs)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **account.process_options(folder),
    )
    if done.returncode:
        message = f"initdb failed:\n{done.stdout}"
        raise PostgresStartError(message)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _launch(programs: Path, folder: Path, account: _Account, settings: Mapping[str, str]) -> PostgresServer:
    port = _free_port()
    places = {"unix_socket_directories": str(folder / "sockets"), "listen_addresses": "127.0.0.1"}
    # When the tests are killed the server follows them: setpriv asks the kernel for that.
    follow = ["setpriv", "--pdeathsig=INT"] if shutil.which("setpriv") else []
    command: list[str | Path] = [*follow, programs / "postgres", "-D", folder / "data", "-p", str(port)]
    command += [word for name, value in {**settings, **places}.items() for word in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        process: subprocess.Popen[bytes] = subprocess.Popen(
            command, stdout=log, stderr=log, **account.process_options(folder)
        )
    server = PostgresServer(folder, port, process)
    try:
        _wait_until_ready(server, folder / "log")
    except BaseException:
        server.stop()
        raise
    return server


def _wait_until_ready(server: PostgresServer, log: Path) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    while server.process.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(port=server.port, **CONNECTION).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    said = log.read_text(errors="replace")
    kind = PortTakenError if "could not bind" in said else PostgresStartError
    message = f"PostgreSQL did not start within {STARTUP_SECONDS:.0f} s; it said:\n{said}"
    raise kind(message)


@contextmanager
def running_postgres(settings: Mapping[str, str] = SETTINGS) -> Iterator[PostgresServer]:
    """A fresh server for the length of the block, with *settings* for those of its own that differ.

    Raise ``PostgresMissingError`` when the programs are not installed, ``PostgresStartError`` when they fail."""
    programs = find_programs()
    account = _Account.choose()
    with tempfile.TemporaryDirectory(prefix="regista-pg-", dir=_reachable_folder(), ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "sockets").mkdir()
        for owned in (folder, folder / "sockets"):
            account.own(owned)
        _initialize(programs, folder, account)
        server = _launch_somewhere(programs, folder, account, settings)
        try:
            yield server
        finally:
            server.stop()


def _launch_somewhere(programs: Path, folder: Path, account: _Account, settings: Mapping[str, str]) -> PostgresServer:
    for _ in range(4):
        try:
            return _launch(programs, folder, account, settings)
        except PortTakenError:
            continue
    return _launch(programs, folder, account, settings)
