"""One module a resource: a handler reads the call, calls one service, and renders what it said."""

from regista.dialects.azureml.routes import (
    computes,
    connections,
    datastores,
    discovery,
    history,
    jobs,
    registries,
    resolution,
    run_artifacts,
    rundata,
    schedules,
    workspaces,
)
from regista.dialects.azureml.routing import Routes

ROUTES = Routes(
    (
        *discovery.ROUTES,
        *workspaces.ROUTES,
        *registries.ROUTES,
        *datastores.ROUTES,
        *computes.ROUTES,
        *connections.ROUTES,
        *history.ROUTES,
        *jobs.ROUTES,
        *resolution.ROUTES,
        *run_artifacts.ROUTES,
        *rundata.ROUTES,
        *schedules.ROUTES,
    )
)
