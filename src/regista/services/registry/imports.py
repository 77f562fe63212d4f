"""Taking over what another tracking server or model registry recorded, as it was: ids, numbers and times stay.

Each call writes one thing whole and may be repeated with the same, so that an import that was broken off is simply begun
again: what is there already is made as the record says. Who made a thing is who imported it; whoever made it elsewhere
stands in its tags. The caller needs the rights that it takes to record such a thing here.
"""

from collections.abc import Sequence

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.asset import Asset, AssetVersion
from regista.entities.imported import (
    ImportedExperiment,
    ImportedModel,
    ImportedName,
    ImportedRun,
    ImportedVersion,
)
from regista.entities.job import Binding, Job, JobStatus, JobType
from regista.entities.names import check_alias, check_name, check_tags, new_id, now
from regista.entities.run import Experiment, LoggedModel
from regista.entities.scope import Scope, ScopeAddress
from regista.errors import AlreadyExistsError, InvalidError, NotFoundError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.access.access import require
from regista.services.assets.versions import absent, asset_path, what
from regista.services.jobs.sources import job_path
from regista.services.journal import note
from regista.services.registry.model_versions import ModelVersionService, NewModelVersion
from regista.services.registry.registered_models import MODEL
from regista.services.scopes.scopes import resolve_scope
from regista.services.tracking.experiments import check_experiment_name
from regista.services.tracking.logged_models import check_model_id
from regista.services.tracking.rights import allow
from regista.services.tracking.runs import LOGGED_MODEL

_LARGEST = 10**18


class Totals(msgspec.Struct, kw_only=True):
    """How much is here of what was asked for, added up."""

    runs: int = 0
    metrics: int = 0
    params: int = 0
    tags: int = 0
    datasets: int = 0
    logged_models: int = 0
    registered_models: int = 0
    versions: int = 0
    aliases: int = 0
    traces: int = 0
    assessments: int = 0
    webhooks: int = 0
    files: int = 0
    bytes: int = 0


