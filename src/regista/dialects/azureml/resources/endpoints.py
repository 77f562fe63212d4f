"""Online endpoints as resources."""

from typing import Any

import msgspec

from regista.dialects.azureml.call import Json
from regista.entities.documents.endpoint import OnlineEndpointDocument, parse_online_endpoint
from regista.entities.endpoint import Endpoint
from regista.errors import UnsupportedError

OWN = "regista."
"""Begins the names of properties that are Regista's own: told, and not taken back."""

_TOLD = frozenset({"createdBy", "createdAt", "lastModifiedAt"})
"""What the SDK puts among the properties of an endpoint that it reads."""

_COMPUTE = "azureml.compute"
_AUTH = {"key": "key", "amltoken": "aml_token", "aadtoken": "aad_token"}
_TOLD_AUTH = {"key": "Key", "aml_token": "AMLToken", "aad_token": "AADToken"}


class Properties(msgspec.Struct, rename="camel"):
    """What is read of an endpoint."""

    auth_mode: str | None = None
    description: str | None = None
    properties: dict[str, str | None] | None = None
    traffic: dict[str, int] | None = None
    mirror_traffic: dict[str, int] | None = None
    compute: str | None = None
    keys: dict[str, Any] | None = None
    public_network_access: str | None = None


class Body(msgspec.Struct):
    """An endpoint in a request."""

    tags: dict[str, str | None] | None = None


def read(name: str, body: Body, told: Properties) -> OnlineEndpointDocument:
    """What the resource asks for; raise ``UnsupportedError`` for what would be a lie if it were passed over."""
    if told.keys and any(told.keys.values()):
        raise UnsupportedError("keys of one's own choice are not served", hint="Leave keys out: the endpoint gets two.")
    if (told.public_network_access or "").lower() == "disabled":
        raise UnsupportedError(
            "public_network_access: disabled is not served",
            hint="Where endpoints can be reached from is settled where the gateway listens: REGISTA_GATEWAY_HOST.",
        )
    auth = (told.auth_mode or "").lower()
    compute = {_COMPUTE: told.compute} if told.compute else {}
    return parse_online_endpoint(
        {
            "name": name,
            "auth_mode": _AUTH.get(auth, auth),
            "description": told.description,
            "tags": body.tags,
            "properties": given(told.properties) | compute,
            "traffic": told.traffic,
            "mirror_traffic": told.mirror_traffic,
        }
    )


def given(properties: dict[str, str | None] | None) -> dict[str, str]:
    """The properties that somebody gave, and not this server or the SDK."""
    named = (properties or {}).items()
    return {key: value or "" for key, value in named if key not in _TOLD and not key.startswith(OWN)}


def rendered(endpoint: Endpoint, scoring_uri: str, state: str) -> Json:
    """``properties`` of the resource."""
    return {
        "authMode": _TOLD_AUTH[endpoint.auth_mode],
        "description": endpoint.description or None,
        "properties": {key: value for key, value in endpoint.properties.items() if key != _COMPUTE},
        "traffic": endpoint.traffic,
        "mirrorTraffic": endpoint.mirror_traffic,
        "compute": endpoint.properties.get(_COMPUTE),
        "scoringUri": scoring_uri,
        "swaggerUri": None,
        "provisioningState": state,
        "publicNetworkAccess": "Enabled",
    }


def kind_of(endpoint: Endpoint) -> str:
    """``K8S`` where it was given a compute of Kubernetes to name, else ``Managed``."""
    return "K8S" if endpoint.properties.get(_COMPUTE) else "Managed"
