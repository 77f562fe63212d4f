"""The blob protocol in process, spoken to in raw requests: what a client would send, and every byte of the answer."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, urlencode

from regista.dialects.azureblob.app import application
from regista.entities.access import Caller
from regista.services.house import House
from tests.support import asgi_door
from tests.support.asgi_door import HOST, ask, pieces_of


class Answer(asgi_door.Answer, frozen=True):
    """Status, headers and body of an answer."""

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
        found = ask(
            self._application,
            method,
            sent,
            query="&".join(filter(None, [urlencode({**(query or {}), **more}), self._query])),
            headers=given,
            pieces=pieces_of(content) if isinstance(content, bytes) else content,
            cut=cut,
        )
        return Answer(found.status, found.headers, found.content)

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
