"""Runs: recording what happens in a job, or in a script of somebody's own.

A run *is* a job: its id is the job's name. One that a script opens by itself is a job of type ``run``, and only of that
type does the client say how it ended; the state of every other job is told by whoever runs it.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.job import Binding, Job, JobStatus, JobType
from regista.entities.names import check_name, check_tags, new_id, now
from regista.entities.page import Page, PageRequest
from regista.entities.run import Dataset, Metric, ModelMetric
from regista.entities.scope import Scope, ScopeAddress
from regista.errors import AbsentError, InvalidError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.jobs.ends import note_end
from regista.services.jobs.jobs import find_job
from regista.services.jobs.sources import job_path
from regista.services.journal import note
from regista.services.scopes.scopes import resolve_scope
from regista.services.tracking.logged_models import keep_metrics
from regista.services.tracking.rights import allow, is_hidden, readable, writable

LOGGED_MODEL = "logged_model"
"""The type of a binding that is a model that MLflow logged: ``reference`` is ``models:/m-…``, ``value`` the step."""


class NewRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that a script opens: ``started_at`` in milliseconds (0: now); ``parent`` the run that it is nested in."""

    experiment: int = 0
    name: str = ""
    display_name: str = ""
    started_at: int = 0
    parent: str = ""
    tags: dict[str, str] = {}


class RunChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a client may say about a run as a whole; None leaves it."""

    status: JobStatus | None = None
    ended_at: int | None = None
    display_name: str | None = None
    tags: dict[str, str] = {}


class Run(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A job with what was recorded about it; ``deleted`` also when its experiment is."""

    job: Job
    metrics: Sequence[Metric] = ()
    params: Mapping[str, str] = {}
    tags: Mapping[str, str] = {}
    datasets: Sequence[Dataset] = ()
    deleted: bool = False


