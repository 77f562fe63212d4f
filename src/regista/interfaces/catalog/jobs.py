"""Jobs, and who works on them."""

from collections.abc import Sequence
from typing import Protocol

from regista.entities.job import Job, JobStatus, Lease
from regista.entities.page import Page, PageRequest
from regista.entities.search import Clause, Order


class JobRepository(Protocol):
    """Jobs, steps and runs."""

    def add(self, job: Job) -> None:
        """Add; raise ``AlreadyExistsError`` when the workspace has a job of the name."""

    def get(self, scope_id: str, name: str) -> Job:
        """By name."""

    def find(self, scope_id: str, name: str) -> Job | None:
        """By name."""

    def by_id(self, job_id: str) -> Job:
        """By id."""

    def put(self, job: Job) -> None:
        """Replace."""

    def children(self, scope_id: str, parent: str) -> list[Job]:
        """The steps of a pipeline job, oldest first."""

    def page(
        self, scope_id: str, request: PageRequest, *, parent: str | None = "", archived: bool | None = False
    ) -> Page[Job]:
        """Newest first; *parent* None means steps too, interactive runs are included."""

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
        """Jobs of the experiments that fulfil all clauses; ties newest first. Attributes are ``run_id``, ``run_name``
        (display name), ``user_id``, ``status`` (ours), ``start_time``, ``end_time``, ``created``."""

    def find_reusable(self, scope_id: str, reuse_key: str) -> Job | None:
        """The newest completed job with this key that was not itself reused."""

    def count(self, scope_id: str, statuses: Sequence[JobStatus]) -> int:
        """How many jobs are in one of the states."""


class LeaseRepository(Protocol):
    """Who works on what. A job is offered when it is due and leased by one worker at a time."""

    def offer(self, job_id: str, due: int = 0) -> None:
        """Let workers claim the job from the time *due* on; offering again moves the time."""

    def claim(self, worker: str, at: int, until: int) -> Lease | None:
        """Take the job that is due longest and has no living lease, under a new fence; None when there is none."""

    def renew(self, lease: Lease, until: int) -> bool:
        """Extend the lease; False when it is no longer the worker's own."""

    def holds(self, lease: Lease, at: int) -> bool:
        """Whether the lease is still the newest one and has not run out: asked in the transaction of every fenced write."""

    def keep_handle(self, lease: Lease, handle: str) -> None:
        """Remember what the executor said."""

    def release(self, lease: Lease, *, due: int | None) -> None:
        """Give the job back, to be claimed from *due* on, or (None) withdraw the offer: there is no more to do."""

    def void(self, worker: str, at: int) -> None:
        """Let everybody claim, from *at* on, what *worker* holds: it has died."""

    def next_due(self) -> int | None:
        """The earliest time at which something may be claimed, or None."""
