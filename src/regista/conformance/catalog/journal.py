"""The audit and the outbox."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from msgspec import structs

from regista.conformance.catalog.case import CatalogCase, every
from regista.conformance.catalog.examples import FOREIGN_CURSORS
from regista.entities.journal import AuditQuestion, AuditRecord, Event
from regista.entities.names import new_id
from regista.entities.page import PageRequest
from regista.errors import InvalidError
from regista.interfaces.catalog import Catalog, Transaction


def record(at: int, path: str = "/a", principal: str = "ann") -> AuditRecord:
    """An act."""
    return AuditRecord(id=new_id(), at=at, principal=principal, action="model.create", path=path, details={"n": at})


def event(name: str) -> Event:
    """A line of the outbox."""
    return Event(id=new_id(), at=1, type=name, path="/a", data={"k": [1, "two"]})


class AuditContract(CatalogCase):
    """``tx.journal``: the audit."""

    @staticmethod
    def written(catalog: Catalog, *records: AuditRecord) -> list[int]:
        """Record them, each in a transaction of its own."""
        return [catalog.write(lambda tx, one=one: tx.journal.record(one)) for one in records]  # type: ignore[misc]

    @staticmethod
    def times(catalog: Catalog, **question: Any) -> list[int]:
        """When what answers the question happened."""
        asked = AuditQuestion(**question)
        return [found.at for found in catalog.read(lambda tx: tx.journal.audit(asked, PageRequest())).items]

    def test_records_are_newest_first(self, catalog: Catalog) -> None:
        made = [record(at) for at in (1, 1, 2, 3, 3)]
        self.written(catalog, *made)
        asked = AuditQuestion()
        assert every(lambda request: catalog.read(lambda tx: tx.journal.audit(asked, request))) == made[::-1]

    def test_records_are_narrowed_by_place_principal_and_time(self, catalog: Catalog) -> None:
        paths = ("/a", "/a/b", "/a/b/c", "/ab", "/a-b", "/z")
        self.written(catalog, *(record(at, path, "ben" if at == 2 else "ann") for at, path in enumerate(paths, 1)))
        assert self.times(catalog, places=(("/a", 0),)) == [3, 2, 1]
        assert self.times(catalog, places=(("/a/b", 0),)) == [3, 2]
        assert self.times(catalog, places=(("/", 0),)) == [6, 5, 4, 3, 2, 1]
        assert self.times(catalog, places=(("/a", 2), ("/z", 0))) == [6, 3, 2]
        assert self.times(catalog, places=(("/z", 7),)) == []
        assert self.times(catalog, principal="ben") == [2]
        assert self.times(catalog, since=5) == [6, 5]
        assert self.times(catalog, since=2, until=4) == [3, 2]
        assert self.times(catalog, places=(("/a", 0),), principal="ann", since=2) == [3]

    def test_records_are_narrowed_by_action_and_outcome(self, catalog: Catalog) -> None:
        acts = [("model.create", "done"), ("model.get", "forbidden"), ("models.get", "done"), ("key.create", "done")]
        made = [
            AuditRecord(id=new_id(), at=at, principal="ann", action=action, path="/a", outcome=outcome)
            for at, (action, outcome) in enumerate(acts, 1)
        ]
        self.written(catalog, *made)
        assert self.times(catalog, action="model.get") == [2]
        assert self.times(catalog, action="model.*") == [2, 1]
        assert self.times(catalog, action="*") == [4, 3, 2, 1]
        assert self.times(catalog, outcome="forbidden") == [2]
        assert self.times(catalog, action="model.*", outcome="done") == [1]
        assert self.times(catalog, action="mo%") == []

    def test_a_record_is_amended_where_it_stands(self, catalog: Catalog) -> None:
        first, second = record(1), record(2)
        number, _ = self.written(catalog, first, second)
        more = structs.replace(first, count=7, until=9)
        catalog.write(lambda tx: tx.journal.amend(number, more))
        catalog.write(lambda tx: tx.journal.amend(number + 1000, more))
        found = catalog.read(lambda tx: tx.journal.audit(AuditQuestion(), PageRequest()))
        assert list(found.items) == [second, more]

    def test_old_reads_are_forgotten_and_changes_never(self, catalog: Catalog) -> None:
        self.written(catalog, *(structs.replace(record(at), read=at % 2 == 0) for at in range(1, 9)))
        assert catalog.write(lambda tx: tx.journal.forget_reads(7, 2)) == 2
        assert catalog.write(lambda tx: tx.journal.forget_reads(7, 2)) == 1
        assert catalog.write(lambda tx: tx.journal.forget_reads(7, 2)) == 0
        assert self.times(catalog) == [8, 7, 5, 3, 1]

    @pytest.mark.parametrize("cursor", FOREIGN_CURSORS)
    def test_a_foreign_cursor_for_the_audit_is_invalid(self, catalog: Catalog, cursor: str) -> None:
        with pytest.raises(InvalidError):
            catalog.read(lambda tx: tx.journal.audit(AuditQuestion(), PageRequest(10, cursor)))


class OutboxContract(CatalogCase):
    """``tx.journal``: the outbox."""

    def test_events_are_numbered_in_order(self, catalog: Catalog) -> None:
        assert catalog.read(lambda tx: tx.journal.newest()) == 0
        for name in "abc":
            catalog.write(lambda tx, name=name: tx.journal.emit(event(name)))  # type: ignore[misc]
        told = catalog.read(lambda tx: tx.journal.events(0, 10))
        assert [each.type for each in told] == ["a", "b", "c"]
        assert 0 < told[0].sequence < told[1].sequence < told[2].sequence
        assert told[0].data == {"k": [1, "two"]}
        assert catalog.read(lambda tx: tx.journal.events(told[0].sequence, 1)) == [told[1]]
        assert catalog.read(lambda tx: tx.journal.events(told[2].sequence, 10)) == []
        assert catalog.read(lambda tx: tx.journal.newest()) == told[2].sequence

    def test_an_event_of_a_failed_work_is_never_told(self, catalog: Catalog) -> None:
        def work(tx: Transaction) -> None:
            tx.journal.emit(event("a"))
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            catalog.write(work)
        catalog.write(lambda tx: tx.journal.emit(event("b")))
        assert [each.type for each in catalog.read(lambda tx: tx.journal.events(0, 10))] == ["b"]

    def test_old_events_are_forgotten_from_the_oldest_on(self, catalog: Catalog) -> None:
        for at in (1, 2, 9, 3):
            told = structs.replace(event(str(at)), at=at)
            catalog.write(lambda tx, told=told: tx.journal.emit(told))  # type: ignore[misc]
        numbers = [each.sequence for each in catalog.read(lambda tx: tx.journal.events(0, 10))]
        assert catalog.write(lambda tx: tx.journal.forget_events(5, numbers[0] - 1, 10)) == 0
        assert catalog.write(lambda tx: tx.journal.forget_events(5, numbers[0], 10)) == 1
        assert catalog.write(lambda tx: tx.journal.forget_events(5, numbers[-1], 10)) == 1
        assert catalog.write(lambda tx: tx.journal.forget_events(5, numbers[-1], 10)) == 0
        assert [each.at for each in catalog.read(lambda tx: tx.journal.events(0, 10))] == [9, 3]
        assert catalog.write(lambda tx: tx.journal.forget_events(10, numbers[-1], 10)) == 2
        catalog.write(lambda tx: tx.journal.emit(event("new")))
        assert catalog.read(lambda tx: tx.journal.events(numbers[-1], 10))[0].sequence > numbers[-1]

    def test_a_reader_that_follows_sixteen_writers_misses_nothing(self, catalog: Catalog) -> None:
        def write(number: int) -> None:
            for turn in range(4):

                def work(tx: Transaction, name: str = f"{number}.{turn}") -> None:
                    tx.journal.emit(event(name))
                    tx.settings.put(name, name)

                catalog.write(work)

        told: list[str] = []
        after = 0
        with ThreadPoolExecutor(16) as threads:
            running = [threads.submit(write, number) for number in range(16)]
            while True:
                finished = all(each.done() for each in running)
                some = catalog.read(lambda tx, after=after: tx.journal.events(after, 7))  # type: ignore[misc]
                told += [each.type for each in some]
                after = some[-1].sequence if some else after
                if finished and not some:
                    break
        for each in running:
            each.result()
        assert sorted(told) == sorted(f"{number}.{turn}" for number in range(16) for turn in range(4))
