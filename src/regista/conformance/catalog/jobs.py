"""Jobs and leases."""

from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from regista.conformance.catalog.case import CatalogCase, every
from regista.conformance.catalog.examples import UNUSUAL, added_job, job
from regista.entities.job import Binding, Job, JobStatus, JobType, Lease
from regista.entities.page import Page, PageRequest
from regista.errors import AlreadyExistsError, NotFoundError
from regista.interfaces.catalog import Catalog, Transaction


class JobContract(CatalogCase):
    """``tx.jobs``, but for the search."""

    def test_a_job_comes_back_as_it_was_added(self, catalog: Catalog) -> None:
        made = job(
            description=UNUSUAL,
            spec={"command": "python train.py", "nested": {"a": [1, None]}},
            inputs={"data": Binding(type="uri_folder", reference="azureml:d:1")},
            started_at=5,
            created_at=4,
        )
        catalog.write(lambda tx: tx.jobs.add(made))
        assert catalog.read(lambda tx: tx.jobs.get("w", "train")) == made
        assert catalog.read(lambda tx: tx.jobs.by_id(made.id)) == made
        assert catalog.read(lambda tx: tx.jobs.find("x", "train")) is None
        with pytest.raises(NotFoundError, match="nothing"):
            catalog.read(lambda tx: tx.jobs.get("w", "nothing"))
        with pytest.raises(NotFoundError, match="nothing"):
            catalog.read(lambda tx: tx.jobs.by_id("nothing"))

    def test_a_name_is_taken_once_in_a_workspace(self, catalog: Catalog) -> None:
        added_job(catalog)
        added_job(catalog, scope_id="x")
        with pytest.raises(AlreadyExistsError, match="'train'"):
            added_job(catalog)

    def test_put_replaces(self, catalog: Catalog) -> None:
        made = added_job(catalog)
        changed = msgspec.structs.replace(made, status=JobStatus.RUNNING, started_at=8, display_name="d")
        catalog.write(lambda tx: tx.jobs.put(changed))
        assert catalog.read(lambda tx: tx.jobs.by_id(made.id)) == changed

    def test_children_are_oldest_first(self, catalog: Catalog) -> None:
        added_job(catalog, "pipe", type=JobType.PIPELINE)
        for name in ("c", "a", "b"):
            added_job(catalog, name, parent="pipe", created_at=7)
        added_job(catalog, "first", parent="pipe", created_at=1)
        added_job(catalog, "other", parent="else")
        assert [j.name for j in catalog.read(lambda tx: tx.jobs.children("w", "pipe"))] == ["first", "c", "a", "b"]

    def test_pages_are_newest_first_without_steps(self, catalog: Catalog) -> None:
        def fill(tx: Transaction) -> None:
            for number in range(5):
                tx.jobs.add(job(f"j{number}", created_at=number // 2))
            tx.jobs.add(job("step", parent="j1", created_at=50))
            tx.jobs.add(job("gone", archived=True, created_at=60))
            tx.jobs.add(job("elsewhere", scope_id="x", created_at=60))

        catalog.write(fill)
        assert self.job_names(catalog) == ["j4", "j3", "j2", "j1", "j0"]
        assert self.job_names(catalog, parent=None) == ["step", "j4", "j3", "j2", "j1", "j0"]
        assert self.job_names(catalog, parent="j1") == ["step"]
        assert self.job_names(catalog, archived=None) == ["gone", "j4", "j3", "j2", "j1", "j0"]
        assert self.job_names(catalog, archived=True) == ["gone"]

    def test_what_was_computed_before_is_found_by_its_reuse_key(self, catalog: Catalog) -> None:
        done = JobStatus.COMPLETED
        added_job(catalog, "old", reuse_key="k", status=done, created_at=1)
        newest = added_job(catalog, "new", reuse_key="k", status=done, created_at=2)
        added_job(catalog, "copy", reuse_key="k", status=done, reused_from="new", created_at=3)
        added_job(catalog, "failed", reuse_key="k", status=JobStatus.FAILED, created_at=4)
        added_job(catalog, "keyless", status=done, created_at=4)
        assert catalog.read(lambda tx: tx.jobs.find_reusable("w", "k")) == newest
        assert catalog.read(lambda tx: tx.jobs.find_reusable("x", "k")) is None
        assert catalog.read(lambda tx: tx.jobs.find_reusable("w", "")) is None

    def test_jobs_are_counted_by_their_states(self, catalog: Catalog) -> None:
        added_job(catalog, "a", status=JobStatus.RUNNING)
        added_job(catalog, "b", status=JobStatus.QUEUED)
        added_job(catalog, "c", status=JobStatus.RUNNING, scope_id="x")
        running, queued = JobStatus.RUNNING, JobStatus.QUEUED
        assert catalog.read(lambda tx: tx.jobs.count("w", [running])) == 1
        assert catalog.read(lambda tx: tx.jobs.count("w", [running, queued])) == 2
        assert catalog.read(lambda tx: tx.jobs.count("w", [])) == 0

    def job_names(self, catalog: Catalog, parent: str | None = "", archived: bool | None = False) -> list[str]:
        """The names in all pages."""

        def turn(request: PageRequest) -> Page[Job]:
            return catalog.read(lambda tx: tx.jobs.page("w", request, parent=parent, archived=archived))

        return [found.name for found in every(turn)]


class LeaseContract(CatalogCase):
    """``tx.leases``."""

    def test_what_is_due_longest_is_claimed_first(self, catalog: Catalog) -> None:
        for job_id, due in (("late", 30), ("early", 10), ("middle", 20)):
            catalog.write(lambda tx, job_id=job_id, due=due: tx.leases.offer(job_id, due))  # type: ignore[misc]
        assert catalog.read(lambda tx: tx.leases.next_due()) == 10
        assert self.claim(catalog, at=5) is None
        claimed = [self.claim(catalog, at=30, until=100) for _ in range(4)]
        assert [lease.job_id if lease else None for lease in claimed] == ["early", "middle", "late", None]
        assert catalog.read(lambda tx: tx.leases.next_due()) == 100

    def test_nothing_is_due_in_the_beginning(self, catalog: Catalog) -> None:
        assert catalog.read(lambda tx: tx.leases.next_due()) is None
        assert self.claim(catalog, at=2**50) is None

    def test_a_lease_that_ran_out_is_taken_over_under_a_greater_fence_with_its_handle(self, catalog: Catalog) -> None:
        catalog.write(lambda tx: tx.leases.offer("j"))
        first = self.sure(self.claim(catalog, at=1, until=10, worker="one"))
        catalog.write(lambda tx: tx.leases.keep_handle(first, '{"pid":"1"}'))
        assert self.claim(catalog, at=9, worker="two") is None
        second = self.sure(self.claim(catalog, at=10, until=20, worker="two"))
        assert second.fence > first.fence
        assert second.handle == '{"pid":"1"}'
        assert self.holds(catalog, second, at=11)
        assert not self.holds(catalog, first, at=5)
        assert not catalog.write(lambda tx: tx.leases.renew(first, 99))
        catalog.write(lambda tx: tx.leases.keep_handle(first, "mine"))
        catalog.write(lambda tx: tx.leases.release(first, due=None))
        third = self.sure(self.claim(catalog, at=20, until=30, worker="three"))
        assert third.handle == '{"pid":"1"}'

    def test_a_lease_holds_until_it_runs_out(self, catalog: Catalog) -> None:
        catalog.write(lambda tx: tx.leases.offer("j"))
        lease = self.sure(self.claim(catalog, at=1, until=10))
        assert self.holds(catalog, lease, at=9)
        assert not self.holds(catalog, lease, at=10)
        assert catalog.write(lambda tx: tx.leases.renew(lease, 20))
        assert self.holds(catalog, lease, at=19)
        assert self.claim(catalog, at=19) is None

    def test_a_job_given_back_is_claimed_when_it_is_due(self, catalog: Catalog) -> None:
        catalog.write(lambda tx: tx.leases.offer("j"))
        lease = self.sure(self.claim(catalog, at=1, until=10))
        catalog.write(lambda tx: tx.leases.release(lease, due=5))
        assert not self.holds(catalog, lease, at=2)
        assert not catalog.write(lambda tx: tx.leases.renew(lease, 99))
        assert self.claim(catalog, at=4) is None
        assert catalog.read(lambda tx: tx.leases.next_due()) == 5
        assert self.sure(self.claim(catalog, at=5, until=20)).fence > lease.fence

    def test_a_job_that_is_done_is_not_offered_any_more(self, catalog: Catalog) -> None:
        catalog.write(lambda tx: tx.leases.offer("j"))
        lease = self.sure(self.claim(catalog, at=1, until=10))
        catalog.write(lambda tx: tx.leases.release(lease, due=None))
        assert self.claim(catalog, at=1000) is None
        assert catalog.read(lambda tx: tx.leases.next_due()) is None
        catalog.write(lambda tx: tx.leases.offer("j", 7))
        again = self.sure(self.claim(catalog, at=7, until=20))
        assert again.fence > lease.fence
        assert again.handle == ""

    def test_offering_again_moves_the_time_but_never_breaks_a_lease(self, catalog: Catalog) -> None:
        catalog.write(lambda tx: tx.leases.offer("j", 100))
        catalog.write(lambda tx: tx.leases.offer("j", 3))
        lease = self.sure(self.claim(catalog, at=3, until=10))
        catalog.write(lambda tx: tx.leases.offer("j", 4))
        assert self.claim(catalog, at=5) is None
        assert self.holds(catalog, lease, at=5)
        catalog.write(lambda tx: tx.leases.release(lease, due=500))
        assert self.claim(catalog, at=5, until=20) is not None, "the offer made meanwhile was lost"

    def test_what_a_dead_worker_had_is_anybody_s_at_once_and_nobody_else_s_is(self, catalog: Catalog) -> None:
        for job_id, due in (("a", 1), ("b", 2), ("c", 3), ("d", 4)):
            catalog.write(lambda tx, job_id=job_id, due=due: tx.leases.offer(job_id, due))  # type: ignore[misc]
        lost, kept = (self.sure(self.claim(catalog, at=5, worker=name)) for name in ("dead", "alive"))
        catalog.write(lambda tx: tx.leases.keep_handle(lost, "known"))
        ended = self.sure(self.claim(catalog, at=5, worker="dead"))
        catalog.write(lambda tx: tx.leases.release(ended, due=None))
        catalog.write(lambda tx: tx.leases.void("dead", 6))
        assert not self.holds(catalog, lost, at=6)
        assert not catalog.write(lambda tx: tx.leases.renew(lost, 99))
        assert self.holds(catalog, kept, at=6)
        assert self.sure(self.claim(catalog, at=6)).job_id == "d"
        again = self.sure(self.claim(catalog, at=6))
        assert (again.job_id, again.handle) == ("a", "known")
        assert again.fence > lost.fence
        assert self.claim(catalog, at=6) is None

    def test_sixteen_workers_never_share_a_job(self, catalog: Catalog) -> None:
        for number in range(32):
            catalog.write(lambda tx, number=number: tx.leases.offer(f"j{number}"))  # type: ignore[misc]

        def work(number: int) -> list[str]:
            mine = []
            while (lease := self.claim(catalog, at=1, until=10, worker=f"w{number}")) is not None:
                mine.append(lease.job_id)
            return mine

        with ThreadPoolExecutor(16) as threads:
            claimed = [job_id for mine in threads.map(work, range(16)) for job_id in mine]
        assert sorted(claimed) == sorted(f"j{number}" for number in range(32))

    def claim(self, catalog: Catalog, at: int, until: int = 1000, worker: str = "me") -> Lease | None:
        """Try to take a job."""
        return catalog.write(lambda tx: tx.leases.claim(worker, at, until))

    def holds(self, catalog: Catalog, lease: Lease, at: int) -> bool:
        """Ask as a fenced write does."""
        return catalog.write(lambda tx: tx.leases.holds(lease, at))

    def sure(self, lease: Lease | None) -> Lease:
        """There has to be one."""
        assert lease is not None
        return lease
