"""Models, environments, components, data and code, from the client's side."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from regista.client.documents import apply_overrides, load_document
from regista.client.embedding import Embedder
from regista.client.paging import pages
from regista.client.progress import progress_for
from regista.client.transfer import download
from regista.entities.asset import Asset, AssetKind, AssetVersion
from regista.entities.documents.component import parse_component
from regista.entities.documents.data import parse_data
from regista.entities.documents.environment import parse_environment
from regista.entities.documents.local_paths import is_local
from regista.entities.documents.model import parse_model
from regista.entities.manifest import Manifest
from regista.entities.page import Page
from regista.entities.promotion import PromotionPlan
from regista.entities.trace import Trace
from regista.errors import InvalidError

if TYPE_CHECKING:
    from regista.client.session import Regista

T = TypeVar("T")

_ABOUT = ("name", "version", "description", "tags", "properties", "stage")


class AssetClient:
    """Assets of one kind in the client's scope."""

    def __init__(self, session: "Regista", kind: AssetKind) -> None:
        self._session = session
        self._kind = kind

    @property
    def _base(self) -> str:
        return f"/api/v1/{self._session.scope_path}/{self._kind.plural}"

    def create(
        self, file: Path | None = None, *, overrides: tuple[str, ...] = (), home: str = "", **fields: Any
    ) -> AssetVersion:
        """Make a version from a YAML *file*, from *fields* of the same names, or from the file with the fields above it.

        Local paths are uploaded. *path* may also be a job's output (``azureml://jobs/J/outputs/O/paths/P``): for a registry
        *home* is the workspace of that job. The same content again is a quiet success."""
        document = load_document(file) if file else {}
        document = apply_overrides(
            document | {key: value for key, value in fields.items() if value is not None}, overrides
        )
        folder = file.resolve().parent if file else Path.cwd()
        body = self._body(document, folder, str(file or ""))
        if home:
            body["workspace"] = home
        return self._call("POST", "", type=AssetVersion, body=body)

    def _body(self, document: dict[str, Any], folder: Path, where: str) -> dict[str, Any]:
        embedder = Embedder(self._session.transport, self._session.scope_path)
        if self._kind is AssetKind.COMPONENT:
            return _about(parse_component(embedder.embed(document, "component", folder), where=where)) | {
                "spec": document
            }
        if self._kind is AssetKind.ENVIRONMENT:
            found = parse_environment(embedder.embed(document, "environment", folder), where=where)
            return _about(found) | {
                "spec": {key: value for key, value in document.items() if key not in _ABOUT and key != "$schema"}
            }
        if self._kind is AssetKind.CODE:
            return self._content(embedder, _about(document), str(document.get("path", "")), folder)
        parsed = (
            parse_model(document, where=where) if self._kind is AssetKind.MODEL else parse_data(document, where=where)
        )
        body = _about(parsed) | {"type": parsed.type}
        if flavors := getattr(parsed, "flavors", None):
            body["spec"] = {"flavors": flavors}
        return self._content(embedder, body, parsed.path, folder)

    @staticmethod
    def _content(embedder: Embedder, body: dict[str, Any], path: str, folder: Path) -> dict[str, Any]:
        if not is_local(path):
            return body | {"path": path}
        place = (folder / Path(path.removeprefix("file:")).expanduser()).resolve()
        manifest = embedder.send(place)
        if not manifest.files:
            raise InvalidError(f"{place} holds no files", hint="Are all of them ignored? See .amlignore.")
        source = {"source": {"folder": place.name}} if place.is_dir() and place.name else {}
        return body | source | {"files": manifest.files}

    def get(self, name: str, version: str = "", *, label: str = "") -> AssetVersion:
        """A version by version or by label (an alias, or ``latest``, which is meant when neither is given)."""
        tail = f"/versions/{_part(version)}" if version else f"/labels/{_part(label or 'latest')}"
        return self._call("GET", f"/{_part(name)}{tail}", type=AssetVersion)

    def get_asset(self, name: str) -> Asset:
        """The name with its aliases and latest version."""
        return self._call("GET", f"/{_part(name)}", type=Asset)

    def list(self, *, show: str = "active", tags: tuple[str, ...] = ()) -> Iterator[Asset]:
        """Names, newest first; *show* is active, archived or all; *tags* are KEY or KEY=VALUE."""
        return pages(self._session.transport, self._base, Page[Asset], {"show": show, "tag": [*tags]})

    def versions(self, name: str, *, show: str = "active", tags: tuple[str, ...] = ()) -> Iterator[AssetVersion]:
        """The versions of a name, newest first."""
        path = f"{self._base}/{_part(name)}/versions"
        return pages(self._session.transport, path, Page[AssetVersion], {"show": show, "tag": [*tags]})

    def update(self, name: str, version: str = "", **changes: Any) -> AssetVersion | Asset:
        """Change description, tags, properties, stage or archived of a version (of the name: without version)."""
        given = {key: value for key, value in changes.items() if value is not None}
        if not given:
            raise InvalidError("nothing was given to change", hint="Such as --description or --tags.")
        if version:
            return self._call("PATCH", f"/{_part(name)}/versions/{_part(version)}", type=AssetVersion, body=given)
        return self._call("PATCH", f"/{_part(name)}", type=Asset, body=given)

    def archive(self, name: str, version: str = "") -> AssetVersion | Asset:
        """Hide a version, or (without version) the whole name."""
        return self.update(name, version, archived=True)

    def restore(self, name: str, version: str = "") -> AssetVersion | Asset:
        """Undo ``archive``."""
        return self.update(name, version, archived=False)

    def delete(self, name: str, version: str) -> None:
        """Delete a version for good; its name and number are never given to other content."""
        self._session.transport.call("DELETE", f"{self._base}/{_part(name)}/versions/{_part(version)}")

    def set_alias(self, name: str, alias: str, version: str) -> Asset:
        """Let *alias* name *version*."""
        return self._call("PUT", f"/{_part(name)}/aliases/{_part(alias)}", type=Asset, body={"version": version})

    def delete_alias(self, name: str, alias: str) -> None:
        """Take an alias away; quiet when there is none."""
        self._session.transport.call("DELETE", f"{self._base}/{_part(name)}/aliases/{_part(alias)}")

    def download(self, name: str, version: str, target: Path, *, overwrite: bool = False) -> Manifest:
        """Bring the files of a version into the folder *target*, each verified."""
        place = f"{self._session.scope_path}/{self._kind.plural}/{_part(name)}/versions/{_part(version)}"
        bar = progress_for(f"Downloading {name}:{version}")
        return download(self._session.transport, place, target, overwrite=overwrite, progress=bar)

    def share(self, name: str, version: str = "", *, registry: str, **options: Any) -> AssetVersion:
        """Promote a version with its closure into *registry*: all or nothing. Options: ``label``, ``share_with_name``,
        ``share_with_version``."""
        return self._call("POST", f"/{_part(name)}/share", type=AssetVersion, body=_share(registry, version, options))

    def plan(self, name: str, version: str = "", *, registry: str, **options: Any) -> PromotionPlan:
        """What ``share`` would do."""
        return self._call("POST", f"/{_part(name)}/plan", type=PromotionPlan, body=_share(registry, version, options))

    def trace(self, name: str, version: str = "", *, label: str = "", downstream: bool = False) -> Trace:
        """What led to a version, or what came of it."""
        wanted = version or f"@{label or 'latest'}"
        query = {"downstream": "true"} if downstream else None
        return self._call("GET", f"/{_part(name)}/versions/{_part(wanted)}/trace", type=Trace, query=query)

    def _call(
        self,
        method: str,
        tail: str,
        *,
        type: type[T],  # noqa: A002 - as in the transport
        body: object = None,
        query: Mapping[str, Any] | None = None,
    ) -> T:
        return self._session.transport.call(method, self._base + tail, body=body, type=type, query=query)


def _share(registry: str, version: str, options: Mapping[str, Any]) -> dict[str, Any]:
    return {"registry": registry, "version": version} | {key: value for key, value in options.items() if value}


def _about(document: Any) -> dict[str, Any]:
    """What is said about a version, out of a parsed document or a mapping."""
    found = {
        name: document.get(name) if isinstance(document, Mapping) else getattr(document, name, None) for name in _ABOUT
    }
    about = {name: value for name, value in found.items() if value}
    if "properties" in about:
        about["properties"] = {key: str(value) for key, value in about["properties"].items()}
    return about


def _part(text: str) -> str:
    return quote(text, safe="")
