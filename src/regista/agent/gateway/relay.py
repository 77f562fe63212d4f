"""One request to one worker, up to the head of its answer."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from . import framing, head
from .backend import Backend
from .channel import Channel
from .directory import Deployment
from .faults import Fault
from .framing import Body
from .gate import Pass
from .head import Head


@dataclass(slots=True)
class Question:
    """A request as a worker gets it: ``start`` is its head and what was read of the body, ``rest`` yields what was not."""

    method: bytes
    start: bytes
    rest: AsyncIterator[bytes] | None = None


@dataclass(slots=True)
class Answer:
    """A worker's answer, its body still to be read."""

    head: Head
    body: Body
    backend: Backend
    channel: Channel

    def finish(self) -> None:
        """The body was read to its end: the connection may serve the next request."""
        self.backend.succeeded()
        if self.head.keeps_alive and not isinstance(self.body, framing.UntilEnd):
            self.backend.keep(self.channel)
        else:
            self.channel.close()


async def connect(deployment: Deployment, guest: Pass) -> tuple[Backend, Channel]:
    """A connection to a worker of *deployment*, which has *guest* from now on. When the first one cannot be reached, no
    byte was sent and another one is tried, once. Raise a ``Fault`` (502, 503)."""
    backend: Backend | None = None
    for _ in range(2):
        backend = deployment.pick(besides=backend)
        backend.guests.add(guest)
        try:
            channel = backend.idle() or await backend.connect()
        except (OSError, TimeoutError) as error:
            backend.guests.discard(guest)
            backend.failed(f"cannot be connected to ({type(error).__name__})", at_once=True)
        except BaseException:
            backend.guests.discard(guest)
            raise
        else:
            return backend, channel
    raise Fault(502, "BadGateway", f"no instance of deployment {deployment.name} can be reached; try again")


async def ask(deployment: Deployment, backend: Backend, channel: Channel, question: Question) -> Answer:
    """Send *question* and read the head of the answer. Raise a ``Fault``: 504 when it takes too long, 502 when the worker
    ends or answers nonsense. A fault of the caller while its body is passed on goes through."""
    channel.deadline(deployment.timeout)
    try:
        channel.write(question.start)
        if question.rest is not None:
            async for block in question.rest:
                channel.write(block)
                await channel.drained()
        answered = await _final(channel)
    except TimeoutError:
        channel.abort()
        told = f"deployment {deployment.name} did not answer within {deployment.spec.timeout_ms} ms"
        raise Fault(504, "Timeout", told) from None
    except ConnectionResetError:
        channel.abort()
        told = f"the instance of deployment {deployment.name} ended before it answered; the request was not repeated"
        raise Fault(502, "InstanceEnded", told) from None
    except BaseException:
        channel.abort()
        raise
    return Answer(answered, framing.of_answer(channel, answered, question.method), backend, channel)


async def _final(channel: Channel) -> Head:
    """The head of the final answer; interim ones (1xx) are skipped."""
    while True:
        try:
            raw = await head.read(channel)
        except Fault as fault:
            raise Fault(502, "BadGateway", "the deployment's answer has too large a head") from fault
        if raw is None:
            raise ConnectionResetError
        answered = head.answer(raw)
        if answered.status >= 200:
            return answered
        if answered.status == 101:
            raise Fault(502, "BadGateway", "the deployment changed the protocol without being asked")