class ImportService:
    """Writes what was recorded elsewhere, and counts what of it is here."""

    def __init__(self, catalog: Catalog, versions: ModelVersionService) -> None:
        self._catalog = catalog
        self._versions = versions

    def experiment(self, caller: Caller, address: ScopeAddress, new: ImportedExperiment) -> Experiment:
        """The experiment of the name, under its old number where that is free. One that is here already keeps its number,
        its times and its tags, and gets those that it has not."""
        check_experiment_name(new.name)
        tags = check_tags(new.tags)

        def work(tx: Transaction) -> Experiment:
            scope = resolve_scope(tx, caller, address)
            require(caller, Permission.JOBS_WRITE, scope.path, read=Permission.JOBS_READ, what="experiment for you")
            there = tx.experiments.find(scope.id, new.name)
            if there is None:
                made = self._new_experiment(tx, scope, new)
                note(tx, caller, "experiment.import", f"{scope.path}/experiments/{made.number}", name=new.name)
            else:
                made = msgspec.structs.replace(there, tags=tags | there.tags, deleted=new.deleted)
            if made != there:
                tx.experiments.put(made)
            return made

        return self._catalog.write(work)

    @staticmethod
    def _new_experiment(tx: Transaction, scope: Scope, new: ImportedExperiment) -> Experiment:
        fields = {
            "tags": dict(new.tags),
            "deleted": new.deleted,
            "created_at": new.created_at or now(),
            "updated_at": new.updated_at or new.created_at or now(),
        }
        if new.number is None or not 0 < new.number < _LARGEST or _is_taken(tx, scope, new.number):
            return msgspec.structs.replace(tx.experiments.add(scope.id, new.name, {}, now()), **fields)
        return Experiment(scope_id=scope.id, number=new.number, name=new.name, **fields)  # type: ignore[arg-type]

    def run(self, caller: Caller, address: ScopeAddress, new: ImportedRun) -> Job:
        """The run under its id; raise ``AlreadyExistsError`` when another one has it here."""
        name, tags, params = check_name("job", new.name), check_tags(new.tags), check_tags(new.params)
        if not new.status.is_final and new.status not in {JobStatus.RUNNING, JobStatus.QUEUED}:
            raise InvalidError(f"an imported run is planned, running or has ended, not {new.status}")

        def work(tx: Transaction) -> Job:
            scope = resolve_scope(tx, caller, address)
            allow(caller, scope, name, Permission.JOBS_WRITE)
            tx.experiments.get(scope.id, new.experiment)
            there = tx.jobs.find(scope.id, name)
            if there is not None and not _is_import_of(there, new):
                raise AlreadyExistsError(f"{address} has another run or job {name!r} already")
            job = _job(new, scope, caller, there)
            if there is None:
                tx.jobs.add(job)
                note(tx, caller, "run.import", job_path(scope, name), experiment=new.experiment)
            else:
                tx.jobs.put(job)
            tx.runs.set_tags(job.id, tags)
            tx.runs.log_params(job.id, params)
            tx.runs.add_datasets(job.id, new.datasets)
            return job

        return self._catalog.write(work)

    def model(self, caller: Caller, address: ScopeAddress, new: ImportedModel) -> LoggedModel:
        """The logged model under its id."""
        check_model_id(new.id)
        fields = {name: getattr(new, name) for name in new.__struct_fields__}
        fields |= {"tags": check_tags(new.tags), "params": check_tags(new.params)}

        def work(tx: Transaction) -> LoggedModel:
            scope = resolve_scope(tx, caller, address)
            if new.run:
                allow(caller, scope, new.run, Permission.JOBS_WRITE)
            else:
                require(caller, Permission.JOBS_WRITE, scope.path, read=Permission.JOBS_READ, what="logged model")
            tx.experiments.get(scope.id, new.experiment)
            there = tx.artifacts.find_model(scope.id, new.id)
            if there is not None and (there.run, there.experiment) != (new.run, new.experiment):
                raise AlreadyExistsError(f"{address} has another logged model {new.id!r} already")
            made = LoggedModel(scope_id=scope.id, created_by=caller.principal.name, **fields)
            tx.artifacts.put_model(made)
            tx.artifacts.log_model_metrics(scope.id, made.id, new.metrics)
            if there is None:
                note(tx, caller, "logged_model.import", f"{scope.path}/loggedModels/{made.id}", run=made.run)
            return made

        return self._catalog.write(work)

    def name(self, caller: Caller, address: ScopeAddress, new: ImportedName) -> Asset:
        """The registered model, with those of its aliases whose versions are here."""
        name, tags = check_name(MODEL, new.name), check_tags(new.tags)
        for alias in new.aliases:
            check_alias(alias)

        def work(tx: Transaction) -> Asset:
            scope = resolve_scope(tx, caller, address)
            _allow(caller, scope, name)
            there = tx.assets.find(scope.id, MODEL, name)
            asset = there or Asset(
                id=new_id(), scope_id=scope.id, kind=MODEL, name=name, created_by=caller.principal.name
            )
            living = {
                alias: version
                for alias, version in new.aliases.items()
                if tx.versions.find(scope.id, MODEL, name, version) is not None
            }
            asset = msgspec.structs.replace(
                asset,
                description=new.description,
                tags=asset.tags | tags,
                aliases=asset.aliases | living,
                created_at=new.created_at or asset.created_at or now(),
                updated_at=new.updated_at or new.created_at or now(),
            )
            if there is None:
                tx.assets.add(asset)
                note(tx, caller, "model.import", asset_path(scope, MODEL, name))
            else:
                tx.assets.put(asset)
            return asset

        return self._catalog.write(work)

    def version(
        self, caller: Caller, address: ScopeAddress, new: ImportedVersion, home: ScopeAddress | None
    ) -> AssetVersion:
        """The version under its number; raise ``AlreadyExistsError`` when other content has it here."""
        there = self._catalog.read(lambda tx: self._version(tx, caller, address, new))
        if there is None or new.path:
            self._versions.create(
                caller,
                address,
                NewModelVersion(
                    name=new.name, version=new.version, path=new.path, home=home, spec=new.spec, source=new.source
                ),
            )
        changes = {
            "description": new.description,
            "tags": check_tags(new.tags),
            "stage": "" if new.stage == "None" else new.stage,
            "created_at": new.created_at or now(),
            "updated_at": new.updated_at or new.created_at or now(),
        }

        def work(tx: Transaction) -> AssetVersion:
            found = self._version(tx, caller, address, new)
            if found is None:
                raise absent(resolve_scope(tx, caller, address), MODEL, new.name, new.version)
            made = msgspec.structs.replace(found, source=found.source | new.source, **changes)
            tx.versions.put(made)
            return made

        return self._catalog.write(work)

    @staticmethod
    def _version(tx: Transaction, caller: Caller, address: ScopeAddress, new: ImportedVersion) -> AssetVersion | None:
        scope = resolve_scope(tx, caller, address)
        _allow(caller, scope, new.name)
        return tx.versions.find(scope.id, MODEL, new.name, new.version)

    def totals(
        self,
        caller: Caller,
        address: ScopeAddress,
        *,
        runs: Sequence[str] = (),
        models: Sequence[str] = (),
        name: str = "",
        versions: Sequence[str] = (),
        traces: Sequence[str] = (),
        webhooks: Sequence[str] = (),
    ) -> Totals:
        """What is here of runs, of logged models, of these versions of a registered model, of traces and of webhooks, as far as
        the caller may read it."""

        def work(tx: Transaction) -> Totals:
            scope, found = resolve_scope(tx, caller, address), Totals()
            if runs or models or traces:
                require(caller, Permission.JOBS_READ, scope.path, read=Permission.JOBS_READ, what="run for you")
            _count_runs(tx, scope, runs, found)
            _count_models(tx, scope, models, found)
            _count_traces(tx, scope, traces, found)
            if webhooks and caller.allows(Permission.SCOPES_WRITE, scope.path):
                found.webhooks += len({one.id for one in tx.webhooks.of_scope(scope.id)} & {*webhooks})
            if name and caller.allows(Permission.ASSETS_READ, asset_path(scope, MODEL, name)):
                _count_versions(tx, scope, name, versions, found)
            return found

        return self._catalog.read(work)


