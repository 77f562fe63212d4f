"""What is said of runs and of versions, as values. A search says a hundred of them: a struct is made and written in half the
time of a dict, and what has no cycle (``gc=False``) is none of the garbage collector's work. A field that is ``UNSET`` is absent."""

from msgspec import UNSET, Struct, UnsetType


class KeyValue(Struct, gc=False):
    """A tag, a parameter."""

    key: str
    value: str


class MetricAnswer(Struct, gc=False):
    """A measurement; ``value`` is text where JSON has no word for it. ``run_id`` where those of several runs are together."""

    key: str
    value: float | str
    timestamp: int
    step: int
    run_id: str | UnsetType = UNSET


class RunInfo(Struct, gc=False):
    """What a run is."""

    run_id: str
    run_uuid: str
    run_name: str
    experiment_id: str
    user_id: str
    status: str
    start_time: int
    artifact_uri: str
    lifecycle_stage: str
    end_time: int | UnsetType = UNSET


class RunData(Struct, gc=False):
    """What was recorded."""

    metrics: list[MetricAnswer]
    params: list[KeyValue]
    tags: list[KeyValue]


class DatasetAnswer(Struct, gc=False):
    """A data set that a run used."""

    dataset: dict[str, str]
    tags: list[KeyValue]


class ModelInput(Struct, gc=False):
    """A logged model that a run used."""

    model_id: str


class ModelOutput(Struct, gc=False):
    """A logged model that a run made."""

    model_id: str
    step: int


class RunInputs(Struct, gc=False):
    """What a run used."""

    dataset_inputs: list[DatasetAnswer]
    model_inputs: list[ModelInput] | UnsetType = UNSET


class RunOutputs(Struct, gc=False):
    """What a run made."""

    model_outputs: list[ModelOutput]


class RunAnswer(Struct, gc=False):
    """A run with all that was recorded."""

    info: RunInfo
    data: RunData
    inputs: RunInputs
    outputs: RunOutputs | UnsetType = UNSET


class VersionAnswer(Struct, gc=False, kw_only=True, omit_defaults=True):
    """A version of a registered model; what is empty and has a default here is left out."""

    name: str
    version: str
    creation_timestamp: int
    last_updated_timestamp: int
    user_id: str = ""
    current_stage: str
    description: str
    source: str = ""
    run_id: str
    run_link: str = ""
    model_id: str = ""
    status: str
    tags: list[KeyValue]
    aliases: list[str]
