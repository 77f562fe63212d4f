"""The audit and the outbox."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from regista.conformance.catalog.case import CatalogCase, every
from regista.conformance.catalog.examples import FOREIGN_CURSORS
from regista.entities.journal import AuditRecord, Event
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

    def test_records_are_newest_first(self, catalog: Catalog) -> None:
        made = [record(at) for at in (1, 1, 2, 3, 3)]
        for each in made:
            catalog.write(lambda tx, each=each: tx.journal.record(each))  # type: ignore[misc]
        assert every(lambda request: catalog.read(lambda tx: tx.journal.audit(request))) == made[::-1]

    def test_records_are_narrowed_by_path_principal_and_time(self, catalog: Catalog) -> None:
        made = [
            record(1, "/a"),
            record(2, "/a/b", "ben"),
            record(3, "/a/b/c"),
            record(4, "/ab"),
            record(5, "/a-b"),
            record(6, "/z"),
        ]
        for each in made:
            catalog.write(lambda tx, each=each: tx.journal.record(each))  # type: ignore[misc]

        def times(path: str = "", principal: str = "", since: int = 0) -> list[int]:
            def look(tx: Transaction) -> list[int]:
                page = tx.journal.audit(PageRequest(), path=path, principal=principal, since=since)
                return [found.at for found in page.items]

            return catalog.read(look)

        assert times("/a") == [3, 2, 1]
        assert times("/a/b") == [3, 2]
        assert times("/") == [6, 5, 4, 3, 2, 1]
        assert times(principal="ben") == [2]
        assert times(since=5) == [6, 5]
        assert times("/a", "ann", 2) == [3]

    @pytest.mark.parametrize("cursor", FOREIGN_CURSORS)
    def test_a_foreign_cursor_for_the_audit_is_invalid(self, catalog: Catalog, cursor: str) -> None:
        with pytest.raises(InvalidError):
            catalog.read(lambda tx: tx.journal.audit(PageRequest(10, cursor)))


class OutboxContract(CatalogCase):
    """``tx.journal``: the outbox."""

    def test_events_are_numbered_in_order(self, catalog: Catalog) -> None:
        for name in "abc":
            catalog.write(lambda tx, name=name: tx.journal.emit(event(name)))  # type: ignore[misc]
        told = catalog.read(lambda tx: tx.journal.events(0, 10))
        assert [each.type for each in told] == ["a", "b", "c"]
        assert 0 < told[0].sequence < told[1].sequence < told[2].sequence
        assert told[0].data == {"k": [1, "two"]}
        assert catalog.read(lambda tx: tx.journal.events(told[0].sequence, 1)) == [told[1]]
        assert catalog.read(lambda tx: tx.journal.events(told[2].sequence, 10)) == []

    def test_an_event_of_a_failed_work_is_never_told(self, catalog: Catalog) -> None:
        def work(tx: Transaction) -> None:
            tx.journal.emit(event("a"))
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            catalog.write(work)
        catalog.write(lambda tx: tx.journal.emit(event("b")))
        assert [each.type for each in catalog.read(lambda tx: tx.journal.events(0, 10))] == ["b"]

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
