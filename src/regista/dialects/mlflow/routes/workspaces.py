"""Workspaces, at the address of the installation: MLflow 3 lists, makes and deletes them there, and names one in a header."""

from collections.abc import Iterator

from regista.dialects.desk import Pace
from regista.dialects.mlflow.call import Call, Route
from regista.dialects.mlflow.errors import wrong_value
from regista.dialects.mlflow.render import Json
from regista.dialects.mlflow.wire import Nothing
from regista.dialects.mlflow.wire_workspaces import ArchivalWire, CreateWorkspace, DeleteWorkspace, UpdateWorkspace
from regista.entities.page import MAX_PAGE, PageRequest
from regista.entities.scope import Scope, ScopeAddress, ScopeKind
from regista.errors import AlreadyExistsError, InvalidError, NotFoundError, UnsupportedError
from regista.services.scopes.scopes import NewScope, ScopeChange

_KIND = ScopeKind.WORKSPACE
_RESERVED = frozenset({"workspaces", "api", "ajax-api", "static-files"})


def listing(call: Call, _: Nothing) -> Json:
    """Those that the caller may see, by name. The protocol knows names alone: one that stands in several resource groups is
    listed once, and to use it is refused with the places that it could mean."""
    return {"workspaces": [_rendered(scope) for scope in {one.name: one for one in _all(call)}.values()]}


def get(call: Call, _: Nothing) -> Json:
    """By name."""
    return _said(call.house.scopes.get(call.caller, _address(call)))


def create(call: Call, asked: CreateWorkspace) -> Json:
    """Make one in the default resource group."""
    _check_places(asked.default_artifact_root, asked.trace_archival_config)
    if asked.name in _RESERVED:
        raise InvalidError(f"Workspace name '{asked.name}' is reserved and cannot be used.")
    new = NewScope(kind=_KIND, name=asked.name, description=asked.description)
    address = ScopeAddress(_KIND, new.name, new.subscription, new.resource_group)
    try:
        call.house.scopes.get(call.caller, address)
    except NotFoundError:
        return _said(call.house.scopes.create(call.caller, new))
    raise AlreadyExistsError(f"Workspace '{asked.name}' already exists.")


def update(call: Call, asked: UpdateWorkspace) -> Json:
    """Describe it."""
    _check_places(asked.default_artifact_root, asked.trace_archival_config)
    if asked.description is None:
        raise InvalidError("Workspace update must have at least one key")
    change = ScopeChange(description=asked.description)
    return _said(call.house.scopes.update(call.caller, _address(call), change))


def delete(call: Call, asked: DeleteWorkspace) -> None:
    """Delete it: empty (RESTRICT), or with all that is in it (CASCADE)."""
    if asked.mode == "SET_DEFAULT":
        raise UnsupportedError(
            "what is in a workspace cannot be moved to another one", hint="Promote models to a registry, then CASCADE."
        )
    if asked.mode not in {"RESTRICT", "CASCADE"}:
        raise wrong_value("mode", asked.mode, "Must be one of: SET_DEFAULT, CASCADE, RESTRICT")
    call.house.scopes.delete(call.caller, _address(call), only_empty=asked.mode == "RESTRICT")


def _address(call: Call) -> ScopeAddress:
    return ScopeAddress.parse(_KIND, call.rest[0])


def _all(call: Call) -> Iterator[Scope]:
    cursor: str | None = None
    while True:
        page = call.house.scopes.page(call.caller, _KIND, PageRequest(MAX_PAGE, cursor))
        yield from page.items
        if not (cursor := page.next):
            return


def _check_places(root: str, archive: ArchivalWire) -> None:
    if root or archive.location or archive.retention:
        raise InvalidError(
            "Regista keeps the artifacts and traces of workspaces itself",
            hint="Leave the artifact root and the archive out; bind the workspace's region to a store instead.",
        )


def _rendered(scope: Scope) -> Json:
    return {"name": scope.name} | ({"description": scope.description} if scope.description else {})


def _said(scope: Scope) -> Json:
    return {"workspace": _rendered(scope)}


ROUTES = {
    ("GET", "workspaces"): Route(listing, Nothing),
    ("POST", "workspaces"): Route(create, CreateWorkspace, status=201),
}
TEMPLATES = {
    ("GET", "workspaces/*"): Route(get, Nothing, pace=Pace.GLANCE),
    ("PATCH", "workspaces/*"): Route(update, UpdateWorkspace),
    ("DELETE", "workspaces/*"): Route(delete, DeleteWorkspace, status=204),
}
