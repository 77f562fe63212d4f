"""The worker's configuration: one JSON file, read once. It may carry secrets in ``env``, so it is never logged."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from .faults import StartError


@dataclass(frozen=True)
class Config:
    """What to serve and how.

    ``name`` and ``version`` are what ``/v2`` tells. ``scoring_script`` may be relative to ``code_dir``. Either ``uds`` or
    ``port`` is listened on (port 0 takes a free one); ``ready_file``, if given, is written by rename once the worker
    answers: ``{"pid", "host", "port"}`` or ``{"pid", "uds"}``. ``max_concurrent`` calls run at one time, others wait.
    ``model_folder`` is what the folder was called from which the model was registered. ``layer`` are folders appended to
    ``sys.path``."""

    name: str
    version: str = "1"
    model_dir: str | None = None
    model_folder: str = ""
    scoring_script: str | None = None
    code_dir: str | None = None
    host: str = "127.0.0.1"
    port: int | None = None
    uds: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    layer: list[str] = field(default_factory=list)
    max_batch: int = 64
    batching: str = "auto"
    request_timeout_ms: int = 60_000
    max_concurrent: int = 1
    ready_file: str | None = None


_WANTED: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "version": (str, int),
    "model_dir": (str, type(None)),
    "model_folder": (str,),
    "scoring_script": (str, type(None)),
    "code_dir": (str, type(None)),
    "host": (str,),
    "port": (int, type(None)),
    "uds": (str, type(None)),
    "env": (dict,),
    "layer": (list,),
    "max_batch": (int,),
    "batching": (str,),
    "request_timeout_ms": (int,),
    "max_concurrent": (int,),
    "ready_file": (str, type(None)),
}


def read(path: Path) -> Config:
    """The configuration in *path*; raise ``StartError`` naming the first field that is wrong. Unknown fields are refused."""
    try:
        said = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StartError(f"the configuration {path} cannot be read: {error}") from error
    if not isinstance(said, dict):
        raise StartError(f"the configuration {path} is not a JSON object")
    return _checked(said)


def _checked(said: dict[str, Any]) -> Config:
    unknown = sorted(set(said) - {one.name for one in fields(Config)})
    if unknown:
        raise StartError(f"the configuration has unknown fields: {', '.join(unknown)}")
    for name, value in said.items():
        if not isinstance(value, _WANTED[name]) or isinstance(value, bool):
            raise StartError(f"the configuration's field {name} has the wrong type")
    if not all(isinstance(one, str) for one in [*said.get("env", {}).values(), *said.get("layer", [])]):
        raise StartError("the configuration's env and layer hold text only")
    if "name" not in said:
        raise StartError("the configuration has no name")
    config = Config(**{**said, "version": str(said.get("version", "1"))})
    if (config.port is None) == (config.uds is None):
        raise StartError("the configuration needs either port or uds")
    if config.batching not in ("auto", "on", "off"):
        raise StartError(f"batching is auto, on or off, not {config.batching!r}")
    if min(config.max_batch, config.request_timeout_ms, config.max_concurrent) < 1:
        raise StartError("max_batch, request_timeout_ms and max_concurrent are at least 1")
    if config.model_dir is None and config.scoring_script is None:
        raise StartError("the configuration names neither a model_dir nor a scoring_script")
    return config
