"""Every verb of MLflow's REST API, in the words of the native table: the same thing takes the same right by every door."""

from collections.abc import Iterable

from tests.integration.isolation.table import Verb

SCOPE = "/mlflow/{scopes}/{scope}"
MLFLOW = SCOPE + "/api/2.0/mlflow"
MLFLOW3 = SCOPE + "/api/3.0/mlflow"

VERSION = {"name": "{name}", "version": "1"}
OF_MODELS = (
    Verb("GET", MLFLOW + "/registered-models/get?name={name}", "see assets", "see assets", "asset"),
    Verb("GET", MLFLOW + "/registered-models/search", "see", at="inside"),
    Verb("GET", MLFLOW + "/registered-models/get-latest-versions?name={name}", "see assets", "see assets", "asset"),
    Verb("POST", MLFLOW + "/registered-models/get-latest-versions", "see assets", "see assets", "asset", {"name": "{name}"}),
    Verb("GET", MLFLOW + "/registered-models/alias?name={name}&alias=first", "see assets", "see assets", "asset"),
    Verb("GET", MLFLOW + "/model-versions/get?name={name}&version=1", "see assets", "see assets", "asset"),
    Verb("GET", MLFLOW + "/model-versions/get-download-uri?name={name}&version=1", "see assets", "see assets", "asset"),
    Verb("GET", MLFLOW + "/model-versions/search", "see", at="inside"),
    Verb("GET", SCOPE + "/model-versions/get-artifact?name={name}&version=1&path=f.txt", "download", "see assets", "asset"),
    Verb("POST", MLFLOW + "/registered-models/create", "write assets", "see assets", "asset", {"name": "{name}"}, ok=400),
    Verb("PATCH", MLFLOW + "/registered-models/update", "write assets", "see assets", "asset",
         {"name": "{name}", "description": "one"}),
    Verb("POST", MLFLOW + "/registered-models/set-tag", "write assets", "see assets", "asset",
         {"name": "{name}", "key": "k", "value": "v"}),
    Verb("DELETE", MLFLOW + "/registered-models/delete-tag", "write assets", "see assets", "asset",
         {"name": "{name}", "key": "k"}),
    Verb("POST", MLFLOW + "/registered-models/alias", "write assets", "see assets", "asset",
         {"name": "{name}", "alias": "best", "version": "1"}),
    Verb("DELETE", MLFLOW + "/registered-models/alias", "write assets", "see assets", "asset",
         {"name": "{name}", "alias": "none"}),
    Verb("PATCH", MLFLOW + "/model-versions/update", "write assets", "see assets", "asset", VERSION | {"description": "one"}),
    Verb("POST", MLFLOW + "/model-versions/set-tag", "write assets", "see assets", "asset", VERSION | {"key": "k", "value": "v"}),
    Verb("DELETE", MLFLOW + "/model-versions/delete-tag", "write assets", "see assets", "asset", VERSION | {"key": "k"}),
    Verb("POST", MLFLOW + "/model-versions/transition-stage", "write assets", "see assets", "asset", VERSION | {"stage": "None"}),
)  # fmt: skip
"""Said of each of two models."""

WEBHOOK = {
    "name": "more",
    "url": "https://example.com/",
    "events": [{"entity": "REGISTERED_MODEL", "action": "CREATED"}],
}
OF_SCOPES = (
    Verb("GET", MLFLOW3 + "/server-info", "nothing", at="installation"),
    Verb("POST", MLFLOW + "/registered-models/rename", "delete assets", "see assets",
         body={"name": "{doomed_model}", "new_name": "{fresh}"}),
    Verb("DELETE", MLFLOW + "/registered-models/delete", "delete assets", "see assets", body={"name": "{doomed_model}"}),
    Verb("DELETE", MLFLOW + "/model-versions/delete", "delete assets", "see assets",
         body={"name": "{doomed_model}", "version": "1"}),
    Verb("POST", MLFLOW + "/webhooks", "write scope", "see scope", body=WEBHOOK),
    Verb("GET", MLFLOW + "/webhooks", "write scope", "see scope"),
    Verb("GET", MLFLOW + "/webhooks/wh", "write scope", "see scope"),
    Verb("PATCH", MLFLOW + "/webhooks/wh", "write scope", "see scope", body={"description": "one"}),
    Verb("POST", MLFLOW + "/webhooks/wh/test", "write scope", "see scope", body={}),
    Verb("DELETE", MLFLOW + "/webhooks/{doomed_webhook}", "write scope", "see scope"),
)  # fmt: skip
"""Said of workspaces and of registries."""

