"""Data in workspaces and registries."""

from regista.dialects.azureml.assets.data import DATA
from regista.dialects.azureml.assets.resource import routes

ROUTES = routes(DATA)
