"""Send a stream that no memory holds; fetch it in parallel, whole by one request, and in one range; compare on the way."""

import hashlib
import io
import os
import time
import urllib.request

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


def fetched(**headers):
    headers["Authorization"] = f"Bearer {os.environ['KEY']}"
    address = f"{os.environ['URL']}/{os.environ['CONTAINER']}/stream.bin"
    found = hashlib.sha256()
    request = urllib.request.Request(address, headers=headers)  # noqa: S310 - our own loopback address
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        while chunk := answer.read(1 << 20):
            found.update(chunk)
    return found.digest()


stream, parallel = Stream(), hashlib.sha256()
start = time.perf_counter()
container = opened("key", read_timeout=900)
container.upload_blob("stream.bin", stream, length=size, max_concurrency=16, overwrite=True)
up = time.perf_counter()
for chunk in container.download_blob("stream.bin", max_concurrency=4).chunks():
    parallel.update(chunk)
assert parallel.digest() == stream.hash.digest()
down = time.perf_counter()
assert fetched() == stream.hash.digest()
assert fetched(Range=f"bytes=0-{size - 1}") == stream.hash.digest()
speeds = [size / took / 1e6 for took in (up - start, down - up, (time.perf_counter() - down) / 2)]
os.write(1, "up {:.0f} MB/s, down {:.0f} MB/s, by one request {:.0f} MB/s".format(*speeds).encode())
