"""Ending a job: what it left becomes content, and one transaction writes outputs, lineage, names and the last state.

    collect   outputs, ./outputs and the log become blobs of the workspace's store
    bring     what goes to another store, by name or to a datastore there, is copied
    seal      the capsule of each version that is to be, saying what the job will be in a moment
    commit    one transaction under the lease's fence writes everything, files of datastores too, or nothing;
              what its worker does next is taken in it as well

A crash before the commit leaves blobs without names; whoever takes the job up does it all again.
"""

import logging
from collections.abc import Callable

import msgspec

from regista.entities.access import Caller
from regista.entities.asset import AssetVersion
from regista.entities.digest import Digest
from regista.entities.documents.outputs import OutputSpec
from regista.entities.graph import ARTIFACTS
from regista.entities.job import Binding, Job, JobStatus, Lease
from regista.entities.manifest import Manifest
from regista.entities.names import now
from regista.entities.run import Artifact
from regista.entities.scope import Scope
from regista.errors import ConflictError, RegistaError, StorageFullError, UnavailableError
from regista.interfaces.blobs import BlobStore, Gathering
from regista.interfaces.catalog import Transaction
from regista.services.assets.versions import drafted
from regista.services.content.copying import copy_blobs
from regista.services.jobs import keys as job_keys
from regista.services.jobs.attempt_folder import AttemptFolder, attempts
from regista.services.jobs.ends import tell_end
from regista.services.jobs.lineage import add_edges, edges_of
from regista.services.jobs.outputs import register_output, target_scope, version_of
from regista.services.jobs.places import datastore_path, place_outputs, target_workspace
from regista.services.jobs.plans import CommandPlan, exact_reference, job_node
from regista.services.jobs.sources import artifact_manifest
from regista.services.jobs.workshop import Workshop
from regista.services.working.claiming import Claimed
from regista.services.working.lease_keeper import LeaseLostError, fenced
from regista.services.working.staging import ingest, together

_TRIES = 20
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
    with together(store) as gathering:
        artifacts = ingest(gathering, folder.artifacts, skipped)
        outputs = {
            name: artifacts if name == ARTIFACTS else ingest(gathering, folder.output(name), skipped)
            for name in plan.outputs
        }
        left = Left(outputs=outputs, artifacts=artifacts, log=_store_log(store, gathering, work_logs))
    left.skipped = tuple(skipped[:20])
    return left


def _store_log(store: BlobStore, gathering: Gathering, folders: list[AttemptFolder]) -> Digest | None:
    """The logs of all attempts, one after the other, as one blob."""
    logs = [folder.log for folder in folders if folder.log.exists()]
    if len(logs) == 1:
        return gathering.add_file(logs[0])
    with store.begin() as upload:
        for log in logs:
            with log.open("rb") as file:
                while chunk := file.read(1 << 20):
                    upload.write(chunk)
        return upload.commit()


def collect_log(workshop: Workshop, store: BlobStore, job: Job) -> Left:
    """What is left of a job that never ran, or that cannot be read any more: at most its log."""
    try:
        return Left(log=_store_log(store, store, attempts(workshop.folder, job.id)))
    except (RegistaError, OSError):
        return Left()


def finish(
    workshop: Workshop,
    lease: Lease,
    scope: Scope,
    plan: CommandPlan,
    left: Left,
    ending: Ending,
    take: Callable[[Transaction], Claimed],
) -> Claimed:
    """Write the end, all or nothing, and return what was taken in the same transaction. When an output cannot be registered,
    or written to its datastore, the job has failed, and says why."""
    last = _Last(workshop, lease, scope, plan, left, ending, take)
    if ending.status is not JobStatus.COMPLETED:
        return last.write({}, now())
    try:
        return _write_registering(last)
    except (LeaseLostError, UnavailableError, StorageFullError):
        raise
    except RegistaError as wrong:
        _log.info("job %s: an output was not kept: %s", lease.job_id, wrong)
        error = f"an output could not be kept: {wrong.message}"
        failed = msgspec.structs.replace(ending, status=JobStatus.FAILED, error=error)
        return msgspec.structs.replace(last, ending=failed).write({}, now())


def _write_registering(last: "_Last") -> Claimed:
    """Seal first, name then: no version has its name without its capsule."""
    _bring_to_targets(last.workshop, last.lease, last.scope, last.plan, last.left)
    for _ in range(_TRIES):
        at = now()
        try:
            return last.write(last.sealed(at), at)
        except _OvertakenError:
            continue
    raise UnavailableError("versions of the outputs' names are being made faster than one more can be")


class _OvertakenError(ConflictError):
    """Somebody has taken the version number for which the capsule was sealed."""


class _NotTakenError(RegistaError):
    """What is due cannot be taken."""


class _Sealed(msgspec.Struct, frozen=True):
    """The version number that an output is to get, and its capsule."""

    version: str
    capsule: Digest


