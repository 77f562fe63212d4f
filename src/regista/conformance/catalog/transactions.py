"""All or nothing, one after another, durable when acknowledged."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from regista.conformance.catalog.case import CatalogCase
from regista.conformance.catalog.examples import UNUSUAL, asset, job
from regista.entities.asset import AssetKind
from regista.errors import InternalError, RegistaError, UnavailableError
from regista.interfaces.catalog import Catalog, Transaction


class WantedError(Exception):
    """What a work function raises on purpose."""


class TransactionContract(CatalogCase):
    """The promises of ``read`` and ``write`` themselves."""

    def test_a_write_returns_what_its_work_returns(self, catalog: Catalog) -> None:
        assert catalog.write(lambda _tx: 42) == 42
        assert catalog.read(lambda _tx: "seen") == "seen"

    def test_a_write_sees_its_own_changes(self, catalog: Catalog) -> None:
        def work(tx: Transaction) -> str | None:
            tx.settings.put("color", UNUSUAL)
            return tx.settings.find("color")

        assert catalog.write(work) == UNUSUAL
        assert catalog.read(lambda tx: tx.settings.find("color")) == UNUSUAL

    def test_a_work_that_raises_changes_nothing_and_its_error_arrives(self, catalog: Catalog) -> None:
        def work(tx: Transaction) -> None:
            tx.settings.put("color", "red")
            tx.assets.add(asset(tags={"a": "b"}))
            tx.jobs.add(job())
            raise WantedError

        with pytest.raises(WantedError):
            catalog.write(work)
        assert catalog.read(lambda tx: tx.settings.find("color")) is None
        assert catalog.read(lambda tx: tx.assets.find("w", AssetKind.MODEL, "churn")) is None
        assert catalog.read(lambda tx: tx.jobs.find("w", "train")) is None

    def test_after_a_failure_the_next_write_goes_on(self, catalog: Catalog) -> None:
        with pytest.raises(ZeroDivisionError):
            catalog.write(lambda _tx: 1 // 0)
        catalog.write(lambda tx: tx.settings.put("color", "blue"))
        assert catalog.read(lambda tx: tx.settings.find("color")) == "blue"

    def test_writing_in_a_read_is_an_error(self, catalog: Catalog) -> None:
        with pytest.raises(RegistaError):
            catalog.read(lambda tx: tx.settings.put("color", "red"))
        assert catalog.read(lambda tx: tx.settings.find("color")) is None
        catalog.write(lambda tx: tx.settings.put("color", "blue"))

    def test_a_transaction_inside_a_transaction_is_an_error(self, catalog: Catalog) -> None:
        for outer in (catalog.read, catalog.write):
            for inner in (catalog.read, catalog.write):
                with pytest.raises(InternalError):
                    outer(lambda _tx, inner=inner: inner(lambda _tx: None))  # type: ignore[misc]
        catalog.write(lambda tx: tx.settings.put("color", "blue"))

    def test_the_first_of_many_settings_stands(self, catalog: Catalog) -> None:
        with ThreadPoolExecutor(16) as threads:
            stands = set(threads.map(lambda n: catalog.write(lambda tx: tx.settings.add("key", str(n))), range(16)))
        assert stands == {catalog.read(lambda tx: tx.settings.find("key"))}

    def test_sixteen_writers_that_look_and_then_act_lose_nothing(self, catalog: Catalog) -> None:
        def count_up(tx: Transaction) -> None:
            tx.settings.put("count", str(int(tx.settings.find("count") or "0") + 1))

        def writer(_number: int) -> None:
            for _ in range(5):
                catalog.write(count_up)

        with ThreadPoolExecutor(16) as threads:
            list(threads.map(writer, range(16)))
        assert catalog.read(lambda tx: tx.settings.find("count")) == "80"

    def test_a_failing_work_among_many_fails_alone(self, catalog: Catalog) -> None:
        def attempt(number: int) -> bool:
            def work(tx: Transaction) -> None:
                tx.settings.put(f"key{number}", "x")
                if number % 3 == 0:
                    raise WantedError

            try:
                catalog.write(work)
            except WantedError:
                return False
            return True

        with ThreadPoolExecutor(16) as threads:
            kept = list(threads.map(attempt, range(96)))
        there = catalog.read(lambda tx: [tx.settings.find(f"key{number}") is not None for number in range(96)])
        assert kept == there == [number % 3 != 0 for number in range(96)]

    def test_a_read_sees_one_moment(self, catalog: Catalog) -> None:
        catalog.write(lambda tx: tx.settings.put("a", "0"))
        catalog.write(lambda tx: tx.settings.put("b", "0"))
        stop = threading.Event()

        def both(value: str) -> None:
            def work(tx: Transaction) -> None:
                tx.settings.put("a", value)
                tx.settings.put("b", value)

            catalog.write(work)

        def write_on() -> None:
            for value in range(200):
                both(str(value))
                if stop.is_set():
                    break

        writer = threading.Thread(target=write_on)
        writer.start()
        try:
            for _ in range(100):
                first, second = catalog.read(lambda tx: (tx.settings.find("a"), tx.settings.find("b")))
                assert first == second
        finally:
            stop.set()
            writer.join()

    def test_closing_twice_is_quiet_and_a_closed_catalog_says_so(self, catalog: Catalog) -> None:
        for _ in range(2):
            catalog.close()
        for call in (catalog.read, catalog.write):
            with pytest.raises(UnavailableError, match="closed"):
                call(lambda _tx: None)
