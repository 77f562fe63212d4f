"""The blob protocol in process, spoken to in raw requests: what a client would send, and every byte of the answer."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from regista.dialects.azureblob.app import application
from regista.entities.access import Caller
from regista.services.house import House

HOST = "regista.test:8470"


class Answer(msgspec.Struct, frozen=True):
    """Status, headers and body of an answer."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def code(self) -> str:
        """The error's code; empty for a success."""
        return self.headers.get("x-ms-error-code", "")

    def names(self, element: str = "Name") -> list[str]:
        """The texts of the elements of that name, in order."""
        return re.findall(f"<{element}[^>]*>([^<]*)</{element}>", self.content.decode())


class BlobDoor:
    """One container, as whoever holds one signature, or one key, uses it."""

    def __init__(self, house: House, container: str, *, query: str = "", key: str = "") -> None:
        self.house, self.container, self._query, self._key = house, container, query, key
        self._application = application(house)

    def signed(self, caller: Caller, rights: str, path: str = "", container: str = "") -> "BlobDoor":
        """The container (or another one) by a signature that *caller* asks for."""
        container = container or self.container
        token = self.house.signatures.issue(caller, container, rights, path=path)
        return BlobDoor(self.house, container, query=token)

    def request(
        self,
        method: str,
        path: str = "",
        content: bytes | Iterable[bytes] = b"",
        headers: Mapping[str, str] | None = None,
        *,
        raw: str = "",
        cut: bool = False,
        query: Mapping[str, str] | None = None,
        **more: str,
    ) -> Answer:
        """Send one request about *path* in the container; *raw* is the whole path, as it is sent; *query* and *more* are joined. With *cut* the
        connection ends before the last piece of the body."""
        sent = raw or f"/{self.container}" + (f"/{quote(path)}" if path else "")
        given = {"host": HOST, "x-ms-version": "2025-11-05", **(headers or {})}
        if self._key and "authorization" not in given:
            given["authorization"] = f"Bearer {self._key}"
        scope = {
            "type": "http",
            "method": method,
            "path": sent,
            "raw_path": sent.encode("latin-1"),
            "query_string": "&".join(filter(None, [urlencode({**(query or {}), **more}), self._query])).encode(),
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in given.items()],
            "scheme": "https",
            "client": ("127.0.0.1", 5),
            "request_id": "request-1",
        }
        pieces = (
            [content[at : at + 65_536] for at in range(0, len(content), 65_536)]
            if isinstance(content, bytes)
            else content
        )
        return asyncio.run(self._exchange(scope, [*pieces] or [b""], cut=cut))

    async def _exchange(self, scope: dict[str, Any], pieces: list[bytes], *, cut: bool) -> Answer:
        said: list[Any] = []

        async def receive() -> dict[str, Any]:
            if pieces:
                piece = pieces.pop(0)
                return {"type": "http.request", "body": piece, "more_body": cut or bool(pieces)}
            if not cut:
                await asyncio.Event().wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            said.append(message)

        await self._application(scope, receive, send)
        if not said:
            return Answer(0, {}, b"")
        headers = {name.decode(): value.decode("latin-1") for name, value in said[0]["headers"]}
        return Answer(said[0]["status"], headers, b"".join(message.get("body", b"") for message in said[1:]))

    def put(self, path: str, content: bytes = b"x", *, cut: bool = False, **headers: str) -> Answer:
        """PUT a whole blob; ``_`` in names of headers stands for ``-``."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("PUT", path, content, {"x-ms-blob-type": "BlockBlob", **given}, cut=cut)

    def get(self, path: str, **headers: str) -> Answer:
        """GET a blob."""
        return self.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def head(self, path: str) -> Answer:
        """HEAD of a blob."""
        return self.request("HEAD", path)

    def list(self, **query: str) -> Answer:
        """List the container."""
        return self.request("GET", query={"restype": "container", "comp": "list", **query})

    def block(self, path: str, name: str, content: bytes = b"x") -> Answer:
        """PUT a block; *name* is its id as it is sent."""
        return self.request("PUT", path, content, comp="block", blockid=name)

    def blocks(self, path: str, *names: str, **headers: str) -> Answer:
        """PUT the list of blocks."""
        body = "<?xml version='1.0' encoding='utf-8'?>\n<BlockList>"
        body += "".join(f"<Latest>{name}</Latest>" for name in names) + "</BlockList>"
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("PUT", path, body.encode(), given, comp="blocklist")
