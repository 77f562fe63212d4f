"""What comes with a request."""

from collections.abc import AsyncIterator, Callable

from regista.dialects import http
from regista.dialects.azureblob.errors import ProtocolError
from regista.dialects.streaming import Arriving, Run, write_all

_HEARD_OUT = 128 << 20


class Body:
    """A request's body, read once. *run* does blocking work."""

    def __init__(self, receive: http.Receive, run: Run) -> None:
        self.arriving, self._run = Arriving(receive), run

    async def into(self, write: Callable[[bytes], None], most: int) -> bool:
        """Write all of it by *write*, which is called in threads, one call at a time; whether all of it came.

        Raise ``ProtocolError`` when it is longer than *most*."""
        await write_all(self._within(most), write, self._run)
        return self.arriving.ended

    async def whole(self, most: int) -> bytes | None:
        """All of it; None when the client is gone. Raise ``ProtocolError`` when it is longer than *most*."""
        pieces = [chunk async for chunk in self._within(most)]
        return b"".join(pieces) if self.arriving.ended else None

    async def hear_out(self) -> None:
        """Read what is left before a refusal is answered: a client that is still sending would else see the connection
        break, and not the reason. There is an end to patience."""
        heard = 0
        async for chunk in self.arriving:
            heard += len(chunk)
            if heard > _HEARD_OUT:
                return

    async def _within(self, most: int) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self.arriving:
            size += len(chunk)
            if size > most:
                raise _too_large(most)
            yield chunk


def _too_large(most: int) -> ProtocolError:
    return ProtocolError(413, "RequestBodyTooLarge", f"this request carries at most {most:,} bytes")
