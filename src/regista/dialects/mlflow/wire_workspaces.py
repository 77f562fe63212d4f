"""What MLflow's clients send about workspaces (version 3.0 of the REST API)."""

import msgspec

from regista.dialects.mlflow.wire import Text


class ArchivalWire(msgspec.Struct, frozen=True):
    """Where a workspace archives its traces, and for how long."""

    location: str = ""
    retention: str = ""


class CreateWorkspace(msgspec.Struct):
    """``POST workspaces``."""

    name: Text
    description: str = ""
    default_artifact_root: str = ""
    trace_archival_config: ArchivalWire = ArchivalWire()


class UpdateWorkspace(msgspec.Struct):
    """``PATCH workspaces/NAME``; what is None stays."""

    description: str | None = None
    default_artifact_root: str = ""
    trace_archival_config: ArchivalWire = ArchivalWire()


class DeleteWorkspace(msgspec.Struct):
    """``DELETE workspaces/NAME?mode=…``."""

    mode: str = "RESTRICT"
