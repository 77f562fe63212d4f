"""Files by the addresses that browsers are led to, each below the address of the scope:

get-artifact?run_id=&path=                                                   of a run
model-versions/get-artifact?name=&version=&path=                             of a registered version
api/N.0/mlflow/get-trace-artifact?request_id=&path=                          of a trace: its spans, or (path) an attachment
api/2.0/mlflow/logged-models/ID/artifacts/files?artifact_file_path=          of a logged model
api/2.0/mlflow/upload-artifact?run_uuid=&path=                               of a run, sent (POST)
"""

import re
from collections.abc import Mapping

from regista.dialects.mlflow.call import Call
from regista.dialects.mlflow.errors import missing
from regista.dialects.mlflow.paths import split
from regista.dialects.mlflow.spans import FILE
from regista.entities.asset import AssetKind
from regista.errors import InvalidError

UPLOAD = "api/2.0/mlflow/upload-artifact"
MOST_UPLOADED = 10 << 20
"""What clients may send so. There are other ways for large files."""
_RUN, _VERSION = "get-artifact", "model-versions/get-artifact"
_TRACE = ("api/2.0/mlflow/get-trace-artifact", "api/3.0/mlflow/get-trace-artifact")
_OF_MODEL = "api/2.0/mlflow/logged-models/ID/artifacts/files"
_MODEL = re.compile(re.escape(_OF_MODEL).replace("ID", "([^/]+)"))
ADDRESSES = frozenset({_RUN, _VERSION, UPLOAD, *_TRACE, _OF_MODEL})
"""All of them, below the address of a scope."""


def is_address(rest: str) -> bool:
    """Whether what comes behind the address of a scope is one of these."""
    return rest in ADDRESSES or _MODEL.fullmatch(rest) is not None


def find_artifact(call: Call, rest: str, asked: Mapping[str, str]) -> str:
    """The path of the file below ``artifacts/``; one that climbs is refused before anything is looked for."""
    if rest in _TRACE:
        path = f"attachments/{asked['path']}" if asked.get("path") else FILE
        return _file("traces", asked.get("request_id") or _absent("request_id"), path)
    if (model := _MODEL.fullmatch(rest)) is not None:
        return _file("models", model[1], asked.get("artifact_file_path") or _absent("artifact_file_path"))
    path = asked.get("path") or _absent("path")
    if rest == _RUN:
        return _file("runs", asked.get("run_id") or asked.get("run_uuid") or _absent("run_id"), path)
    split(f"runs/any/{path}")
    name, version = asked.get("name") or _absent("name"), asked.get("version") or _absent("version")
    found = call.house.assets.get(call.caller, call.address, AssetKind.MODEL, name, version)
    return f"versions/{found.id}/{path}"


def upload(call: Call, asked: Mapping[str, str], content: bytes) -> None:
    """Keep *content* as the file of a run that the address names."""
    run = asked.get("run_uuid") or _unsaid("run_uuid")
    owner, path = split(_file("runs", run, asked.get("path") or _unsaid("path")))
    if len(content) > MOST_UPLOADED:
        raise InvalidError("Artifact size is too large. Max size is 10MB.")
    if not content:
        _unsaid("data")
    opened = call.house.artifacts.begin(call.caller, call.address, owner, path)
    try:
        opened.write(content)
        opened.commit()
    finally:
        opened.abort()


def _file(kind: str, name: str, path: str) -> str:
    split(f"{kind}/any/{path}")
    if "/" in name:
        raise InvalidError(f"Invalid id: {name[:100]!r}")
    return f"{kind}/{name}/{path}"


def _absent(name: str) -> str:
    raise missing(name)


def _unsaid(name: str) -> str:
    raise InvalidError(f"Request must specify {name}.")
