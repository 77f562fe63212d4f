"""Ending a job: what it left becomes content, and one transaction writes outputs, lineage, names and the last state."""

import logging

import msgspec

from regista.entities.digest import Digest
from regista.entities.documents.outputs import OutputSpec
from regista.entities.graph import ARTIFACTS
from regista.entities.job import Binding, Job, JobStatus, Lease
from regista.entities.manifest import Manifest
from regista.entities.names import now
from regista.entities.run import Artifact
from regista.entities.scope import Scope
from regista.errors import RegistaError
from regista.interfaces.blobs import BlobStore
from regista.interfaces.catalog import Transaction
from regista.services.content.copying import copy_blobs
from regista.services.jobs.attempt_folder import AttemptFolder, attempts
from regista.services.jobs.keys import revoke
from regista.services.jobs.lineage import add_edges
from regista.services.jobs.outputs import register_output, target_scope
from regista.services.jobs.pipelines import tell_parent
from regista.services.jobs.plans import CommandPlan, exact_reference
from regista.services.jobs.sources import artifact_manifest
from regista.services.jobs.workshop import Workshop
from regista.services.working.lease_keeper import LeaseLostError, fenced
from regista.services.working.staging import ingest

_log = logging.getLogger("regista.worker")


class Left(msgspec.Struct, kw_only=True):
    """What an attempt left, in the store of its workspace."""

    outputs: dict[str, Manifest] = {}
    artifacts: Manifest = Manifest()
    log: Digest | None = None
    skipped: tuple[str, ...] = ()


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a job ends."""

    status: JobStatus
    error: str = ""
    properties: dict[str, str] = {}
    keys: tuple[str, ...] = ()


def collect(store: BlobStore, plan: CommandPlan, folder: AttemptFolder, work_logs: list[AttemptFolder]) -> Left:
    """Store outputs, ./outputs and the log; again gives the same."""
    skipped: list[str] = []
    left = Left(
        outputs={name: ingest(store, folder.outputs / name, skipped) for name in plan.outputs},
        artifacts=ingest(store, folder.artifacts, skipped),
        log=_store_log(store, work_logs),
    )
    left.skipped = tuple(skipped[:20])
    return left


def _store_log(store: BlobStore, folders: list[AttemptFolder]) -> Digest | None:
    """The logs of all attempts, one after the other, as one blob."""
    logs = [folder.log for folder in folders if folder.log.exists()]
    if len(logs) == 1:
        return store.add_file(logs[0])
    with store.begin() as upload:
        for log in logs:
            with log.open("rb") as file:
                while chunk := file.read(1 << 20):
                    upload.write(chunk)
        return upload.commit()


def collect_log(workshop: Workshop, store: BlobStore, job: Job) -> Left:
    """What is left of a job that never ran, or that cannot be read any more: at most its log."""
    try:
        return Left(log=_store_log(store, attempts(workshop.folder, job.id)))
    except (RegistaError, OSError):
        return Left()


def finish(workshop: Workshop, lease: Lease, scope: Scope, plan: CommandPlan, left: Left, ending: Ending) -> Job:
    """Write the end, all or nothing. When an output cannot be registered the job has failed, and says why."""
    try:
        if ending.status is JobStatus.COMPLETED:
            _bring_to_targets(workshop, lease, scope, plan, left)
        return _end(workshop, lease, scope, plan, left, ending, register=ending.status is JobStatus.COMPLETED)
    except LeaseLostError:
        raise
    except RegistaError as wrong:
        if ending.status is not JobStatus.COMPLETED:
            raise
        _log.info("job %s: an output was not registered: %s", lease.job_id, wrong)
        error = f"an output could not be registered: {wrong.message}"
        failed = msgspec.structs.replace(ending, status=JobStatus.FAILED, error=error)
        return _end(workshop, lease, scope, plan, left, failed, register=False)


def _end(
    workshop: Workshop, lease: Lease, scope: Scope, plan: CommandPlan, left: Left, ending: Ending, *, register: bool
) -> Job:
    def work(tx: Transaction, job: Job) -> Job:
        at = now()
        outputs = {name: _binding(job, plan.outputs[name], name, content) for name, content in left.outputs.items()}
        if register:
            outputs |= _registered(tx, workshop, scope, job, plan, left, outputs)
        artifacts = _artifacts(tx, workshop, scope, job, left)
        if artifacts.files:
            outputs[ARTIFACTS] = _binding(job, OutputSpec(type="uri_folder"), ARTIFACTS, artifacts)
        skipped = {"regista.skipped": ", ".join(left.skipped)} if left.skipped else {}
        job = msgspec.structs.replace(
            job,
            status=ending.status,
            error=ending.error,
            outputs=outputs,
            log=left.log,
            properties=job.properties | ending.properties | skipped,
            ended_at=at,
            updated_at=at,
        )
        tx.jobs.put(job)
        tx.claims.add(scope.id, "", _sizes(left), at)
        add_edges(tx, job, at)
        revoke(tx, job, ending.keys)
        tell_parent(tx, job)
        tx.leases.release(lease, due=None)
        return job

    return fenced(workshop.catalog, lease, work)


def _binding(job: Job, output: OutputSpec, name: str, content: Manifest) -> Binding:
    return Binding(
        type=output.type or "uri_folder",
        manifest=content.digest if content.files or output.type != "uri_file" else None,
        reference=f"azureml://jobs/{job.name}/outputs/{name}",
        node=f"job:{job.scope_id}/{job.name}",
        mode=output.mode,
    )


def _sizes(left: Left) -> dict[Digest, int]:
    contents = (*left.outputs.values(), left.artifacts)
    return {entry.digest: entry.size for content in contents for entry in content.files}


def _artifacts(tx: Transaction, workshop: Workshop, scope: Scope, job: Job, left: Left) -> Manifest:
    """Note what ./outputs held among the run's artifacts, and return all of those."""
    owner = f"runs/{job.name}"
    rows = [Artifact(scope_id=scope.id, owner=owner, path=one.path, digest=one.digest, size=one.size)
            for one in left.artifacts.files]  # fmt: skip
    tx.artifacts.put_all(rows)
    every = artifact_manifest(tx.artifacts.below(scope.id, owner))
    if every != left.artifacts:
        workshop.stores.of(tx, scope)[1].put(every.encode())  # idempotent: a transaction run twice changes nothing
    return every


