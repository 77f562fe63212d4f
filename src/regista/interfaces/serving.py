"""Keeping the workers of deployments alive on a machine, and the gateway in front of them.

A host is told what is wanted and makes it so; it decides nothing about names, rights or traffic. What it knows stands on its
disk: a host that is made anew, after a restart or after ``kill -9``, finds every worker that it had started.
"""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import msgspec

from regista.entities.digest import Digest
from regista.interfaces.blobs import BlobStore
from regista.interfaces.runtimes import BuiltEnvironment, Report


class ServingKey(msgspec.Struct, frozen=True, order=True):
    """One generation of one deployment. It never changes what it runs: another model is another generation."""

    scope_id: str
    endpoint: str
    deployment: str
    generation: int

    def __str__(self) -> str:
        return f"{self.scope_id}/{self.endpoint}/{self.deployment}/{self.generation}"


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """How patient the host is, in seconds: ``start`` until a worker has to be ready; then it is asked every ``period``, waits
    ``timeout`` for the answer, and replaces the worker after ``failures`` bad ones in a row."""

    start: float = 300.0
    period: float = 10.0
    timeout: float = 2.0
    failures: int = 30


class ServingOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What a generation runs: folders that ``place`` and ``equip`` gave, an environment, the script in ``code`` (none: the
    model serves itself). ``model_folder`` is what the folder was called from which the model was registered. ``name`` and
    ``version`` are what an instance tells that it serves; ``variables`` may hold secrets; ``request_timeout`` (seconds) and
    ``concurrency`` are each instance's own."""

    key: ServingKey
    name: str
    version: str = "1"
    environment: BuiltEnvironment
    layers: tuple[Path, ...] = ()
    model: Path | None = None
    model_folder: str = ""
    code: Path | None = None
    script: str = ""
    variables: dict[str, str] = {}
    concurrency: int = 1
    request_timeout: float = 60.0
    probe: Probe = Probe()


class Address(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where an instance listens: a Unix socket, or a port of this machine."""

    uds: str | None = None
    port: int | None = None


class InstanceState(StrEnum):
    """Where an instance stands."""

    STARTING = "starting"
    READY = "ready"
    WAITING = "waiting"
    """It has ended; the host starts it again when its back-off is over."""


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """One worker of a generation. ``failures`` counts starts in a row that ended before the worker was ready, ``message`` is
    how the last one ended, with the last lines of its log; ``final`` says that another start would end the same way."""

    number: int
    state: InstanceState
    address: Address | None = None
    failures: int = 0
    final: bool = False
    message: str = ""


class RouteTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment behind an endpoint: where its instances listen, and how many requests they take together."""

    addresses: tuple[Address, ...]
    concurrency: int | None = None
    queue_seconds: float = 0.5
    request_timeout: float = 60.0


class TokenRule(msgspec.Struct, frozen=True, kw_only=True):
    """Which tokens open an endpoint: *signer* is the public key (PEM) that signs them, they are for one of *audiences*, and
    speak for one of the keys *callers*."""

    signer: str
    audiences: tuple[str, ...]
    callers: tuple[str, ...]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint: its address ``WORKSPACE/ENDPOINT``, the SHA-256 of its keys (or what tokens have to be that open it instead),
    and percents by deployment."""

    path: str
    key_hashes: tuple[str, ...] = ()
    tokens: TokenRule | None = None
    traffic: dict[str, int] = {}
    mirror: dict[str, int] = {}
    targets: dict[str, RouteTarget] = {}


class ServingHost(Protocol):
    """One machine's workers and gateway. Drivers are checked by ``regista.conformance.serving.ServingHostContract``.

    Calls return soon (``place`` and ``equip`` excepted, which may copy and install) and may come from many threads, yet
    those about one key from one at a time."""

    @property
    def url(self) -> str:
        """What stands before ``/endpoints/…`` in the address of every endpoint; the same for the life of the installation."""

    def place(self, store: BlobStore, manifest: Digest) -> Path:
        """A folder with the files of *manifest*, verified; made once and shared by all who ask. Nobody may write there.
        Raise ``NotFoundError`` or ``DigestMismatchError`` where the store lacks a blob, ``StorageFullError``."""

    def equip(self, environment: BuiltEnvironment, report: Report) -> tuple[Path, ...]:
        """Folders with what a worker itself needs beside the model's *environment*, which is not changed."""

    def free_bytes(self) -> int:
        """How much more fits on the host's disk."""

    def deploy(self, order: ServingOrder) -> None:
        """Keep what the generation runs; nothing is started yet. The same order again changes nothing."""

    def tend(self, key: ServingKey, instances: int) -> tuple[Instance, ...] | None:
        """Have so many instances: start what is not there, replace what died or does not answer any more (not before its
        back-off is over), and tell how they are; None for a key without an order, or one that was stopped. More instances
        that there were before are left alone: ``stop`` ends them."""

    def stop(self, key: ServingKey, *, first: int = 0) -> bool:
        """Have the instances from number *first* on finish what they are doing and end; whether they all have ended.
        Idempotent; with *first* 0 the generation is never started again. Stopping what is not there is True."""

    def forget(self, key: ServingKey) -> None:
        """Remove the folder, logs too, of a generation that was stopped; quiet when it is gone."""

    def generations(self) -> list[ServingKey]:
        """Every generation that has a folder here."""

    def note(self, key: ServingKey, line: str) -> None:
        """Append a line to the log of the generation's preparation."""

    def read_log(
        self, key: ServingKey, instance: int | None, offset: int = 0, limit: int = 1 << 20
    ) -> tuple[int, bytes]:
        """Bytes of an instance's log (None: of the preparation) from *offset*, with the offset where they begin; no bytes
        when there are no more yet. A negative *offset* counts from the end. What an instance wrote before it was replaced
        is part of its log (of the last few times)."""

    def route(self, routes: Sequence[Route]) -> bool:
        """Have the gateway answer by *routes*, and nothing else; whether it does already. The gateway is started when there
        is something to route, and again when it died."""
