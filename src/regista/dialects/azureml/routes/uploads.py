"""Where clients put the files of a version before they name it, and where they fetch those of a registry's."""

from typing import Any

from regista.dialects.azureml.call import Answer, Call, Json, Level
from regista.dialects.azureml.routing import Route
from regista.entities.asset import AssetKind
from regista.entities.datastore import parse_container_url, version_container
from regista.entities.reference import AssetReference, parse_reference
from regista.errors import InvalidError
from regista.services.datastores.areas import DEFAULT_SECONDS
from regista.services.datastores.signatures import READ, WRITE

_TEMPORARY = "TemporaryBlobReference"


def pending(call: Call, kinds: str, name: str, version: str) -> Answer:
    """An empty place for the files of a version of the workspace; each call gives another one."""
    kind = AssetKind.of_plural(kinds)
    if kind is None:
        raise InvalidError(f"{kinds[:50]!r} is no kind of asset")
    return _place(call, f"{kind.plural}/{name}/{version}", {"pendingUploadType": _TEMPORARY})


def temporary(call: Call, name: str, version: str) -> Answer:
    """The same in a registry. What is there already is refused when the version is made, never here: the SDK would take
    that for a place."""
    found = _asset(call, name, version)
    plural = found.kind.plural if found.kind else ""
    return _place(call, f"{plural}/{name}/{version}", {"temporaryDataReferenceType": _TEMPORARY})


def reference(call: Call, name: str, version: str) -> Answer:
    """How the files of a registry's version are read, by who may download them."""
    kind = _asset(call, name, version).kind or AssetKind.MODEL
    house, caller = call.house, call.caller
    found = house.assets.get(caller, call.address, kind, name, version)
    house.assets.manifest(caller, call.address, kind, name, version)
    uri = call.body(dict[str, Any]).get("blobUri")
    place = parse_container_url(uri) if isinstance(uri, str) else None
    container = place[0] if place and place[0].endswith(found.id) else version_container(found.id)
    return Answer(200, _consumption(call, container, READ, uri if place else None, 3600.0))


def _asset(call: Call, name: str, version: str) -> AssetReference:
    text = call.body(dict[str, Any]).get("assetId")
    found = parse_reference(text) if isinstance(text, str) else None
    if not isinstance(found, AssetReference) or (found.name, found.version) != (name, version):
        raise InvalidError("assetId does not name this version", hint="azureml://registries/R/KINDS/NAME/versions/V")
    return found


def _place(call: Call, purpose: str, more: Json) -> Answer:
    area = call.house.areas.open(call.caller, call.address, purpose)
    return Answer(200, {**more, **_consumption(call, area.container, WRITE, None, DEFAULT_SECONDS)})


def _consumption(call: Call, container: str, rights: str, uri: str | None, seconds: float) -> Json:
    address = f"{call.base}/{container}"
    token = call.house.signatures.issue(call.caller, container, rights, seconds=seconds)
    return {
        "blobReferenceForConsumption": {
            "blobUri": uri or address,
            "credential": {"credentialType": "SAS", "sasUri": f"{address}?{token}"},
        }
    }


ROUTES = (
    Route("POST", (Level.WORKSPACE,), "{kinds}/{name}/versions/{version}/startPendingUpload", pending),
    Route("POST", (Level.REGISTRY,), "{kinds}/{name}/versions/{version}/startPendingUpload", pending, "mferp"),
    Route("PUT", (Level.REGISTRY,), "tempdatarefs/{name}/versions/{version}", temporary, "mferp"),
    Route("POST", (Level.REGISTRY,), "datarefs/{name}/versions/{version}", reference, "mferp"),
)
