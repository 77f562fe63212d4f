"""Artifacts as files of containers, for clients that send and fetch them by the blob protocol.

regista-jobs-SCOPE/ExperimentRun/dcid.RUN/outputs/…     of a run
regista-jobs-SCOPE/LoggedModel/m-…/…                    of a logged model
regista-jobs-SCOPE/Experiment/NUMBER/…                  of an experiment
regista-jobs-SCOPE/Trace/ID/…                           of a trace
regista-version-ID/…                                    of a registered version: read only

They are the artifacts themselves, seen and written by the rights that these take; nothing is kept twice.
"""

from collections.abc import Sequence

from regista.entities.access import Caller
from regista.entities.datastore import ContainerKind, ContainerName, StoredFile, jobs_container, version_container
from regista.entities.digest import Digest
from regista.entities.names import now
from regista.entities.run import Artifact
from regista.entities.scope import Scope
from regista.errors import NotFoundError
from regista.interfaces.catalog import Transaction
from regista.services.datastores.containers import find_container
from regista.services.datastores.files import ANYHOW, Condition, FileService, Labels, check_labels
from regista.services.datastores.shelves import Container, Section
from regista.services.jobs.shelf import RUNS
from regista.services.jobs.sources import artifact_manifest
from regista.services.tracking.artifacts import check_readable, check_writable

_OUTPUTS = "/outputs/"
_FOLDERS = {"models": "LoggedModel/", "experiments": "Experiment/", "traces": "Trace/"}


class RunFiles(FileService):
    """The files of all containers; those that are artifacts can be written by who may write their owner."""

    def writable(self, tx: Transaction, caller: Caller, container: str, path: str) -> Container:
        owner = _owner(container, path)
        if owner is None:
            return super().writable(tx, caller, container, path)
        found = find_container(tx, caller, container)
        check_writable(tx, caller, found.scope.address, owner[0])
        return found

    def name(
        self,
        caller: Caller,
        container: str,
        path: str,
        content: tuple[Digest, int],
        labels: Labels,
        condition: Condition = ANYHOW,
    ) -> StoredFile:
        owner = _owner(container, path)
        if owner is None:
            return super().name(caller, container, path, content, labels, condition)
        check_labels(labels)

        def work(tx: Transaction) -> StoredFile:
            found = self.writable(tx, caller, container, path)
            artifact = Artifact(
                scope_id=found.scope.id, owner=owner[0], path=owner[1], digest=content[0], size=content[1]
            )
            tx.claims.add(found.scope.id, "", {content[0]: content[1]}, now())
            tx.artifacts.put(artifact)
            tx.files.delete_blocks(container, path, caller.principal.id)
            return _as_file(found, path, artifact)

        return self._catalog.write(work)


class ArtifactShelf:
    """Shows the artifacts of logged models, experiments and traces; those of runs are the jobs' shelf's."""

    def covers(self, kind: ContainerKind, path: str) -> bool:
        return kind is ContainerKind.JOBS and path.startswith(tuple(_FOLDERS.values()))

    def sections(self, tx: Transaction, caller: Caller, container: Container, path: str) -> Sequence[Section]:
        owner = _owner_of(f"{path}/")
        if owner is None:
            return ()
        try:
            check_readable(tx, caller, container.scope, owner[0])
        except NotFoundError:
            return ()
        files = artifact_manifest(tx.artifacts.below(container.scope.id, owner[0])).files
        return [Section(base=_base(owner[0]), at=container.scope.created_at, files=files)]


def artifact_place(scope: Scope, owner: str) -> tuple[str, str]:
    """The container in which the artifacts of *owner* are, and the prefix of their paths there."""
    kind, _, name = owner.partition("/")
    if kind == "versions":
        return version_container(name), ""
    return jobs_container(scope.id), _base(owner)


def _base(owner: str) -> str:
    kind, _, name = owner.partition("/")
    return f"{RUNS}{name}{_OUTPUTS}" if kind == "runs" else f"{_FOLDERS[kind]}{name}/"


def _owner(container: str, path: str) -> tuple[str, str] | None:
    """Whose artifact a file is, and its path there; None for a file that is none."""
    name = ContainerName.find(container)
    owner = _owner_of(path) if name is not None and name.kind is ContainerKind.JOBS else None
    return owner if owner and owner[1] else None


def _owner_of(path: str) -> tuple[str, str] | None:
    if path.startswith(RUNS):
        run, outputs, inner = path[len(RUNS) :].partition(_OUTPUTS)
        return (f"runs/{run}", inner) if outputs and "/" not in run else None
    for kind, folder in _FOLDERS.items():
        if path.startswith(folder):
            name, _, inner = path[len(folder) :].partition("/")
            return (f"{kind}/{name}", inner) if name else None
    return None


def _as_file(found: Container, path: str, artifact: Artifact) -> StoredFile:
    at = now()
    return StoredFile(
        container=str(found),
        path=path,
        scope_id=found.scope.id,
        digest=artifact.digest,
        size=artifact.size,
        etag=f'"0x{artifact.digest[7:23].upper()}"',
        created_at=at,
        modified_at=at,
    )
