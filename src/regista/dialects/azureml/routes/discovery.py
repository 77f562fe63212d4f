"""How a client finds everything else, and the token door."""

from regista.dialects.azureml.call import Answer, Call, Level
from regista.dialects.azureml.routing import Route
from regista.dialects.desk import Pace
from regista.entities.scope import ScopeAddress, ScopeKind
from regista.errors import InvalidError, UnauthenticatedError
from regista.services.access.tokens import OWN, normal_audience

CLOUD = "Regista"
STORAGE_SUFFIX = "regista"
"""What stands behind ``.blob.`` in the address of an account."""


def endpoints(call: Call) -> Answer:
    """The one cloud that there is. The SDK derives the audience ``https://ml.azure.internal`` from the portal's name."""
    return Answer(
        200,
        [
            {
                "name": CLOUD,
                "portal": "https://portal.regista.internal",
                "resourceManager": f"{call.base}/",
                "authentication": {"loginEndpoint": f"{call.base}/login/", "audiences": [f"{call.base}/"]},
                "suffixes": {"storage": STORAGE_SUFFIX},
            }
        ],
    )


def registry(call: Call, name: str) -> Answer:
    """Where a registry is: here."""
    scope = call.house.scopes.get(call.caller, ScopeAddress(ScopeKind.REGISTRY, name))
    return Answer(
        200,
        {
            "registryName": scope.name,
            "primaryRegion": scope.location,
            "primaryRegionResourceProviderUri": f"{call.base}/",
            "resourceGroup": scope.resource_group,
            "subscriptionId": scope.subscription,
            "regions": [scope.location, *scope.replication_locations],
        },
    )


def workspace(call: Call) -> Answer:
    """The services of a workspace; nothing in it depends on which, and so nothing is told about any."""
    return Answer(200, dict.fromkeys(("api", "history", "modelmanagement", "experimentation"), call.base))


def token(call: Call) -> Answer:
    """A managed identity's endpoint (App Service, api-version 2019-08-01) for whoever has a key as its secret header."""
    secret, resource = call.headers.get("x-identity-header", ""), call.asked("resource")
    if not secret:
        raise UnauthenticatedError("the header X-IDENTITY-HEADER is missing", hint="Connect: regista connect azureml.")
    if not resource:
        raise InvalidError("the parameter resource is missing")
    audience = normal_audience(resource)
    issued = call.house.access.exchange(secret, OWN if audience.lower() == call.base.lower() else audience)
    return Answer(
        200,
        {
            "access_token": issued.text,
            "expires_on": str(issued.expires_on),
            "resource": audience,
            "token_type": "Bearer",
        },
        (("cache-control", "no-store"),),
    )


ROUTES = (
    Route("GET", (Level.ROOT,), "metadata/endpoints", endpoints, public=True, pace=Pace.GLANCE),
    Route("GET", (Level.ROOT,), "registrymanagement/v1.0/registries/{name}/discovery", registry, pace=Pace.GLANCE),
    Route("GET", (Level.ROOT,), "discovery", workspace, public=True, pace=Pace.GLANCE),
    Route("GET", (Level.ROOT,), "identity/token", token, public=True),
)
