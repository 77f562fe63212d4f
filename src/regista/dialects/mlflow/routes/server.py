"""What kind of server this is."""

from regista.dialects.desk import Pace
from regista.dialects.mlflow.call import Call, Route
from regista.dialects.mlflow.render import Json
from regista.dialects.mlflow.wire import Nothing
from regista.entities.scope import ScopeKind

PROTOCOL = "3.18.0"
"""The version of MLflow whose protocol this is."""

OTLP = "v1/traces"
NO_OTLP = "REST OTLP span logging is not supported: the spans of a trace are its file traces.json"
"""The first words are those by which clients know that they need not try again."""


def server_info(call: Call, _: Nothing) -> Json:
    """What the client may use: large files in parts side by side, up and down; small ones whole, one request each."""
    return {
        "store_type": "SqlStore",
        "workspaces_enabled": call.shared,
        "trace_archival_enabled": False,
        "multipart_uploads_enabled": True,
        "multipart_downloads_enabled": True,
        "artifact_serving_enabled": True,
        "presigned_upload_run_id_supported": True,
        "presigned_upload_model_id_supported": True,
        "model_artifact_presigned_downloads_supported": True,
        "artifacts_presigned_only": False,
        "tracking_auth": None,
        "features_enabled": {},
    }


ROUTES = {
    ("GET", "server-info"): Route(server_info, Nothing, (ScopeKind.WORKSPACE, ScopeKind.REGISTRY), pace=Pace.GLANCE)
}
