"""The MLflow REST API (2.0 and 3.0, as MLflow 3.18 speaks it) over the services, one address for each scope:

    /mlflow/workspaces/NAME     a tracking server with a model registry
    /mlflow/registries/NAME     a model registry
    /mlflow                     a tracking server with workspaces, one of which is named in the header X-MLFLOW-WORKSPACE
    /mlflow/v1.0/subscriptions/…/workspaces/NAME, …/registries/NAME
                                the same by the address of the resource, as azure-ai-ml tells it; v2.0 is azureml-mlflow's

The address is what a client is given as its tracking URI or its registry URI; everything below it is MLflow's own:
``/api/2.0/mlflow/…``, ``/api/3.0/mlflow/…``, ``/api/2.0/mlflow-artifacts/…``, ``/health``, ``/version``.

Raw ASGI, and each request's work where its route says (``desk``): this is where scripts log their metrics, thousands a second.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache

import msgspec

from regista.dialects import http
from regista.dialects.arm import find_resource
from regista.dialects.desk import Desk, Pace
from regista.dialects.mlflow.call import FILES, PREFIX, Call, Place, Route
from regista.dialects.mlflow.decoding import Reader
from regista.dialects.mlflow.downloads import is_address
from regista.dialects.mlflow.errors import answer
from regista.dialects.mlflow.files import Files
from regista.dialects.mlflow.routes import ROUTES, TEMPLATES, workspaces
from regista.dialects.mlflow.routes.server import NO_OTLP, OTLP, PROTOCOL
from regista.entities.access import Caller
from regista.entities.scope import ScopeKind
from regista.errors import InvalidError, UnsupportedError
from regista.services.access.tokens import MANAGEMENT
from regista.services.house import House

__all__ = ["PREFIX", "application"]

_KINDS = {"workspaces": ScopeKind.WORKSPACE, "registries": ScopeKind.REGISTRY}
_APIS = ("api/2.0/mlflow/", "api/3.0/mlflow/")
_PLAIN = {"health": b"OK", "version": PROTOCOL.encode()}
_HOW = "Set MLFLOW_TRACKING_TOKEN, or the key as MLFLOW_TRACKING_PASSWORD with any user name."
_PLUGIN = b"azureml-mlflow/"
_WORKSPACE, _DEFAULT = b"x-mlflow-workspace", "default"
_SHARED = ("api", "ajax-api", "health", "version", "v1")
"""How paths go on behind the address of the installation."""
_VERSIONS = ("v1.0", "v2.0")
_PREVIEWS = {
    "api/2.0/preview/mlflow/runs/log-batch-async": "api/2.0/mlflow/runs/log-batch",
    "api/2.0/preview/mlflow/runs/get-run-data-status": "api/2.0/mlflow/runs/get-run-data-status",
}
"""What azureml-mlflow calls by names of its own. Its asynchronous batch is done when it is answered."""
_THREADS = 32

_encode = msgspec.json.Encoder().encode


class Mlflow:
    """The application."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._desk = Desk(house.catalog, _THREADS, "mlflow")
        tables = (ROUTES, TEMPLATES, workspaces.ROUTES, workspaces.TEMPLATES)
        self._readers = {route.request: Reader(route.request) for table in tables for route in table.values()}
        self._files = Files(house, self._desk.threads.run, self.call)

    async def __call__(self, scope: http.Scope, receive: http.Receive, send: http.Send) -> None:
        place = _place(scope["path"])
        if place is None:
            await http.respond(send, 404, b"There is no such route here\n", http.TEXT)
        elif place.rest in _PLAIN:
            await http.respond(send, 200, _PLAIN[place.rest], http.TEXT)
        elif place.rest == OTLP:
            await http.respond(send, *answer(UnsupportedError(NO_OTLP), ""))
        elif (chosen := http.headers(scope).get(_WORKSPACE)) is not None or place.shared:
            await self._choose(scope, receive, send, place, chosen)
        else:
            await self._enter(scope, receive, send, place)

    async def _choose(
        self, scope: http.Scope, receive: http.Receive, send: http.Send, place: Place, chosen: bytes | None
    ) -> None:
        """Go on with the workspace that the header names. In an address that names one itself it may name no other."""
        name = (chosen or b"").decode("latin-1").strip()
        if place.shared:
            await self._enter(scope, receive, send, msgspec.structs.replace(place, name=name or _DEFAULT))
        elif name in {"", place.name}:
            await self._enter(scope, receive, send, place)
        else:
            wrong = (
                f"this is the address of {place.kind} {place.name!r}, and the request names workspace {name[:100]!r}"
            )
            hint = f"Set the tracking URI to …{PREFIX} to choose workspaces, or choose none."
            await http.respond(send, *answer(InvalidError(wrong, hint=hint), ""))

    async def _enter(self, scope: http.Scope, receive: http.Receive, send: http.Send, place: Place) -> None:
        if is_address(place.rest) or f"/{place.rest}".startswith(FILES):
            await self._files.handle(scope, receive, send, place)
        else:
            await self._handle(scope, receive, send, place)

    def call(self, scope: http.Scope, place: Place, signed: Callable[..., Caller] | None = None) -> Call:
        """Who calls, with what address: by the key, or as *signed* tells. Raise ``UnauthenticatedError``."""
        headers = http.headers(scope)
        client = scope.get("client")
        origin = f"{scope.get('scheme', 'http')}://{headers.get(b'host', b'localhost').decode('latin-1')}"
        about = {"address": client[0] if client else "", "request_id": scope.get("request_id", "")}
        if signed is not None:
            return Call(self._house, signed(**about), place.address, origin + place.prefix)
        caller = self._house.access.authenticate(
            http.secret(headers.get(b"authorization", b""), _HOW), audiences=MANAGEMENT, **about
        )
        plugin = place.version == "v2.0" and _PLUGIN in headers.get(b"user-agent", b"")
        return Call(self._house, caller, place.address, origin + place.prefix, plugin=plugin, shared=place.shared)

    async def _handle(self, scope: http.Scope, receive: http.Receive, send: http.Send, place: Place) -> None:
        found = _route(scope["method"], place)
        if isinstance(found, int):
            await http.respond(send, found, b"There is no such route here\n", http.TEXT)
            return
        try:
            body = await http.body(receive)
        except InvalidError as error:
            await http.respond(send, *answer(error, ""))
            return
        if body is None:
            return
        pace = found[0].pace if len(body) <= self._desk.short else Pace.LONG
        try:
            status, content = await self._desk.do(pace, self._answer, scope, place, found, body)
        except Exception as error:  # noqa: BLE001 - what was written is not durable, and the client has to be told
            status, content = answer(error, str(scope.get("request_id", "")))
        await http.respond(send, status, content)

    def _answer(
        self, scope: http.Scope, place: Place, found: tuple[Route, tuple[str, ...]], body: bytes
    ) -> tuple[int, bytes]:
        """Read the request, do what it asks, write the answer."""
        try:
            route, rest = found
            call = self.call(scope, place)
            call.rest, call.size = rest, len(body)
            reader = self._readers[route.request]
            if scope["method"] == "GET" or (scope["method"] == "DELETE" and not body):
                asked = reader.query(scope.get("query_string", b""))
            else:
                _check_type(scope)
                asked = reader.body(body)
            said = route.handler(call, asked)
            if route.status == 204:
                return 204, b""
            return route.status, b"{}" if said is None else _encode(said)
        except Exception as error:  # noqa: BLE001 - whatever happens, the client gets an answer of the protocol
            return answer(error, str(scope.get("request_id", "")))


