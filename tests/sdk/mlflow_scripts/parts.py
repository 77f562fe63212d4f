"""Sends a large file in parts, fetches it in ranges, and gives up an upload that goes wrong, without a key on the way."""

import hashlib
import os
import random
from pathlib import Path

import mlflow
import requests
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.mlflow_artifacts_repo import MlflowArtifactsRepository

SIZE = int(os.environ["SIZE"])
source = Path("big.bin")
dice = random.Random(7)
with source.open("wb") as file:
    for _ in range(SIZE // 1_000_000):
        file.write(dice.randbytes(1_000_000))
    file.write(b"the end")


def digest(path):
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


sent = []
original = requests.put


def put(url, **more):
    assert "Authorization" not in (more.get("headers") or {})
    answer = original(url, **more)
    sent.append(answer)
    return answer


requests.put = put
with mlflow.start_run() as run:
    mlflow.log_artifact(str(source), "folder")
chunk = int(os.environ["MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE"])
assert len(sent) == -(-source.stat().st_size // chunk) > 2, len(sent)
assert all(answer.headers["ETag"] for answer in sent)

wanted = digest(source)
client = mlflow.MlflowClient()
assert client.list_artifacts(run.info.run_id, "folder")[0].file_size == source.stat().st_size
assert digest(client.download_artifacts(run.info.run_id, "folder/big.bin")) == wanted

repository = MlflowArtifactsRepository(f"mlflow-artifacts:/runs/{run.info.run_id}", mlflow.get_tracking_uri())
assert repository._fetch_server_capabilities() == {
    "multipart_uploads_enabled": True,
    "multipart_downloads_enabled": True,
}
assert digest(repository.download_artifacts("folder/big.bin")) == wanted


def broken(url, **more):
    raise requests.ConnectionError("the line is dead")


requests.put = broken
repository = get_artifact_repository(run.info.artifact_uri)
failure = None
try:
    repository.log_artifact(str(source), "broken")
except Exception as failed:  # noqa: BLE001 - whatever it is, it has to be told
    failure = failed
assert "part" in str(failure), failure
assert client.list_artifacts(run.info.run_id, "broken") == []
