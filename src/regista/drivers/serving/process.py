"""Deployments served by processes of this machine, each instance an attempt of the executor that runs jobs too.

Attempts live in sessions of their own under supervisors of their own: killing the server ends none of them, and the next
server finds them by their folders. ``folders.py`` draws what is on disk.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from regista.drivers.serving.contents import Contents
from regista.drivers.serving.folders import GenerationFolder, generation_keys
from regista.drivers.serving.gateway import Gateway, GatewayOptions
from regista.drivers.serving.tries import Part
from regista.drivers.serving.worker import Worker
from regista.entities.digest import Digest
from regista.interfaces.blobs import BlobStore
from regista.interfaces.executors import Executor
from regista.interfaces.runtimes import BuiltEnvironment, Report
from regista.interfaces.serving import Instance, Route, ServingKey, ServingOrder


class OwnExecutor(Executor, Protocol):
    """An executor that the host may let go of in the end."""

    def close(self) -> None:
        """Let go of what the executor holds; what it started goes on."""


Layer = Callable[[Path, Report], tuple[Path, ...]]
"""Given an interpreter, the folders with the worker's own packages for it."""

_DRAIN = 7.0
_UNUSED_SECONDS = 3600.0


class ProcessServingHost:
    """Below *root*. *confined* says that the executor's processes cannot write to what they are shown."""

    def __init__(
        self, root: Path, executor: OwnExecutor, layer: Layer, gateway: GatewayOptions, *, confined: bool
    ) -> None:
        self._root = root.absolute()
        self._executor = executor
        self._layer = layer
        self._contents = Contents(self._root / "contents", link=confined)
        self._gateway = Gateway(self._root / "gateway", self._root / "s", executor, gateway)
        self._workers: dict[tuple[ServingKey, int], Worker] = {}

    @property
    def url(self) -> str:
        return self._gateway.url

    def place(self, store: BlobStore, manifest: Digest) -> Path:
        return self._contents.place(store, manifest)

    def equip(self, environment: BuiltEnvironment, report: Report) -> tuple[Path, ...]:
        return self._layer(environment.python, report)

    def free_bytes(self) -> int:
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        return shutil.disk_usage(self._root).free

    def deploy(self, order: ServingOrder) -> None:
        self._folder(order.key).keep(order)

    def tend(self, key: ServingKey, instances: int) -> tuple[Instance, ...] | None:
        folder = self._folder(key)
        if folder.stopped.exists() or (order := folder.order) is None:
            return None
        return tuple(self._worker(folder, number).tend(order) for number in range(instances))

    def stop(self, key: ServingKey, *, first: int = 0) -> bool:
        folder = self._folder(key)
        if not folder.path.is_dir():
            return True
        if first == 0:
            folder.stopped.touch()
        order = folder.order
        grace = _DRAIN + (order.request_timeout if order else 0.0)
        ended = [self._worker(folder, number).stop(grace) for number in folder.instances() if number >= first]
        return all(ended)

    def forget(self, key: ServingKey) -> None:
        """As the interface says; contents that no generation uses any more go too, an hour after they were last wanted."""
        folder = self._folder(key)
        for number in folder.instances():
            self._worker(folder, number).clean()
            self._workers.pop((key, number), None)
        folder.remove()
        orders = [order for one in self.generations() if (order := self._folder(one).order)]
        used = [path for order in orders for path in (order.model, order.code) if path]
        self._contents.sweep(used, _UNUSED_SECONDS)

    def generations(self) -> list[ServingKey]:
        return generation_keys(self._root)

    def note(self, key: ServingKey, line: str) -> None:
        folder = self._folder(key)
        folder.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        with folder.preparation.open("a", encoding="utf-8") as log:
            log.write(line.rstrip("\n") + "\n")

    def read_log(
        self, key: ServingKey, instance: int | None, offset: int = 0, limit: int = 1 << 20
    ) -> tuple[int, bytes]:
        folder = self._folder(key)
        if instance is not None:
            return read_through(self._worker(folder, instance).log_parts(), offset, limit)
        size = folder.preparation.stat().st_size if folder.preparation.exists() else 0
        return read_through([Part(folder.preparation, 0, size)], offset, limit)

    def route(self, routes: Sequence[Route]) -> bool:
        return self._gateway.route(routes)

    def rest(self) -> int:
        """Have the gateway end, then every worker, for the time being: what was ordered stays, and is started again when
        it is tended again. How many have not ended yet; to be called until there are none."""
        if not self._gateway.rest():
            return 1 + sum(worker.is_running for worker in self._all_workers())
        return sum(not worker.rest(_DRAIN) for worker in self._all_workers())

    def _all_workers(self) -> Iterator[Worker]:
        for key in self.generations():
            folder = self._folder(key)
            for number in folder.instances():
                yield self._worker(folder, number)

    def stop_gateway(self) -> bool:
        """Have the gateway end; whether it has. It is started again by the next table that has something in it."""
        return self._gateway.stop()

    def close(self) -> None:
        """Let go; workers and gateway go on."""
        self._executor.close()

    def _folder(self, key: ServingKey) -> GenerationFolder:
        return GenerationFolder(self._root, key)

    def _worker(self, folder: GenerationFolder, number: int) -> Worker:
        return self._workers.setdefault((folder.key, number), Worker(folder, number, self._executor))


def read_through(parts: Sequence[Part], offset: int, limit: int) -> tuple[int, bytes]:
    """At most *limit* bytes from *offset*, and where they begin: further on when those are not kept any more. A negative
    offset counts from the end."""
    whole = parts[-1].end if parts else 0
    begin = max(0, whole + offset) if offset < 0 else offset
    found = b""
    for part in parts:
        if part.end <= begin + len(found) or len(found) == limit:
            continue
        if part.start > begin + len(found):
            if found:
                break  # what was between is gone: the next call begins behind it
            begin = part.start
        try:
            with part.path.open("rb") as opened:
                opened.seek(begin + len(found) - part.start)
                found += opened.read(limit - len(found))
        except FileNotFoundError:
            continue
    return begin, found
