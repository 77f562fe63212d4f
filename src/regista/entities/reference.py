"""References: every way of pointing at something, parsed in this one place.

    azureml:NAME:VERSION   azureml:NAME@LABEL   azureml:NAME            NAME:VERSION where only an asset can stand
    azureml://registries/R/KIND/NAME/versions/V      …/labels/L
    azureml://workspaces/W/KIND/NAME/versions/V      …/labels/L         (ours: another workspace by name)
    azureml://subscriptions/S/resourcegroups/G/workspaces/W/…           the long form, also /subscriptions/…/providers/…
    azureml://jobs/J/outputs/O[/paths/P]             azureml://datastores/D/paths/P
    runs:/RUN/PATH         models:/NAME/VERSION      models:/NAME@ALIAS    models:/m-ID
    https://…              anything else is a local path

``regista:`` stands wherever ``azureml:`` may. Law: ``parse_reference(str(r), r.kind) == r`` for an asset, and
``parse_reference(str(r)) == r`` for the rest.
"""

import re
from urllib.parse import unquote

import msgspec

from regista.entities.asset import AssetKind
from regista.entities.names import check_name
from regista.errors import InvalidError

_MAX = 4096
_PROVIDER = "providers/microsoft.machinelearningservices"


class AssetReference(msgspec.Struct, frozen=True, kw_only=True):
    """A version of an asset, by version or by label (an alias, or ``latest``); neither means the latest.

    Without registry and workspace it is in the scope where the reference stands. ``kind`` is None where the text does
    not tell. ``location`` and ``workspace_id`` come from the form that names a workspace by its id."""

    name: str
    kind: AssetKind | None = None
    version: str = ""
    label: str = ""
    registry: str = ""
    workspace: str = ""
    subscription: str = ""
    resource_group: str = ""
    workspace_id: str = ""

    def __str__(self) -> str:
        if not (self.registry or self.workspace or self.workspace_id):
            tail = f":{self.version}" if self.version else f"@{self.label}" if self.label else ""
            return f"azureml:{self.name}{tail}"
        tail = f"/versions/{self.version}" if self.version else f"/labels/{self.label}" if self.label else ""
        kind = self.kind.plural if self.kind else "assets"
        return f"azureml://{self._where()}/{kind}/{self.name}{tail}"

    def _where(self) -> str:
        if self.registry:
            return f"registries/{self.registry}"
        if self.workspace_id:
            return f"locations/any/workspaces/{self.workspace_id}"
        long = f"subscriptions/{self.subscription}/resourcegroups/{self.resource_group}/" if self.subscription else ""
        return f"{long}workspaces/{self.workspace}"


class JobOutputReference(msgspec.Struct, frozen=True, kw_only=True):
    """The output of a job, or something inside it; ``artifacts`` is what the job left in ./outputs. Without a workspace the
    job is in the one where the reference stands."""

    job: str
    output: str
    path: str = ""
    workspace: str = ""
    subscription: str = ""
    resource_group: str = ""

    def __str__(self) -> str:
        inner = f"/paths/{self.path}" if self.path else ""
        return f"azureml://{_workspace(self)}jobs/{self.job}/outputs/{self.output}{inner}"


class DatastoreReference(msgspec.Struct, frozen=True, kw_only=True):
    """A path in a datastore of a workspace."""

    datastore: str
    path: str
    workspace: str = ""
    subscription: str = ""
    resource_group: str = ""

    def __str__(self) -> str:
        return f"azureml://{_workspace(self)}datastores/{self.datastore}/paths/{self.path}"


def _workspace(reference: "JobOutputReference | DatastoreReference") -> str:
    """The part of the URI that names the workspace; empty where there is none."""
    group = (
        f"subscriptions/{reference.subscription}/resourcegroups/{reference.resource_group}/"
        if reference.subscription
        else ""
    )
    return f"{group}workspaces/{reference.workspace}/" if reference.workspace else ""


class RunReference(msgspec.Struct, frozen=True, kw_only=True):
    """A file or folder among the artifacts of a run."""

    run: str
    path: str = ""

    def __str__(self) -> str:
        return f"runs:/{self.run}" + (f"/{self.path}" if self.path else "")


class LoggedModelReference(msgspec.Struct, frozen=True):
    """A model that MLflow logged, by its id ``m-…``."""

    id: str

    def __str__(self) -> str:
        return f"models:/{self.id}"


class UrlReference(msgspec.Struct, frozen=True):
    """Something on the web, passed through."""

    url: str

    def __str__(self) -> str:
        return self.url


class LocalPath(msgspec.Struct, frozen=True):
    """A path on the caller's own machine; no server ever opens one."""

    path: str

    def __str__(self) -> str:
        return self.path


Reference = (
    AssetReference
    | JobOutputReference
    | DatastoreReference
    | RunReference
    | LoggedModelReference
    | UrlReference
    | LocalPath
)


def is_reference(text: str) -> bool:
    """Whether *text* points at something that is not a local path."""
    return bool(re.match(r"(azureml|regista|runs|models|https?):|/subscriptions/", text, re.IGNORECASE))


def parse_reference(text: str, kind: AssetKind | None = None) -> Reference:
    """Read *text*; *kind* is what the place where it stands asks for. Raise ``InvalidError`` when it is malformed."""
    if not isinstance(text, str) or not text or len(text) > _MAX or any(ord(char) < 32 for char in text):
        raise InvalidError(f"{str(text)[:80]!r} is not a reference")
    lower = text.lower()
    if lower.startswith(("https://", "http://")):
        return UrlReference(text)
    if lower.startswith("runs:/"):
        run, _, path = text[6:].lstrip("/").partition("/")
        return RunReference(run=check_name("job", run), path=_inner(path, text))
    if lower.startswith("models:/"):
        return _mlflow_model(text)
    scheme = re.match(r"(azureml|regista):", text, re.IGNORECASE)
    if scheme is None and not lower.startswith("/subscriptions/"):
        return LocalPath(text)
    rest = text[scheme.end() :] if scheme else text
    found = _uri(rest.lstrip("/"), text) if rest.startswith("/") else _short(rest, text)
    return _with_kind(found, kind, text)


