"""The native API: ``/api/v1``, described by OpenAPI 3.1 at ``/api/v1/schema``.

Every resource of a scope hangs below ``/workspaces/{scope_name}`` and ``/registries/{scope_name}`` alike.
"""

from litestar import Litestar, Router, get
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from regista import __version__
from regista.dialects.desk import Desk
from regista.dialects.native import context, limits
from regista.dialects.native.errors import failed, refused, unroutable
from regista.dialects.native.routes import (
    access,
    assets,
    audit,
    blobs,
    collection,
    endpoints,
    imports,
    jobs,
    provenance,
    resources,
    scopes,
    webhooks,
)
from regista.dialects.native.wire import About
from regista.entities.access import Caller
from regista.errors import RegistaError
from regista.services.house import House

PREFIX = "/api/v1"
_THREADS = 4
"""Find out who calls, where the event loop would have to wait for that; the work itself has the framework's threads."""

_IN_BOTH = (*blobs.HANDLERS, *assets.HANDLERS, *provenance.IN_BOTH, *imports.IN_BOTH, *webhooks.HANDLERS)
"""Resources of a scope of either kind."""

_IN_WORKSPACES = (
    *jobs.HANDLERS,
    *endpoints.HANDLERS,
    *provenance.IN_WORKSPACES,
    *resources.HANDLERS,
    *imports.IN_WORKSPACES,
)
"""Resources that only a workspace has."""


@get("/about")
async def about(caller: Caller) -> About:
    """What answers here, and as whom it knows the caller."""
    return About(name="regista", version=__version__, principal=caller.principal.name)


def application(house: House) -> Litestar:
    """The API over *house*."""
    kind = {"kind": Provide(context.provide_kind, sync_to_thread=False)}
    workspace = Router(
        "/workspaces/{scope_name:str}",
        route_handlers=[*_IN_WORKSPACES, *_IN_BOTH],
        dependencies={"address": Provide(context.provide_workspace, sync_to_thread=False), **kind},
    )
    registry = Router(
        "/registries/{scope_name:str}",
        route_handlers=[*_IN_BOTH],
        dependencies={"address": Provide(context.provide_registry, sync_to_thread=False), **kind},
    )
    handlers = [
        about,
        provenance.compare_jobs,
        provenance.public_key,
        *scopes.HANDLERS,
        *access.HANDLERS,
        *audit.HANDLERS,
        *collection.HANDLERS,
        workspace,
        registry,
    ]
    return Litestar(
        path=PREFIX,
        route_handlers=[Router("/", route_handlers=handlers, guards=[context.authenticated])],
        dependencies=context.COMMON,
        exception_handlers={RegistaError: refused, HTTPException: unroutable, Exception: failed},
        state=State({"house": house, "desk": Desk(house.catalog, _THREADS, "native")}),
        openapi_config=OpenAPIConfig(
            title="Regista", version=__version__, path="/schema", render_plugins=[JsonRenderPlugin()]
        ),
        request_max_body_size=limits.DOCUMENT,
        debug=False,
    )
