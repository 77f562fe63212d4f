"""Running the server: one process with its catalog, its stores and its workers."""

import json
import logging
import os
import socket
from collections.abc import Callable

from regista import __version__
from regista.bootstrap.application import build_application
from regista.bootstrap.certificates import ensure_certificates
from regista.bootstrap.house import build_house
from regista.bootstrap.owner import ensure_owner
from regista.bootstrap.settings import Settings
from regista.errors import ForbiddenError

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def serve(settings: Settings, *, ready: Callable[[str], None], allow_remote: bool = False) -> None:
    """Serve until SIGTERM or SIGINT; *ready* is told the URL when the first request would be answered.

    Raise ``ForbiddenError`` for an address beyond this machine unless *allow_remote*: every call needs a key in either
    case, but whoever opens a door to the network shall have meant it."""
    import uvicorn

    if settings.host not in _LOOPBACK and not allow_remote:
        raise ForbiddenError(
            f"{settings.host} can be reached from other machines", hint="Say --allow-remote when that is what you want."
        )
    names = tuple(dict.fromkeys((settings.host, "127.0.0.1", "localhost", "::1")))
    ca, certificate, key = ensure_certificates(settings.tls, names)
    house = build_house(settings)
    try:
        owner_key = ensure_owner(house, settings.keys)
        url = f"https://{settings.host}:{settings.port}"

        class Server(uvicorn.Server):
            async def startup(self, sockets: list[socket.socket] | None = None) -> None:
                await super().startup(sockets)
                if self.started:
                    _announce(settings, url, str(ca), str(owner_key))
                    ready(url)

        config = uvicorn.Config(
            build_application(house),
            host=settings.host,
            port=settings.port,
            ssl_certfile=str(certificate),
            ssl_keyfile=str(key),
            log_level=logging.WARNING,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=10,
        )
        Server(config).run()
    finally:
        house.catalog.close()


def _announce(settings: Settings, url: str, ca: str, key_file: str) -> None:
    """Tell programs of the same user where the server is."""
    settings.run.mkdir(parents=True, exist_ok=True, mode=0o700)
    content = {"url": url, "ca": ca, "key_file": key_file, "pid": os.getpid(), "version": __version__}
    draft = settings.run / f".server.{os.getpid()}"
    draft.write_text(json.dumps(content))
    draft.replace(settings.run / "server.json")
