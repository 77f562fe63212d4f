"""Uploads in parts, as MLflow 3's client sends them side by side (``mlflow-artifacts/mpu``), and addresses that are signed.

    POST mpu/create/FOLDER      {path, num_parts}: the id of an upload, and an address for each part
    PUT  mpu/part/FILE?…        one part, by its signed address: no key is sent along; the etag is the MD5 of its bytes
    POST mpu/complete/FOLDER    {path, upload_id, parts: [{part_number, etag}]}
    POST mpu/abort/FOLDER       {path, upload_id}
    GET  presigned/FILE         {url, headers, file_size}: an address that reads the file in ranges

FOLDER is that of the file to be, of ``path`` only the last part counts.
"""

from urllib.parse import quote

import msgspec

from regista.dialects.mlflow import wire
from regista.dialects.mlflow.call import ARTIFACTS, FILES, Call
from regista.dialects.mlflow.decoding import Reader
from regista.dialects.mlflow.errors import missing
from regista.dialects.mlflow.paths import split
from regista.dialects.mlflow.render import Json
from regista.errors import InvalidError
from regista.services.tracking.multipart import Part, Target

_PARTS_SECONDS = 24 * 3600.0
_SHORTEST, _LONGEST = 1, 7 * 24 * 3600

_create, _complete, _abort = Reader(wire.CreateUpload), Reader(wire.CompleteUpload), Reader(wire.AbortUpload)


def target_of(call: Call, path: str) -> Target:
    """The artifact at *path* below ``artifacts/``."""
    owner, inner = split(path)
    return Target(call.address, owner, inner)


def answer_post(call: Call, path: str, body: bytes) -> bytes:
    """Begin, complete or abort an upload."""
    verb, _, folder = path.partition("/")
    if verb == "create":
        return msgspec.json.encode(_created(call, folder, _create.body(body)))
    if verb == "complete":
        asked = _complete.body(body)
        parts = [Part(part.part_number, part.etag) for part in asked.parts]
        call.house.multipart.complete(call.caller, _named(call, folder, asked.path), asked.upload_id, parts)
    else:
        asked = _abort.body(body)
        call.house.multipart.abort(call.caller, _named(call, folder, asked.path), asked.upload_id)
    return b"{}"


def presigned(call: Call, path: str) -> bytes:
    """An address by which the file can be read without a key, in ranges, and its size."""
    target = target_of(call, path)
    opened = call.house.artifacts.open(call.caller, call.address, target.owner, target.path)
    return msgspec.json.encode({"url": read_address(call, target), "headers": {}, "file_size": opened.size})


def read_address(call: Call, target: Target, seconds: float = 3600.0) -> str:
    """A signed address to read the file."""
    query = call.house.signed_artifacts.sign_reading(call.caller, target, check_seconds(seconds))
    return f"{call.base}{ARTIFACTS}/{quote(target.key)}?{query}"


def write_address(call: Call, target: Target, seconds: float = 3600.0) -> str:
    """A signed address to send the file to."""
    query = call.house.signed_artifacts.sign_writing(call.caller, target, check_seconds(seconds))
    return f"{call.base}{ARTIFACTS}/{quote(target.key)}?{query}"


def check_seconds(seconds: float) -> float:
    """How long a signed address may live."""
    if not _SHORTEST <= seconds <= _LONGEST:
        raise InvalidError(f"expiration must be between {_SHORTEST} and {_LONGEST} seconds (got {seconds:.0f}).")
    return seconds


def _created(call: Call, folder: str, asked: wire.CreateUpload) -> Json:
    target = _named(call, folder, asked.path)
    upload = call.house.multipart.create(call.caller, target, asked.num_parts)
    signed = call.house.signed_artifacts.sign_parts(call.caller, target, upload, asked.num_parts, _PARTS_SECONDS)
    place = f"{call.base}{FILES}/mpu/part/{quote(target.key)}?upload={upload}"
    credentials = [
        {"url": f"{place}&part={number}&{query}", "part_number": number, "headers": {}}
        for number, query in enumerate(signed, 1)
    ]
    return {"upload_id": upload, "credentials": credentials}


def _named(call: Call, folder: str, path: str) -> Target:
    """The file of the name at the end of *path*, a path of the client's machine, in *folder*."""
    name = path.rpartition("/")[2]
    if path[1:2] == ":" and path[:1].isalpha():
        name = path.rpartition("\\")[2]
    if not name:
        raise missing("path")
    return target_of(call, f"{folder.strip('/')}/{name}")
