"""One ASGI application over all dialects: the first part of the path chooses the dialect."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from regista.services.house import House

Asgi = Callable[[dict[str, Any], Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]


class Application:
    """Gives every request an id, answers ``/health``, and hands the rest to the dialect whose prefix the path has."""

    def __init__(self, dialects: dict[str, Asgi]) -> None:
        self._dialects = dialects

    async def __call__(
        self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        scope["request_id"] = secrets.token_hex(8)
        path: str = scope.get("path", "")
        if path == "/health":
            await _plain(send, 200, b"OK")
            return
        for prefix, dialect in self._dialects.items():
            if path == prefix or path.startswith(prefix + "/"):
                await dialect(scope, receive, send)
                return
        await _plain(send, 404, b"Regista serves " + ", ".join(self._dialects).encode() + b" here\n")


def build_application(house: House) -> Application:
    """Every dialect over *house*."""
    from regista.dialects.mlflow import app as mlflow
    from regista.dialects.native import app as native

    return Application({native.PREFIX: native.application(house), mlflow.PREFIX: mlflow.application(house)})  # type: ignore[dict-item]  # Litestar's own types are narrower


async def _lifespan(receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    while (message := await receive())["type"] != "lifespan.shutdown":
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


async def _plain(send: Callable[[Any], Awaitable[None]], status: int, body: bytes) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
