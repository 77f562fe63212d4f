"""The artifacts of a run as the tracking service lists them, and signed addresses of files."""

from regista.dialects.mlflow import wire
from regista.dialects.mlflow.call import Call, Route
from regista.dialects.mlflow.files import listed_files
from regista.dialects.mlflow.multipart import read_address, target_of, write_address
from regista.dialects.mlflow.paths import split
from regista.dialects.mlflow.render import Json
from regista.dialects.mlflow.routes.runs import run_id
from regista.errors import InvalidError
from regista.services.tracking.multipart import Target


def listing(call: Call, asked: wire.ListArtifacts) -> Json:
    """One level of the run's files, with paths from the run's root on."""
    owner, inner = split(f"runs/{run_id(asked)}/{asked.path}", folder=True)
    listed = call.house.artifacts.listing(call.caller, call.address, owner, inner)
    return {"root_uri": call.uri(owner), "files": listed_files(listed, inner, whole=True)}


def sign_upload(call: Call, asked: wire.SignAddress) -> Json:
    """An address to which the file can be sent without a key."""
    return {"presigned_url": write_address(call, _target(call, asked), asked.expiration), "headers": {}}


def sign_download(call: Call, asked: wire.SignAddress) -> Json:
    """An address from which the file can be fetched without a key."""
    target = _target(call, asked)
    opened = call.house.artifacts.open(call.caller, call.address, target.owner, target.path)
    url = read_address(call, target, asked.expiration)
    return {"presigned_url": url, "headers": {}, "file_size": opened.size}


def _target(call: Call, asked: wire.SignAddress) -> Target:
    if bool(asked.run_id) == bool(asked.model_id):
        raise InvalidError("Exactly one of run_id and model_id must be provided.")
    owner = f"runs/{asked.run_id}" if asked.run_id else f"models/{asked.model_id}"
    if "/" in asked.run_id + asked.model_id:
        raise InvalidError(f"Invalid id: {owner[:100]!r}")
    return target_of(call, f"{owner}/{asked.path}")


ROUTES = {
    ("GET", "artifacts/list"): Route(listing, wire.ListArtifacts),
    ("POST", "artifacts/presigned-upload-url"): Route(sign_upload, wire.SignAddress),
    ("POST", "artifacts/presigned-download-url"): Route(sign_download, wire.SignAddress),
}
