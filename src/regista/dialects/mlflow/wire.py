"""What MLflow's clients send, of tracking (versions 2.0 and 3.0 of the REST API). Field names are the protocol's."""

from typing import Annotated

import msgspec

from regista.entities.run import Metric

Text = Annotated[str, msgspec.Meta(min_length=1)]
Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class Nothing(msgspec.Struct):
    """A request without fields."""


class Tag(msgspec.Struct):
    """A tag or a parameter."""

    key: Text
    value: str = ""


class MetricWire(Metric, frozen=True):
    """One measurement, perhaps of a logged model on a data set: a core metric already, for a thousand come at a time."""

    key: Text
    value: float
    timestamp: Int64
    step: Int64 = 0
    model_id: str = ""
    dataset_name: str = ""
    dataset_digest: str = ""


class CreateExperiment(msgspec.Struct):
    """``POST experiments/create``."""

    name: Text
    artifact_location: str = ""
    tags: list[Tag] = []


class ExperimentId(msgspec.Struct):
    """An experiment by its number."""

    experiment_id: Text


class ExperimentName(msgspec.Struct):
    """``GET experiments/get-by-name``."""

    experiment_name: Text


class UpdateExperiment(msgspec.Struct):
    """``POST experiments/update``."""

    experiment_id: Text
    new_name: str = ""


class SearchDatasets(msgspec.Struct):
    """``POST experiments/search-datasets``."""

    experiment_ids: list[str] = []


class SearchExperiments(msgspec.Struct):
    """``POST experiments/search``."""

    max_results: Int64 = 1000
    filter: str = ""
    order_by: list[str] = []
    view_type: str = "ACTIVE_ONLY"
    page_token: str = ""


class SetExperimentTag(msgspec.Struct):
    """``POST experiments/set-experiment-tag`` and ``delete-experiment-tag``."""

    experiment_id: Text
    key: Text
    value: str = ""


class CreateRun(msgspec.Struct):
    """``POST runs/create``."""

    experiment_id: str = "0"
    user_id: str = ""
    run_name: str = ""
    start_time: Int64 = 0
    tags: list[Tag] = []


class RunId(msgspec.Struct):
    """``run_uuid`` is the old name of ``run_id``."""

    run_id: str = ""
    run_uuid: str = ""


class UpdateRun(RunId):
    """``POST runs/update``."""

    status: str = ""
    end_time: Int64 | None = None
    run_name: str = ""


class LogMetric(MetricWire, frozen=True):
    """``POST runs/log-metric``."""

    run_id: str = ""
    run_uuid: str = ""


class LogParameter(RunId, kw_only=True):
    """``POST runs/log-parameter`` and ``set-tag``."""

    key: Text
    value: str = ""


class RunTagKey(RunId, kw_only=True):
    """``POST runs/delete-tag``."""

    key: Text


class LogBatch(RunId):
    """``POST runs/log-batch``."""

    metrics: list[MetricWire] = []
    params: list[Tag] = []
    tags: list[Tag] = []


class DatasetWire(msgspec.Struct):
    """A data set that a run used."""

    name: Text
    digest: Text
    source_type: str = ""
    source: str = ""
    schema: str = ""
    profile: str = ""


class DatasetInput(msgspec.Struct):
    """A data set with what the run used it for."""

    dataset: DatasetWire
    tags: list[Tag] = []


class ModelInput(msgspec.Struct):
    """A logged model that a run used."""

    model_id: Text


class ModelOutput(msgspec.Struct):
    """A logged model that a run made."""

    model_id: Text
    step: Int64 = 0


class LogInputs(RunId):
    """``POST runs/log-inputs``."""

    datasets: list[DatasetInput] = []
    models: list[ModelInput] = []


class LogOutputs(RunId):
    """``POST runs/outputs``."""

    models: list[ModelOutput] = []


class LogModel(RunId):
    """``POST runs/log-model``, of older clients."""

    model_json: str = ""


class MetricHistory(RunId, kw_only=True):
    """``GET metrics/get-history``."""

    metric_key: Text
    page_token: str = ""
    max_results: Int64 | None = None


class HistoryInterval(msgspec.Struct):
    """``GET metrics/get-history-bulk-interval``."""

    run_ids: list[str] = []
    metric_key: str = ""
    start_step: Int64 | None = None
    end_step: Int64 | None = None
    max_results: Int64 = 2500


class HistoryBulk(msgspec.Struct):
    """``GET metrics/get-history-bulk``."""

    run_id: list[str] = []
    metric_key: str = ""
    max_results: Int64 = 25_000


class SearchRuns(msgspec.Struct):
    """``POST runs/search``."""

    experiment_ids: list[str] = []
    filter: str = ""
    run_view_type: str = "ACTIVE_ONLY"
    max_results: Int64 = 1000
    order_by: list[str] = []
    page_token: str = ""


class ListArtifacts(RunId):
    """``GET artifacts/list``."""

    path: str = ""
    page_token: str = ""


class ListFiles(msgspec.Struct):
    """``GET mlflow-artifacts/artifacts``."""

    path: str = ""


class CreateUpload(msgspec.Struct):
    """``POST mlflow-artifacts/mpu/create``."""

    path: Text
    num_parts: int = 1


class UploadedPart(msgspec.Struct):
    """A part as its sender names it."""

    part_number: int
    etag: str = ""


class CompleteUpload(msgspec.Struct):
    """``POST mlflow-artifacts/mpu/complete``."""

    path: Text
    parts: list[UploadedPart]
    upload_id: Text


class AbortUpload(msgspec.Struct):
    """``POST mlflow-artifacts/mpu/abort``."""

    path: Text
    upload_id: Text


class SignAddress(msgspec.Struct):
    """``POST artifacts/presigned-upload-url`` and ``…-download-url``: of a run's file, or of a logged model's."""

    path: Text
    run_id: str = ""
    model_id: str = ""
    expiration: int = 900


class CreateLoggedModel(msgspec.Struct):
    """``POST logged-models``."""

    experiment_id: Text
    name: str = ""
    model_type: str = ""
    source_run_id: str = ""
    params: list[Tag] = []
    tags: list[Tag] = []


class FinalizeLoggedModel(msgspec.Struct):
    """``PATCH logged-models/ID``."""

    status: Text


class LoggedModelTags(msgspec.Struct):
    """``PATCH logged-models/ID/tags``."""

    tags: list[Tag] = []


class LoggedModelParams(msgspec.Struct):
    """``POST logged-models/ID/params``."""

    params: list[Tag] = []


class ListModelFiles(msgspec.Struct):
    """``GET logged-models/ID/artifacts/directories``."""

    artifact_directory_path: str = ""


class DatasetFilter(msgspec.Struct):
    """A data set on which a logged model was measured."""

    dataset_name: Text
    dataset_digest: str = ""


class LoggedModelOrder(msgspec.Struct):
    """One key to sort logged models by."""

    field_name: Text
    ascending: bool = True
    dataset_name: str = ""
    dataset_digest: str = ""


class SearchLoggedModels(msgspec.Struct):
    """``POST logged-models/search``."""

    experiment_ids: list[str]
    filter: str = ""
    datasets: list[DatasetFilter] = []
    max_results: Int64 = 50
    order_by: list[LoggedModelOrder] = []
    page_token: str = ""