def _is_taken(tx: Transaction, scope: Scope, number: int) -> bool:
    try:
        tx.experiments.get(scope.id, number)
    except NotFoundError:
        return False
    return True


def _is_import_of(there: Job, new: ImportedRun) -> bool:
    """Whether the run here is the one that is imported: two runs of one id began at different times."""
    same = (new.experiment, new.started_at) == (there.experiment, there.started_at)
    return there.type is JobType.RUN and same


def _job(new: ImportedRun, scope: Scope, caller: Caller, there: Job | None) -> Job:
    used = {model: Binding(type=LOGGED_MODEL, reference=f"models:/{model}") for model in new.inputs}
    made = {
        model: Binding(type=LOGGED_MODEL, value=str(step), reference=f"models:/{model}")
        for model, step in new.outputs.items()
    }
    return Job(
        id=there.id if there else new_id(),
        scope_id=scope.id,
        name=new.name,
        type=JobType.RUN,
        status=new.status,
        display_name=new.display_name or new.name,
        experiment=new.experiment,
        parent="" if new.parent == new.name else new.parent,
        inputs=used,
        outputs=made,
        deleted=new.deleted,
        created_at=new.started_at,
        created_by=there.created_by if there else caller.principal.name,
        started_at=new.started_at,
        ended_at=new.ended_at,
        updated_at=new.ended_at or new.started_at,
    )


def _allow(caller: Caller, scope: Scope, name: str) -> None:
    path = asset_path(scope, MODEL, name)
    require(caller, Permission.ASSETS_WRITE, path, read=Permission.ASSETS_READ, what=what(MODEL, name[:100]))


def _count_runs(tx: Transaction, scope: Scope, runs: Sequence[str], found: Totals) -> None:
    jobs = [job for name in dict.fromkeys(runs) if (job := tx.jobs.find(scope.id, name)) is not None]
    ids = [job.id for job in jobs]
    found.runs += len(jobs)
    found.params += sum(map(len, tx.runs.params(ids).values()))
    found.tags += sum(map(len, tx.runs.tags(ids).values()))
    found.metrics += tx.histories.count(ids)
    for job in jobs:
        found.datasets += len(tx.runs.datasets([job.id]).get(job.id, []))
        _count_files(tx, scope, f"runs/{job.name}", found)


def _count_models(tx: Transaction, scope: Scope, models: Sequence[str], found: Totals) -> None:
    for model_id in dict.fromkeys(models):
        model = tx.artifacts.find_model(scope.id, model_id)
        if model is not None:
            found.logged_models += 1
            found.params += len(model.params)
            found.tags += len(model.tags)
            _count_files(tx, scope, f"models/{model.id}", found)


def _count_traces(tx: Transaction, scope: Scope, traces: Sequence[str], found: Totals) -> None:
    for trace_id in dict.fromkeys(traces):
        trace = tx.llm_traces.find(scope.id, trace_id)
        if trace is not None:
            found.traces += 1
            found.tags += len(trace.tags) + len(trace.metadata)
            found.assessments += len(trace.assessments)
            _count_files(tx, scope, f"traces/{trace.id}", found)


def _count_versions(tx: Transaction, scope: Scope, name: str, versions: Sequence[str], found: Totals) -> None:
    asset = tx.assets.find(scope.id, MODEL, name)
    if asset is None:
        return
    found.registered_models += 1
    found.aliases += sum(version in versions for version in asset.aliases.values())
    found.tags += len(asset.tags)
    for number in dict.fromkeys(versions):
        version = tx.versions.find(scope.id, MODEL, name, number)
        if version is not None:
            found.versions += 1
            found.tags += len(version.tags)


def _count_files(tx: Transaction, scope: Scope, owner: str, found: Totals) -> None:
    files = tx.artifacts.below(scope.id, owner)
    found.files += len(files)
    found.bytes += sum(one.size for one in files)