EXPERIMENT, SPARE = {"experiment_id": "0"}, {"experiment_id": "{experiment}"}
RUN = {"run_id": "{run}"}
METRIC = {"key": "m", "value": 1.0, "timestamp": 1}
DATASET = {"dataset": {"name": "d", "digest": "1"}}
OF_EXPERIMENTS = (
    Verb("POST", MLFLOW + "/experiments/create", "write jobs", "see jobs", body={"name": "Default"}, ok=400),
    Verb("GET", MLFLOW + "/experiments/get?experiment_id=0", "see jobs", "see jobs"),
    Verb("GET", MLFLOW + "/experiments/get-by-name?experiment_name=Default", "see jobs", "see jobs"),
    Verb("POST", MLFLOW + "/experiments/search", "see jobs", "see jobs", body={"max_results": 5}),
    Verb("GET", MLFLOW + "/experiments/search?max_results=5", "see jobs", "see jobs"),
    Verb("POST", MLFLOW + "/experiments/search-datasets", "see jobs", at="inside", body={"experiment_ids": ["0"]}),
    Verb("POST", MLFLOW + "/experiments/update", "write jobs", "see jobs", body=SPARE | {"new_name": "spare"}),
    Verb("POST", MLFLOW + "/experiments/delete", "write jobs", "see jobs", body=SPARE),
    Verb("POST", MLFLOW + "/experiments/restore", "write jobs", "see jobs", body=SPARE),
    Verb("POST", MLFLOW + "/experiments/set-experiment-tag", "write jobs", "see jobs", body=EXPERIMENT | {"key": "k", "value": "v"}),
    Verb("POST", MLFLOW + "/experiments/delete-experiment-tag", "write jobs", "see jobs", body=EXPERIMENT | {"key": "k"}),
)  # fmt: skip

OF_RUNS = (
    Verb("POST", MLFLOW + "/runs/create", "write jobs", "see jobs", body=EXPERIMENT),
    Verb("GET", MLFLOW + "/runs/get?run_id={run}", "see jobs", "see jobs"),
    Verb("GET", MLFLOW + "/runs/get-run-data-status?run_id={run}", "see jobs", "see jobs"),
    Verb("POST", MLFLOW + "/runs/search", "see jobs", at="inside", body={"experiment_ids": ["0"], "max_results": 2}),
    Verb("POST", MLFLOW + "/runs/update", "write jobs", "see jobs", body=RUN | {"status": "RUNNING"}),
    Verb("POST", MLFLOW + "/runs/delete", "write jobs", "see jobs", body={"run_id": "{doomed_run}"}),
    Verb("POST", MLFLOW + "/runs/restore", "write jobs", "see jobs", body=RUN),
    Verb("POST", MLFLOW + "/runs/log-metric", "write jobs", "see jobs", body=RUN | METRIC),
    Verb("POST", MLFLOW + "/runs/log-parameter", "write jobs", "see jobs", body=RUN | {"key": "p", "value": "1"}),
    Verb("POST", MLFLOW + "/runs/log-batch", "write jobs", "see jobs", body=RUN | {"metrics": [METRIC]}),
    Verb("POST", MLFLOW + "/runs/set-tag", "write jobs", "see jobs", body=RUN | {"key": "t", "value": "1"}),
    Verb("POST", MLFLOW + "/runs/delete-tag", "write jobs", "see jobs", body=RUN | {"key": "t"}),
    Verb("POST", MLFLOW + "/runs/log-inputs", "write jobs", "see jobs", body=RUN | {"datasets": [DATASET]}),
    Verb("POST", MLFLOW + "/runs/outputs", "write jobs", "see jobs", body=RUN | {"models": [{"model_id": "{logged}"}]}),
    Verb("POST", MLFLOW + "/runs/log-model", "write jobs", "see jobs",
         body=RUN | {"model_json": "{model_json}"}),
    Verb("GET", MLFLOW + "/metrics/get-history?run_id={run}&metric_key=m", "see jobs", "see jobs"),
    Verb("GET", MLFLOW + "/metrics/get-history-bulk?run_id={run}&metric_key=m", "see jobs", "see jobs"),
    Verb("GET", MLFLOW + "/metrics/get-history-bulk-interval?run_ids={run}&metric_key=m", "see jobs", "see jobs"),
)  # fmt: skip

