"""Making a document self-contained: every local path in it is uploaded, read in, or loaded in turn, and replaced.

Paths are relative to the document's own file, as in Azure's YAML.
"""

from pathlib import Path
from typing import Any

from regista.client.documents import load_document, parse_document
from regista.client.progress import progress_for
from regista.client.transfer import upload
from regista.client.transport import Transport
from regista.entities.asset import AssetKind, AssetVersion
from regista.entities.documents.local_paths import PathField, local_paths
from regista.entities.manifest import Manifest
from regista.errors import InvalidError, NotFoundError

_DEEPEST = 20
_KINDS = {
    "code": AssetKind.CODE,
    "environment_context": AssetKind.CODE,
    "data": AssetKind.DATA,
    "model": AssetKind.MODEL,
}
_LOADED = {"component_file": "component", "environment_file": "environment", "model_file": "model"}


class Embedder:
    """Embeds the documents of one scope (``workspaces/{address}`` or ``registries/{address}``). A folder is sent once."""

    def __init__(self, transport: Transport, scope: str) -> None:
        self._transport = transport
        self._scope = scope
        self._sent: dict[tuple[Path, AssetKind], str] = {}

    def embed(
        self, document: dict[str, Any], kind: str, folder: Path, *, skip: tuple[str, ...] = (), depth: int = 0
    ) -> dict[str, Any]:
        """Replace the local paths in *document* (changed in place, and returned); *skip* purposes stay as they are."""
        if depth > _DEEPEST:
            raise InvalidError(
                f"documents that name one another, more than {_DEEPEST} deep", hint="Does one name itself?"
            )
        for field in local_paths(document, kind):
            if field.purpose not in skip:
                self._replace(document, field, folder, depth)
        return document

    def send(self, path: Path) -> Manifest:
        """Upload a file or a folder; return what to register."""
        return upload(self._transport, self._scope, path, progress=progress_for(f"Uploading {path.name}"))

    def _replace(self, document: dict[str, Any], field: PathField, folder: Path, depth: int) -> None:
        path = (folder / Path(field.text).expanduser()).resolve()
        if not path.exists():
            place = ".".join(map(str, field.location))
            raise NotFoundError(f"{place}: there is no {field.text!r}", hint=f"Paths are relative to {folder}.")
        holder: Any = document
        for key in field.location[:-1]:
            holder = holder[key]
        last = field.location[-1]
        if field.purpose in _LOADED:
            inner = load_document(path)
            holder[last] = self.embed(inner, _LOADED[field.purpose], path.parent, depth=depth + 1)
        elif field.purpose == "conda_file":
            holder[last] = parse_document(path.read_bytes(), str(path))
        elif field.purpose == "requirements_file":
            lines = (line.split(" #")[0].strip() for line in path.read_text().splitlines())
            holder[last] = [line for line in lines if line and not line.startswith("#")]
        else:
            holder[last] = self._anonymous(path, _KINDS[field.purpose], holder)

    def _anonymous(self, path: Path, kind: AssetKind, holder: dict[str, Any]) -> str:
        """Upload *path* as an anonymous version and return the reference to it."""
        if (path, kind) not in self._sent:
            manifest = self.send(path)
            if not manifest.files:
                raise InvalidError(f"{path} holds no files", hint="Are all of them ignored? See .amlignore.")
            body: dict[str, Any] = {"anonymous": True, "files": manifest.files}
            if kind is not AssetKind.CODE:
                body["type"] = _type_of(holder, kind, path)
            if path.is_dir():
                body["source"] = {"folder": path.name}
            made = self._transport.call("POST", f"/api/v1/{self._scope}/{kind.plural}", body=body, type=AssetVersion)
            self._sent[path, kind] = f"azureml:{made.name}:{made.version}"
        return self._sent[path, kind]


def _type_of(holder: dict[str, Any], kind: AssetKind, path: Path) -> str:
    given = str(holder.get("type") or "")
    if given or kind is AssetKind.MODEL:
        return given or "custom_model"
    return "uri_file" if path.is_file() else "uri_folder"
