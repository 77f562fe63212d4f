"""The environment that an MLflow model brings along: ``conda.yaml``, else ``requirements.txt``, beside its MLmodel file.

The layout is that of https://mlflow.org/docs/latest/ml/model/#storage-format
"""

from collections.abc import Callable
from typing import Any

import yaml

from regista.entities.digest import Digest
from regista.entities.documents.environment import parse_environment
from regista.entities.environment import EnvironmentSpec
from regista.entities.manifest import Manifest, ManifestEntry
from regista.errors import InvalidError
from regista.services.environments.environments import written_spec

_MOST_BYTES = 256 * 1024


def mlmodel_folder(manifest: Manifest) -> str | None:
    """The folder with the MLmodel file, ending in ``/`` ("" for the top), or None: as the scoring worker looks for it."""
    if manifest.find("MLmodel"):
        return ""
    found = [entry.path for entry in manifest.files if entry.path.endswith("/MLmodel") and entry.path.count("/") == 1]
    return found[0].removesuffix("MLmodel") if len(found) == 1 else None


def model_environment(manifest: Manifest, read: Callable[[Digest], bytes]) -> EnvironmentSpec:
    """The environment in the model's own files; raise ``InvalidError`` when there is none, or none that can be read."""
    folder = mlmodel_folder(manifest) or ""
    if conda := manifest.find(folder + "conda.yaml"):
        document: dict[str, Any] = {"conda_file": _mapping(_content(conda, read), conda.path)}
    elif requirements := manifest.find(folder + "requirements.txt"):
        lines = _content(requirements, read).decode(errors="replace").splitlines()
        document = {"pip": [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]}
    else:
        raise InvalidError(
            "the model has neither conda.yaml nor requirements.txt beside its MLmodel file",
            hint="Give the deployment an environment.",
        )
    return written_spec(parse_environment(document, where="the model's environment", anonymous=True), None, read)


def _content(entry: ManifestEntry, read: Callable[[Digest], bytes]) -> bytes:
    if entry.size > _MOST_BYTES:
        raise InvalidError(f"{entry.path} has {entry.size:,} bytes: that is no environment")
    return read(entry.digest)


def _mapping(content: bytes, path: str) -> dict[str, Any]:
    """A YAML mapping without aliases: with those a small file could become a giant."""
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(content, yaml.SafeLoader)):
            raise InvalidError(f"{path} has YAML aliases", hint="Write its values out.")
        found = yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as wrong:
        raise InvalidError(f"{path} is not YAML: {wrong}") from wrong
    if not isinstance(found, dict):
        raise InvalidError(f"{path} is not a conda file")
    return found
