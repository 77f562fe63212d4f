"""What the ``source`` of a model version means: files that are here already, so that registering copies no byte.

runs:/RUN/path                          artifacts of a run
models:/m-…                             a logged model
models:/NAME/3   models:/NAME@alias     another version of the same scope
mlflow-artifacts:/runs/RUN/path         the same as above, as they are addressed below a tracking URI
https://HERE/mlflow/…/artifacts/…       the same, absolute: what this dialect hands out; names the workspace too
azureml://HERE/mlflow/…/artifacts/…     the same, handed out to azureml-mlflow
"""

from urllib.parse import SplitResult, unquote, urlsplit

from regista.dialects.arm import Resource, find_files, find_resource
from regista.dialects.mlflow.call import ARTIFACTS, Call
from regista.dialects.mlflow.paths import split
from regista.entities.scope import ScopeAddress, ScopeKind
from regista.errors import InvalidError

_KINDS = {"workspaces": ScopeKind.WORKSPACE, "registries": ScopeKind.REGISTRY}


def read_source(call: Call, source: str) -> tuple[str, ScopeAddress | None]:
    """A reference to what *source* means, and the scope it is in where that is said. Raise ``InvalidError`` for what is not
    here: a path of the client's machine, or of another server."""
    parts = _checked(source)
    if parts.scheme in {"runs", "models"}:
        return source, None
    if parts.scheme == "mlflow-artifacts" and not parts.netloc:
        return _reference(call, unquote(parts.path)), None
    if parts.scheme in {"http", "https"} and parts.netloc == urlsplit(call.base).netloc:
        _, _, plural, name, *_ = [*unquote(parts.path).split("/"), "", "", "", ""]
        before, here, inner = unquote(parts.path).partition(ARTIFACTS)
        if here and plural in _KINDS and before == f"/mlflow/{plural}/{name}":
            return _reference(call, inner), ScopeAddress.parse(_KINDS[plural], name)
        if here and (there := find_resource(before)) and not there[1]:
            return _reference(call, inner), _address(there[0])
    if parts.scheme == "azureml" and parts.netloc == urlsplit(call.base).netloc:
        files = find_files(unquote(parts.path))
        if files is not None:
            return _reference(call, f"{files[1]}/{files[2]}"), _address(files[0])
    raise _refused(source)


def _address(scope: Resource) -> ScopeAddress:
    return ScopeAddress(_KINDS[scope.plural], scope.name, scope.subscription, scope.resource_group)


def _checked(source: str) -> SplitResult:
    try:
        parts = urlsplit(source)
    except ValueError as wrong:
        raise _refused(source) from wrong
    decoded = unquote(unquote(source))
    if parts.query or parts.fragment or ".." in decoded.split("/") or "\\" in decoded or "\0" in decoded:
        raise InvalidError(
            f"Invalid model version source: '{source[:200]}'. It holds a query, a fragment or a path that climbs."
        )
    return parts


def _reference(call: Call, path: str) -> str:
    owner, inner = split(path.strip("/"), folder=True)
    kind, _, name = owner.partition("/")
    if kind == "runs":
        return f"runs:/{name}/{inner}"
    if kind == "models" and not inner:
        return f"models:/{name}"
    if kind == "versions" and not inner:
        return call.house.model_versions.reference(call.caller, name)
    raise InvalidError(
        f"a model cannot be registered from the artifact path {path[:200]!r}",
        hint="Register a folder of a run, a whole logged model, or a whole version.",
    )


def _refused(source: str) -> InvalidError:
    return InvalidError(
        f"Invalid model version source: '{source[:200]}'. Regista has no such files",
        hint="Log the model first, then register runs:/…, models:/… or the artifact URI that this server handed out.",
    )
