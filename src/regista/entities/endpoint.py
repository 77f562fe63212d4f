"""Endpoints: a stable address over deployments, and the traffic between them."""

from enum import StrEnum
from typing import Any

import msgspec

from regista.entities.digest import Digest


class DeploymentState(StrEnum):
    """Where a deployment stands; ``Updating`` serves its old generation until the new one is ready."""

    CREATING = "Creating"
    UPDATING = "Updating"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    DELETING = "Deleting"


class AuthMode(StrEnum):
    """What opens an endpoint: one of its two keys, a token that was asked for it, or that or a token for Azure ML."""

    KEY = "key"
    AML_TOKEN = "aml_token"  # noqa: S105 - a kind of secret, not one
    AAD_TOKEN = "aad_token"  # noqa: S105


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A stable address. ``traffic`` gives percent to deployments (all 0, or 100 together); ``mirror_traffic`` copies
    requests to one deployment whose answers are thrown away (at most 50 percent). ``sealed_keys`` are the primary and
    the secondary key, encrypted with the installation's secret; ``key_hashes`` what the gateway compares with."""

    id: str
    scope_id: str
    name: str
    auth_mode: str = AuthMode.KEY
    description: str = ""
    tags: dict[str, str] = {}
    properties: dict[str, str] = {}
    traffic: dict[str, int] = {}
    mirror_traffic: dict[str, int] = {}
    sealed_keys: tuple[str, str] = ("", "")
    key_hashes: tuple[str, str] = ("", "")
    created_at: int = 0
    created_by: str = ""
    updated_at: int = 0


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """A version serving behind an endpoint. ``model``, ``environment`` and ``code`` are lineage nodes of exact versions
    (environment and code empty for an MLflow model without code); ``generation`` grows with every change of what runs."""

    id: str
    scope_id: str
    endpoint: str
    name: str
    generation: int = 1
    state: DeploymentState = DeploymentState.CREATING
    message: str = ""
    model: str = ""
    model_manifest: Digest | None = None
    environment: str = ""
    lock: Digest | None = None
    code: str = ""
    code_manifest: Digest | None = None
    scoring_script: str = ""
    environment_variables: dict[str, str] = {}
    instance_count: int = 1
    instance_type: str = ""
    request_settings: dict[str, Any] = {}
    spec: dict[str, Any] = {}
    tags: dict[str, str] = {}
    properties: dict[str, str] = {}
    serving_generation: int = 0
    created_at: int = 0
    created_by: str = ""
    updated_at: int = 0

    @property
    def node(self) -> str:
        """Its name in the lineage graph; each generation is a node of its own."""
        return f"deployment:{self.scope_id}/{self.endpoint}/{self.name}/{self.generation}"

    @property
    def serving_node(self) -> str:
        """The lineage node of the generation that serves; "" while none does."""
        serving = self.serving_generation
        return msgspec.structs.replace(self, generation=serving).node if serving else ""


class TrafficChange(msgspec.Struct, frozen=True, kw_only=True):
    """What served from ``at`` on: the traffic, and which deployment generation (lineage node) each name meant."""

    scope_id: str
    endpoint: str
    at: int
    traffic: dict[str, int]
    mirror_traffic: dict[str, int] = {}
    nodes: dict[str, str] = {}
    by: str = ""
    reason: str = ""
