"""What jobs printed and left, as containers show it.

regista-jobs-SCOPE/ExperimentRun/dcid.JOB/user_logs/std_log.txt     stdout and stderr, also while it runs
regista-jobs-SCOPE/ExperimentRun/dcid.JOB/outputs/…                 the output ``artifacts``
regista-files-SCOPE/azureml/JOB/OUTPUT/…                            a named output
"""

from collections.abc import Callable, Iterator, Sequence

from regista.entities.access import Caller, Permission
from regista.entities.datastore import ContainerKind
from regista.entities.graph import ARTIFACTS
from regista.entities.job import Job
from regista.entities.manifest import ManifestEntry
from regista.errors import ForbiddenError
from regista.interfaces.blobs import CHUNK
from regista.interfaces.catalog import Transaction
from regista.services.datastores.shelves import Container, Section
from regista.services.jobs.attempt_folder import LiveLogs
from regista.services.jobs.places import OUTPUTS
from regista.services.jobs.sources import artifact_manifest, job_path
from regista.services.scopes.stores import StoreService

RUNS = "ExperimentRun/dcid."
LOG = "std_log.txt"

_Make = Callable[[str], list[Section]]


class JobShelf:
    """Shows logs to who may read logs, and files to who may download."""

    def __init__(self, stores: StoreService, logs: LiveLogs) -> None:
        self._stores = stores
        self._logs = logs

    def covers(self, kind: ContainerKind, path: str) -> bool:
        return kind is ContainerKind.JOBS or (kind is ContainerKind.FILES and path.startswith(OUTPUTS))

    def sections(self, tx: Transaction, caller: Caller, container: Container, path: str) -> Sequence[Section]:
        root = RUNS if container.kind is ContainerKind.JOBS else OUTPUTS
        name = path[len(root) :].partition("/")[0] if path.startswith(root) else ""
        scope = container.scope
        place = job_path(scope, name)
        job = tx.jobs.find(scope.id, name) if name and caller.allows(Permission.JOBS_READ, place) else None
        if job is None:
            return ()
        found: list[Section] = []
        denied: list[str] = []
        for permission, base, make in self._parts(tx, container, job, f"{root}{name}/"):
            if caller.allows(permission, place):
                found += make(base)
            elif path.startswith(base):
                denied.append(permission)
        if denied:
            raise ForbiddenError(f"{caller.principal.name} may read job {name!r} but lacks {denied[0]} for its files")
        return found

    def _parts(
        self, tx: Transaction, container: Container, job: Job, base: str
    ) -> Iterator[tuple[Permission, str, _Make]]:
        if container.kind is ContainerKind.JOBS:
            yield Permission.ASSETS_DOWNLOAD, f"{base}outputs/", lambda at: [_artifacts(tx, container, job, at)]
            yield Permission.JOBS_LOGS, f"{base}user_logs/", lambda at: self._log(tx, container, job, at)
        else:
            yield Permission.ASSETS_DOWNLOAD, base, lambda at: _outputs(job, at)

    def _log(self, tx: Transaction, container: Container, job: Job, base: str) -> list[Section]:
        if job.log is not None:
            size = self._stores.of(tx, container.scope)[1].size(job.log)
            return [Section(base=base, at=_at(job), files=(ManifestEntry(LOG, job.log, size),))]
        return [Section(base=base, at=_at(job), live=_LiveLog(self._logs, job), live_name=LOG)]


class _LiveLog:
    """The log of a job that runs."""

    def __init__(self, logs: LiveLogs, job: Job) -> None:
        self._logs, self._job = logs, job

    @property
    def size(self) -> int:
        return self._logs.size(self._job)

    def read(self, start: int, end: int) -> Iterator[bytes]:
        while start < end and (chunk := self._logs.read(self._job, start, min(CHUNK, end - start))):
            start += len(chunk)
            yield chunk


def _artifacts(tx: Transaction, container: Container, job: Job, base: str) -> Section:
    """A run goes on logging artifacts after its job has ended: the rows are the truth."""
    files = artifact_manifest(tx.artifacts.below(container.scope.id, f"runs/{job.name}")).files
    return Section(base=base, at=_at(job), files=files, reference=f"azureml://jobs/{job.name}/outputs/{ARTIFACTS}")


def _outputs(job: Job, base: str) -> list[Section]:
    return [
        Section(
            base=f"{base}{name}/",
            at=_at(job),
            manifest=output.manifest,
            reference=f"azureml://jobs/{job.name}/outputs/{name}",
        )
        for name, output in sorted(job.outputs.items())
        if output.manifest is not None
    ]


def _at(job: Job) -> int:
    return job.ended_at or job.started_at or job.created_at
