"""Logged models: what MLflow 3 makes of a model that a run logs, before anybody registers it."""

import re
from collections.abc import Callable, Mapping, Sequence
from secrets import token_hex

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.names import check_tags, now
from regista.entities.page import MAX_PAGE, PageRequest
from regista.entities.run import LoggedModel, ModelMetric
from regista.entities.scope import Scope, ScopeAddress
from regista.errors import AbsentError, InvalidError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.access.access import require
from regista.services.jobs.sources import job_path
from regista.services.journal import note
from regista.services.scopes.scopes import resolve_scope
from regista.services.tracking.rights import writable

_ID = re.compile(r"m-[0-9a-f]{32}")


class NewLoggedModel(msgspec.Struct, frozen=True, kw_only=True):
    """What it takes to begin a logged model; its files follow."""

    experiment: int
    name: str = ""
    run: str = ""
    model_type: str = ""
    params: dict[str, str] = {}
    tags: dict[str, str] = {}


class LoggedModelService:
    """Begins, ends, finds, changes and deletes logged models."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def create(self, caller: Caller, address: ScopeAddress, new: NewLoggedModel) -> LoggedModel:
        """Begin one, of a run or of an experiment alone; it is pending until ``finish``."""
        tags, params = check_tags(new.tags), check_tags(new.params)
        at = now()
        model = LoggedModel(
            id=f"m-{token_hex(16)}",
            scope_id="",
            experiment=new.experiment,
            name=new.name or f"model-{token_hex(4)}",
            run=new.run,
            model_type=new.model_type,
            params=params,
            tags=tags,
            created_at=at,
            created_by=caller.principal.name,
            updated_at=at,
        )

        def work(tx: Transaction) -> LoggedModel:
            scope = resolve_scope(tx, caller, address)
            _allow(caller, scope, model, Permission.JOBS_WRITE)
            if tx.experiments.get(scope.id, new.experiment).deleted:
                raise InvalidError(f"experiment {new.experiment} is deleted", hint="Restore it, or name another.")
            if new.run:
                writable(tx, caller, scope, new.run)
            made = msgspec.structs.replace(model, scope_id=scope.id)
            tx.artifacts.put_model(made)
            note(tx, caller, "logged_model.create", f"{scope.path}/loggedModels/{made.id}", run=made.run)
            return made

        return self._catalog.write(work)

    def get(self, caller: Caller, address: ScopeAddress, model_id: str) -> LoggedModel:
        """By id; raise ``NotFoundError``, for a deleted one too."""

        def work(tx: Transaction) -> LoggedModel:
            return readable_model(tx, caller, resolve_scope(tx, caller, address), model_id)

        return self._catalog.read(work)

    def finish(
        self, caller: Caller, address: ScopeAddress, model_id: str, status: str, message: str = ""
    ) -> LoggedModel:
        """Say how the upload of its files ended."""
        return self._change(
            caller,
            address,
            model_id,
            lambda model: msgspec.structs.replace(model, status=status, status_message=message),
        )

    def delete(self, caller: Caller, address: ScopeAddress, model_id: str) -> None:
        """Hide it; versions registered from it keep their files."""
        self._change(caller, address, model_id, lambda model: msgspec.structs.replace(model, deleted=True))

    def set_tags(self, caller: Caller, address: ScopeAddress, model_id: str, tags: Mapping[str, str]) -> LoggedModel:
        """Set or replace tags."""
        checked = check_tags(tags)
        return self._change(
            caller, address, model_id, lambda model: msgspec.structs.replace(model, tags=model.tags | checked)
        )

    def delete_tag(self, caller: Caller, address: ScopeAddress, model_id: str, key: str) -> LoggedModel:
        """Remove a tag; raise ``NotFoundError`` when there is none of the key."""

        def change(model: LoggedModel) -> LoggedModel:
            if key not in model.tags:
                message = f"logged model {model_id!r} has no tag {key[:100]!r}"
                raise AbsentError(message, what="logged model's tag", name=key[:100])
            return msgspec.structs.replace(model, tags={k: v for k, v in model.tags.items() if k != key})

        return self._change(caller, address, model_id, change)

    def add_params(
        self, caller: Caller, address: ScopeAddress, model_id: str, params: Mapping[str, str]
    ) -> LoggedModel:
        """Add parameters: the same value again is quiet, another is ``InvalidError``."""
        checked = check_tags(params)

        def change(model: LoggedModel) -> LoggedModel:
            if clash := [key for key, value in checked.items() if model.params.get(key, value) != value]:
                raise InvalidError(f"the parameter {clash[0]!r} of logged model {model_id!r} has another value")
            return msgspec.structs.replace(model, params=model.params | checked)

        return self._change(caller, address, model_id, change)

    def search(
        self, caller: Caller, address: ScopeAddress, experiments: Sequence[int], *, run: str = "", name: str = ""
    ) -> list[LoggedModel]:
        """All of the experiments (narrowed to a run or a name) that the caller may read, newest first."""

        def work(tx: Transaction) -> list[LoggedModel]:
            scope = resolve_scope(tx, caller, address)
            found: list[LoggedModel] = []
            cursor: str | None = None
            while True:
                page = tx.artifacts.models(scope.id, experiments, PageRequest(MAX_PAGE, cursor), run=run, name=name)
                found += [one for one in page.items if caller.allows(Permission.JOBS_READ, _path(scope, one))]
                cursor = page.next
                if cursor is None:
                    return found

        return self._catalog.read(work)

    def _change(
        self,
        caller: Caller,
        address: ScopeAddress,
        model_id: str,
        change: Callable[[LoggedModel], LoggedModel],
    ) -> LoggedModel:
        def work(tx: Transaction) -> LoggedModel:
            scope = resolve_scope(tx, caller, address)
            model = writable_model(tx, caller, scope, model_id)
            changed = msgspec.structs.replace(change(model), updated_at=now())
            tx.artifacts.put_model(changed)
            return changed

        return self._catalog.write(work)


def check_model_id(model_id: str) -> str:
    """Return *model_id* when a logged model may be called so."""
    if not _ID.fullmatch(model_id):
        raise InvalidError(f"{model_id[:50]!r} is no id of a logged model", hint="It is m- and 32 hexadecimal digits.")
    return model_id


def readable_model(tx: Transaction, caller: Caller, scope: Scope, model_id: str) -> LoggedModel:
    """A living logged model that *caller* may read; raise ``NotFoundError``."""
    model = tx.artifacts.find_model(scope.id, model_id) if _ID.fullmatch(model_id) else None
    if model is None or model.deleted or not caller.allows(Permission.JOBS_READ, _path(scope, model)):
        message = f"there is no logged model {model_id[:50]!r} in {scope.kind} {scope.name!r}"
        raise AbsentError(message, what="logged model", name=model_id[:50])
    return model


def writable_model(tx: Transaction, caller: Caller, scope: Scope, model_id: str) -> LoggedModel:
    """A living logged model that *caller* may change."""
    model = readable_model(tx, caller, scope, model_id)
    _allow(caller, scope, model, Permission.JOBS_WRITE)
    return model


def keep_metrics(tx: Transaction, caller: Caller, scope: Scope, metrics: Mapping[str, Sequence[ModelMetric]]) -> None:
    """Keep, by model id, the latest value of each metric and data set; raise ``NotFoundError`` when a model is gone."""
    for model_id, measured in metrics.items():
        model = writable_model(tx, caller, scope, model_id)
        tx.artifacts.put_model(msgspec.structs.replace(model, metrics=latest(model.metrics, measured)))


def latest(old: Sequence[ModelMetric], new: Sequence[ModelMetric]) -> tuple[ModelMetric, ...]:
    """Of each key and data set the value of the greatest step, then timestamp, then value; NaN is less than any number."""
    kept: dict[tuple[str, str, str], ModelMetric] = {}
    for one in (*old, *new):
        key = (one.key, one.dataset_name, one.dataset_digest)
        there = kept.get(key)
        if there is None or _rank(one) >= _rank(there):
            kept[key] = one
    return tuple(kept.values())


def _rank(metric: ModelMetric) -> tuple[int, int, bool, float]:
    return metric.step, metric.timestamp, metric.value is not None, metric.value or 0.0


def _path(scope: Scope, model: LoggedModel) -> str:
    return job_path(scope, model.run) if model.run else scope.path


def _allow(caller: Caller, scope: Scope, model: LoggedModel, permission: Permission) -> None:
    require(caller, permission, _path(scope, model), read=Permission.JOBS_READ, what="logged model of this id")
