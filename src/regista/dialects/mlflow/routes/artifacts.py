"""The artifacts of a run as the tracking service lists them."""

from regista.dialects.mlflow import wire
from regista.dialects.mlflow.call import Call, Route
from regista.dialects.mlflow.files import listed_files, split
from regista.dialects.mlflow.render import Json
from regista.dialects.mlflow.routes.runs import run_id


def listing(call: Call, asked: wire.ListArtifacts) -> Json:
    """One level of the run's files, with paths from the run's root on."""
    owner, inner = split(f"runs/{run_id(asked)}/{asked.path}", folder=True)
    listed = call.house.artifacts.listing(call.caller, call.address, owner, inner)
    return {"root_uri": call.uri(owner), "files": listed_files(listed, inner, whole=True)}


ROUTES = {("GET", "artifacts/list"): Route(listing, wire.ListArtifacts)}
