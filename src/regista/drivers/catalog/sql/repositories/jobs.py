"""Jobs, steps and runs."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from regista.drivers.catalog.sql import tables
from regista.drivers.catalog.sql.bodies import decoder, encoded
from regista.drivers.catalog.sql.paging import page_of
from regista.drivers.catalog.sql.search import Search, Subject, attributes, fingerprint, is_rarer
from regista.drivers.catalog.sql.session import Session, Statement, insert, upsert
from regista.entities.job import Job, JobStatus
from regista.entities.page import Page, PageRequest
from regista.entities.search import Clause, Order
from regista.errors import AlreadyExistsError, NotFoundError

_job = decoder(Job)
_column = tables.jobs.c
_subject = Subject(
    "runs",
    tables.jobs,
    attributes(
        run_id=_column.name,
        run_name=_column.display_name,
        user_id=_column.created_by,
        status=_column.status,
        start_time=_column.started_at,
        end_time=_column.ended_at,
        created=_column.created_at,
    ),
    tables.run_tags,
    measured=True,
)

_ADD = insert(tables.jobs, returning="seq")
_PUT = upsert(tables.jobs, "id", keep=("scope_id", "name", "created_at"))
_FIND = Statement("SELECT seq, body FROM jobs WHERE scope_id = :scope AND name = :name")
_BY_ID = Statement("SELECT seq, body FROM jobs WHERE id = :id")
_CHILDREN = Statement("SELECT body FROM jobs WHERE scope_id = :scope AND parent = :parent ORDER BY created_at, seq")
_REUSABLE = Statement(
    "SELECT body FROM jobs WHERE scope_id = :scope AND reuse_key = :key AND reuse_key <> ''"
    " AND status = 'Completed' AND reused_from = '' AND deleted = 0 ORDER BY created_at DESC, seq DESC LIMIT 1"
)
_RARE, _SMALL = 1000, 12_000
"""Up to so many rows are counted, with a tag and of experiments, to see which are fewer: to go through them takes some
hundredths of a second."""
_FEW = Statement(
    "SELECT count(*) FROM"
    " (SELECT 1 FROM jobs WHERE scope_id = :scope AND experiment IN :experiments LIMIT :most) AS counted"
)
_COUNT = Statement("SELECT count(*) FROM jobs WHERE scope_id = :scope AND status IN :statuses")


class JobRows:
    """Rows of ``jobs``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, job: Job) -> None:
        row = self._session.first(_ADD, **_row(job))
        if row is None:
            raise AlreadyExistsError(f"the workspace has a job {job.name!r} already", hint="Leave the name out.")
        self._learn(row[0], job)

    def get(self, scope_id: str, name: str) -> Job:
        found = self.find(scope_id, name)
        if found is None:
            raise NotFoundError(f"there is no job {name!r}")
        return found

    def find(self, scope_id: str, name: str) -> Job | None:
        row = self._session.first(_FIND, scope=scope_id, name=name)
        return self._read(*row) if row else None

    def by_id(self, job_id: str) -> Job:
        row = self._session.first(_BY_ID, id=job_id)
        if row is None:
            raise NotFoundError(f"there is no job with the id {job_id!r}")
        return self._read(*row)

    def put(self, job: Job) -> None:
        self._session.tell(_PUT, **_row(job))

    def children(self, scope_id: str, parent: str) -> list[Job]:
        return [_job(body) for (body,) in self._session.all(_CHILDREN, scope=scope_id, parent=parent)]

    def page(
        self, scope_id: str, request: PageRequest, *, parent: str | None = "", archived: bool | None = False
    ) -> Page[Job]:
        query = select(_column.body).where(_column.scope_id == scope_id, _column.deleted == 0)
        if parent is not None:
            query = query.where(_column.parent == parent)
        if archived is not None:
            query = query.where(_column.archived == int(archived))
        return page_of(self._session, query, request, "jobs", (_column.created_at, _column.seq), _job)

    def search(
        self,
        scope_id: str,
        experiments: Sequence[int],
        clauses: Sequence[Clause],
        order: Sequence[Order],
        request: PageRequest,
        *,
        deleted: bool | None = False,
    ) -> Page[Job]:
        led = self._is_led(scope_id, experiments, clauses)
        search = Search(self._session, _subject, scope_id, clauses, led=led)
        _among(search, experiments)
        if not search.is_led:
            search.where("jobs.scope_id = {}", scope_id)
        if deleted is not None:
            search.where("jobs.deleted = {}", int(deleted))
        sortings = [*search.keys(order), *search.newest]
        apart = bool(order) or len(experiments) > 1
        found, cursor = search.page(sortings, request, fingerprint("runs", order), apart=apart)
        return Page(tuple(self._read(*row) for row in found), cursor)

    def find_reusable(self, scope_id: str, reuse_key: str) -> Job | None:
        row = self._session.first(_REUSABLE, scope=scope_id, key=reuse_key)
        return _job(row[0]) if row else None

    def count(self, scope_id: str, statuses: Sequence[JobStatus]) -> int:
        row = self._session.first(_COUNT, scope=scope_id, statuses=[status.value for status in statuses])
        return row[0] if row else 0

    def _read(self, number: int, body: str) -> Job:
        job = _job(body)
        self._learn(number, job)
        return job

    def _learn(self, number: int, job: Job) -> None:
        self._session.rows[job.id] = (number, job.scope_id, job.created_at)

    def _is_led(self, scope_id: str, experiments: Sequence[int], clauses: Sequence[Clause]) -> bool:
        """Whether a tag leads the way to the runs: not where all runs of the workspace that have it are more than all of the
        experiments, which have an index of their own."""
        if is_rarer(self._session, _subject, scope_id, clauses, _RARE):
            return True
        row = self._session.first(_FEW, scope=scope_id, experiments=list(experiments), most=_SMALL)
        return row is None or row[0] == _SMALL or is_rarer(self._session, _subject, scope_id, clauses, row[0])


def _among(search: Search, experiments: Sequence[int]) -> None:
    """One number is as a rule all there is: the databases know more to do with it than with a list of one."""
    if len(experiments) == 1:
        search.where("jobs.experiment = {}", experiments[0])
    else:
        search.where("jobs.experiment IN {}", list(experiments))


def _row(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "scope_id": job.scope_id,
        "name": job.name,
        "parent": job.parent,
        "status": job.status.value,
        "display_name": job.display_name,
        "created_by": job.created_by,
        "reuse_key": job.reuse_key,
        "reused_from": job.reused_from,
        "experiment": job.experiment,
        "archived": int(job.archived),
        "deleted": int(job.deleted),
        "created_at": job.created_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "body": encoded(job),
    }
