"""Experiments. Number 0, ``Default``, is there in every workspace, also before anybody has written it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from regista.drivers.catalog.sql import tables
from regista.drivers.catalog.sql.bodies import decoder, encoded
from regista.drivers.catalog.sql.paging import page_of
from regista.drivers.catalog.sql.search import Search, Subject, attributes, fingerprint
from regista.drivers.catalog.sql.session import Session, Statement, insert, upsert
from regista.drivers.catalog.sql.tags import Tags
from regista.entities.page import Page, PageRequest
from regista.entities.run import Dataset, DatasetUse, Experiment
from regista.entities.search import Clause, Order
from regista.errors import AbsentError, AlreadyExistsError

DEFAULT = "Default"

_experiment = decoder(Experiment)
_dataset = decoder(Dataset)
_tags = Tags(tables.experiment_tags)
_column = tables.experiments.c
_subject = Subject(
    "experiments",
    tables.experiments,
    attributes(
        name=_column.name,
        creation_time=_column.created_at,
        last_update_time=_column.updated_at,
        experiment_id=_column.number,
    ),
    tables.experiment_tags,
)

_ADD = insert(tables.experiments)
_PUT = upsert(tables.experiments, "scope_id", "number", keep=("created_at",), returning="seq, created_at")
_NEXT = Statement("SELECT coalesce(max(number), 0) + 1 FROM experiments WHERE scope_id = :scope")
_GET = Statement("SELECT body FROM experiments WHERE scope_id = :scope AND number = :number")
_FIND = Statement("SELECT body FROM experiments WHERE scope_id = :scope AND name = :name")


class ExperimentRows:
    """Rows of ``experiments``, and their tags."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def ensure_default(self, scope_id: str, at: int) -> None:
        """Write number 0 unless it is there: a workspace begins with it, so that searches find it."""
        self._session.run(_ADD, **_row(_default(scope_id, at)))

    def ensure(self, scope_id: str, name: str, at: int) -> Experiment:
        return self.find(scope_id, name) or self.add(scope_id, name, {}, at)

    def add(self, scope_id: str, name: str, tags: Mapping[str, str], at: int) -> Experiment:
        if name == DEFAULT or self.find(scope_id, name) is not None:
            raise AlreadyExistsError(
                f"the workspace has an experiment {name!r} already", hint="It may be deleted: restore it, or rename."
            )
        row = self._session.first(_NEXT, scope=scope_id)
        made = Experiment(
            scope_id=scope_id, number=row[0] if row else 1, name=name, tags=dict(tags), created_at=at, updated_at=at
        )
        self.put(made)
        return made

    def get(self, scope_id: str, number: int) -> Experiment:
        found = self._session.shared("experiments", (scope_id, number), lambda: self._numbered(scope_id, number))
        if found is not None:
            return found
        if number == 0:
            return _default(scope_id, 0)
        raise AbsentError(f"there is no experiment {number}", what="experiment", name=str(number))

    def _numbered(self, scope_id: str, number: int) -> Experiment | None:
        row = self._session.first(_GET, scope=scope_id, number=number)
        return _experiment(row[0]) if row else None

    def find(self, scope_id: str, name: str) -> Experiment | None:
        row = self._session.first(_FIND, scope=scope_id, name=name)
        if row is not None:
            return _experiment(row[0])
        default = self.get(scope_id, 0)
        return default if default.name == name else None

    def put(self, experiment: Experiment) -> None:
        holder = self._session.first(_FIND, scope=experiment.scope_id, name=experiment.name)
        if holder is not None and _experiment(holder[0]).number != experiment.number:
            raise AlreadyExistsError(f"the workspace has an experiment {experiment.name!r} already")
        seq, created_at = self._session.first(_PUT, **_row(experiment)) or (0, 0)
        _tags.clear(self._session, seq)
        _tags.put(self._session, seq, experiment.tags, place=experiment.scope_id, created_at=created_at)

    def search(
        self,
        scope_id: str,
        clauses: Sequence[Clause],
        order: Sequence[Order],
        request: PageRequest,
        *,
        deleted: bool | None = False,
    ) -> Page[Experiment]:
        if self._session.writes:
            self.ensure_default(scope_id, 0)
        search = Search(self._session, _subject, scope_id, clauses)
        search.where("experiments.scope_id = {}", scope_id)
        if deleted is not None:
            search.where("experiments.deleted = {}", int(deleted))
        sortings = [*search.keys(order), *search.newest]
        found, cursor = search.page(sortings, request, fingerprint("experiments", order), apart=bool(order))
        return Page(tuple(_experiment(body) for _, body in found), cursor)

    def datasets(self, scope_id: str, numbers: Sequence[int], request: PageRequest) -> Page[DatasetUse]:
        job, said = tables.jobs.c, tables.datasets.c
        query = select(job.experiment, job.name, said.body).join_from(tables.jobs, tables.datasets, job.seq == said.job)
        query = query.where(job.scope_id == scope_id, job.experiment.in_(numbers), job.deleted == 0)
        return page_of(self._session, query, request, "datasets", (said.seq,), _use, kinds=(int,))


def _use(experiment: int, run: str, body: str) -> DatasetUse:
    return DatasetUse(experiment=experiment, run=run, dataset=_dataset(body))


def _default(scope_id: str, at: int) -> Experiment:
    return Experiment(scope_id=scope_id, number=0, name=DEFAULT, created_at=at, updated_at=at)


def _row(experiment: Experiment) -> dict[str, Any]:
    return {
        "scope_id": experiment.scope_id,
        "number": experiment.number,
        "name": experiment.name,
        "deleted": int(experiment.deleted),
        "created_at": experiment.created_at,
        "updated_at": experiment.updated_at,
        "body": encoded(experiment),
    }
