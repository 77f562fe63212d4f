"""Moving files between this machine and the server: the two calls that commands and the Python client make.

manifest = upload(transport, "workspaces/dev", Path("model"))
download(transport, "registries/acme/models/churn/versions/3", Path("here"))
"""

from collections.abc import Iterable
from pathlib import Path

from regista.client.digest_cache import DigestCache
from regista.client.download import Downloader
from regista.client.progress import SILENT, Progress
from regista.client.scan import scan
from regista.client.transport import Transport
from regista.client.upload import Uploader
from regista.entities.digest import Digest
from regista.entities.manifest import Manifest

__all__ = ["Downloader", "Uploader", "download", "upload"]

_WORKERS = 4


def upload(
    transport: Transport,
    scope: str,
    path: Path,
    *,
    also_ignore: Iterable[str] = (),
    workers: int = _WORKERS,
    progress: Progress = SILENT,
) -> Manifest:
    """Bring the file or folder *path* into *scope* (``workspaces/{address}`` or ``registries/{address}``); return the
    manifest to register. Doing it again sends nothing."""
    uploader = Uploader(transport, scope, workers=workers, progress=progress, cache=DigestCache())
    return uploader.upload(scan(path, also_ignore=also_ignore))


def download(
    transport: Transport,
    place: str,
    target: Path,
    *,
    below: str = "",
    overwrite: bool = False,
    expected: Digest | None = None,
    workers: int = _WORKERS,
    progress: Progress = SILENT,
) -> Manifest:
    """Bring the files of *place*, a version or a job's output, into the folder *target*; see ``Downloader.download``."""
    downloader = Downloader(transport, place, workers=workers, progress=progress)
    return downloader.download(target, below=below, overwrite=overwrite, expected=expected)
