"""One module per resource: a handler calls one service with what was asked, and renders what it said."""

from regista.dialects.mlflow.call import Route
from regista.dialects.mlflow.routes import (
    artifacts,
    assessments,
    experiments,
    history,
    logged_models,
    model_versions,
    registered_models,
    runs,
    server,
    spans,
    traces,
    webhooks,
)

_PARTS = (
    server,
    experiments,
    runs,
    history,
    artifacts,
    logged_models,
    registered_models,
    model_versions,
    traces,
    spans,
    webhooks,
)

ROUTES: dict[tuple[str, str], Route] = {key: route for part in _PARTS for key, route in part.ROUTES.items()}
"""By method and path below ``/api/N.0/mlflow/``."""

TEMPLATES: dict[tuple[str, str], Route] = {
    key: route for part in (logged_models, traces, assessments, webhooks) for key, route in part.TEMPLATES.items()
}
"""The same with ``*`` for one part of the path."""
