"""Files by the addresses that browsers are led to: ``get-artifact?run_id=&path=`` and ``model-versions/get-artifact``."""

from collections.abc import Mapping

from regista.dialects.mlflow.call import Call
from regista.dialects.mlflow.errors import missing
from regista.dialects.mlflow.paths import split
from regista.entities.asset import AssetKind
from regista.errors import InvalidError

DOWNLOADS = {"get-artifact", "model-versions/get-artifact"}


def find_artifact(call: Call, rest: str, asked: Mapping[str, str]) -> str:
    """The path of the file below ``artifacts/``; one that climbs is refused before anything is looked for."""
    path = asked.get("path") or _absent("path")
    split(f"runs/any/{path}")
    if rest == "get-artifact":
        run = asked.get("run_id") or asked.get("run_uuid") or _absent("run_id")
        if "/" in run:
            raise InvalidError(f"Invalid run id: {run[:100]!r}")
        return f"runs/{run}/{path}"
    name, version = asked.get("name") or _absent("name"), asked.get("version") or _absent("version")
    found = call.house.assets.get(call.caller, call.address, AssetKind.MODEL, name, version)
    return f"versions/{found.id}/{path}"


def _absent(name: str) -> str:
    raise missing(name)
