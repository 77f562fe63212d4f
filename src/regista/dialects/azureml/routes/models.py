"""Models in workspaces and registries."""

from regista.dialects.azureml.assets.models import MODELS
from regista.dialects.azureml.assets.resource import routes

ROUTES = routes(MODELS)
