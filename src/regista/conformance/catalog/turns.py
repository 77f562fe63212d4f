"""What may be asked of a catalog by who must not wait: ``at_once`` and ``in_turn``."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from regista.conformance.catalog.case import CatalogCase
from regista.conformance.catalog.transactions import WantedError
from regista.errors import RegistaError
from regista.interfaces.catalog import Catalog, WouldWaitError

Told = tuple[Any, BaseException | None]


class TurnContract(CatalogCase):
    """A catalog may refuse both, always or now and then, and has then done nothing."""

    def test_a_read_at_once_is_as_any_other_or_would_wait(self, catalog: Catalog) -> None:
        catalog.write(lambda tx: tx.settings.put("color", "red"))
        with suppress(WouldWaitError):
            assert at_once(catalog, lambda: catalog.read(lambda tx: tx.settings.find("color"))) == "red"
        assert catalog.read(lambda tx: tx.settings.find("color")) == "red"

    def test_a_write_at_once_would_wait_and_nothing_is_changed(self, catalog: Catalog) -> None:
        with pytest.raises(WouldWaitError):
            at_once(catalog, lambda: catalog.write(lambda tx: tx.settings.put("color", "red")))
        assert catalog.read(lambda tx: tx.settings.find("color")) is None
        catalog.write(lambda tx: tx.settings.put("color", "blue"))

    def test_who_fails_at_once_is_told_and_waits_again_afterwards(self, catalog: Catalog) -> None:
        def fail() -> None:
            raise WantedError

        with pytest.raises((WantedError, WouldWaitError)):
            at_once(catalog, fail)
        catalog.write(lambda tx: tx.settings.put("color", "blue"))

    def test_haste_is_a_thread_s_own(self, catalog: Catalog) -> None:
        def beside() -> str | None:
            with ThreadPoolExecutor(1) as other:
                other.submit(catalog.write, lambda tx: tx.settings.put("color", "red")).result()
            return "written"

        with suppress(WouldWaitError):
            assert at_once(catalog, beside) == "written"
        assert catalog.read(lambda tx: tx.settings.find("color")) in {"red", None}

    def test_what_a_turn_writes_is_there_when_it_is_told(self, catalog: Catalog) -> None:
        def work() -> str | None:
            catalog.write(lambda tx: tx.settings.put("color", "red"))
            catalog.write(lambda tx: tx.settings.put("size", "large"))
            return catalog.read(lambda tx: tx.settings.find("color"))

        result, error = in_turn(catalog, work)
        assert (result, error) == ("red", None)
        assert catalog.read(lambda tx: (tx.settings.find("color"), tx.settings.find("size"))) == ("red", "large")

    def test_each_write_of_a_turn_is_all_or_nothing(self, catalog: Catalog) -> None:
        def fail(tx: Any) -> None:
            tx.settings.put("size", "large")
            raise WantedError

        def work() -> None:
            catalog.write(lambda tx: tx.settings.put("color", "red"))
            catalog.write(fail)

        _, error = in_turn(catalog, work)
        assert isinstance(error, WantedError)
        assert catalog.read(lambda tx: (tx.settings.find("color"), tx.settings.find("size"))) == ("red", None)

    def test_a_turn_that_fails_leaves_the_others_alone(self, catalog: Catalog) -> None:
        def write(number: int) -> Told:
            def work() -> int:
                catalog.write(lambda tx: tx.settings.put(f"key{number}", "x"))
                return 1 // (number % 3)

            return in_turn(catalog, work)

        with ThreadPoolExecutor(16) as threads:
            told = list(threads.map(write, range(48)))
        assert [type(error) for _, error in told] == [ZeroDivisionError, type(None), type(None)] * 16
        assert catalog.read(lambda tx: all(tx.settings.find(f"key{number}") for number in range(48)))

    def test_a_closed_catalog_takes_no_turn(self, catalog: Catalog) -> None:
        catalog.close()
        with pytest.raises((RegistaError, WouldWaitError)):
            catalog.in_turn(lambda: None, lambda _result, _error: None)


def at_once(catalog: Catalog, work: Callable[[], Any]) -> Any:
    """What *work* returns, asked on an event loop of this thread; raise what it raises, or that it would wait."""

    async def ask() -> Any:
        told: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def done(result: Any, error: BaseException | None) -> None:
            told.set_result((result, error))

        catalog.at_once(work, done)
        return await asyncio.wait_for(told, 60)

    result, error = asyncio.run(ask())
    if error is not None:
        raise error
    return result


def in_turn(catalog: Catalog, work: Callable[[], Any]) -> Told:
    """What is told of *work*; where there are no turns it is done on the spot, as the law says."""
    told: list[Told] = []
    over = threading.Event()

    def done(result: Any, error: BaseException | None) -> None:
        told.append((result, error))
        over.set()

    try:
        catalog.in_turn(work, done)
        assert over.wait(60)
    except WouldWaitError:
        told.append((None, WouldWaitError()))
    if not isinstance(told[0][1], WouldWaitError):
        return told[0]
    try:
        return work(), None
    except Exception as error:  # noqa: BLE001 - a test looks at it
        return None, error
