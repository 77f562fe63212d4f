"""What a job printed and what it left: its log while it runs and after, the files of its outputs."""

import time

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.graph import ARTIFACTS
from regista.entities.job import Job
from regista.entities.manifest import Manifest
from regista.entities.scope import Scope, ScopeAddress
from regista.errors import InvalidError, NotFoundError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.access.access import require
from regista.services.content.contents import ContentService
from regista.services.content.opened import OpenFile
from regista.services.jobs.attempt_folder import LiveLogs
from regista.services.jobs.jobs import find_job
from regista.services.jobs.sources import artifact_manifest, job_path, output_digest

LOG_CHUNK = 1 << 20
LONGEST_WAIT = 60.0
_LOOK = 0.1


class LogChunk(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of a log, where they begin, and whether nothing will ever follow them."""

    content: bytes
    offset: int
    final: bool

    @property
    def next(self) -> int:
        """Where to go on."""
        return self.offset + len(self.content)


class JobFiles:
    """Reads logs and outputs, for who may."""

    def __init__(self, catalog: Catalog, contents: ContentService, live: LiveLogs) -> None:
        self._catalog = catalog
        self._contents = contents
        self._live = live

    def log(self, caller: Caller, address: ScopeAddress, name: str, offset: int = 0, *, wait: float = 0.0) -> LogChunk:
        """At most a mebibyte of stdout and stderr from *offset*; where there is none yet, stay up to *wait* seconds."""
        if offset < 0:
            raise InvalidError(f"a log has no byte {offset}")
        deadline = time.monotonic() + min(wait, LONGEST_WAIT)
        while True:
            chunk = self._log(caller, address, name, offset)
            if chunk.content or chunk.final or time.monotonic() >= deadline:
                return chunk
            time.sleep(_LOOK)

    def _log(self, caller: Caller, address: ScopeAddress, name: str, offset: int) -> LogChunk:
        scope, job = self._readable(caller, address, name, Permission.JOBS_LOGS)
        if not job.status.is_final:
            content = self._live.read(job, offset, LOG_CHUNK)
            job = job if content else self._readable(caller, address, name, Permission.JOBS_LOGS)[1]
        if not job.status.is_final:
            return LogChunk(content=content, offset=offset, final=False)
        if job.log is None:
            return LogChunk(content=b"", offset=offset, final=True)
        store = self._contents.store(scope)
        size = store.size(job.log)
        content = b"".join(store.read(job.log, min(offset, size), min(offset + LOG_CHUNK, size)))
        return LogChunk(content=content, offset=offset, final=offset + len(content) >= size)

    def manifest(self, caller: Caller, address: ScopeAddress, name: str, output: str) -> Manifest:
        """The files of an output. ``artifacts`` is there while the job runs too, as far as it has logged any."""
        scope, job = self._readable(caller, address, name, Permission.ASSETS_DOWNLOAD)
        return self._manifest(scope, job, output)

    def open(self, caller: Caller, address: ScopeAddress, name: str, output: str, path: str) -> OpenFile:
        """One file of an output, ready to be read in ranges."""
        scope, job = self._readable(caller, address, name, Permission.ASSETS_DOWNLOAD)
        entry = self._manifest(scope, job, output).find(path)
        if entry is None:
            raise NotFoundError(f"output {output!r} of job {name!r} has no file {path[:200]!r}")
        return OpenFile(self._contents, scope, entry)

    def _manifest(self, scope: Scope, job: Job, output: str) -> Manifest:
        if output == ARTIFACTS:
            # A run goes on logging artifacts after its job has ended: the rows are the truth.
            return self._catalog.read(lambda tx: artifact_manifest(tx.artifacts.below(scope.id, f"runs/{job.name}")))
        return self._contents.manifest(scope, output_digest(job, output))

    def _readable(self, caller: Caller, address: ScopeAddress, name: str, permission: Permission) -> tuple[Scope, Job]:
        def work(tx: Transaction) -> tuple[Scope, Job]:
            scope, job = find_job(tx, caller, address, name)
            require(caller, permission, job_path(scope, name), read=Permission.JOBS_READ, what=f"job {name!r}")
            return scope, job

        return self._catalog.read(work)
