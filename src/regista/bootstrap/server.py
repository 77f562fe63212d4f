"""Running the server: one process with its catalog, its stores and its workers."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator

import msgspec

from regista import __version__
from regista.bootstrap.allocation import share_freed_memory
from regista.bootstrap.application import Application, build_application
from regista.bootstrap.certificates import ensure_certificates
from regista.bootstrap.house import build_house
from regista.bootstrap.owner import ensure_owner
from regista.bootstrap.settings import Settings
from regista.bootstrap.shutdown import Announcement, catalog_shown, started_at
from regista.drivers.lockfile import LockFile
from regista.errors import ForbiddenError, UnavailableError
from regista.services.house import House

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def serve(
    settings: Settings, *, ready: Callable[[str], None], allow_remote: bool = False, new_owner_key: bool = False
) -> None:
    """Serve until SIGTERM or SIGINT; *ready* is told the URL when the first request would be answered.

    Raise ``ForbiddenError`` for an address beyond this machine unless *allow_remote*: every call needs a key in either
    case, but whoever opens a door to the network shall have meant it. ``ConflictError`` when another server has the home,
    or the catalog's owner a key elsewhere (``ensure_owner``), ``UnavailableError`` when the port is taken."""
    if settings.host not in _LOOPBACK and not allow_remote:
        raise ForbiddenError(
            f"{settings.host} can be reached from other machines", hint="Say --allow-remote when that is what you want."
        )
    share_freed_memory()
    with _own(settings):
        _serve(settings, ready, new_owner_key=new_owner_key)


def _serve(settings: Settings, ready: Callable[[str], None], *, new_owner_key: bool) -> None:
    names = tuple(dict.fromkeys((settings.host, "127.0.0.1", "localhost", "::1")))
    ca, certificate, key = ensure_certificates(settings.tls, names)
    house = build_house(settings)
    try:
        owner_key = ensure_owner(house, settings.keys, renew=new_owner_key)
        with _bound(settings) as listening:
            settings = msgspec.structs.replace(settings, port=listening.getsockname()[1])
            url = f"https://{settings.host}:{settings.port}"

            def started() -> list[Callable[[], None]]:
                _announce(settings, url, str(ca), str(owner_key))
                ready(url)
                stops = _start_workers(house, settings)
                gc.freeze()  # modules and classes never become garbage: not looking at them is a tenth of a search's time
                return stops

            _run(build_application(house), listening, str(certificate), str(key), started)
    finally:
        house.audit_book.close()
        house.catalog.close()


def _start_workers(house: House, settings: Settings) -> list[Callable[[], None]]:
    """Start what works beside the API; return what stops it."""
    from regista.bootstrap.serving import start_serving
    from regista.bootstrap.worker import start_worker
    from regista.dialects.native.hatch import Hatch
    from regista.services.collection.rounds import CollectionRounds

    hatch = Hatch(house.handovers)
    hatch.open()
    rounds = CollectionRounds(house.catalog, house.collection)
    rounds.start()
    house.deliverer.start()
    workers = [start_worker(house, settings)] if settings.workers else []
    return [hatch.close, start_serving(house, settings), *workers, rounds.stop, house.deliverer.stop]


def _run(
    application: Application,
    listening: socket.socket,
    certificate: str,
    key: str,
    started: Callable[[], list[Callable[[], None]]],
) -> None:
    """Serve *application* on the socket; *started* is called once it answers, what it returns when it is over."""
    import uvicorn

    from regista.bootstrap.one_write import OneWriteProtocol

    stops: list[Callable[[], None]] = []

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            """As uvicorn's own, which ends by raising the signal again: nothing could be stopped or closed any more."""
            before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
            try:
                yield
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                stops.extend(await asyncio.to_thread(started))

    config = uvicorn.Config(
        application,
        http=OneWriteProtocol,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
    )
    try:
        Server(config).run([listening])
    finally:
        for stop in stops:
            stop()


@contextlib.contextmanager
def _own(settings: Settings) -> Iterator[None]:
    """Have the home alone: each server says there where it is, and keeps its gateway, its workers and its jobs there."""
    settings.run.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = LockFile(
        settings.run / "server.lock",
        f"the home {str(settings.home)!r}",
        hint="One server has a home. End it with `regista down`, or give this one another with --home.",
    )
    try:
        yield
    finally:
        lock.release()


def _bound(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as taken:
        listening.close()
        raise UnavailableError(
            f"port {settings.port} of {settings.host} cannot be had: {taken.strerror}",
            hint="Another one is given by --port; 0 takes any.",
        ) from taken
    return listening


def _announce(settings: Settings, url: str, ca: str, key_file: str) -> None:
    """Tell programs of the same user where the server is."""
    pid = os.getpid()
    said = Announcement(
        url=url,
        ca=ca,
        key_file=key_file,
        pid=pid,
        version=__version__,
        started=started_at(pid),
        catalog=catalog_shown(settings.catalog),
    )
    draft = settings.run / f".server.{pid}"
    draft.write_bytes(msgspec.json.encode(said))
    draft.replace(settings.run / "server.json")
