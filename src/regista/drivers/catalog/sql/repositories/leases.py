"""Who works on what.

``due`` is from when the job was offered, None while a worker has it and nobody has offered it again. ``ready`` is from
when it may be claimed: ``due``, or the end of the lease when that is later; None when there is nothing to do.
"""

# ruff: noqa: S608 - statements are put together from constants alone; values are always bound

from regista.drivers.catalog.sql.session import Session, Statement
from regista.entities.job import Lease

_MINE = "WHERE job_id = :job AND fence = :fence AND worker = :worker AND until IS NOT NULL"
_LATER = "CASE WHEN leases.until > excluded.due THEN leases.until ELSE excluded.due END"
_OFFER = Statement(
    "INSERT INTO leases (job_id, due, ready, until, worker, fence, handle)"
    " VALUES (:job, :due, :ready, NULL, '', 0, '')"
    f" ON CONFLICT (job_id) DO UPDATE SET due = excluded.due, ready = {_LATER}"
)
_NEXT = "SELECT job_id FROM leases WHERE ready <= :at ORDER BY ready, job_id LIMIT 1"
_TAKE = (
    "UPDATE leases SET due = NULL, ready = :until, until = :until, worker = :worker, fence = fence + 1"
    " WHERE job_id = ({next}) RETURNING job_id, fence, handle"
)
_CLAIM = Statement(_TAKE.format(next=_NEXT))
_CLAIM_AMONG_SERVERS = Statement(_TAKE.format(next=f"{_NEXT} FOR UPDATE SKIP LOCKED"))
_LATER_OWN = "CASE WHEN due > :until THEN due ELSE :until END"
_RENEW = Statement(f"UPDATE leases SET until = :until, ready = {_LATER_OWN} {_MINE}")
_HOLDS = Statement(f"SELECT 1 FROM leases {_MINE} AND until > :at")
_HANDLE = Statement(f"UPDATE leases SET handle = :handle {_MINE}")
_WITHDRAW = Statement(f"UPDATE leases SET due = NULL, ready = NULL, until = NULL, worker = '', handle = '' {_MINE}")
_SOONER = "CASE WHEN due < :due THEN due ELSE :due END"
_GIVE_BACK = Statement(f"UPDATE leases SET due = {_SOONER}, ready = {_SOONER}, until = NULL, worker = '' {_MINE}")
_VOID = Statement(
    f"UPDATE leases SET due = {_SOONER}, ready = {_SOONER}, until = NULL, worker = ''"
    " WHERE ready IS NOT NULL AND worker = :worker AND until IS NOT NULL"  # among those that are in hand or due
)
_NEXT_DUE = Statement("SELECT ready FROM leases WHERE ready IS NOT NULL ORDER BY ready LIMIT 1")


class LeaseRows:
    """Rows of ``leases``, one for each job that was ever offered: its fence never goes back."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def offer(self, job_id: str, due: int = 0) -> None:
        self._session.run(_OFFER, job=job_id, due=due, ready=due)

    def claim(self, worker: str, at: int, until: int) -> Lease | None:
        statement = _CLAIM_AMONG_SERVERS if self._session.postgres else _CLAIM
        row = self._session.first(statement, worker=worker, at=at, until=until)
        if row is None:
            return None
        job_id, fence, handle = row
        return Lease(job_id=job_id, worker=worker, fence=fence, until=until, handle=handle)

    def renew(self, lease: Lease, until: int) -> bool:
        return self._session.run(_RENEW, **_own(lease), until=until) > 0

    def holds(self, lease: Lease, at: int) -> bool:
        return self._session.first(_HOLDS, **_own(lease), at=at) is not None

    def keep_handle(self, lease: Lease, handle: str) -> None:
        self._session.run(_HANDLE, **_own(lease), handle=handle)

    def release(self, lease: Lease, *, due: int | None) -> None:
        if due is None:
            self._session.run(_WITHDRAW, **_own(lease))
        else:
            self._session.run(_GIVE_BACK, **_own(lease), due=due)

    def void(self, worker: str, at: int) -> None:
        self._session.run(_VOID, worker=worker, due=at)

    def next_due(self) -> int | None:
        row = self._session.first(_NEXT_DUE)
        return row[0] if row else None


def _own(lease: Lease) -> dict[str, str | int]:
    return {"job": lease.job_id, "fence": lease.fence, "worker": lease.worker}