def application(house: House) -> Mlflow:
    """The API over *house*."""
    return Mlflow(house)


@lru_cache(maxsize=1024)
def _place(path: str) -> Place | None:
    _, _, plural, *rest = [*path.split("/", 4), ""][:5]
    if plural in _VERSIONS:
        return _resource(path)
    if plural in _SHARED:
        return Place(
            ScopeKind.WORKSPACE, _DEFAULT, path.partition("/")[2].partition("/")[2].removeprefix("ajax-"), shared=True
        )
    kind = _KINDS.get(plural)
    if kind is None or len(rest) < 2 or not rest[0]:
        return None
    return Place(kind, rest[0], rest[1].lstrip("/").removeprefix("ajax-"))


def _resource(path: str) -> Place | None:
    """The place of a path that names the scope as a resource: ``/mlflow/v1.0/subscriptions/S/resourceGroups/G/…``."""
    found = find_resource(path)
    if found is None or not found[1]:
        return None
    scope, rest = found
    kind = _KINDS[scope.plural]
    return Place(kind, scope.name, _PREVIEWS.get(rest, rest), scope.subscription, scope.resource_group, scope.version)


@lru_cache(maxsize=1024)
def _route(method: str, place: Place) -> tuple[Route, tuple[str, ...]] | int:
    """The route and what its template leaves open, or the status that says that there is none."""
    name = next((place.rest[len(api) :] for api in _APIS if place.rest.startswith(api)), None)
    if name is None:
        return 404
    route = ROUTES.get((method, name)) or (workspaces.ROUTES.get((method, name)) if place.shared else None)
    rest: tuple[str, ...] = ()
    if route is None:
        route, rest = _templated(method, name)
    if route is None and place.shared:
        route, rest = _templated(method, name, workspaces.TEMPLATES)
    if route is None or place.kind not in route.kinds:
        return 405 if any(other == name for _, other in ROUTES) else 404
    return route, rest


def _templated(
    method: str, name: str, templates: Mapping[tuple[str, str], Route] = TEMPLATES
) -> tuple[Route | None, tuple[str, ...]]:
    parts = name.split("/")
    for (verb, template), route in templates.items():
        wanted = template.split("/")
        if (
            verb == method
            and len(wanted) == len(parts)
            and all(w in {"*", p} for w, p in zip(wanted, parts, strict=True))
        ):
            return route, tuple(p for w, p in zip(wanted, parts, strict=True) if w == "*")
    return None, ()


def _check_type(scope: http.Scope) -> None:
    """A body is JSON, and says so: what a browser sends from a foreign page does not."""
    given = http.headers(scope).get(b"content-type", b"").decode("latin-1")
    if scope["method"] in {"POST", "PATCH"} and given.partition(";")[0].strip().lower() != "application/json":
        raise InvalidError("Bad Request. Content-Type must be one of ['application/json'].")
