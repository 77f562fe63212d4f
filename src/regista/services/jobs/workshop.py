"""What a worker works with: the catalog and the stores, an executor, a runtime's environments, a folder of its own."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec

from regista.entities.access import Caller
from regista.entities.asset import AssetVersion
from regista.entities.digest import Digest
from regista.entities.job import Job
from regista.entities.lineage import Edge
from regista.entities.scope import Scope
from regista.interfaces.catalog import Catalog
from regista.interfaces.executors import AttemptStatus, Executor, Handle
from regista.services.access.access import Access
from regista.services.assets.assets import AssetService
from regista.services.environments.environments import EnvironmentService
from regista.services.scopes.stores import StoreService

Fetch = Callable[[str, Path], None]
"""Downloads a URL into a file; refuses what is no public https address, and what is too large."""


class ServerPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a job finds the server: its URL ("" for none), the certificate of its authority, a file with that and all that are
    trusted anyway, and the folder of modules that a job's Python gets besides its environment's."""

    url: str = ""
    ca: Path | None = None
    trust: Path | None = None
    site: Path | None = None


@runtime_checkable
class WaitingExecutor(Protocol):
    """What an executor on the same machine offers besides: sleeping until an attempt has ended, without polling."""

    def wait(self, handle: Handle, timeout: float) -> AttemptStatus:
        """The status when the attempt has ended, or after *timeout* seconds."""


class Sealer(Protocol):
    """Writes the record of where a version came from, before the version has its name."""

    def seal(
        self, caller: Caller, scope: Scope, version: AssetVersion, coming: Sequence[Edge], ending: Mapping[str, Job]
    ) -> Digest:
        """Store the capsule of *version* of *scope*: with the edges and the jobs that are about to be written with it, and
        with no more than *caller* may read. Again gives another that is as good."""


class Bell:
    """Wakes the workers of this process when there may be something to do. Rung while nobody waits, it is heard by the next."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0

    def ring(self) -> None:
        """Wake everybody."""
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    @property
    def count(self) -> int:
        """How often it was rung: what ``wait`` is told, so that no ring is missed."""
        return self._count

    def wait(self, heard: int, seconds: float) -> None:
        """Return when it was rung after the count *heard*, or after *seconds*."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while self._count == heard and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)


class Workshop(msgspec.Struct, frozen=True, kw_only=True):
    """One attribute a tool. ``shares_files``: jobs are confined, so that inputs may be the store's own files. ``place``
    names the folder: workers that have the same one see the same processes."""

    catalog: Catalog
    access: Access
    stores: StoreService
    assets: AssetService
    sealer: Sealer
    environments: EnvironmentService
    executor: Executor
    folder: Path
    bell: Bell
    fetch: Fetch
    server: ServerPlace = ServerPlace()
    shares_files: bool = False
    place: str = "here"
