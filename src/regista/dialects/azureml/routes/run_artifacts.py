"""Artifacts as azureml-mlflow sends and fetches them: the history service gives an address for each file, signed, and the
bytes go there by the blob protocol. The artifact service does the same for files that no run has made (``LocalUpload``)."""

from collections.abc import Callable
from urllib.parse import quote

import msgspec

from regista.dialects import arm
from regista.dialects.azureml.call import Answer, Call, Json, Level, listed
from regista.dialects.azureml.render import when
from regista.dialects.azureml.resources.datastores import ACCOUNT
from regista.dialects.azureml.routes.discovery import STORAGE_SUFFIX
from regista.dialects.azureml.routing import Route
from regista.entities.datastore import StoredFile, files_container
from regista.entities.manifest import check_path
from regista.entities.page import Page
from regista.errors import InvalidError
from regista.services.tracking.run_files import artifact_place

_MOST = 1000
_WRITE = "rcw"
_READ = "r"
_RUN = "dcid."


class ArtifactPath(msgspec.Struct):
    """A file that is to come."""

    path: str


class ArtifactPaths(msgspec.Struct):
    """Those of one request."""

    paths: list[ArtifactPath] = []


class Folder(msgspec.Struct, frozen=True):
    """Where artifacts are: *origin* and *group* as the protocol names them; *owner* is empty for what no run has made."""

    origin: str
    group: str
    container: str
    prefix: str
    owner: str = ""


def announce(call: Call, **names: str) -> Answer:
    """Give an address for each of the files that are to come. Nothing is there before its bytes are."""
    folder = _folder(call, names)
    asked = call.body(ArtifactPaths).paths
    if len(asked) > _MOST:
        raise InvalidError(f"at most {_MOST} artifacts are announced at a time")
    paths = [check_path(one.path) for one in asked]
    if folder.owner:
        call.house.artifacts.require_writable(call.caller, call.address, folder.owner)
    known = {path: _information(call, folder, path, _WRITE) for path in paths}
    artifacts = {path: _artifact(folder, path, None) for path in paths}
    return Answer(200, {"artifacts": artifacts, "artifactContentInformation": known, "errors": {}})


def content(call: Call, **names: str) -> Answer:
    """The address of a file that is there."""
    folder, path = _folder(call, names), check_path(call.asked("path"))
    call.house.files.get(call.caller, folder.container, folder.prefix + path)
    return Answer(200, _information(call, folder, path, _READ))


def page(call: Call, **names: str) -> Answer:
    """All files, at any depth, by path."""
    folder, asked = _folder(call, names), call.page
    if folder.owner.startswith("runs/"):
        call.house.runs.get(call.caller, call.address, folder.owner.partition("/")[2])
    found = call.house.files.listing(
        call.caller, folder.container, prefix=folder.prefix, start=asked.cursor or "", limit=asked.limit
    )
    files = [one for one in found.items if isinstance(one, StoredFile)]

    def rendered(file: StoredFile) -> Json:
        return _artifact(folder, file.path[len(folder.prefix) :], file)

    return listed(call, Page(tuple(files), found.next), rendered)


def _folder(call: Call, names: dict[str, str]) -> Folder:
    """The folder that a path names: a run's, or one of the artifact service."""
    scope = call.house.scopes.get(call.caller, call.address)
    if "run" in names:
        owner, origin, group = arm.owner_of(names["experiment"], names["run"]), "ExperimentRun", _RUN + names["run"]
    else:
        origin, group = names["origin"], names["group"]
        owner = f"runs/{group.removeprefix(_RUN)}" if origin == "ExperimentRun" and group.startswith(_RUN) else ""
    if owner:
        return Folder(origin, group, *artifact_place(scope, owner), owner)
    return Folder(origin, group, files_container(scope.id), f"{check_path(f'{origin}/{group}')}/")


def _information(call: Call, folder: Folder, path: str, rights: str) -> Json:
    whole = folder.prefix + path
    signature = call.house.signatures.issue(call.caller, folder.container, rights, path=whole)
    host = f"{call.base}/{ACCOUNT}.blob.{STORAGE_SUFFIX}"
    address = f"{host}/{folder.container}/{quote(whole, safe='/')}?{signature}"
    return {"contentUri": address, "origin": folder.origin, "container": folder.group, "path": path, "tags": {}}


def _artifact(folder: Folder, path: str, file: StoredFile | None) -> Json:
    return {
        "artifactId": f"{folder.origin}/{folder.group}/{path}",
        "origin": folder.origin,
        "container": folder.group,
        "path": path,
        "etag": file.etag if file else None,
        "createdTime": when(file.created_at) if file else None,
        "tags": {},
    }


def _routes(service: str, base: str) -> tuple[Route, ...]:
    handlers: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
        ("GET", "", page),
        ("POST", "/batch/metadata", announce),
        ("GET", "/contentinfo", content),
    )
    return tuple(Route(method, (Level.WORKSPACE,), base + tail, handler, service) for method, tail, handler in handlers)


ROUTES = (
    *_routes("history", "experiments/{experiment}/runs/{run}/artifacts"),
    *_routes("artifact", "artifacts/{origin}/{group}"),
)
