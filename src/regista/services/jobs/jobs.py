"""Jobs as their authors see them: submitted, looked at, changed, canceled; their logs and what they left.

    NotStarted ─▶ Queued ─▶ Preparing ─▶ Running ─▶ Finalizing ─▶ Completed | Failed | Canceled

Submitting resolves everything in one transaction with the author's rights; workers (``services/working/worker.py``) do the rest.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.digest import digest_of
from regista.entities.documents.job import JobDocument, parse_job
from regista.entities.job import Binding, Job, JobStatus, JobType
from regista.entities.manifest import Manifest
from regista.entities.names import check_name, check_tags, new_id, now
from regista.entities.page import Page, PageRequest
from regista.entities.scope import Scope, ScopeAddress, ScopeKind
from regista.errors import AlreadyExistsError, InvalidError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.access.access import require
from regista.services.assets.versions import NewVersion, add_version, drafted
from regista.services.environments.environments import EnvironmentService
from regista.services.jobs.keys import rights_of
from regista.services.jobs.lookup import absent_job
from regista.services.jobs.outputs import check_outputs
from regista.services.jobs.pipelines import request_cancel
from regista.services.jobs.plans import CommandPlan, Plan, encode_plan
from regista.services.jobs.resolution import Resolver
from regista.services.jobs.sources import Sources, job_path
from regista.services.jobs.workshop import Bell
from regista.services.journal import note
from regista.services.scopes.scopes import resolve_scope
from regista.services.scopes.stores import StoreService

DOCUMENT = "regista.document"
"""The job property with the digest of the document as it was submitted: what makes submitting again a quiet success."""

DEFAULT_EXPERIMENT = "Default"


OWN_PROPERTIES = "regista."
"""How properties begin that only Regista sets."""


class JobChange(msgspec.Struct, frozen=True, kw_only=True):
    """What may change about a job; None leaves it. Tags and properties are added to those that there are."""

    display_name: str | None = None
    description: str | None = None
    tags: dict[str, str] | None = None
    properties: dict[str, str] | None = None
    archived: bool | None = None


class JobService:
    """Submits, finds, changes and cancels jobs."""

    def __init__(self, catalog: Catalog, stores: StoreService, environments: EnvironmentService, bell: Bell) -> None:
        self._catalog = catalog
        self._stores = stores
        self._environments = environments
        self._bell = bell

    def submit(
        self, caller: Caller, address: ScopeAddress, document: Mapping[str, Any], *, name: str | None = None
    ) -> Job:
        """Have the job of *document* run. The same document under the same name again is a quiet success, another one
        ``AlreadyExistsError``. What could not run is refused here, before anything starts, naming the field."""
        parsed = parse_job(document)
        name = check_name("job", name or parsed.name or new_id())
        digest = digest_of(msgspec.json.encode(document, order="sorted"))
        scope, needed = self._catalog.read(lambda tx: self._checked(tx, caller, address, name, parsed))
        for where, spec in needed.items():
            self._environments.check(spec, where)
        self._stores.for_scope(scope)[1].put(Manifest().encode())  # what environments without files have
        job = self._catalog.write(lambda tx: self._add(tx, caller, scope, name, parsed, digest))
        self._bell.ring()
        return job

    def _checked(
        self, tx: Transaction, caller: Caller, address: ScopeAddress, name: str, document: JobDocument
    ) -> tuple[Scope, dict[str, Any]]:
        """Find everything wrong that a look can find, without holding up writers."""
        scope = resolve_scope(tx, caller, address)
        if scope.kind is not ScopeKind.WORKSPACE:
            raise InvalidError(
                "jobs run in workspaces, not in registries", hint="Name a workspace: --workspace-name W."
            )
        require(
            caller, Permission.JOBS_WRITE, job_path(scope, name), read=Permission.SCOPES_READ, what=f"jobs of {address}"
        )
        if tx.jobs.find(scope.id, name) is not None:
            return scope, {}
        resolver = Resolver(Sources(tx, caller, self._stores), scope, self._environments.curated)
        plan, _ = resolver.plan(document)
        check_outputs(tx, caller, scope, plan, name)
        return scope, resolver.needed

    def _add(self, tx: Transaction, caller: Caller, scope: Scope, name: str, document: JobDocument, digest: str) -> Job:
        found = tx.jobs.find(scope.id, name)
        if found is not None:
            return _same_or_refuse(caller, scope, found, digest)
        resolver = Resolver(Sources(tx, caller, self._stores), scope, self._environments.curated)
        plan, inputs = resolver.plan(document)
        check_outputs(tx, caller, scope, plan, name)
        for draft in resolver.drafts.values():
            _ensure_version(tx, caller, scope, draft)
        experiment = tx.experiments.ensure(scope.id, document.experiment_name or DEFAULT_EXPERIMENT, now())
        job = _drafted(caller, scope, name, document, plan, inputs, experiment.number)
        job = msgspec.structs.replace(job, properties=job.properties | {DOCUMENT: digest} | rights_of(caller, scope))
        tx.jobs.add(job)
        if tags := check_tags({**_mlflow_tags(document), **document.tags}):
            tx.runs.set_tags(job.id, tags)
        tx.leases.offer(job.id)
        note(tx, caller, "job.submit", job_path(scope, name), type=job.type)
        return job

    def get(self, caller: Caller, address: ScopeAddress, name: str) -> Job:
        """A job, step or run by name."""
        return self._catalog.read(lambda tx: find_job(tx, caller, address, name)[1])

    def tags(self, caller: Caller, address: ScopeAddress, jobs: tuple[Job, ...]) -> dict[str, dict[str, str]]:
        """The tags of jobs that the caller was given, by the job's name."""

        def work(tx: Transaction) -> dict[str, dict[str, str]]:
            resolve_scope(tx, caller, address)
            found = tx.runs.tags([job.id for job in jobs])
            return {job.name: found.get(job.id, {}) for job in jobs}

        return self._catalog.read(work)

    def page(
        self,
        caller: Caller,
        address: ScopeAddress,
        request: PageRequest,
        *,
        parent: str | None = "",
        archived: bool | None = False,
    ) -> Page[Job]:
        """Jobs, newest first; *parent* "" leaves steps out, None includes them, a name shows that pipeline's."""

        def work(tx: Transaction) -> Page[Job]:
            scope = resolve_scope(tx, caller, address)
            _require_read(caller, scope, "")
            return tx.jobs.page(scope.id, request, parent=parent, archived=archived)

        return self._catalog.read(work)

    def children(self, caller: Caller, address: ScopeAddress, name: str) -> list[Job]:
        """The steps of a pipeline job that have been made so far, oldest first."""

        def work(tx: Transaction) -> list[Job]:
            scope, job = find_job(tx, caller, address, name)
            return tx.jobs.children(scope.id, job.name)

        return self._catalog.read(work)

    def cancel(self, caller: Caller, address: ScopeAddress, name: str) -> Job:
        """Have a job end, with its steps. Quiet for one that has ended; a running one ends within moments."""

        def work(tx: Transaction) -> Job:
            scope, job = find_job(tx, caller, address, name)
            what = f"job {name!r}"
            require(caller, Permission.JOBS_CANCEL, job_path(scope, name), read=Permission.JOBS_READ, what=what)
            if not job.status.is_final and not job.cancel_requested:
                job = request_cancel(tx, job, now())
                note(tx, caller, "job.cancel", job_path(scope, name))
            return job

        job = self._catalog.write(work)
        self._bell.ring()
        return job

    def update(self, caller: Caller, address: ScopeAddress, name: str, change: JobChange) -> Job:
        """Change what is said about a job, archive or restore it."""
        tags, properties = check_tags(change.tags or {}), _foreign(check_tags(change.properties or {}))

        def work(tx: Transaction) -> Job:
            scope, job = find_job(tx, caller, address, name)
            what = f"job {name!r}"
            require(caller, Permission.JOBS_WRITE, job_path(scope, name), read=Permission.JOBS_READ, what=what)
            given = {
                field: value
                for field in ("display_name", "description", "archived")
                if (value := getattr(change, field)) is not None
            } | ({"properties": job.properties | properties} if properties else {})
            job = msgspec.structs.replace(job, **given, updated_at=now())
            tx.jobs.put(job)
            if tags:
                tx.runs.set_tags(job.id, tags)
            note(
                tx,
                caller,
                "job.update",
                job_path(scope, name),
                fields=sorted({**given, **({"tags": 1} if tags else {})}),
            )
            return job

        return self._catalog.write(work)


