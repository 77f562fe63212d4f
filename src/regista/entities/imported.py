"""What another tracking server or model registry recorded, as it is handed in to be taken over: under its own ids, numbers and times.

Times are milliseconds; 0 is not known."""

import msgspec

from regista.entities.job import JobStatus
from regista.entities.llm_trace import LlmTrace, TracedCall
from regista.entities.run import Dataset, ModelMetric


class ImportedExperiment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``number`` is what it was called there; None where that is no number."""

    name: str
    number: int | None = None
    tags: dict[str, str] = {}
    deleted: bool = False
    created_at: int = 0
    updated_at: int = 0


class ImportedRun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of a run but its metrics and files, which follow. ``outputs`` are logged models, each with its step."""

    name: str
    experiment: int = 0
    display_name: str = ""
    status: JobStatus = JobStatus.COMPLETED
    started_at: int = 0
    ended_at: int | None = None
    parent: str = ""
    params: dict[str, str] = {}
    tags: dict[str, str] = {}
    datasets: tuple[Dataset, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: dict[str, int] = {}
    deleted: bool = False


class ImportedModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A logged model without its files."""

    id: str
    experiment: int = 0
    name: str = ""
    run: str = ""
    model_type: str = ""
    status: str = "LOGGED_MODEL_READY"
    status_message: str = ""
    params: dict[str, str] = {}
    tags: dict[str, str] = {}
    metrics: tuple[ModelMetric, ...] = ()
    deleted: bool = False
    created_at: int = 0
    updated_at: int = 0


class ImportedTrace(TracedCall, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A trace of a language-model program without its spans, which are its file."""

    experiment: int = 0

    def trace(self) -> LlmTrace:
        """As it is recorded."""
        return LlmTrace(scope_id="", **{name: getattr(self, name) for name in self.__struct_fields__})


class ImportedWebhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A webhook without its secret, which nobody tells; ``origin`` is what it is known by there."""

    origin: str
    name: str
    url: str
    events: tuple[str, ...]
    description: str = ""
    created_at: int = 0


class ImportedName(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A registered model. Aliases of versions that are not here are passed over."""

    name: str
    description: str = ""
    tags: dict[str, str] = {}
    aliases: dict[str, str] = {}
    created_at: int = 0
    updated_at: int = 0


class ImportedVersion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A version of a registered model: made of what *path* refers to (``runs:/…`` or ``models:/m-…`` of the workspace
    *home*), or of no files; one that is there already only gets what is said about it."""

    name: str
    version: str
    path: str = ""
    home: str = ""
    description: str = ""
    tags: dict[str, str] = {}
    spec: dict[str, str] = {}
    stage: str = ""
    source: dict[str, str] = {}
    created_at: int = 0
    updated_at: int = 0
