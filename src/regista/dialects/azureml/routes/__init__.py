"""One module a resource: a handler reads the call, calls one service, and renders what it said."""

from regista.dialects.azureml.routes import (
    codes,
    components,
    computes,
    connections,
    data,
    datastores,
    discovery,
    environments,
    history,
    imports,
    jobs,
    models,
    registries,
    resolution,
    run_artifacts,
    rundata,
    schedules,
    uploads,
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
        *models.ROUTES,
        *environments.ROUTES,
        *data.ROUTES,
        *components.ROUTES,
        *codes.ROUTES,
        *uploads.ROUTES,
        *imports.ROUTES,
    )
)
