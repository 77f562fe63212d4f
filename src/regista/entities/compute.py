"""Computes: what a workspace says that its work runs on.

A compute is a named profile, and a record alone: jobs may name it, and people see what was meant by the name. Nothing is
made, started or paid for by it, and its numbers (``size``, ``max_instances``, idle times) bound nothing: where work runs is
the business of the workers.
"""

import re
from enum import StrEnum
from typing import Any

import msgspec

_SECRET = re.compile(r"password|secret|private_?key|token|connection_?string|account_?key", re.IGNORECASE)


class ComputeType(StrEnum):
    """What kind of machine is meant."""

    AML_COMPUTE = "amlcompute"
    COMPUTE_INSTANCE = "computeinstance"
    VIRTUAL_MACHINE = "virtualmachine"
    KUBERNETES = "kubernetes"
    SYNAPSE_SPARK = "synapsespark"


class ComputeState(StrEnum):
    """Whether somebody has said that a compute instance runs; nothing else has a state."""

    RUNNING = "Running"
    STOPPED = "Stopped"


class ComputeFields(msgspec.Struct, frozen=True, kw_only=True):
    """What people say of a compute. ``spec`` holds what that is beyond the fields here, as it was given; times to idle are in
    seconds. It holds no secret: see ``without_secrets``."""

    name: str
    type: ComputeType = ComputeType.AML_COMPUTE
    description: str = ""
    tags: dict[str, str] = {}
    location: str = ""
    size: str = ""
    tier: str = ""
    min_instances: int = 0
    max_instances: int = 0
    idle_time: int = 0
    resource_id: str = ""
    spec: dict[str, Any] = {}


class Compute(ComputeFields, frozen=True, kw_only=True):
    """A named profile of a workspace."""

    scope_id: str = ""
    state: ComputeState | None = None
    created_at: int = 0
    created_by: str = ""
    updated_at: int = 0


def without_secrets(value: Any) -> Any:
    """*value* without every field whose name says that it holds a secret: passwords of machines that nobody opens here."""
    if isinstance(value, dict):
        return {key: without_secrets(inner) for key, inner in value.items() if not _SECRET.search(str(key))}
    if isinstance(value, list | tuple):
        return [without_secrets(inner) for inner in value]
    return value
