"""What runs measured and left behind."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from regista.entities.digest import Digest
from regista.entities.page import Page, PageRequest
from regista.entities.run import Artifact, Dataset, DatasetUse, Experiment, LoggedModel, Metric, ModelMetric
from regista.entities.search import Clause, Order


class RunDataRepository(Protocol):
    """Metrics, parameters and tags of runs, by the job's id. All values of a metric are the histories'."""

    def log_metrics(self, job_id: str, metrics: Sequence[Metric]) -> None:
        """Append; an identical measurement is one. The latest value of a key (greatest step, timestamp, value) is kept apart."""

    def latest_metrics(self, job_ids: Sequence[str]) -> dict[str, list[Metric]]:
        """The latest value of each key, by job id, keys in order."""

    def log_params(self, job_id: str, params: Mapping[str, str]) -> None:
        """Write once: the same value again is quiet, another raises ``InvalidError`` and writes nothing."""

    def params(self, job_ids: Sequence[str]) -> dict[str, dict[str, str]]:
        """By job id."""

    def set_tags(self, job_id: str, tags: Mapping[str, str]) -> None:
        """Set or replace tags. (They are these rows, not a field of the job.)"""

    def delete_tag(self, job_id: str, key: str) -> bool:
        """Whether there was one."""

    def tags(self, job_ids: Sequence[str]) -> dict[str, dict[str, str]]:
        """By job id."""

    def add_datasets(self, job_id: str, datasets: Sequence[Dataset]) -> None:
        """Add; the same name and digest again replaces."""

    def datasets(self, job_ids: Sequence[str]) -> dict[str, list[Dataset]]:
        """By job id, in the order of adding."""


class HistoryRepository(Protocol):
    """All values of metrics, by the job's id and the metric's key, in the order of step, timestamp and value (NaN before any
    number). A key that was never logged has none."""

    def page(self, job_id: str, key: str, request: PageRequest) -> Page[Metric]:
        """A page has up to ``LONG_PAGE``."""

    def points(self, job_id: str, key: str, after: Metric | None, limit: int) -> list[Metric]:
        """The next *limit* values behind *after* (None: from the first), for who reads them all: a block may be larger than a
        page. *after* need not be there."""

    def steps(self, job_id: str, key: str, first: int, last: int, limit: int) -> list[int]:
        """The first *limit* steps from *first* to *last* at which there are values, in order, each once."""

    def values_at(self, job_id: str, key: str, steps: Sequence[int], limit: int) -> list[Metric]:
        """The first *limit* values at *steps*, which are in order, each once."""

    def count(self, job_ids: Sequence[str]) -> int:
        """How many values these jobs have, of all metrics together."""


class ExperimentRepository(Protocol):
    """Experiments of a workspace. Number 0, ``Default``, is made with the first look."""

    def ensure(self, scope_id: str, name: str, at: int) -> Experiment:
        """The experiment of the name, made if need be."""

    def add(self, scope_id: str, name: str, tags: Mapping[str, str], at: int) -> Experiment:
        """Make one under the next number; raise ``AlreadyExistsError`` when the name is taken, also by a deleted one."""

    def get(self, scope_id: str, number: int) -> Experiment:
        """By number."""

    def find(self, scope_id: str, name: str) -> Experiment | None:
        """By name, deleted ones too."""

    def put(self, experiment: Experiment) -> None:
        """Replace."""

    def search(
        self,
        scope_id: str,
        clauses: Sequence[Clause],
        order: Sequence[Order],
        request: PageRequest,
        *,
        deleted: bool | None = False,
    ) -> Page[Experiment]:
        """Attributes ``name``, ``creation_time``, ``last_update_time``, ``experiment_id``; tags."""

    def datasets(self, scope_id: str, numbers: Sequence[int], request: PageRequest) -> Page[DatasetUse]:
        """The data sets of living runs of these experiments, the last said first."""


class ArtifactRepository(Protocol):
    """Files of runs and of logged models, and the logged models."""

    def put(self, artifact: Artifact) -> None:
        """Write or replace a path."""

    def put_all(self, artifacts: Sequence[Artifact]) -> None:
        """The same for many."""

    def find(self, scope_id: str, owner: str, path: str) -> Artifact | None:
        """By path."""

    def below(self, scope_id: str, owner: str, prefix: str = "") -> list[Artifact]:
        """All files at *prefix* or below it, by path."""

    def delete(self, scope_id: str, owner: str, prefix: str) -> int:
        """Remove a file, or all files below a folder; return how many."""

    def put_model(self, model: LoggedModel) -> None:
        """Write or replace a logged model. (Its metrics are rows of their own: those of *model* are passed over.)"""

    def find_model(self, scope_id: str, model_id: str) -> LoggedModel | None:
        """By id, without its metrics."""

    def log_model_metrics(self, scope_id: str, model_id: str, metrics: Sequence[ModelMetric]) -> None:
        """Append to what was measured of a logged model; an identical measurement is one, and of no model is none."""

    def model_metrics(
        self, scope_id: str, model_ids: Sequence[str], most: int, *, keys: Sequence[str] = ()
    ) -> dict[str, list[ModelMetric]]:
        """What was measured of logged models, by their ids, of each model the latest *most* (by timestamp, then step), in the
        order of key, timestamp and step; of *keys* alone when some are given."""

    def models(
        self, scope_id: str, experiments: Sequence[int], request: PageRequest, *, run: str = "", name: str = ""
    ) -> Page[LoggedModel]:
        """Living logged models, newest first."""

    def digests(self, after: tuple[str, str, str] | None = None) -> Iterable[tuple[str, Digest]]:
        """(scope id, digest) of every artifact, for garbage collection."""
