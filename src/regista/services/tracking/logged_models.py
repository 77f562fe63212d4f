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

MOST_VALUES, MOST_LISTED = 25_000, 1_000
"""How many values of its metrics a logged model shows, alone and among others: the latest."""
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
        """By id, with its metrics; raise ``NotFoundError``, for a deleted one too."""

        def work(tx: Transaction) -> LoggedModel:
            scope = resolve_scope(tx, caller, address)
            return _measured(tx, scope, [readable_model(tx, caller, scope, model_id)], MOST_VALUES)[0]

        return self._catalog.read(work)

    def measured(self, caller: Caller, address: ScopeAddress, models: Sequence[LoggedModel]) -> list[LoggedModel]:
        """Those of *models* that the caller may read, with their metrics: the latest ``MOST_LISTED`` values of each."""

        def work(tx: Transaction) -> list[LoggedModel]:
            scope = resolve_scope(tx, caller, address)
            readable = [one for one in models if caller.allows(Permission.JOBS_READ, _path(scope, one))]
            return _measured(tx, scope, readable, MOST_LISTED)

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
        self,
        caller: Caller,
        address: ScopeAddress,
        experiments: Sequence[int],
        *,
        run: str = "",
        name: str = "",
        metrics: Sequence[str] | None = None,
    ) -> list[LoggedModel]:
        """All of the experiments (narrowed to a run or a name) that the caller may read, newest first; with their values of
        *metrics* (``[]``: of all of them, None: of none), the latest ``MOST_LISTED`` of each model."""

        def work(tx: Transaction) -> list[LoggedModel]:
            scope = resolve_scope(tx, caller, address)
            found: list[LoggedModel] = []
            cursor: str | None = None
            while True:
                page = tx.artifacts.models(scope.id, experiments, PageRequest(MAX_PAGE, cursor), run=run, name=name)
                some = [one for one in page.items if caller.allows(Permission.JOBS_READ, _path(scope, one))]
                found += some if metrics is None else _measured(tx, scope, some, MOST_LISTED, metrics)
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
            return _measured(tx, scope, [changed], MOST_VALUES)[0]

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
    """Keep measurements of logged models, by their ids; raise ``NotFoundError`` when a model is gone."""
    for model_id, measured in metrics.items():
        writable_model(tx, caller, scope, model_id)
        tx.artifacts.log_model_metrics(scope.id, model_id, measured)


def _measured(
    tx: Transaction, scope: Scope, models: Sequence[LoggedModel], most: int, keys: Sequence[str] = ()
) -> list[LoggedModel]:
    """*models* with their values of *keys*, or of every metric."""
    found = tx.artifacts.model_metrics(scope.id, [one.id for one in models], most, keys=keys)
    return [msgspec.structs.replace(one, metrics=tuple(found.get(one.id, ()))) for one in models]


def _path(scope: Scope, model: LoggedModel) -> str:
    return job_path(scope, model.run) if model.run else scope.path


def _allow(caller: Caller, scope: Scope, model: LoggedModel, permission: Permission) -> None:
    require(caller, permission, _path(scope, model), read=Permission.JOBS_READ, what="logged model of this id")
