"""The URIs of contents in answers: always of the version itself, whose bytes never change, and never of where they came from.

The last part is called as it was where the content came from, because the SDK names what it downloads after it.
"""

from urllib.parse import quote, unquote

from regista.dialects.azureml.assets.view import View
from regista.entities.asset import AssetVersion
from regista.entities.datastore import BLOB_STORE, files_container, folder_container, version_container
from regista.entities.manifest import check_path
from regista.entities.reference import (
    DatastoreReference,
    JobOutputReference,
    RunReference,
    UrlReference,
    parse_reference,
)
from regista.errors import ForbiddenError, InvalidError
from regista.services.assets.shelf import version_folder, version_prefix

CODE_HOST = "https://regista.blob.core.windows.net"
"""Never asked: the SDK takes a container and a path out of URLs that begin like this, and out of no others."""


def content_uri(view: View, version: AssetVersion) -> str:
    """Where the files of a version are: below a datastore of a workspace, or in a container of a registry's."""
    file = single_file(view, version)
    folder = folder_name(version)
    if view.in_registry:
        if file:
            return f"{view.call.base}/{version_container(version.id)}/{quote(file)}"
        return f"{view.call.base}/{folder_container(version.id)}/{quote(folder or version.name)}"
    path = f"{version_folder(version)}/{file}" if file else version_folder(version, folder)
    return datastore_uri(view, path)


def datastore_uri(view: View, path: str) -> str:
    """The long URI of a path in the workspace's own datastore."""
    scope = view.scope
    return (
        f"azureml://subscriptions/{scope.subscription}/resourcegroups/{scope.resource_group}"
        f"/workspaces/{scope.name}/datastores/{BLOB_STORE}/paths/{path}"
    )


def code_uri(view: View, version: AssetVersion) -> str:
    """Where code is; in a workspace of the form that the SDK can download."""
    if view.in_registry:
        return f"{view.call.base}/{folder_container(version.id)}/code"
    return f"{CODE_HOST}/{files_container(view.scope.id)}/{version_prefix(version)}"


def context_uri(view: View, code: AssetVersion) -> str:
    """Where a build context is."""
    return f"{view.call.base}/{version_container(code.id)}/"


def single_file(view: View, version: AssetVersion) -> str:
    """The name of the file that a version is, when it is one and not a folder with one in it; else empty."""
    if version.file_count != 1 or version.type in {"uri_folder", "mltable", "mlflow_model", "triton_model"}:
        return ""
    if version.source.get("path") and version.type != "uri_file":
        return version.source.get("file", "")
    try:
        call = view.call
        manifest = call.house.assets.manifest(call.caller, call.address, version.kind, version.name, version.version)
    except ForbiddenError:
        return ""
    path = manifest.files[0].path
    return "" if "/" in path else path


def folder_name(version: AssetVersion) -> str:
    """What the content's folder was called where it came from; empty where nobody knows."""
    path = version.source.get("path", "")
    try:
        found = parse_reference(path) if path else None
    except InvalidError:
        return ""
    match found:
        case DatastoreReference() | RunReference():
            inner = found.path
        case JobOutputReference():
            inner = found.path or found.output
        case UrlReference():
            inner = unquote(found.url.partition("://")[2].partition("/")[2])
            inner = inner if "/" in inner.strip("/") else ""
        case _:
            inner = ""
    name = inner.rstrip("/").rpartition("/")[2]
    try:
        return check_path(name) if name else ""
    except InvalidError:
        return ""
