"""What the official ``azure-ai-ml`` SDK speaks: Azure Resource Manager's way with workspaces, registries and what is in them.

The root of the server is the resource manager; beside it are the doors that the SDK finds from there (``places.SERVICES``)
and three that it asks without a credential or with one of their own: ``/metadata/endpoints``, registry discovery and the
token door. Raw ASGI, and each request's work where its route says, as in the mlflow dialect.
"""

from typing import Any
from urllib.parse import parse_qsl

from regista.dialects import http
from regista.dialects.azureml.call import Answer, Call, Place
from regista.dialects.azureml.errors import answer, encoded, problem
from regista.dialects.azureml.places import ROOTS, place_of
from regista.dialects.azureml.routes import ROUTES
from regista.dialects.azureml.routing import Route
from regista.dialects.desk import Desk
from regista.entities.access import Caller, Principal, PrincipalKind
from regista.errors import InvalidError, RegistaError
from regista.services.access.tokens import MANAGEMENT
from regista.services.house import House

_THREADS = 32
_HOW = 'Connect with: eval "$(regista connect azureml)"'
_NOBODY = Caller(principal=Principal(id="", kind=PrincipalKind.SERVICE, name=""))


class AzureMl:
    """The application."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._desk = Desk(house.catalog, _THREADS, "azureml")

    async def __call__(self, scope: http.Scope, receive: http.Receive, send: http.Send) -> None:
        try:
            content = await http.body(receive)
            place = place_of(scope["path"])
            found = ROUTES.find(scope["method"], place)
        except RegistaError as error:
            await _send(send, scope, answer(error, ""))
            return
        if content is None:
            return
        if isinstance(found, list):
            await _send(send, scope, _no_route(scope, found))
            return
        route, names = found
        await _send(send, scope, await self._desk.do(route.pace, self._answer, scope, place, route, names, content))

    def _answer(self, scope: http.Scope, place: Place, route: Route, names: dict[str, str], content: bytes) -> Answer:
        try:
            return route.handler(self._call(scope, place, route, content), **names)
        except Exception as error:  # noqa: BLE001 - whatever happens, the client gets an answer of the protocol
            return answer(error, str(scope.get("request_id", "")))

    def _call(self, scope: http.Scope, place: Place, route: Route, content: bytes) -> Call:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        base = f"{scope.get('scheme', 'https')}://{headers.get('host', 'localhost')}"
        return Call(
            house=self._house,
            caller=_NOBODY if route.public else self._caller(scope, headers),
            place=place,
            method=scope["method"],
            base=base,
            path=scope["path"],
            query=_query(scope.get("query_string", b"")),
            headers=headers,
            content=content,
        )

    def _caller(self, scope: http.Scope, headers: dict[str, str]) -> Caller:
        client = scope.get("client")
        return self._house.access.authenticate(
            http.secret(headers.get("authorization", "").encode("latin-1"), _HOW),
            address=client[0] if client else "",
            request_id=str(scope.get("request_id", "")),
            audiences=MANAGEMENT,
        )


def takes(scope: http.Scope) -> bool:
    """Whether the request is this dialect's."""
    return scope["path"].lstrip("/").partition("/")[0].lower() in ROOTS


def application(house: House) -> AzureMl:
    """The API over *house*."""
    return AzureMl(house)


def _query(text: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(text.decode("latin-1"), keep_blank_values=True, max_num_fields=100))
    except ValueError as wrong:
        raise InvalidError("the query cannot be read") from wrong


def _no_route(scope: http.Scope, methods: list[str]) -> Answer:
    path = scope["path"][:200]
    if methods:
        return problem(405, "MethodNotAllowed", f"{path} answers {', '.join(sorted(set(methods)))} only")
    return problem(404, "InvalidResourceType", f"Regista serves nothing at {path}")


async def _send(send: http.Send, scope: http.Scope, said: Answer) -> None:
    fields: list[tuple[bytes, bytes]] = [
        (b"x-ms-request-id", str(scope.get("request_id", "")).encode()),
        *((name.encode(), _latin(value)) for name, value in said.headers),
    ]
    await http.respond(send, said.status, encoded(said), http.JSON, fields)


def _latin(value: Any) -> bytes:
    return str(value).encode("latin-1", errors="replace").replace(b"\r", b" ").replace(b"\n", b" ")
