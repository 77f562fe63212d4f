"""Computes as resources. What Azure says of one and Regista has no field for is kept in ``spec`` under one key, without what
is secret, so that the SDK gets it back."""

from typing import Any

import msgspec

from regista.dialects.azureml.call import Json
from regista.dialects.azureml.durations import duration, seconds
from regista.dialects.azureml.render import when
from regista.entities.compute import Compute, ComputeType, without_secrets
from regista.entities.documents.compute import ComputeDocument
from regista.errors import InvalidError, UnsupportedError

KEPT = "azureml"
"""The key in ``spec``."""

_TYPES = {
    ComputeType.AML_COMPUTE: "AmlCompute",
    ComputeType.COMPUTE_INSTANCE: "ComputeInstance",
    ComputeType.VIRTUAL_MACHINE: "VirtualMachine",
    ComputeType.KUBERNETES: "Kubernetes",
    ComputeType.SYNAPSE_SPARK: "SynapseSpark",
}
_OURS = {name.lower(): ours for ours, name in _TYPES.items()}
_TIERS = {"dedicated": "Dedicated", "low_priority": "LowPriority"}
_SPEC = {
    "enable_node_public_ip": "enableNodePublicIp",
    "enable_sso": "enableSSO",
    "enable_root_access": "enableRootAccess",
    "release_quota_on_stop": "releaseQuotaOnStop",
    "enable_os_patching": "enableOSPatching",
    "namespace": "namespace",
}
"""Fields of a document that are fields of the resource, by another name."""

_MOST = 1_000_000


class Scale(msgspec.Struct, rename="camel"):
    """How many machines there shall be."""

    min_node_count: int | None = None
    max_node_count: int | None = None
    node_idle_time_before_scale_down: str | None = None


class Inner(msgspec.Struct, rename="camel"):
    """What is read of ``properties.properties``."""

    vm_size: str | None = None
    vm_priority: str | None = None
    scale_settings: Scale | None = None
    idle_time_before_shutdown: str | None = None


class Properties(msgspec.Struct, rename="camel"):
    """What is read of a compute."""

    compute_type: str
    description: str | None = None
    compute_location: str | None = None
    resource_id: str | None = None
    properties: Inner | None = None


class Body(msgspec.Struct):
    """A compute in a request."""

    location: str | None = None
    tags: dict[str, str | None] | None = None
    identity: dict[str, Any] | None = None


def read(name: str, body: Body, told: Properties, whole: Json) -> ComputeDocument:
    """What the resource asks for; raise ``UnsupportedError`` for a type of compute that has no meaning here."""
    kind = _OURS.get(told.compute_type.lower())
    if kind is None:
        raise UnsupportedError(
            f"a compute of type {told.compute_type[:40]!r} is not served",
            hint=f"There are {', '.join(_TYPES.values())}.",
        )
    inner = told.properties or Inner()
    scale = inner.scale_settings or Scale()
    idle = scale.node_idle_time_before_scale_down or inner.idle_time_before_shutdown
    least, most = (_count(number) for number in (scale.min_node_count, scale.max_node_count))
    if most and least > most:
        raise InvalidError("scaleSettings: minNodeCount is more than maxNodeCount")
    return ComputeDocument(
        name=name,
        type=kind,
        description=told.description or "",
        tags={key: value or "" for key, value in (body.tags or {}).items()},
        location=told.compute_location or body.location or "",
        size=inner.vm_size or "",
        tier={"lowpriority": "low_priority"}.get(priority := (inner.vm_priority or "").lower(), priority),
        min_instances=least,
        max_instances=most,
        idle_time=min(seconds(idle, "the time to idle") or 0, _MOST),
        resource_id=told.resource_id or "",
        spec=_spec(whole.get("properties") or {}, body.identity),
    )


def _count(number: int | None) -> int:
    if number is not None and not 0 <= number <= _MOST:
        raise InvalidError(f"scaleSettings: a compute has 0 to {_MOST:,} nodes")
    return number or 0


def _spec(inner: Json, identity: Json | None) -> Json:
    spec = {ours: inner[theirs] for ours, theirs in _SPEC.items() if inner.get(theirs) is not None}
    if (access := inner.get("remoteLoginPortPublicAccess")) == "Enabled" or access == "Disabled":
        spec["ssh_public_access_enabled"] = access == "Enabled"
    rest = {key: value for key, value in inner.items() if key not in _TYPED and key not in _SPEC.values()}
    kept = without_secrets({"properties": rest, **({"identity": identity} if identity else {})})
    return spec | {KEPT: kept}


_TYPED = ("vmSize", "vmPriority", "scaleSettings", "idleTimeBeforeShutdown", "state", "errors", "lastOperation")


def rendered(compute: Compute) -> Json:
    """``properties`` of the resource."""
    return {
        "computeType": _TYPES[compute.type],
        "computeLocation": compute.location or None,
        "description": compute.description or None,
        "resourceId": compute.resource_id or None,
        "provisioningState": "Succeeded",
        "provisioningErrors": None,
        "createdOn": when(compute.created_at),
        "modifiedOn": when(compute.updated_at),
        "isAttachedCompute": bool(compute.resource_id),
        "disableLocalAuth": False,
        "properties": _inner(compute),
    }


def identity_of(compute: Compute) -> Json | None:
    """The identity that was given to it, as it was."""
    kept = compute.spec.get(KEPT)
    found = kept.get("identity") if isinstance(kept, dict) else None
    return found if isinstance(found, dict) else None


def _inner(compute: Compute) -> Json:
    kept = compute.spec.get(KEPT)
    rest = kept.get("properties") if isinstance(kept, dict) else None
    inner: Json = dict(rest) if isinstance(rest, dict) else {}
    inner |= {theirs: compute.spec[ours] for ours, theirs in _SPEC.items() if ours in compute.spec}
    if compute.size:
        inner["vmSize"] = compute.size
    match compute.type:
        case ComputeType.AML_COMPUTE:
            inner |= _cluster(compute)
        case ComputeType.COMPUTE_INSTANCE:
            inner["state"] = str(compute.state)
            inner["idleTimeBeforeShutdown"] = duration_of_minutes(compute.idle_time)
        case ComputeType.KUBERNETES:
            given = compute.spec.get("properties")
            inner = {**(given if isinstance(given, dict) else {}), **inner}
    return inner


def _cluster(compute: Compute) -> Json:
    is_open = compute.spec.get("ssh_public_access_enabled")
    return {
        "vmPriority": _TIERS.get(compute.tier, "Dedicated"),
        "scaleSettings": {
            "minNodeCount": compute.min_instances,
            "maxNodeCount": compute.max_instances,
            "nodeIdleTimeBeforeScaleDown": duration(compute.idle_time * 1000),
        },
        "remoteLoginPortPublicAccess": "NotSpecified" if is_open is None else "Enabled" if is_open else "Disabled",
        "allocationState": "Steady",
        "currentNodeCount": 0,
        "targetNodeCount": 0,
    }


def duration_of_minutes(length: int) -> str | None:
    """A length in seconds as the SDK takes it for instances, in minutes; None for none."""
    return f"PT{length // 60}M" if length >= 60 else None