FILES = SCOPE + "/api/2.0/mlflow-artifacts"
FILE = "runs/{run}/f.txt"
NEW = {"path": "/tmp/g.txt", "num_parts": 1}
OF_FILES = (
    Verb("GET", MLFLOW + "/artifacts/list?run_id={run}", "download", "see jobs"),
    Verb("POST", MLFLOW + "/artifacts/presigned-upload-url", "write jobs", "see jobs", body=RUN | {"path": "f.txt"}),
    Verb("POST", MLFLOW + "/artifacts/presigned-download-url", "download", "see jobs", body=RUN | {"path": "f.txt"}),
    Verb("GET", SCOPE + "/get-artifact?run_id={run}&path=f.txt", "download", "see jobs"),
    Verb("POST", SCOPE + "/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path=g.txt", "write jobs", "see jobs",
         content=b"text"),
    Verb("GET", FILES + "/artifacts/" + FILE, "download", "see jobs"),
    Verb("GET", FILES + "/artifacts?path=runs/{run}", "download", "see jobs"),
    Verb("PUT", FILES + "/artifacts/" + FILE, "write jobs", "see jobs", content=b"text"),
    Verb("DELETE", FILES + "/artifacts/runs/{run}/none.txt", "write jobs", "see jobs"),
    Verb("GET", FILES + "/presigned/" + FILE, "download", "see jobs"),
    Verb("POST", FILES + "/mpu/create/runs/{run}", "write jobs", "see jobs", body=NEW),
    Verb("PUT", FILES + "/mpu/part/runs/{run}/g.txt?upload={parts}&part=1", "nothing", at="installation", content=b"text",
         ok=401),  # opened by its signature alone
    Verb("POST", FILES + "/mpu/complete/runs/{run}", "write jobs", "see jobs",
         body={"path": "/tmp/g.txt", "upload_id": "{whole}", "parts": [{"part_number": 1, "etag": "{etag}"}]}),
    Verb("POST", FILES + "/mpu/abort/runs/{run}", "write jobs", "see jobs", body={"path": "/tmp/g.txt", "upload_id": "{parts}"}),
)  # fmt: skip

LOGGED = MLFLOW + "/logged-models/{logged}"
PAIR = {"key": "k", "value": "v"}
OF_LOGGED_MODELS = (
    Verb("POST", MLFLOW + "/logged-models", "write jobs", "see jobs", body=EXPERIMENT | {"name": "m"}),
    Verb("POST", MLFLOW + "/logged-models/search", "see", at="inside", body={"experiment_ids": ["0"], "max_results": 2}),
    Verb("GET", LOGGED, "see jobs", "see jobs"),
    Verb("PATCH", LOGGED, "write jobs", "see jobs", body={"status": "LOGGED_MODEL_READY"}),
    Verb("DELETE", MLFLOW + "/logged-models/{doomed_logged}", "write jobs", "see jobs"),
    Verb("PATCH", LOGGED + "/tags", "write jobs", "see jobs", body={"tags": [PAIR]}),
    Verb("DELETE", LOGGED + "/tags/k", "write jobs", "see jobs"),
    Verb("POST", LOGGED + "/params", "write jobs", "see jobs", body={"params": [PAIR]}),
    Verb("GET", LOGGED + "/artifacts/directories", "download", "see jobs"),
    Verb("GET", LOGGED + "/artifacts/files?artifact_file_path=f.txt", "download", "see jobs"),
)  # fmt: skip

