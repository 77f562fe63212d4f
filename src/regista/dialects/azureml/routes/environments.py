"""Environments in workspaces and registries."""

from regista.dialects.azureml.assets.environments import ENVIRONMENTS
from regista.dialects.azureml.assets.resource import routes

ROUTES = routes(ENVIRONMENTS)