def find_job(tx: Transaction, caller: Caller, address: ScopeAddress, name: str) -> tuple[Scope, Job]:
    """The job and its workspace; ``NotFoundError`` also for what the caller may not read."""
    scope = resolve_scope(tx, caller, address)
    _require_read(caller, scope, name)
    found = tx.jobs.find(scope.id, name)
    if found is None or found.deleted:
        raise absent_job(scope, name)
    return scope, found


def _require_read(caller: Caller, scope: Scope, name: str) -> None:
    if not caller.allows(Permission.JOBS_READ, job_path(scope, name) if name else scope.path):
        raise absent_job(scope, name)


def _foreign(properties: dict[str, str]) -> dict[str, str]:
    """Properties that a client may set: some of Regista's own say what a job's key may do."""
    if own := [key for key in properties if key.startswith(OWN_PROPERTIES)]:
        raise InvalidError(f"the property {own[0][:80]!r} is Regista's own", hint="Choose another name.")
    return properties


def _same_or_refuse(caller: Caller, scope: Scope, found: Job, digest: str) -> Job:
    if found.properties.get(DOCUMENT) == digest and caller.allows(Permission.JOBS_READ, job_path(scope, found.name)):
        return found
    raise AlreadyExistsError(
        f"the workspace {scope.name!r} has another job {found.name!r} already",
        hint="Leave the name out, or choose another.",
    )


def _ensure_version(tx: Transaction, caller: Caller, scope: Scope, new: NewVersion) -> None:
    """An anonymous version belongs to the job: it takes no right but the one to submit."""
    version = drafted(tx, caller, scope, new)
    if tx.versions.find(scope.id, version.kind, version.name, version.version, deleted=True) is None:
        add_version(tx, version)


def _drafted(
    caller: Caller,
    scope: Scope,
    name: str,
    document: JobDocument,
    plan: Plan,
    inputs: dict[str, Binding],
    experiment: int,
) -> Job:
    at = now()
    is_command = isinstance(plan, CommandPlan)
    return Job(
        id=new_id(),
        scope_id=scope.id,
        name=name,
        type=JobType.COMMAND if is_command else JobType.PIPELINE,
        status=JobStatus.QUEUED,
        display_name=document.display_name or name,
        experiment=experiment,
        description=document.description,
        properties=check_tags(document.properties),
        compute=document.compute,
        spec=encode_plan(plan),
        inputs=inputs,
        code=plan.code.manifest if isinstance(plan, CommandPlan) and plan.code else None,
        created_at=at,
        created_by=caller.principal.name,
        queued_at=at,
        updated_at=at,
    )


def _mlflow_tags(document: JobDocument) -> dict[str, str]:
    """Where the source came from, as MLflow's clients look for it: among the tags."""
    return {name: value for name, value in document.properties.items() if name.startswith("mlflow.")}
