"""What is measured about a run. A run *is* a job: a job that was submitted, or an interactive one that a script opened."""

import msgspec

from regista.entities.digest import Digest


class Metric(msgspec.Struct, frozen=True, gc=False):
    """One measurement; ``timestamp`` in milliseconds. The same measurement twice is one. ``value`` may be NaN or infinite."""

    key: str
    value: float
    timestamp: int
    step: int = 0


CONTEXT = "mlflow.data.context"
"""The tag of a data set that says what a run used it for."""


class Dataset(msgspec.Struct, frozen=True, kw_only=True):
    """A data set that a run says it used."""

    name: str
    digest: str
    source_type: str = ""
    source: str = ""
    schema: str = ""
    profile: str = ""
    tags: dict[str, str] = {}


class DatasetUse(msgspec.Struct, frozen=True, kw_only=True):
    """That a run of an experiment says it used a data set."""

    experiment: int
    run: str
    dataset: Dataset


class Experiment(msgspec.Struct, frozen=True, kw_only=True):
    """A group of runs in a workspace; ``number`` is what MLflow calls its id, "0" is ``Default`` and always there."""

    scope_id: str
    number: int
    name: str
    tags: dict[str, str] = {}
    deleted: bool = False
    created_at: int = 0
    updated_at: int = 0


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a run or of a logged model (*owner*: ``runs/RUN``, ``models/m-…``). Writing a path again replaces it."""

    scope_id: str
    owner: str
    path: str
    digest: Digest
    size: int


class ModelMetric(msgspec.Struct, frozen=True, kw_only=True):
    """A measurement of a logged model, perhaps on a data set; ``value`` None is NaN, which JSON has no word for."""

    key: str
    value: float | None
    timestamp: int
    step: int = 0
    run: str = ""
    dataset_name: str = ""
    dataset_digest: str = ""


class LoggedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model that MLflow 3 logged in a run; its files are the artifacts of ``models/<id>``. ``metrics`` are there where
    they were asked for."""

    id: str
    scope_id: str
    experiment: int
    name: str
    run: str = ""
    model_type: str = ""
    status: str = "LOGGED_MODEL_PENDING"
    status_message: str = ""
    params: dict[str, str] = {}
    tags: dict[str, str] = {}
    metrics: tuple[ModelMetric, ...] = ()
    deleted: bool = False
    created_at: int = 0
    created_by: str = ""
    updated_at: int = 0
