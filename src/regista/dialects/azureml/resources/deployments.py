"""Online deployments as resources. What Azure says of one and Regista has no field for is kept as one property, so that the
SDK gets it back; what would be a lie if it were passed over is refused."""

import json
from typing import Any

import msgspec

from regista.dialects.azureml.call import Json
from regista.dialects.azureml.durations import duration, milliseconds, seconds
from regista.dialects.azureml.ids import asset_id, scope_id
from regista.dialects.azureml.resources.endpoints import OWN, given
from regista.entities.asset import AssetKind
from regista.entities.documents.endpoint import OnlineDeploymentDocument, parse_online_deployment
from regista.entities.endpoint import Deployment
from regista.entities.reference import asset_reference
from regista.entities.scope import Scope
from regista.errors import InvalidError, UnsupportedError

KEPT = "azureml"
"""The property with what Regista has no field for, as JSON."""

_EXTRAS = {
    "endpointComputeType": "Managed",
    "appInsightsEnabled": False,
    "modelMountPath": None,
    "containerResourceRequirements": None,
}
"""What is kept, and what each is where nothing else was said."""

_PROBES = {"liveness_probe": "livenessProbe", "readiness_probe": "readinessProbe"}
_PUBLIC = "azureml://registries/"
_PLURALS = {AssetKind.MODEL: "models", AssetKind.ENVIRONMENT: "environments", AssetKind.CODE: "codes"}


class Code(msgspec.Struct, rename="camel"):
    """Scoring code."""

    code_id: str | None = None
    scoring_script: str | None = None


class Requests(msgspec.Struct, rename="camel"):
    """How one instance takes requests."""

    request_timeout: str | None = None
    max_concurrent_requests_per_instance: int | None = None
    max_queue_wait: str | None = None


class Probe(msgspec.Struct, rename="camel"):
    """When an instance counts as alive or ready."""

    initial_delay: str | None = None
    period: str | None = None
    timeout: str | None = None
    success_threshold: int | None = None
    failure_threshold: int | None = None


class Properties(msgspec.Struct, rename="camel"):
    """What is read of a deployment."""

    description: str | None = None
    properties: dict[str, str | None] | None = None
    model: str | None = None
    environment_id: str | None = None
    code_configuration: Code | None = None
    environment_variables: dict[str, str | None] | None = None
    instance_type: str | None = None
    request_settings: Requests | None = None
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    scale_settings: dict[str, Any] | None = None
    data_collector: dict[str, Any] | None = None
    egress_public_network_access: str | None = None


class Sku(msgspec.Struct):
    """How many instances."""

    name: str | None = None
    capacity: int | None = None


class Body(msgspec.Struct):
    """A deployment in a request."""

    tags: dict[str, str | None] | None = None
    sku: Sku | None = None


def read(endpoint: str, name: str, body: Body, told: Properties, whole: Json) -> OnlineDeploymentDocument:
    """What the resource asks for."""
    _refuse(told)
    code = told.code_configuration
    mapping = {
        "name": name,
        "endpoint_name": endpoint,
        "description": told.description,
        "tags": body.tags,
        "properties": _properties(told, whole),
        "model": told.model,
        "environment": told.environment_id,
        "code_configuration": {"code": code.code_id, "scoring_script": code.scoring_script} if code else None,
        "environment_variables": told.environment_variables,
        "instance_type": told.instance_type,
        "instance_count": body.sku.capacity if body.sku else None,
        "request_settings": _requests(told.request_settings),
        "liveness_probe": _probe(told.liveness_probe, "livenessProbe"),
        "readiness_probe": _probe(told.readiness_probe, "readinessProbe"),
    }
    return parse_online_deployment({key: value for key, value in mapping.items() if value is not None})


def _refuse(told: Properties) -> None:
    scale = (told.scale_settings or {}).get("scaleType", "Default")
    if scale != "Default":
        raise UnsupportedError(
            "scale_settings: the number of instances does not change by itself",
            hint="Give instance_count, and no more.",
        )
    collections = (told.data_collector or {}).get("collections") or {}
    if collections and told.data_collector:
        raise UnsupportedError(
            "data_collector: requests and answers are not collected", hint="Leave data_collector out."
        )
    if (told.egress_public_network_access or "").lower() == "disabled":
        raise UnsupportedError(
            "egress_public_network_access: disabled is not served: deployments reach what their machine reaches",
            hint="Leave it out.",
        )