def asset_reference(text: str, kind: AssetKind) -> AssetReference:
    """Read *text* where only a *kind* can stand: a bare ``NAME``, ``NAME:VERSION`` or ``NAME@LABEL`` is one too."""
    found = parse_reference(text, kind)
    if isinstance(found, LocalPath):
        found = _with_kind(_short(text, text), kind, text)
    if not isinstance(found, AssetReference):
        raise InvalidError(
            f"{text!r} does not name a {kind}",
            hint=f"Write azureml:NAME:VERSION or azureml://registries/R/{kind.plural}/…",
        )
    return found


def _with_kind(found: Reference, kind: AssetKind | None, text: str) -> Reference:
    if not isinstance(found, AssetReference):
        return found
    if kind and found.kind and found.kind is not kind:
        raise InvalidError(f"{text!r} names a {found.kind}, here a {kind} is wanted")
    return msgspec.structs.replace(found, kind=found.kind or kind)


def _short(rest: str, text: str) -> Reference:
    match = re.fullmatch(r"([^:@/]+)(?::([^:@/]+)|@([^:@/]+))?", rest)
    if not match:
        raise InvalidError(f"{text!r} is not a reference", hint="Write azureml:NAME:VERSION or azureml:NAME@LABEL.")
    name, version, label = match.groups()
    return _asset(name, None, version or "", label or "", text)


def _asset(name: str, kind: AssetKind | None, version: str, label: str, text: str, **where: str) -> AssetReference:
    check_name(kind or "data", name)
    if version.lower() == "latest":
        version, label = "", "latest"
    if version:
        check_name("version", version)
    if label:
        check_name("alias", label)
    if not (version or label or "@" not in text):
        raise InvalidError(f"{text!r} has an empty label")
    return AssetReference(name=name, kind=kind, version=version, label=label, **where)


def _mlflow_model(text: str) -> Reference:
    rest = text[8:].lstrip("/")
    if re.fullmatch(r"m-[0-9a-f]{32}", rest):
        return LoggedModelReference(rest)
    match = re.fullmatch(r"([^/:@]+)(?:/([^/:@]+)|@([^/:@]+))?", rest)
    if not match:
        raise InvalidError(f"{text!r} is not a reference", hint="Write models:/NAME/VERSION or models:/NAME@ALIAS.")
    name, version, label = match.groups()
    return _asset(name, AssetKind.MODEL, version or "", label or "", text)


def _uri(rest: str, text: str) -> Reference:
    """Walk the pairs ``noun/name`` of the long forms, then read what they lead to."""
    parts = [unquote(part) for part in re.sub(_PROVIDER + "/", "", rest, flags=re.IGNORECASE).split("/")]
    where: dict[str, str] = {}
    places = {
        "subscriptions": "subscription",
        "resourcegroups": "resource_group",
        "registries": "registry",
        "workspaces": "workspace",
        "locations": "location",
    }
    while len(parts) > 1 and parts[0].lower() in places:
        where[places[parts[0].lower()]] = parts[1]
        parts = parts[2:]
    if where.pop("location", ""):
        where["workspace_id"] = where.pop("workspace", "")
    for key, thing in (("registry", "registry"), ("workspace", "workspace")):
        if key in where:
            check_name(thing, where[key])
    return _target(parts, where, text)


def _target(parts: list[str], where: dict[str, str], text: str) -> Reference:
    lowered = [part.lower() for part in parts[:1] + parts[2:3]]
    local = {key: value for key, value in where.items() if key in {"workspace", "subscription", "resource_group"}}
    match lowered:
        case ["jobs", "outputs"] if len(parts) >= 4:
            path = _inner("/".join(parts[5:]), text) if len(parts) > 5 and parts[4].lower() == "paths" else ""
            return JobOutputReference(
                job=check_name("job", parts[1]), output=check_name("job", parts[3]), path=path, **local
            )
        case ["datastores", "paths"]:
            local = {
                key: value for key, value in where.items() if key in {"workspace", "subscription", "resource_group"}
            }
            inner = _inner("/".join(parts[3:]), text)
            return DatastoreReference(datastore=check_name("datastore", parts[1]), path=inner, **local)
        case [plural, ("versions" | "labels") as how] if (kind := AssetKind.of_plural(plural)) and len(parts) == 4:
            version, label = (parts[3], "") if how == "versions" else ("", parts[3])
            return _asset(parts[1], kind, version, label, text, **where)
        case [plural] if (kind := AssetKind.of_plural(plural)) and len(parts) == 2:
            return _asset(parts[1], kind, "", "", text, **where)
    raise InvalidError(
        f"{text[:200]!r} is not a reference",
        hint="Write azureml://registries/R/models/NAME/versions/V, azureml://jobs/J/outputs/O/paths/P or azureml:NAME:VERSION.",
    )


def _inner(path: str, text: str) -> str:
    """A path inside something: it may end in a slash, and never climbs."""
    clean = path.strip("/")
    if any(part in {"..", "."} or "\\" in part or "\0" in part for part in clean.split("/") if part):
        raise InvalidError(f"{text[:200]!r} climbs out of the place that it names")
    return clean
