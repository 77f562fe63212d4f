"""Stage half of the blocks; the other half comes after the server was started anew."""

import os

from azure.storage.blob import BlobBlock
from container import opened

blob = opened("key").get_blob_client("resumed.bin")
blocks = [f"{number:04}" for number in range(8)]
half = int(os.environ["HALF"])
for name in blocks[4 * half : 4 * half + 4]:
    blob.stage_block(name, name.encode() * 100_000)
if half:
    blob.commit_block_list([BlobBlock(block_id=name) for name in blocks])
    assert blob.download_blob().readall() == b"".join(name.encode() * 100_000 for name in blocks)
