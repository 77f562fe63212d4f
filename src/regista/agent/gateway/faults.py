"""What the gateway answers by itself. A fault names the thing and the next step, never a backend's address or a key."""

import json


class Fault(Exception):  # noqa: N818 - a value as much as an error: it is what the caller reads
    """An answer other than the worker's. ``code`` is for programs, *message* for people."""

    def __init__(self, status: int, code: str, message: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers

    def body(self) -> bytes:
        return json.dumps({"error": {"code": self.code, "message": self.message}}).encode()


def malformed(message: str) -> Fault:
    """A request that is not HTTP/1.1 as RFC 9112 has it; the connection is closed after it, for its end is uncertain."""
    return Fault(400, "MalformedRequest", message)