class _Last(msgspec.Struct, frozen=True):
    """The last words about a job: everything that the last transaction is made of."""

    workshop: Workshop
    lease: Lease
    scope: Scope
    plan: CommandPlan
    left: Left
    ending: Ending
    take: Callable[[Transaction], Claimed]

    @property
    def named(self) -> dict[str, OutputSpec]:
        """The outputs that become versions."""
        return {name: output for name, output in self.plan.outputs.items() if output.name}

    def sealed(self, at: int) -> dict[str, _Sealed]:
        """The capsules of the outputs that become versions, of a job that ends at *at*; they hold what it will be then."""
        if not self.named:
            return {}

        def look(tx: Transaction) -> tuple[Job, Caller, dict[str, tuple[Scope, AssetVersion]]]:
            job = tx.jobs.by_id(self.lease.job_id)
            creator = self.workshop.access.caller_named(tx, job.created_by)
            return job, creator, {name: self._draft(tx, creator, job, name) for name in self.named}

        job, creator, drafts = self.workshop.catalog.read(look)
        bound = {
            name: msgspec.structs.replace(one, node=drafts[name][1].node) if name in drafts else one
            for name, one in self._bindings(job).items()
        }
        job = self._ended(job, bound, at)
        coming, ending = list(edges_of(job, self.plan, at)), {job_node(job.scope_id, job.name): job}
        seal = self.workshop.sealer.seal
        return {
            name: _Sealed(draft.version, seal(creator, target, draft, coming, ending))
            for name, (target, draft) in drafts.items()
        }

    def _draft(self, tx: Transaction, creator: Caller, job: Job, name: str) -> tuple[Scope, AssetVersion]:
        target = target_scope(tx, creator, self.scope, self.named[name])
        return target, drafted(tx, creator, target, version_of(job, name, self.named[name], self.left.outputs[name]))

    def write(self, sealed: dict[str, _Sealed], at: int) -> Claimed:
        """Write state, outputs, lineage and, for what is *sealed*, names, in one transaction under the lease's fence. A job
        ends also where what is due next cannot be taken."""
        try:
            return self._write(sealed, at, self._taken)
        except _NotTakenError:
            _log.warning(
                "job %s: what is due after it could not be taken with its end", self.lease.job_id, exc_info=True
            )
            return self._write(sealed, at, lambda _: Claimed())

    def _taken(self, tx: Transaction) -> Claimed:
        try:
            return self.take(tx)
        except RegistaError as wrong:
            raise _NotTakenError(wrong.message) from wrong

    def _write(self, sealed: dict[str, _Sealed], at: int, take: Callable[[Transaction], Claimed]) -> Claimed:
        def work(tx: Transaction, job: Job) -> Claimed:
            outputs = self._bindings(job) | self._registered(tx, job, sealed)
            self._place(tx, job)
            artifacts = _artifacts(tx, self.workshop, self.scope, job, self.left)
            if artifacts.files and ARTIFACTS not in outputs:
                outputs[ARTIFACTS] = _binding(job, OutputSpec(type="uri_folder"), ARTIFACTS, artifacts)
            job = self._ended(job, outputs, at)
            tx.jobs.put(job)
            tx.claims.add(self.scope.id, "", _sizes(self.left), at)
            add_edges(tx, job, at)
            job_keys.remove(tx, self.ending.keys)
            tell_end(tx, job)
            tx.leases.release(self.lease, due=None)
            return take(tx)

        return fenced(self.workshop.catalog, self.lease, work)

    def _place(self, tx: Transaction, job: Job) -> None:
        """Write to datastores what goes there, with the rights that the job's creator has now."""
        if self.ending.status is JobStatus.COMPLETED and any(map(datastore_path, self.plan.outputs.values())):
            creator = self.workshop.access.caller_named(tx, job.created_by)
            outputs = self.plan.outputs
            place_outputs(
                tx, creator, self.scope, job, ((name, outputs[name], m) for name, m in self.left.outputs.items())
            )

    def _bindings(self, job: Job) -> dict[str, Binding]:
        return {
            name: _binding(job, self.plan.outputs[name], name, content) for name, content in self.left.outputs.items()
        }

    def _ended(self, job: Job, outputs: dict[str, Binding], at: int) -> Job:
        skipped = {"regista.skipped": ", ".join(self.left.skipped)} if self.left.skipped else {}
        return msgspec.structs.replace(
            job,
            status=self.ending.status,
            error=self.ending.error,
            outputs=outputs,
            log=self.left.log,
            properties=job.properties | self.ending.properties | skipped,
            ended_at=at,
            updated_at=at,
        )

    def _registered(self, tx: Transaction, job: Job, sealed: dict[str, _Sealed]) -> dict[str, Binding]:
        """The outputs that have a name, as versions, with the rights that the job's creator has now."""
        if not sealed:
            return {}
        creator = self.workshop.access.caller_named(tx, job.created_by)
        found = {}
        for name, seal in sealed.items():
            target, draft = self._draft(tx, creator, job, name)
            if draft.version != seal.version:
                raise _OvertakenError(f"version {seal.version} of {draft.name!r} was taken meanwhile")
            new = version_of(job, name, self.named[name], self.left.outputs[name])
            made = register_output(tx, self.workshop.assets, creator, target, new, seal.capsule)
            bound = _binding(job, self.named[name], name, self.left.outputs[name])
            reference = str(exact_reference(target, made))
            found[name] = msgspec.structs.replace(bound, node=made.node, reference=reference)
        return found


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


def _bring_to_targets(workshop: Workshop, lease: Lease, scope: Scope, plan: CommandPlan, left: Left) -> None:
    """Copy what goes to a scope of another store, before the transaction that names it."""
    outputs = {name: output for name, output in plan.outputs.items() if output.path}
    if not outputs:
        return

    def stores(tx: Transaction) -> list[tuple[str, tuple[str, BlobStore]]]:
        creator = workshop.access.caller_named(tx, tx.jobs.by_id(lease.job_id).created_by)
        targets = [
            (name, target)
            for name, output in outputs.items()
            for target in (
                target_scope(tx, creator, scope, output) if output.name else None,
                target_workspace(tx, creator, scope, output),
            )
            if target
        ]
        return [(name, workshop.stores.of(tx, target)) for name, target in targets]

    home_name, home = workshop.stores.for_scope(scope)
    for name, (store_name, store) in workshop.catalog.read(stores):
        if store_name != home_name:
            content = left.outputs[name]
            copy_blobs(home, store, {content.digest, *(entry.digest for entry in content.files)})
