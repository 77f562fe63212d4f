"""One ASGI application over all dialects: the first part of the path chooses the dialect."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from regista.services.house import House

Asgi = Callable[[dict[str, Any], Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]


Chooser = Callable[[dict[str, Any]], bool]
"""Whether a request is one dialect's."""


class Application:
    """Gives every request an id, answers ``/health``, and hands the rest to the first dialect that takes it."""

    def __init__(self, dialects: Sequence[tuple[Chooser, Asgi]]) -> None:
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
        for takes, dialect in self._dialects:
            if takes(scope):
                await dialect(scope, receive, send)
                return
        await _plain(send, 404, b"Regista serves nothing here; its own API is at /api/v1\n")


def build_application(house: House) -> Application:
    """Every dialect over *house*."""
    from regista.dialects.azureblob import app as azureblob
    from regista.dialects.azureml import app as azureml
    from regista.dialects.mlflow import app as mlflow
    from regista.dialects.native import app as native

    dialects = (
        (_below(native.PREFIX), native.application(house)),
        (_below(mlflow.PREFIX), mlflow.application(house)),
        (azureml.takes, azureml.application(house)),
        (azureblob.takes, azureblob.application(house)),
    )
    return Application(dialects)  # type: ignore[arg-type]  # Litestar's own types are narrower


def _below(prefix: str) -> Chooser:
    return lambda scope: scope["path"] == prefix or scope["path"].startswith(prefix + "/")


async def _lifespan(receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    while (message := await receive())["type"] != "lifespan.shutdown":
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


async def _plain(send: Callable[[Any], Awaitable[None]], status: int, body: bytes) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