def _properties(told: Properties, whole: Json) -> dict[str, str]:
    extras = {key: whole[key] for key, usual in _EXTRAS.items() if whole.get(key) not in (None, usual)}
    kept = {KEPT: json.dumps(extras, sort_keys=True)} if extras else {}
    return {key: value for key, value in given(told.properties).items() if key != KEPT} | kept


def _requests(told: Requests | None) -> Json | None:
    if told is None:
        return None
    return _given(
        request_timeout_ms=milliseconds(told.request_timeout, "requestTimeout"),
        max_concurrent_requests_per_instance=told.max_concurrent_requests_per_instance,
        max_queue_wait_ms=milliseconds(told.max_queue_wait, "maxQueueWait"),
    )


def _probe(told: Probe | None, what: str) -> Json | None:
    if told is None:
        return None
    times = {name: seconds(getattr(told, name), what) for name in ("initial_delay", "period", "timeout")}
    return _given(**times, success_threshold=told.success_threshold, failure_threshold=told.failure_threshold)


def _given(**fields: int | None) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


def rendered(home: Scope, row: Deployment) -> Json:
    """``properties`` of the resource."""
    spec = row.spec
    code = spec.get("code_configuration") or {}
    properties = {key: value for key, value in row.properties.items() if key != KEPT}
    if row.message:
        properties[f"{OWN}message"] = row.message
    return {
        **_EXTRAS,
        **_kept(row),
        "description": spec.get("description") or None,
        "properties": properties,
        "provisioningState": str(row.state),
        "model": _id(home, row, row.model, AssetKind.MODEL, spec.get("model")),
        "environmentId": _id(home, row, row.environment, AssetKind.ENVIRONMENT, spec.get("environment")),
        "codeConfiguration": {
            "codeId": _id(home, row, row.code, AssetKind.CODE, code.get("code")),
            "scoringScript": row.scoring_script,
        }
        if row.code
        else None,
        "environmentVariables": row.environment_variables,
        "instanceType": row.instance_type or None,
        "requestSettings": _rendered_requests(row.request_settings),
        **{theirs: _rendered_probe(spec.get(ours) or {}) for ours, theirs in _PROBES.items()},
        "scaleSettings": {"scaleType": "Default"},
        "egressPublicNetworkAccess": "Enabled",
    }


def _kept(row: Deployment) -> Json:
    try:
        found = json.loads(row.properties.get(KEPT, "{}"))
    except ValueError:
        return {}
    return {key: found[key] for key in _EXTRAS if key in found} if isinstance(found, dict) else {}


def _rendered_requests(settings: Json) -> Json:
    return {
        "requestTimeout": duration(settings.get("request_timeout_ms", 5000)),
        "maxConcurrentRequestsPerInstance": settings.get("max_concurrent_requests_per_instance", 1),
        "maxQueueWait": duration(settings.get("max_queue_wait_ms", 500)),
    }


def _rendered_probe(probe: Json) -> Json:
    return {
        "initialDelay": duration(probe.get("initial_delay", 10) * 1000),
        "period": duration(probe.get("period", 10) * 1000),
        "timeout": duration(probe.get("timeout", 2) * 1000),
        "successThreshold": probe.get("success_threshold", 1),
        "failureThreshold": probe.get("failure_threshold", 30),
    }


def _id(home: Scope, row: Deployment, node: str, kind: AssetKind, written: object) -> str | None:
    """The id of the exact version behind *node*: where it is, is told by what was *written*, unless it is at home. An
    environment that a model brought along was never written, and is not told."""
    if not node or not written:
        return None
    _, _, place = node.partition(":")
    scope, _, name, version = place.split("/", 3)
    if isinstance(written, str) and scope == row.scope_id and written.lower().startswith(_PUBLIC):
        return written  # a curated environment, which became an anonymous one here: it is told as it was asked for
    if scope == row.scope_id or not isinstance(written, str):
        return asset_id(home, _PLURALS[kind], name, version)
    try:
        found = asset_reference(written, kind)
    except InvalidError:
        return written
    if found.registry:
        return f"azureml://registries/{found.registry}/{_PLURALS[kind]}/{name}/versions/{version}"
    if not found.workspace:
        return written
    elsewhere = msgspec.structs.replace(
        home,
        name=found.workspace,
        subscription=found.subscription or home.subscription,
        resource_group=found.resource_group or home.resource_group,
    )
    return f"{scope_id(elsewhere)}/{_PLURALS[kind]}/{name}/versions/{version}"
