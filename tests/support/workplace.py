"""A whole installation in one process, for tests of jobs: real services, real executor, real environments."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from regista.bootstrap.house import build_house
from regista.bootstrap.settings import Settings
from regista.bootstrap.worker import build_workshop
from regista.drivers.executors.process import ProcessExecutor
from regista.entities.access import Caller, PrincipalKind
from regista.entities.asset import AssetKind, AssetVersion
from regista.entities.digest import digest_of
from regista.entities.job import Job
from regista.entities.manifest import Manifest, ManifestEntry
from regista.entities.scope import ScopeAddress, ScopeKind
from regista.errors import AlreadyExistsError
from regista.interfaces.blobs import BlobStore
from regista.services.access.access import SYSTEM
from regista.services.assets.versions import NewVersion
from regista.services.house import House
from regista.services.jobs.workshop import Workshop
from regista.services.scopes.scopes import NewScope
from regista.services.working.worker import Worker

PLAIN: dict[str, Any] = {"conda_file": {"dependencies": ["pip"]}}
"""An environment of nothing but Python."""


class Workplace:
    """An installation with a workspace ``dev``, a registry ``central``, an owner and one worker."""

    def __init__(self, home: Path, *, catalog: str = "sqlite://", confine: bool | None = None) -> None:
        self.settings = Settings(home=home, catalog=catalog, store=f"file://{home / 'store'}", confine=confine)
        self.house: House = build_house(self.settings)
        self.dev = ScopeAddress(ScopeKind.WORKSPACE, "dev")
        self.central = ScopeAddress(ScopeKind.REGISTRY, "central")
        self.executor = ProcessExecutor(confine=confine)
        self.workshop: Workshop = build_workshop(self.house, self.settings, self.executor)
        try:
            self.house.principals.create(SYSTEM, "ada", PrincipalKind.USER)
            self.house.principals.assign(SYSTEM, "ada", "Owner", "/")
        except AlreadyExistsError:
            pass
        self.caller = self.login("ada")
        for kind, name in ((ScopeKind.WORKSPACE, "dev"), (ScopeKind.REGISTRY, "central")):
            self._ensure_scope(kind, name)
        self.worker = Worker(self.workshop, name="first")

    def _ensure_scope(self, kind: ScopeKind, name: str) -> None:
        if not self.house.catalog.read(lambda tx: tx.scopes.find(kind, name)):
            self.house.scopes.create(self.caller, NewScope(kind=kind, name=name))

    def login(self, name: str, **limits: Any) -> Caller:
        """A caller with a fresh key."""
        return self.house.access.authenticate(self.house.principals.create_key(SYSTEM, name, "k", **limits).secret)

    def submit(self, document: Mapping[str, Any], name: str | None = None, caller: Caller | None = None) -> Job:
        return self.house.jobs.submit(caller or self.caller, self.dev, document, name=name)

    def command(self, command: str, name: str | None = None, **fields: Any) -> Job:
        return self.submit({"command": command, "environment": PLAIN, **fields}, name)

    def work(self, most: int = 10_000) -> None:
        """Work until nothing is due."""
        for _ in range(most):
            if not self.worker.run_once():
                return

    def run(self, document: Mapping[str, Any], name: str | None = None) -> Job:
        job = self.submit(document, name)
        self.work()
        return self.job(job.name)

    def job(self, name: str) -> Job:
        return self.house.jobs.get(self.caller, self.dev, name)

    def steps(self, name: str) -> dict[str, Job]:
        return {job.node: job for job in self.house.jobs.children(self.caller, self.dev, name)}

    def log(self, name: str) -> str:
        return self.house.job_files.log(self.caller, self.dev, name).content.decode()

    def read(self, name: str, output: str, path: str) -> str:
        opened = self.house.job_files.open(self.caller, self.dev, name, output, path)
        return b"".join(opened.read()).decode()

    def files(self, name: str, output: str) -> list[str]:
        return [entry.path for entry in self.house.job_files.manifest(self.caller, self.dev, name, output).files]

    def asset(
        self, kind: AssetKind, files: dict[str, str], *, scope: ScopeAddress | None = None, **fields: Any
    ) -> AssetVersion:
        """A version made of text files."""
        address = scope or self.dev
        entries = []
        for path, text in files.items():
            content = text.encode()
            digest = digest_of(content)
            self.house.contents.put(self.caller, address, [(digest, content)])
            entries.append(ManifestEntry(path, digest, len(content)))
        new = NewVersion(kind=kind, manifest=Manifest.of(entries), **fields)
        return self.house.assets.create(self.caller, address, new)

    def store(self, address: ScopeAddress) -> BlobStore:
        return self.house.stores.for_scope(self.house.scopes.get(self.caller, address))[1]

    def code(self, files: dict[str, str]) -> str:
        version = self.asset(AssetKind.CODE, files, anonymous=True)
        return f"azureml:{version.name}:{version.version}"

    @contextmanager
    def working(self, **options: Any) -> Iterator[Worker]:
        """A worker in threads of its own, as in the server."""
        worker, stop = Worker(self.workshop, **options), threading.Event()
        thread = threading.Thread(target=worker.run, args=(stop,))
        thread.start()
        try:
            yield worker
        finally:
            stop.set()
            self.house.bell.ring()
            thread.join()
            worker.join(20)
            worker.close()

    def wait(self, name: str, *statuses: str, seconds: float = 30) -> Job:
        """The job when it is in one of the states (default: a last one)."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            job = self.job(name)
            if job.status in statuses or (not statuses and job.status.is_final):
                return job
            time.sleep(0.01)
        raise AssertionError(f"job {name} is {job.status} after {seconds} s: {job.error}")

    def edges(self, node: str, *, upstream: bool = True) -> set[tuple[str, str]]:
        found = self.house.catalog.read(lambda tx: tx.lineage.edges([node], upstream=upstream))
        return {(edge.role, edge.source if upstream else edge.target) for edge in found}

    def close(self) -> None:
        self.worker.close()
        self.executor.close()
        self.house.catalog.close()
