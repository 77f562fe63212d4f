"""Online endpoints of a workspace and their deployments."""

from collections.abc import Sequence
from typing import Any, Literal

from litestar import Response, delete, get, patch, post, put
from litestar.handlers import BaseRouteHandler
from litestar.status_codes import HTTP_202_ACCEPTED, HTTP_204_NO_CONTENT

from regista.entities.access import Caller
from regista.entities.documents.endpoint import parse_online_deployment, parse_online_endpoint
from regista.entities.endpoint import Deployment, Endpoint, TrafficChange
from regista.entities.endpoint_views import EndpointKeys, EndpointToken, EndpointView, LogPart
from regista.entities.page import Page, PageRequest
from regista.entities.preflight import Check
from regista.entities.scope import ScopeAddress
from regista.entities.why import WhyReport
from regista.errors import InvalidError
from regista.services.house import House
from regista.services.serving.endpoints import EndpointChange, scoring_uri


def _view(house: House, endpoint: Endpoint) -> EndpointView:
    return _views(house, (endpoint,))[0]


def _views(house: House, endpoints: Sequence[Endpoint]) -> tuple[EndpointView, ...]:
    states = zip(endpoints, house.endpoints.state(endpoints), strict=True)
    return tuple(EndpointView.of(one, scoring_uri(house.serving.url, one), state) for one, state in states)


def _deleted(*, in_force: bool) -> Response[None]:
    """204, or 202 where the gateway does not know of it yet."""
    return Response(None, status_code=HTTP_204_NO_CONTENT if in_force else HTTP_202_ACCEPTED)


@get("/onlineEndpoints", sync_to_thread=True)
def list_endpoints(caller: Caller, house: House, address: ScopeAddress, page: PageRequest) -> Page[EndpointView]:
    """The endpoints that the caller may read, newest first."""
    found = house.endpoints.page(caller, address, page)
    return Page(_views(house, found.items), found.next)


@post("/onlineEndpoints", sync_to_thread=True)
def create_endpoint(caller: Caller, house: House, address: ScopeAddress, data: dict[str, Any]) -> EndpointView:
    """Make the endpoint of a document in the shape of its YAML; a taken name is refused."""
    return _view(house, house.endpoints.create(caller, address, parse_online_endpoint(data)))


@put("/onlineEndpoints/{endpoint:str}", sync_to_thread=True)
def put_endpoint(
    caller: Caller, house: House, address: ScopeAddress, endpoint: str, data: dict[str, Any]
) -> EndpointView:
    """Make the endpoint, or change it to what the document says."""
    document = parse_online_endpoint(data | {"name": endpoint})
    return _view(house, house.endpoints.put(caller, address, document))


@get("/onlineEndpoints/{endpoint:str}", sync_to_thread=True)
def get_endpoint(caller: Caller, house: House, address: ScopeAddress, endpoint: str) -> EndpointView:
    """One endpoint."""
    return _view(house, house.endpoints.get(caller, address, endpoint))


@patch("/onlineEndpoints/{endpoint:str}", sync_to_thread=True)
def update_endpoint(
    caller: Caller, house: House, address: ScopeAddress, endpoint: str, data: EndpointChange
) -> EndpointView:
    """Change what is given: traffic and mirrored traffic are given whole. It answers when every request from then on goes
    the new way; with ``provisioning_state`` ``Updating`` the gateway does not answer, and will take it when it does."""
    return _view(house, house.endpoints.update(caller, address, endpoint, data))


@delete("/onlineEndpoints/{endpoint:str}", sync_to_thread=True)
def delete_endpoint(caller: Caller, house: House, address: ScopeAddress, endpoint: str) -> Response[None]:
    """Delete the endpoint with all its deployments. 202: the gateway does not know of it yet."""
    return _deleted(in_force=house.endpoints.delete(caller, address, endpoint))


@get("/onlineEndpoints/{endpoint:str}/traffic", sync_to_thread=True)
def get_traffic(caller: Caller, house: House, address: ScopeAddress, endpoint: str) -> list[TrafficChange]:
    """Every change of traffic, oldest first."""
    return house.why.history(caller, address, endpoint)


@post("/onlineEndpoints/{endpoint:str}/keys", sync_to_thread=True, status_code=200)
def get_keys(caller: Caller, house: House, address: ScopeAddress, endpoint: str) -> EndpointKeys:
    """The keys; that they were asked for is recorded, hence no GET."""
    return house.endpoints.keys(caller, address, endpoint)