def _registered(
    tx: Transaction,
    workshop: Workshop,
    scope: Scope,
    job: Job,
    plan: CommandPlan,
    left: Left,
    outputs: dict[str, Binding],
) -> dict[str, Binding]:
    """The outputs that have a name, as versions, with the rights that the job's creator has now."""
    named = {name: output for name, output in plan.outputs.items() if output.name}
    if not named:
        return {}
    creator = workshop.access.caller_for(tx, job.created_by)
    found = {}
    for name, output in named.items():
        target = target_scope(tx, creator, scope, output)
        version = register_output(tx, workshop.assets, creator, target, job, name, output, left.outputs[name])
        reference = str(exact_reference(target, version))
        found[name] = msgspec.structs.replace(outputs[name], node=version.node, reference=reference)
    return found


def _bring_to_targets(workshop: Workshop, lease: Lease, scope: Scope, plan: CommandPlan, left: Left) -> None:
    """Copy what is to be registered in a scope of another store, before the transaction that names it."""
    named = {name: output for name, output in plan.outputs.items() if output.name and output.path}
    if not named:
        return

    def stores(tx: Transaction) -> dict[str, tuple[str, BlobStore]]:
        creator = workshop.access.caller_for(tx, tx.jobs.by_id(lease.job_id).created_by)
        return {
            name: workshop.stores.of(tx, target_scope(tx, creator, scope, output)) for name, output in named.items()
        }

    home_name, home = workshop.stores.for_scope(scope)
    for name, (store_name, store) in workshop.catalog.read(stores).items():
        if store_name != home_name:
            content = left.outputs[name]
            copy_blobs(home, store, {content.digest, *(entry.digest for entry in content.files)})
