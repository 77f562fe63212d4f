"""Components in workspaces and registries."""

from regista.dialects.azureml.assets.components import COMPONENTS
from regista.dialects.azureml.assets.resource import routes

ROUTES = routes(COMPONENTS)