TRACES = MLFLOW3 + "/traces"
TRACE = TRACES + "/tr-isolated"
LOCATION = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}
INFO = {"trace_id": "tr-isolated", "trace_location": LOCATION, "request_time": "2026-01-02T03:04:05Z", "state": "OK"}
ASSESSED = {"assessment": {"assessment_name": "good", "feedback": {"value": True}}}
OF_TRACES = (
    Verb("POST", TRACES, "write jobs", "see jobs", body={"trace": {"trace_info": INFO}}),
    Verb("GET", TRACES + "/get?trace_id=tr-isolated", "download", "see jobs"),
    Verb("GET", TRACES + "/batchGet?trace_ids=tr-none", "see jobs", at="inside"),
    Verb("GET", SCOPE + "/ajax-api/3.0/mlflow/get-trace-artifact?request_id=tr-isolated", "download", "see jobs"),
    Verb("GET", SCOPE + "/ajax-api/2.0/mlflow/get-trace-artifact?request_id=tr-isolated", "download", "see jobs"),
    Verb("GET", MLFLOW + "/traces?experiment_ids=0&max_results=2", "see jobs", at="inside"),
    Verb("POST", TRACES + "/search", "see jobs", at="inside", body={"locations": [LOCATION], "max_results": 5}),
    Verb("POST", TRACES + "/batchGetInfos", "see jobs", at="inside", body={"trace_ids": ["tr-isolated"]}),
    Verb("POST", TRACES + "/delete-traces", "write jobs", "see jobs", "inside", body=EXPERIMENT | {"trace_ids": ["{doomed_trace}"]}),
    Verb("POST", MLFLOW + "/traces/link-to-run", "write jobs", "see jobs", body=RUN | {"trace_ids": ["tr-isolated"]}),
    Verb("POST", TRACES + "/link-prompts", "write jobs", "see jobs",
         body={"trace_id": "tr-isolated", "prompt_versions": [{"name": "p", "version": "1"}]}),
    Verb("GET", TRACE, "see jobs", "see jobs"),
    Verb("PATCH", MLFLOW + "/traces/tr-isolated", "write jobs", "see jobs", body={"timestamp_ms": 2, "status": "OK"}),
    Verb("GET", MLFLOW + "/traces/tr-isolated/info", "see jobs", "see jobs"),
    Verb("PATCH", TRACE + "/tags", "write jobs", "see jobs", body=PAIR),
    Verb("DELETE", TRACE + "/tags?key=k", "write jobs", "see jobs"),
    Verb("POST", TRACE + "/assessments", "write jobs", "see jobs", body=ASSESSED),
    Verb("GET", TRACE + "/assessments/{assessment}", "see jobs", "see jobs"),
    Verb("PATCH", TRACE + "/assessments/{assessment}", "write jobs", "see jobs", body=ASSESSED),
    Verb("DELETE", TRACE + "/assessments/{doomed_assessment}", "write jobs", "see jobs"),
)  # fmt: skip

SHARED = "/mlflow/api/3.0/mlflow/workspaces"
OF_WORKSPACES = (
    Verb("GET", SHARED, "nothing", at="installation"),
    Verb("GET", SHARED + "/{scope}", "see", at="inside"),
    Verb("PATCH", SHARED + "/{scope}", "write scope", "see scope", body={"description": "one"}),
    Verb("DELETE", SHARED + "/{scope}?mode=CASCADE", "delete scope", "see scope", ok=409),
)  # fmt: skip
"""At the address of the installation."""

IN_A_WORKSPACE = (*OF_EXPERIMENTS, *OF_RUNS, *OF_FILES, *OF_LOGGED_MODELS, *OF_TRACES)

ELSEWHERE = {
    "POST model-versions/create": "tried in test_hidden: it asks at two places",
    "POST workspaces": "tried in test_giving: what it makes is in the body",
}
"""Routes that do not fit into rows, and where they are tried."""


def by_header(verbs: Iterable[Verb]) -> tuple[Verb, ...]:
    """The same at the address of the installation, which takes the workspace from a header."""
    header = (("X-MLFLOW-WORKSPACE", "{scope}"),)
    paths = [(verb, verb.path.removeprefix(SCOPE)) for verb in verbs]
    return tuple(
        verb._replace(path=f"/mlflow{path}", headers=header) for verb, path in paths if path.startswith("/api/")
    )
