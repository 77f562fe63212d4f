"""What a client does with blobs, and what it is told when it may not."""

import hashlib
import io
import os

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from container import opened

way = os.environ["WAY"]
container = opened(
    way, max_single_put_size=1 << 20, max_block_size=1 << 18, max_single_get_size=1 << 20, max_chunk_get_size=1 << 18
)


def refused(kind, action):
    try:
        action()
    except kind as error:
        return error
    raise AssertionError(f"not refused: {kind}")


def names(**query):
    return [blob.name for blob in container.list_blobs(**query)]


root = f"{way}/é & b"
blob = container.get_blob_client(f"{root}/small.txt")
assert container.exists()
assert not blob.exists()
refused(ResourceNotFoundError, blob.get_blob_properties)

sent = blob.upload_blob(b"hello", metadata={"name": "n", "version": "1"}, validate_content=True)
refused(ResourceExistsError, lambda: blob.upload_blob(b"again"))
properties = blob.get_blob_properties()
assert (properties.size, properties.etag, properties.metadata) == (5, sent["etag"], {"name": "n", "version": "1"})
blob.set_blob_metadata({"upload_status": "completed"})
assert blob.get_blob_properties().metadata == {"upload_status": "completed"}
old = {"etag": sent["etag"], "match_condition": MatchConditions.IfNotModified}
refused(ResourceModifiedError, lambda: blob.download_blob(**old).readall())
blob.upload_blob(b"hello, again", overwrite=True)
assert blob.download_blob().readall() == b"hello, again"
assert blob.download_blob(offset=7, length=3).readall() == b"aga"

container.upload_blob(f"{root}/empty", b"")
assert container.download_blob(f"{root}/empty").readall() == b""

content = os.urandom(10_000_001)
large = container.get_blob_client(f"{root}/large.bin")
large.upload_blob(io.BytesIO(content), max_concurrency=16)
assert large.get_blob_properties().size == len(content)
assert hashlib.sha256(large.download_blob(max_concurrency=8).readall()).digest() == hashlib.sha256(content).digest()
refused(ResourceExistsError, lambda: large.upload_blob(io.BytesIO(content), max_concurrency=16))

for number in range(25):
    container.upload_blob(f"{root}/many/{number:02}", str(number).encode())
listed = names(name_starts_with=f"{root}/", include=["metadata"], results_per_page=7)
assert listed == sorted(listed), listed
assert len(listed) == 28, listed
walked = sorted(item.name for item in container.walk_blobs(name_starts_with=f"{root}/"))
assert walked == [f"{root}/empty", f"{root}/large.bin", f"{root}/many/", f"{root}/small.txt"], walked

for wrong in (f"{root}//x", "x" * 3000, "a\\b", f"assets/models/m/1/{way}"):
    error = refused(HttpResponseError, lambda wrong=wrong: container.upload_blob(wrong, b"x"))
    assert error.status_code in {400, 403}, error
error = refused(
    HttpResponseError, lambda: container.get_blob_client("x").upload_blob(b"", blob_type="PageBlob", length=512)
)
assert error.status_code in {400, 405}, error
if way != "sas":  # which was asked for without the right to delete
    large.delete_blob()
    assert not large.exists()
os.write(1, b"done")
