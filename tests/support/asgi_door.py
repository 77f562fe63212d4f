"""Raw requests to an application in process: what a client would send, and every byte of the answer."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

HOST = "regista.test:8470"
_PIECE = 65_536


class Answer(msgspec.Struct, frozen=True):
    """Status, headers (their names in lower case) and body of an answer; status 0 when there was none."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.content)


def pieces_of(content: bytes) -> list[bytes]:
    """A body as it comes over a connection."""
    return [content[at : at + _PIECE] for at in range(0, len(content), _PIECE)]


def ask(
    application: Any,
    method: str,
    path: str,
    *,
    raw_path: str = "",
    query: str = "",
    headers: Mapping[str, str],
    pieces: Iterable[bytes],
    cut: bool = False,
) -> Answer:
    """Send one request and return the answer. *path* is what the server would have decoded, *raw_path* what was sent. With
    *cut* the connection ends before the last piece of the body."""
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": (raw_path or path).encode("latin-1", "replace"),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
        "scheme": "https",
        "client": ("127.0.0.1", 5),
        "request_id": "request-1",
    }
    return asyncio.run(_exchange(application, scope, [*pieces] or [b""], cut=cut))


async def _exchange(application: Any, scope: dict[str, Any], pieces: list[bytes], *, cut: bool) -> Answer:
    said: list[Any] = []

    async def receive() -> dict[str, Any]:
        if pieces:
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": cut or bool(pieces)}
        if not cut:
            await asyncio.Event().wait()  # the client is there until it has its answer
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        said.append(message)

    await application(scope, receive, send)
    if not said:
        return Answer(0, {}, b"")
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in said[0]["headers"]}
    return Answer(said[0]["status"], headers, b"".join(message.get("body", b"") for message in said[1:]))