class RunService:
    """Opens, finds, changes and deletes runs, and records what they say."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def create(self, caller: Caller, address: ScopeAddress, new: NewRun) -> Run:
        """Open a run; raise ``NotFoundError`` for an unknown experiment and ``InvalidError`` for a deleted one."""
        tags = check_tags(new.tags)
        name = check_name("job", new.name or new_id())
        at = now()

        def work(tx: Transaction) -> Run:
            scope = resolve_scope(tx, caller, address)
            allow(caller, scope, name, Permission.JOBS_WRITE)
            if tx.experiments.get(scope.id, new.experiment).deleted:
                raise InvalidError(f"experiment {new.experiment} is deleted", hint="Restore it, or name another.")
            job = Job(
                id=new_id(),
                scope_id=scope.id,
                name=name,
                type=JobType.RUN,
                status=JobStatus.RUNNING,
                display_name=new.display_name,
                experiment=new.experiment,
                parent=new.parent if new.parent and tx.jobs.find(scope.id, new.parent) else "",
                created_at=at,
                created_by=caller.principal.name,
                started_at=new.started_at or at,
                updated_at=at,
            )
            tx.jobs.add(job)
            tx.runs.set_tags(job.id, tags)
            note(tx, caller, "run.create", job_path(scope, name), experiment=new.experiment)
            return Run(job=job, tags=tags)

        return self._catalog.write(work)

    def get(self, caller: Caller, address: ScopeAddress, name: str) -> Run:
        """The run with all that was recorded, of each metric the latest value."""

        def work(tx: Transaction) -> Run:
            scope = resolve_scope(tx, caller, address)
            return recorded(tx, readable(tx, caller, scope, name))

        return self._catalog.read(work)

    def with_steps(self, caller: Caller, address: ScopeAddress, name: str) -> list[tuple[str, Run]]:
        """A living job first and then whatever ran in it, each step below the one that it is part of, oldest first; with
        the path of each (``""``, ``train``, ``train/fit``; a run that a script opened has its name for a step). A step that
        was reused measured nothing itself: what it took over counts."""

        def work(tx: Transaction) -> list[tuple[str, Run]]:
            scope, job = find_job(tx, caller, address, name)
            found = [("", job), *_below(tx, scope, job, "", frozenset({job.name}))]
            origins = {one.id: measured_in(tx, one).id for _, one in found}
            ids = list(set(origins.values()))
            metrics, params, tags = tx.runs.latest_metrics(ids), tx.runs.params(ids), tx.runs.tags([*origins])
            datasets = tx.runs.datasets(ids)

            def told(one: Job) -> Run:
                origin = origins[one.id]
                return Run(
                    job=one,
                    metrics=metrics.get(origin, []),
                    params=params.get(origin, {}),
                    tags=tags.get(one.id, {}),
                    datasets=datasets.get(origin, ()),
                )

            return [(path, told(one)) for path, one in found]

        return self._catalog.read(work)

    def update(self, caller: Caller, address: ScopeAddress, name: str, change: RunChange) -> Run:
        """Change status, end and name. The status of a job that Regista runs is Regista's to say: it stays, quietly,
        so that a script may close the run that it found open."""
        tags = check_tags(change.tags)

        def work(tx: Transaction) -> Run:
            scope, job = self._writable(tx, caller, address, name)
            changes: dict[str, object] = {"updated_at": now()}
            if change.display_name is not None:
                changes["display_name"] = change.display_name
            if job.type is JobType.RUN:
                changes |= {"status": change.status} if change.status else {}
                changes |= {"ended_at": change.ended_at} if change.ended_at is not None else {}
            changed = msgspec.structs.replace(job, **changes)
            tx.jobs.put(changed)
            tx.runs.set_tags(job.id, tags)
            note(tx, caller, "run.update", job_path(scope, name), status=changed.status)
            if changed.status.is_final and not job.status.is_final:
                note_end(tx, changed)
            return Run(job=changed)

        return self._catalog.write(work)

    def delete(self, caller: Caller, address: ScopeAddress, name: str) -> None:
        """Hide the run; deleting a deleted one is quiet. Its record and its files stay until it is purged."""
        self._mark(caller, address, name, deleted=True)

    def restore(self, caller: Caller, address: ScopeAddress, name: str) -> None:
        """Bring it back."""
        self._mark(caller, address, name, deleted=False)

    def log(
        self,
        caller: Caller,
        address: ScopeAddress,
        name: str,
        *,
        metrics: Sequence[Metric] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        display_name: str = "",
        models: Mapping[str, Sequence[ModelMetric]] | None = None,
    ) -> None:
        """Record all of it or, when anything is wrong, nothing. Doing it again changes nothing: a measurement counts once,
        a parameter has one value for ever (another is ``InvalidError``), tags are replaced. *models* are measurements of
        logged models, by their ids."""
        tags = check_tags(tags or {})

        def work(tx: Transaction) -> None:
            scope, job = self._writable(tx, caller, address, name)
            if models:
                keep_metrics(tx, caller, scope, models)
            if params:
                tx.runs.log_params(job.id, params)
            if metrics:
                tx.runs.log_metrics(job.id, metrics)
            if tags:
                tx.runs.set_tags(job.id, tags)
            if display_name and display_name != job.display_name:
                tx.jobs.put(msgspec.structs.replace(job, display_name=display_name, updated_at=now()))

        self._catalog.write(work)

    def delete_tag(self, caller: Caller, address: ScopeAddress, name: str, key: str) -> None:
        """Remove a tag; raise ``NotFoundError`` when there is none of the key."""

        def work(tx: Transaction) -> None:
            _, job = self._writable(tx, caller, address, name)
            if not tx.runs.delete_tag(job.id, key):
                raise AbsentError(f"run {name!r} has no tag {key[:100]!r}", what="run's tag", name=key[:100])

        self._catalog.write(work)

    def append_tag(self, caller: Caller, address: ScopeAddress, name: str, key: str, item: object) -> None:
        """Add *item* to the JSON list that the tag *key* holds; what is no list is replaced by one."""

        def work(tx: Transaction) -> None:
            _, job = self._writable(tx, caller, address, name)
            try:
                there = msgspec.json.decode(tx.runs.tags([job.id]).get(job.id, {}).get(key, "[]"))
            except msgspec.DecodeError:
                there = []
            items = [*there, item] if isinstance(there, list) else [item]
            tx.runs.set_tags(job.id, {key: msgspec.json.encode(items).decode()})

        self._catalog.write(work)

    def history(self, caller: Caller, address: ScopeAddress, name: str, key: str, request: PageRequest) -> Page[Metric]:
        """All values of a metric in the order of step, timestamp, value; empty for a key that was never logged. Those of a
        step that was reused are those of the one that it took over."""

        def work(tx: Transaction) -> Page[Metric]:
            scope = resolve_scope(tx, caller, address)
            return tx.histories.page(measured_in(tx, readable(tx, caller, scope, name)).id, key, request)

        return self._catalog.read(work)

    def add_inputs(
        self, caller: Caller, address: ScopeAddress, name: str, datasets: Sequence[Dataset], models: Sequence[str] = ()
    ) -> None:
        """Say which data sets and logged models the run used; the same again changes nothing."""

        def work(tx: Transaction) -> None:
            _, job = self._writable(tx, caller, address, name)
            tx.runs.add_datasets(job.id, datasets)
            used = {model: Binding(type=LOGGED_MODEL, reference=f"models:/{model}") for model in models}
            if used:
                tx.jobs.put(msgspec.structs.replace(job, inputs=job.inputs | used))

        self._catalog.write(work)

    def add_outputs(self, caller: Caller, address: ScopeAddress, name: str, models: Mapping[str, int]) -> None:
        """Say which logged models the run made, each at which step."""

        def work(tx: Transaction) -> None:
            _, job = self._writable(tx, caller, address, name)
            made = {
                model: Binding(type=LOGGED_MODEL, value=str(step), reference=f"models:/{model}")
                for model, step in models.items()
            }
            tx.jobs.put(msgspec.structs.replace(job, outputs=job.outputs | made))

        self._catalog.write(work)

    def _mark(self, caller: Caller, address: ScopeAddress, name: str, *, deleted: bool) -> None:
        def work(tx: Transaction) -> None:
            scope = resolve_scope(tx, caller, address)
            job = readable(tx, caller, scope, name)
            allow(caller, scope, name, Permission.JOBS_WRITE)
            if deleted and not job.status.is_final and job.type is not JobType.RUN:
                raise InvalidError(f"job {name!r} is {job.status}", hint="Cancel it, or wait for its end.")
            tx.jobs.put(msgspec.structs.replace(job, deleted=deleted, updated_at=now()))
            note(tx, caller, "run.delete" if deleted else "run.restore", job_path(scope, name))

        self._catalog.write(work)

    @staticmethod
    def _writable(tx: Transaction, caller: Caller, address: ScopeAddress, name: str) -> tuple[Scope, Job]:
        scope = resolve_scope(tx, caller, address)
        return scope, writable(tx, caller, scope, name)


def _below(tx: Transaction, scope: Scope, job: Job, path: str, above: frozenset[str]) -> Iterator[tuple[str, Job]]:
    """What ran in *job*; *above* ends it where runs, whose parents are whatever scripts say, go round in a circle."""
    for child in tx.jobs.children(scope.id, job.name):
        if child.deleted or child.name in above:
            continue
        step = child.node or child.name
        here = f"{path}/{step}" if path else step
        yield here, child
        yield from _below(tx, scope, child, here, above | {child.name})


def measured_in(tx: Transaction, job: Job) -> Job:
    """The job that did what *job* stands for."""
    return (tx.jobs.find(job.scope_id, job.reused_from) if job.reused_from else None) or job


def recorded(tx: Transaction, job: Job) -> Run:
    """The job with what was recorded about it."""
    return Run(
        job=job,
        metrics=tx.runs.latest_metrics([job.id]).get(job.id, []),
        params=tx.runs.params([job.id]).get(job.id, {}),
        tags=tx.runs.tags([job.id]).get(job.id, {}),
        datasets=tx.runs.datasets([job.id]).get(job.id, ()),
        deleted=job.deleted or is_hidden(tx, job),
    )
