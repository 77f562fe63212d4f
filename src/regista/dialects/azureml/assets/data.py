"""Data: files and folders, tables described by an MLTable file, and addresses on the web."""

from regista.dialects.azureml.assets.addresses import content_uri
from regista.dialects.azureml.assets.models import read_type
from regista.dialects.azureml.assets.origins import origin
from regista.dialects.azureml.assets.said import kept_of
from regista.dialects.azureml.assets.translation import Draft, Translation, text_of
from regista.dialects.azureml.assets.view import View
from regista.dialects.azureml.call import Json
from regista.entities.asset import AssetKind, AssetVersion
from regista.errors import InvalidError, NotFoundError

_FOLDERS = ("uri_folder", "mltable")


def read(view: View, properties: Json, known: AssetVersion | None) -> Draft:
    """The content of data. What is not said of data that is *known* stays."""
    given = read_type(AssetKind.DATA, text_of(properties, "dataType"), "dataType")
    return Draft(
        type=given or (known.type if known else "uri_folder"),
        origin=origin(view, AssetKind.DATA, text_of(properties, "dataUri"), "dataUri"),
        kept=kept(properties),
    )


def kept(properties: Json) -> Json:
    """What a table refers to, which nobody but the SDK reads."""
    uris = properties.get("referencedUris") or []
    if not isinstance(uris, list) or not all(isinstance(one, str) for one in uris):
        raise InvalidError("properties.referencedUris: expected a list of texts")
    return {"referencedUris": uris} if uris else {}


def render(view: View, version: AssetVersion) -> Json:
    """The same on the wire."""
    shown: Json = {"dataType": version.type, "dataUri": data_uri(view, version)}
    if version.type == "mltable":
        shown["referencedUris"] = kept_of(version).get("referencedUris")
    return shown


def data_uri(view: View, version: AssetVersion) -> str:
    """Where data is; a folder's address ends in a slash."""
    url = version.spec.get("uri")
    if isinstance(url, str):
        return url
    found = content_uri(view, version)
    return f"{found}/" if version.type in _FOLDERS else found


def is_same(view: View, version: AssetVersion, properties: Json) -> bool:
    """Whether the data that was answered is sent back."""
    given = properties.get("dataType")
    return properties.get("dataUri") in {None, data_uri(view, version)} and given in {None, version.type}


def container(view: View, name: str, latest: str) -> Json:
    """The type of a name's data is that of its latest version."""
    call = view.call
    try:
        found = call.house.assets.get(call.caller, call.address, AssetKind.DATA, name, latest)
    except NotFoundError:
        return {"dataType": "uri_folder"}
    return {"dataType": found.type}


DATA = Translation(
    kind=AssetKind.DATA, read=read, render=render, is_same=is_same, kept=kept, container=container, fixed_path=True
)
