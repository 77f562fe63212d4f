"""Copies of requests for deployments that are only being tried: sent, timed, logged, and the answer thrown away."""

import asyncio
import time
from collections.abc import Callable

from .directory import Deployment
from .faults import Fault
from .gate import Pass
from .relay import Question, ask, connect

MAX_COPIES = 64


class Mirror:
    """Sends copies beside the requests. A copy never delays or fails its original: what does not fit is dropped."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self.dropped = 0

    def send(self, deployment: Deployment, question: Question, ended: Callable[[int, float, int], None]) -> None:
        """Send a copy in the background and tell *ended* its status, seconds and size."""
        guest = deployment.gate.try_enter() if len(self._tasks) < MAX_COPIES else None
        if guest is None:
            self.dropped += 1
            return
        task = asyncio.get_running_loop().create_task(_send(deployment, guest, question, ended))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _send(
    deployment: Deployment, guest: Pass, question: Question, ended: Callable[[int, float, int], None]
) -> None:
    began = time.perf_counter()
    status, size = 502, 0
    try:
        status, size = await _discarded(deployment, guest, question)
    except Fault as fault:
        status = fault.status
    except (OSError, TimeoutError):
        pass
    finally:
        guest.release()
        ended(status, time.perf_counter() - began, size)


async def _discarded(deployment: Deployment, guest: Pass, question: Question) -> tuple[int, int]:
    backend, channel = await connect(deployment, guest)
    try:
        answer = await ask(deployment, backend, channel, question)
        size = 0
        while block := await answer.body.block():
            size += len(block)
        answer.finish()
    except BaseException:
        channel.abort()
        raise
    else:
        return answer.head.status, size
    finally:
        backend.guests.discard(guest)
