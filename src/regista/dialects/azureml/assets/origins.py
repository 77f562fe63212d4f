"""Where the URI of a content leads: what a version is to be made of.

azureml://[…/]datastores/D/paths/P       files of the workspace, uploaded or shown by a shelf
https://HOST[/ACCOUNT]/CONTAINER/PATH    files of a container of ours, whatever the host
azureml://jobs/J/outputs/O, runs:/…      what a job left; an asset; for data also an address on the web
"""

import msgspec

from regista.dialects.azureml.assets.view import View
from regista.entities.asset import AssetKind
from regista.entities.datastore import BLOB_STORE, ContainerKind, ContainerName, parse_container_url
from regista.entities.manifest import Manifest
from regista.entities.reference import DatastoreReference, LocalPath, parse_reference
from regista.entities.scope import ScopeAddress, ScopeKind
from regista.errors import InvalidError, UnsupportedError

_LONGEST = 4096


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Files that are the caller's to name, or *path*, a reference by which registration finds them in *home*. ``source`` is
    kept with the version."""

    manifest: Manifest = Manifest()
    path: str = ""
    home: ScopeAddress | None = None
    source: dict[str, str] = {}


def origin(view: View, kind: AssetKind, uri: str | None, field: str) -> Origin:
    """What *uri* leads to. Raise ``InvalidError`` naming the *field* for what leads nowhere, ``NotFoundError`` where there
    is nothing."""
    if not uri or len(uri) > _LONGEST:
        raise InvalidError(f"properties.{field} is missing or too long")
    place = parse_container_url(uri)
    if place is not None:
        return _stored(view, place, uri)
    reference = parse_reference(uri, kind)
    if isinstance(reference, LocalPath):
        raise InvalidError(f"properties.{field}: {uri[:200]!r} is no place that the server can read")
    if not isinstance(reference, DatastoreReference):
        return Origin(path=uri)
    address = view.call.address
    if reference.workspace:
        address = ScopeAddress(
            ScopeKind.WORKSPACE, reference.workspace, reference.subscription, reference.resource_group
        )
    call = view.call
    return _stored(view, call.house.stored_contents.locate(call.caller, address, *_in(reference)), uri)


def _in(reference: DatastoreReference) -> tuple[str, str]:
    return reference.datastore, reference.path


def _stored(view: View, place: tuple[str, str], uri: str) -> Origin:
    container, path = place
    found = view.call.house.stored_contents.find(view.call.caller, container, path)
    if found.reference:
        return Origin(path=found.reference, home=found.scope.address)
    if found.sources and ContainerName.find(container) == ContainerName(ContainerKind.FILES, found.scope.id):
        return Origin(path=str(DatastoreReference(datastore=BLOB_STORE, path=path)), home=found.scope.address)
    if found.scope.id != view.scope.id:
        raise UnsupportedError(
            f"{uri[:200]!r} is in {found.scope.address}, not in {view.scope.address}",
            hint="Register it there and share it, or upload it here.",
        )
    source = {"path": uri.partition("?")[0]}
    if len(found.manifest.files) == 1 and found.manifest.files[0].path == path.rpartition("/")[2]:
        source["file"] = found.manifest.files[0].path
    return Origin(manifest=found.manifest, source=source)
