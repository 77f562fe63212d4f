"""Send a stream that no memory holds, fetch it again, and compare on the way."""

import hashlib
import io
import os

from container import opened

size = int(os.environ["BYTES"])
block = os.urandom(1 << 20)


class Stream(io.RawIOBase):
    def __init__(self):
        self.left = size
        self.hash = hashlib.sha256()

    def readable(self):
        return True

    def read(self, count=-1):
        count = min(self.left if count < 0 else count, self.left)
        chunk = (block * (count // len(block) + 1))[:count]
        self.left -= count
        self.hash.update(chunk)
        return chunk


stream, fetched = Stream(), hashlib.sha256()
container = opened("key", read_timeout=300)
container.upload_blob("stream.bin", stream, length=size, max_concurrency=16, overwrite=True)
for chunk in container.download_blob("stream.bin", max_concurrency=4).chunks():
    fetched.update(chunk)
assert fetched.digest() == stream.hash.digest()
