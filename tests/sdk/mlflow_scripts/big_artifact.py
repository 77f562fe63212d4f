"""Log one big file, which takes no room here, and fetch it again, comparing as it comes."""

import os
import time
import urllib.request
from pathlib import Path

import mlflow

size = int(os.environ["BYTES"])
source = Path("big.bin")
with source.open("wb") as file:
    file.write(os.urandom(1 << 20))
    file.truncate(size)
start = time.perf_counter()
with mlflow.start_run() as run:
    mlflow.log_artifact(str(source))
up = time.perf_counter()

address = f"{run.info.artifact_uri}/big.bin"
headers = {"Authorization": f"Bearer {os.environ['MLFLOW_TRACKING_TOKEN']}"}
request = urllib.request.Request(address, headers=headers)  # noqa: S310 - our own loopback address
left = size
with urllib.request.urlopen(request) as answer, source.open("rb") as file:  # noqa: S310
    while chunk := answer.read(1 << 20):
        assert chunk == file.read(len(chunk))
        left -= len(chunk)
assert left == 0
os.write(
    1, f"up {size / (up - start) / 1e6:.0f} MB/s, down {size / (time.perf_counter() - up) / 1e6:.0f} MB/s".encode()
)
