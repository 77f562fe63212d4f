"""What a source of runs and models tells, whatever it is: a database, a folder of files, or a running server.

A source is only read. What it holds is somebody else's: a record that cannot be read is *told* (``Told``) and passed over,
and the rest is read on. Iterators are lazy, so that a million of anything costs no memory.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import msgspec

from regista.entities.llm_trace import Assessment
from regista.entities.run import Dataset, ModelMetric

Told = Callable[[str, str], None]
"""Takes what could not be read, and why."""

Point = tuple[str, float, int, int]
"""A measurement: key, value, timestamp, step."""

Row = Mapping[Any, Any]
"""A row of a database, by the names of its columns."""


DELETED = "Deleted_Internal"
"""The stage of versions that MLflow deleted: their rows stay, without what was in them."""


class SourceExperiment(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment, by its id there."""

    id: str
    name: str
    tags: dict[str, str] = {}
    deleted: bool = False
    created_at: int = 0
    updated_at: int = 0


class SourceRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run without metrics and files. ``keys``: of its metrics, where the source tells them with the run; ``place``:
    where its files are, as it was written down there."""

    id: str
    experiment: str
    display_name: str = ""
    user: str = ""
    status: str = "FINISHED"
    started_at: int = 0
    ended_at: int | None = None
    params: dict[str, str] = {}
    tags: dict[str, str] = {}
    datasets: tuple[Dataset, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: dict[str, int] = {}
    deleted: bool = False
    keys: tuple[str, ...] = ()
    place: str = ""


class SourceModel(msgspec.Struct, frozen=True, kw_only=True):
    """A logged model without its files."""

    id: str
    experiment: str
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
    place: str = ""


class SourceTrace(msgspec.Struct, frozen=True, kw_only=True):
    """A trace. ``files``: its spans, and what is attached to them; ``linked``: runs that it was linked to later."""

    id: str
    experiment: str
    linked: tuple[str, ...] = ()
    status: str = ""
    request_id: str = ""
    request_preview: str | None = None
    response_preview: str | None = None
    started_at: int = 0
    duration: int | None = None
    metadata: dict[str, str] = {}
    tags: dict[str, str] = {}
    assessments: tuple[Assessment, ...] = ()
    files: Callable[[], Iterator["SourceFile"]] = lambda: iter(())


class SourceWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook, without its secret: no source tells it. Events are ``entity.action``, in small letters."""

    id: str
    name: str
    url: str
    events: tuple[str, ...]
    description: str = ""
    created_at: int = 0


class SourceName(msgspec.Struct, frozen=True, kw_only=True):
    """A registered model."""

    name: str
    description: str = ""
    tags: dict[str, str] = {}
    aliases: dict[str, str] = {}
    created_at: int = 0
    updated_at: int = 0


class SourceVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a registered model; ``place`` is where its files are in truth, ``source`` what was said."""

    name: str
    version: str
    description: str = ""
    tags: dict[str, str] = {}
    stage: str = ""
    source: str = ""
    place: str = ""
    run: str = ""
    run_link: str = ""
    model: str = ""
    created_at: int = 0
    updated_at: int = 0


class SourceFile(msgspec.Struct, frozen=True):
    """A file: its path from its owner's root on, its size, and how its bytes are read (as often as need be)."""

    path: str
    size: int
    read: Callable[[], Iterator[bytes]]


class Source(Protocol):
    """What is imported from; safe for several threads, but for its iterators."""

    name: str
    """How people and the book of progress know it; it holds no secret."""

    def experiments(self) -> Iterator[SourceExperiment]:
        """All, deleted ones too."""

    def count_runs(self) -> int | None:
        """How many runs there are; None where that cannot be known beforehand."""

    def runs(self, experiment: str) -> Iterator[SourceRun]:
        """Those of an experiment, deleted ones too."""

    def points(self, run: SourceRun) -> Iterator[Point]:
        """Every measurement of a run once, in any order."""

    def models(self, experiment: str) -> Iterator[SourceModel]:
        """The logged models of an experiment."""

    def traces(self, experiment: str) -> Iterator[SourceTrace]:
        """The traces of an experiment."""

    def webhooks(self) -> Iterator[SourceWebhook]:
        """The webhooks, where the source has them."""

    def names(self) -> Iterator[SourceName]:
        """The registered models."""

    def versions(self, name: str) -> Iterator[SourceVersion]:
        """The versions of a registered model, oldest first."""

    def run_files(self, run: SourceRun) -> Iterator[SourceFile]:
        """The files of a run."""

    def model_files(self, model: SourceModel) -> Iterator[SourceFile]:
        """The files of a logged model."""

    def version_files(self, version: SourceVersion) -> Iterator[SourceFile]:
        """The files of a version that are those of no run and no logged model."""
