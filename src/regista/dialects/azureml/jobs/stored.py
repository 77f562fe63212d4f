"""Inputs that lie in a workspace's own datastores: what the SDK uploads with a job, or what another job left there.

What no version names yet becomes an anonymous one, as what the CLI uploads does; what a job wrote to a path is read from there,
so that the jobs are linked.
"""

from regista.dialects.azureml.call import Call
from regista.dialects.azureml.jobs.view import workspace_reference
from regista.entities.asset import AssetKind
from regista.entities.datastore import BLOB_STORE, parse_container_url
from regista.entities.reference import DatastoreReference, parse_reference
from regista.entities.scope import ScopeAddress, ScopeKind
from regista.errors import NotFoundError, RegistaError
from regista.services.assets.versions import NewVersion
from regista.services.datastores.content import StoredContent
from regista.services.jobs.sources import MODEL_TYPES


def locate(call: Call, uri: str, kind: str, where: str) -> str:
    """A reference to what *uri* leads to, an input of type *kind*; itself when it is no file of ours."""
    try:
        place = _container(call, uri)
        if place is None:
            return uri
        content = call.house.stored_contents.find(call.caller, *place)
        if (
            content.sources
            and not content.reference
            and content.scope.id == call.house.scopes.get(call.caller, call.address).id
        ):
            return str(DatastoreReference(datastore=BLOB_STORE, path=place[1]))
        return _reference(call, content, kind)
    except RegistaError as wrong:
        wrong.message = f"{where}: {wrong.message}"
        wrong.args = (wrong.message,)
        raise


def _container(call: Call, uri: str) -> tuple[str, str] | None:
    found = parse_container_url(uri)
    if found is not None:
        return found
    reference = parse_reference(uri)
    if not isinstance(reference, DatastoreReference):
        return None
    address = call.address
    if reference.workspace:
        address = ScopeAddress(
            ScopeKind.WORKSPACE, reference.workspace, reference.subscription, reference.resource_group
        )
    if not reference.path:
        raise NotFoundError(f"{uri[:200]!r} names no path in the datastore")
    return call.house.stored_contents.locate(call.caller, address, reference.datastore, reference.path)


def _reference(call: Call, content: StoredContent, kind: str) -> str:
    if content.reference:
        return workspace_reference(content.scope, content.reference)
    new = NewVersion(
        kind=AssetKind.MODEL if kind in MODEL_TYPES else AssetKind.DATA,
        type=kind,
        manifest=content.manifest,
        anonymous=True,
    )
    scope = content.scope
    made = call.house.assets.create(call.caller, scope.address, new)
    return (
        f"azureml://subscriptions/{scope.subscription}/resourcegroups/{scope.resource_group}/workspaces/{scope.name}"
        f"/{made.kind.plural}/{made.name}/versions/{made.version}"
    )
