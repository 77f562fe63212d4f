"""One module a resource: a handler reads the call, calls one service, and renders what it said."""

from regista.dialects.azureml.routes import discovery, registries, workspaces
from regista.dialects.azureml.routing import Routes

ROUTES = Routes((*discovery.ROUTES, *workspaces.ROUTES, *registries.ROUTES))
