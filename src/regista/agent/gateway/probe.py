"""Asking every worker once a second whether it is ready."""

import asyncio

from . import framing, head
from .backend import Backend
from .channel import Channel
from .directory import Directory
from .faults import Fault

PERIOD = 1.0
PATIENCE = 2.0


async def run(directory: Directory) -> None:
    """Probe until cancelled. A worker that refuses connections is out at once, one that is late or answers badly after three
    times in a row; one that answers 200 is back."""
    while True:
        started = asyncio.get_running_loop().time()
        asked = [check(backend, path) for backend, path in directory.backends() if path]
        if asked:
            await asyncio.gather(*asked)
        await asyncio.sleep(max(0.1, PERIOD - (asyncio.get_running_loop().time() - started)))


async def check(backend: Backend, path: str) -> None:
    """Ask once, on a connection of its own."""
    try:
        channel = await backend.connect()
    except (OSError, TimeoutError) as error:
        backend.failed(f"refuses connections ({type(error).__name__})", at_once=True)
        return
    try:
        status = await _status(channel, path)
    except (Fault, OSError, TimeoutError) as error:
        backend.failed(f"its health is unknown ({type(error).__name__})")
    else:
        if status == 200:
            backend.revived()
        else:
            backend.failed(f"says that it is not ready ({status})")
    finally:
        channel.close()


async def _status(channel: Channel, path: str) -> int:
    channel.deadline(PATIENCE)
    channel.write(b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % path.encode())
    raw = await head.read(channel)
    if raw is None:
        raise ConnectionResetError
    answered = head.answer(raw)
    body = framing.of_answer(channel, answered, b"GET")
    while await body.block():
        pass
    return answered.status
