"""Searching runs by what was recorded about them, across the experiments of a workspace."""

from collections.abc import Sequence

from regista.entities.access import Caller, Permission
from regista.entities.job import Job
from regista.entities.page import MAX_PAGE, Page, PageRequest
from regista.entities.run import CONTEXT
from regista.entities.scope import Scope, ScopeAddress
from regista.entities.search import Clause, Order
from regista.errors import NotFoundError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.jobs.sources import job_path
from regista.services.scopes.scopes import resolve_scope
from regista.services.tracking.runs import Run


class RunSearchService:
    """Finds runs."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def search(
        self,
        caller: Caller,
        address: ScopeAddress,
        experiments: Sequence[int],
        clauses: Sequence[Clause],
        order: Sequence[Order],
        request: PageRequest,
        *,
        deleted: bool | None = False,
    ) -> Page[Run]:
        """The runs of *experiments* that fulfil all clauses and that *caller* may read, newest first where *order* leaves it
        open. *deleted* None means both; a run of a deleted experiment counts as deleted. The limit may be beyond
        ``MAX_PAGE``: all of it is one consistent state."""

        def work(tx: Transaction) -> Page[Run]:
            scope = resolve_scope(tx, caller, address)
            if not caller.allows_below(Permission.JOBS_READ, scope.path):
                raise NotFoundError(f"there are no runs for you in {address}")
            reads_all = caller.allows(Permission.JOBS_READ, scope.path)  # and so everything below it
            hidden = _hidden(tx, scope, experiments)
            wanted = [number for number in experiments if deleted is not False or number not in hidden]
            filtered = deleted if deleted is not True or not hidden else None
            jobs: list[Job] = []
            cursor = request.cursor
            while wanted and len(jobs) < request.limit:
                some = PageRequest(min(MAX_PAGE, request.limit - len(jobs)), cursor)
                page = tx.jobs.search(scope.id, wanted, clauses, order, some, deleted=filtered)
                jobs += [
                    job
                    for job in page.items
                    if (reads_all or _may_read(caller, scope, job))
                    and (deleted is not True or job.deleted or job.experiment in hidden)
                ]
                cursor = page.next
                if cursor is None:
                    break
            return Page(tuple(_with_records(tx, jobs, hidden)), cursor if jobs else None)

        return self._catalog.read(work)

    def datasets(
        self, caller: Caller, address: ScopeAddress, experiments: Sequence[int], most: int
    ) -> list[tuple[int, str, str, str]]:
        """What living runs of *experiments* that the caller may read used: experiment, name, digest and context of data sets,
        each once, the last said first, *most* at most."""

        def work(tx: Transaction) -> list[tuple[int, str, str, str]]:
            scope = resolve_scope(tx, caller, address)
            if not caller.allows_below(Permission.JOBS_READ, scope.path):
                raise NotFoundError(f"there are no runs for you in {address}")
            hidden = _hidden(tx, scope, experiments)
            living = [number for number in experiments if number not in hidden]
            found: dict[tuple[int, str, str, str], None] = {}
            cursor: str | None = None
            while len(found) < most:
                page = tx.experiments.datasets(scope.id, living, PageRequest(MAX_PAGE, cursor))
                for use in page.items:
                    if caller.allows(Permission.JOBS_READ, job_path(scope, use.run)):
                        one = use.dataset
                        found[use.experiment, one.name, one.digest, one.tags.get(CONTEXT, "")] = None
                cursor = page.next
                if cursor is None:
                    break
            return [*found][:most]

        return self._catalog.read(work)


def _hidden(tx: Transaction, scope: Scope, experiments: Sequence[int]) -> set[int]:
    """The deleted ones of *experiments*; raise nothing for numbers that do not exist."""
    found = set()
    for number in experiments:
        try:
            if tx.experiments.get(scope.id, number).deleted:
                found.add(number)
        except NotFoundError:
            continue
    return found


def _may_read(caller: Caller, scope: Scope, job: Job) -> bool:
    return caller.allows(Permission.JOBS_READ, job_path(scope, job.name))


def _with_records(tx: Transaction, jobs: Sequence[Job], hidden: set[int]) -> list[Run]:
    ids = [job.id for job in jobs]
    metrics, params, tags = tx.runs.latest_metrics(ids), tx.runs.params(ids), tx.runs.tags(ids)
    datasets = tx.runs.datasets(ids)
    return [
        Run(
            job=job,
            metrics=metrics.get(job.id, []),
            params=params.get(job.id, {}),
            tags=tags.get(job.id, {}),
            datasets=datasets.get(job.id, ()),
            deleted=job.deleted or job.experiment in hidden,
        )
        for job in jobs
    ]