@post("/onlineEndpoints/{endpoint:str}/token", sync_to_thread=True, status_code=200)
def get_token(caller: Caller, house: House, address: ScopeAddress, endpoint: str) -> EndpointToken:
    """A token for an endpoint that tokens open; that it was fetched is recorded, hence no GET."""
    return house.endpoints.token(caller, address, endpoint)


@post("/onlineEndpoints/{endpoint:str}/keys/{which:str}/regenerate", sync_to_thread=True, status_code=200)
def regenerate_key(
    caller: Caller, house: House, address: ScopeAddress, endpoint: str, which: Literal["primary", "secondary"]
) -> EndpointKeys:
    """Replace the primary or the secondary key."""
    if which not in {"primary", "secondary"}:
        raise InvalidError(f"there is no {which[:50]!r} key", hint="Keys are: primary, secondary.")
    return house.endpoints.regenerate(caller, address, endpoint, which)


@get("/onlineEndpoints/{endpoint:str}/why", sync_to_thread=True)
def get_why(caller: Caller, house: House, address: ScopeAddress, endpoint: str, at: int | None = None) -> WhyReport:
    """What was behind the endpoint at a time (milliseconds since 1970; now), traced back."""
    return house.why.why(caller, address, endpoint, at)


@get("/onlineEndpoints/{endpoint:str}/deployments", sync_to_thread=True)
def list_deployments(caller: Caller, house: House, address: ScopeAddress, endpoint: str) -> list[Deployment]:
    """The deployments of an endpoint, by name."""
    return house.deployments.all(caller, address, endpoint)


@put("/onlineEndpoints/{endpoint:str}/deployments/{name:str}", sync_to_thread=True)
def put_deployment(
    caller: Caller,
    house: House,
    address: ScopeAddress,
    endpoint: str,
    name: str,
    data: dict[str, Any],
    only: Literal["create", "update"] | None = None,
) -> Deployment:
    """Make or change the deployment of a document in the shape of its YAML; ``only`` refuses the other of the two.

    It answers when the wish is written down: ``state`` tells what became of it."""
    document = parse_online_deployment(data | {"name": name, "endpoint_name": endpoint})
    return house.deployments.put(caller, address, document, only=only)


@get("/onlineEndpoints/{endpoint:str}/deployments/{name:str}", sync_to_thread=True)
def get_deployment(caller: Caller, house: House, address: ScopeAddress, endpoint: str, name: str) -> Deployment:
    """One deployment."""
    return house.deployments.get(caller, address, endpoint, name)


@delete("/onlineEndpoints/{endpoint:str}/deployments/{name:str}", sync_to_thread=True)
def delete_deployment(caller: Caller, house: House, address: ScopeAddress, endpoint: str, name: str) -> Response[None]:
    """Delete a deployment that gets no traffic. 202: the gateway does not know of it yet."""
    return _deleted(in_force=house.deployments.delete(caller, address, endpoint, name))


@get("/onlineEndpoints/{endpoint:str}/deployments/{name:str}/logs", sync_to_thread=True)
def get_log(
    caller: Caller,
    house: House,
    address: ScopeAddress,
    endpoint: str,
    name: str,
    instance: int = 0,
    offset: int = 0,
    preparation: bool = False,
) -> LogPart:
    """What an instance wrote, or what was done to prepare the deployment; a negative offset counts from the end."""
    which = None if preparation else instance
    return house.deployments.log(caller, address, endpoint, name, instance=which, offset=offset)


@post("/onlineDeployments/preflight", sync_to_thread=True, status_code=200)
def preflight(caller: Caller, house: House, address: ScopeAddress, data: dict[str, Any]) -> list[Check]:
    """Everything that would make the deployment of a document fail, each with its fix; nothing is changed."""
    return house.preflight.can_i_deploy(caller, address, parse_online_deployment(data))


HANDLERS: Sequence[BaseRouteHandler] = (
    list_endpoints,
    create_endpoint,
    put_endpoint,
    get_endpoint,
    update_endpoint,
    delete_endpoint,
    get_traffic,
    get_keys,
    get_token,
    regenerate_key,
    get_why,
    list_deployments,
    put_deployment,
    get_deployment,
    delete_deployment,
    get_log,
    preflight,
)
