"""Assets and versions: the same routes below a workspace and below a registry."""

from collections.abc import Sequence
from typing import Any

from litestar import Request, Response, delete, get, patch, post, put
from litestar.handlers import BaseRouteHandler
from litestar.response import Stream

from regista.dialects.native import limits
from regista.dialects.native.ranges import file_response
from regista.dialects.native.wire import AliasBody, VersionBody
from regista.entities.access import Caller
from regista.entities.asset import Asset, AssetKind, AssetVersion
from regista.entities.page import Page, PageRequest
from regista.entities.scope import ScopeAddress, ScopeKind
from regista.entities.search import Clause, Field
from regista.errors import InvalidError
from regista.services.assets.assets import VersionChange
from regista.services.assets.versions import NewVersion
from regista.services.content.handovers import Ticket
from regista.services.house import House

_ARCHIVED: dict[str, bool | None] = {"active": False, "archived": True, "all": None}


def _archived(show: str) -> bool | None:
    if show not in _ARCHIVED:
        raise InvalidError(f"show is one of {', '.join(_ARCHIVED)}, not {show[:50]!r}")
    return _ARCHIVED[show]


def _tagged(tag: list[str] | None) -> list[Clause]:
    pairs = (text.partition("=") for text in tag or ())
    return [
        Clause(Field.TAG, key, "=", value) if mark else Clause(Field.TAG, key, "IS NOT NULL")
        for key, mark, value in pairs
    ]


@get("/{kinds:str}", sync_to_thread=True)
def list_assets(
    caller: Caller,
    house: House,
    address: ScopeAddress,
    kind: AssetKind,
    page: PageRequest,
    show: str = "active",
    tag: list[str] | None = None,
) -> Page[Asset]:
    """Names of a kind, newest first; ``show`` is active, archived or all; ``tag`` is KEY or KEY=VALUE."""
    return house.assets.assets(caller, address, kind, page, archived=_archived(show), clauses=_tagged(tag))


@post("/{kinds:str}", sync_to_thread=True, request_max_body_size=limits.LISTING)
def create_version(
    caller: Caller, house: House, address: ScopeAddress, kind: AssetKind, data: VersionBody
) -> AssetVersion:
    """Make a version out of blobs that were sent before."""
    fields = {
        name: getattr(data, name) for name in data.__struct_fields__ if name not in {"files", "path", "workspace"}
    }
    home = ScopeAddress.parse(ScopeKind.WORKSPACE, data.workspace) if data.workspace else None
    return house.registration.create(
        caller, address, NewVersion(kind=kind, manifest=data.manifest(), **fields), data.path, home
    )


@get("/{kinds:str}/{name:str}", sync_to_thread=True)
def get_asset(caller: Caller, house: House, address: ScopeAddress, kind: AssetKind, name: str) -> Asset:
    """A name with its aliases and latest version."""
    return house.assets.get_asset(caller, address, kind, name)


@patch("/{kinds:str}/{name:str}", sync_to_thread=True)
def update_asset(
    caller: Caller, house: House, address: ScopeAddress, kind: AssetKind, name: str, data: VersionChange
) -> Asset:
    """Change description, tags or archived of a name."""
    return house.assets.update_asset(caller, address, kind, name, data)


@get("/{kinds:str}/{name:str}/versions", sync_to_thread=True)
def list_versions(
    caller: Caller,
    house: House,
    address: ScopeAddress,
    kind: AssetKind,
    name: str,
    page: PageRequest,
    show: str = "active",
    tag: list[str] | None = None,
) -> Page[AssetVersion]:
    """The versions of a name, newest first."""
    return house.assets.versions(caller, address, kind, name, page, archived=_archived(show), clauses=_tagged(tag))


@get("/{kinds:str}/{name:str}/versions/{version:str}", sync_to_thread=True)
def get_version(
    caller: Caller, house: House, address: ScopeAddress, kind: AssetKind, name: str, version: str
) -> AssetVersion:
    """One version."""
    return house.assets.get(caller, address, kind, name, version)


@get("/{kinds:str}/{name:str}/labels/{label:str}", sync_to_thread=True)
def get_label(
    caller: Caller, house: House, address: ScopeAddress, kind: AssetKind, name: str, label: str
) -> AssetVersion:
    """The version that an alias, or ``latest``, names."""
    return house.assets.get(caller, address, kind, name, label=label)


@patch("/{kinds:str}/{name:str}/versions/{version:str}", sync_to_thread=True)
def update_version(
    caller: Caller, house: House, address: ScopeAddress, kind: AssetKind, name: str, version: str, data: VersionChange
) -> AssetVersion:
    """Change what is said about a version; its content never changes."""
    return house.assets.update(caller, address, kind, name, version, data)


@delete("/{kinds:str}/{name:str}/versions/{version:str}", sync_to_thread=True)
def delete_version(
    caller: Caller, house: House, address: ScopeAddress, kind: AssetKind, name: str, version: str
) -> None:
    """Delete a version for good."""
    house.assets.delete(caller, address, kind, name, version)


@put("/{kinds:str}/{name:str}/aliases/{alias:str}", sync_to_thread=True)
def put_alias(
    caller: Caller, house: House, address: ScopeAddress, kind: AssetKind, name: str, alias: str, data: AliasBody
) -> Asset:
    """Let an alias name a version."""
    return house.assets.set_alias(caller, address, kind, name, alias, data.version)


@delete("/{kinds:str}/{name:str}/aliases/{alias:str}", sync_to_thread=True)
def delete_alias(caller: Caller, house: House, address: ScopeAddress, kind: AssetKind, name: str, alias: str) -> None:
    """Take an alias away."""
    house.assets.set_alias(caller, address, kind, name, alias, None)


@get("/{kinds:str}/{name:str}/versions/{version:str}/manifest", sync_to_thread=True)
def get_manifest(
    caller: Caller, house: House, address: ScopeAddress, kind: AssetKind, name: str, version: str
) -> Response[bytes]:
    """The files of a version, canonical."""
    manifest = house.assets.manifest(caller, address, kind, name, version)
    return Response(manifest.encode(), media_type="application/json")


@get("/{kinds:str}/{name:str}/versions/{version:str}/files/{path:path}", sync_to_thread=True)
def get_file(
    request: Request[Any, Any, Any],
    caller: Caller,
    house: House,
    address: ScopeAddress,
    kind: AssetKind,
    name: str,
    version: str,
    path: str,
) -> Stream:
    """The bytes of one file, whole or in a range."""
    opened = house.assets.open(caller, address, kind, name, version, path.lstrip("/"))
    return file_response(opened, request.headers.get("range", ""))


@post("/{kinds:str}/{name:str}/versions/{version:str}/handover/{path:path}", sync_to_thread=True)
def hand_over_file(
    caller: Caller, house: House, address: ScopeAddress, kind: AssetKind, name: str, version: str, path: str
) -> Ticket:
    """A ticket to fetch one file as an open file, for a caller on the server's own machine."""
    opened = house.assets.open(caller, address, kind, name, version, path.lstrip("/"))
    return house.handovers.fetch(caller, opened)


HANDLERS: Sequence[BaseRouteHandler] = (
    list_assets,
    create_version,
    get_asset,
    update_asset,
    list_versions,
    get_version,
    get_label,
    update_version,
    delete_version,
    put_alias,
    delete_alias,
    get_manifest,
    get_file,
    hand_over_file,
)
