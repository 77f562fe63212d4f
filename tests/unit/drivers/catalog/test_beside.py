"""What an event loop does itself with a catalog in PostgreSQL: shared snapshots, shared commits, and connections that go."""

import asyncio
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait

import msgspec
import psycopg
import pytest

from regista.dialects.desk import Desk, Pace
from regista.drivers.catalog.sql import wire
from regista.entities.journal import Event
from regista.entities.scope import Scope, ScopeKind
from regista.errors import InvalidError, UnavailableError
from regista.interfaces.catalog import WouldWaitError
from tests.support.looping import opened

pytestmark = pytest.mark.postgres

DEV = Scope(
    id="1", kind=ScopeKind.WORKSPACE, subscription="default", resource_group="default", name="dev", location="local"
)


@pytest.fixture
def looping(postgres_database):
    with opened(postgres_database) as looping:
        yield looping


def asked(url, query):
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        return connection.execute(query).fetchall()


def commits(url):
    """How many transactions of the database have been committed."""
    asked(url, "SELECT pg_stat_force_next_flush()")
    return asked(url, "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")[0][0]


def cut_off(url):
    asked(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )


def at_the_same_moment(looping, ask, works):
    """What comes of *works*, all of which are asked for in one turn of the loop."""
    gate = threading.Event()
    looping.loop.call_soon_threadsafe(gate.wait, 30)
    told = [looping.on_loop(ask, work) for work in works]
    gate.set()
    wait(told, 60)
    return told


def put(catalog, key, value="x"):
    return lambda: catalog.write(lambda tx: tx.settings.put(key, value))


def find(catalog, key):
    return catalog.read(lambda tx: tx.settings.find(key))


def count_up(catalog, key="count"):
    def work(tx):
        tx.settings.put(key, str(int(tx.settings.find(key) or 0) + 1))

    return lambda: catalog.write(work)


class TestGroups:
    def test_who_comes_at_the_same_moment_shares_a_commit(self, looping, postgres_database):
        catalog = looping.catalog
        before = commits(postgres_database)
        told = at_the_same_moment(looping, catalog.in_turn, [put(catalog, str(n)) for n in range(40)])
        assert [one.result(0) for one in told] == [None] * 40
        assert all(find(catalog, str(n)) for n in range(40))
        assert commits(postgres_database) - before < 60  # 40 reads, and what this test itself asks

    def test_what_another_of_the_group_wrote_meanwhile_is_read_again(self, looping):
        catalog = looping.catalog
        told = at_the_same_moment(looping, catalog.in_turn, [count_up(catalog) for _ in range(30)])
        assert [one.result(0) for one in told] == [None] * 30
        assert find(catalog, "count") == "30"

    def test_who_reads_between_the_writes_of_others_sees_one_moment(self, looping):
        catalog = looping.catalog

        def change(number):
            return lambda: catalog.write(
                lambda tx: [tx.settings.put(key, number) for key in "abc" if tx.settings.find(key) or True]
            )

        def look():
            return catalog.read(lambda tx: tuple(tx.settings.find(key) for key in "abca"))

        for start in range(0, 60, 6):
            works = [one for n in range(start, start + 6) for one in (change(str(n)), look)]
            for seen in at_the_same_moment(looping, catalog.in_turn, works)[1::2]:
                assert len({*seen.result(0)}) == 1

    def test_more_than_a_group_holds_go_into_the_next(self, looping):
        catalog = looping.catalog
        told = at_the_same_moment(looping, catalog.in_turn, [count_up(catalog) for _ in range(200)])
        assert [one.result(0) for one in told] == [None] * 200
        assert find(catalog, "count") == "200"

    def test_one_that_fails_before_it_writes_is_told_and_nobody_else_notices(self, looping):
        catalog = looping.catalog

        def refuse():
            def work(tx):
                tx.settings.find("0")
                raise InvalidError("no")

            catalog.write(work)

        works = [refuse if n % 4 == 1 else put(catalog, str(n)) for n in range(16)]
        told = at_the_same_moment(looping, catalog.in_turn, works)
        assert [type(one.exception(0)) for one in told] == [type(None), InvalidError, type(None), type(None)] * 4
        assert [bool(find(catalog, str(n))) for n in range(16)] == [True, False, True, True] * 4

    def test_one_that_fails_after_it_wrote_leaves_nothing_and_the_others_are_done_all_the_same(self, looping):
        catalog = looping.catalog
        desk = Desk(catalog, 4, "work")

        def spoil():
            def work(tx):
                tx.settings.put("spoiled", "x")
                raise InvalidError("no")

            catalog.write(work)

        async def day():
            works = [put(catalog, str(n)) for n in range(5)] + [spoil]
            return await asyncio.gather(*(desk.do(Pace.ENTRY, work) for work in works), return_exceptions=True)

        *others, failed = asyncio.run_coroutine_threadsafe(day(), looping.loop).result(60)
        assert others == [None] * 5
        assert isinstance(failed, InvalidError)
        assert all(find(catalog, str(n)) for n in range(5))
        assert find(catalog, "spoiled") is None

    def test_events_of_a_group_are_numbered_in_the_order_in_which_they_can_be_read(self, looping, postgres_database):
        def emit(catalog, number):
            return lambda: catalog.write(lambda tx: tx.journal.emit(event(number)))

        seen, ended = [], threading.Event()

        def follow():
            while not ended.is_set() or reading():
                pass

        def reading():
            found = looping.catalog.read(lambda tx: tx.journal.events(seen[-1] if seen else 0, 1000))
            seen.extend(one.sequence for one in found)
            return found

        with opened(postgres_database) as other, ThreadPoolExecutor(3) as threads:
            follower = threads.submit(follow)
            told = []
            for start in range(0, 200, 20):
                for one in (looping, other):
                    works = [emit(one.catalog, n) for n in range(start, start + 10)]
                    told.append(threads.submit(at_the_same_moment, one, one.catalog.in_turn, works))
            answers = [one.exception(0) for group in told for one in group.result(60)]
            ended.set()
            follower.result(60)
        done = answers.count(None)
        assert all(error is None or isinstance(error, WouldWaitError) for error in answers)
        assert done > 0
        assert len(seen) == len({*seen}) == done

    def test_two_servers_that_collide_lose_nothing(self, looping, postgres_database):
        with opened(postgres_database) as other, ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda n: (looping, other)[n % 2].write(add), range(120)))
        assert find(looping.catalog, "count") == "120"
        assert looping.doers["loop"] + other.doers["loop"] > 0

    def test_who_would_wait_for_a_lock_goes_to_a_thread(self, looping):
        catalog = looping.catalog
        catalog.write(lambda tx: tx.settings.put("count", "1"))
        held, go_on = threading.Event(), threading.Event()

        def hold(tx):
            tx.settings.put("count", "5")
            held.set()
            assert go_on.wait(30)

        with ThreadPoolExecutor(1) as threads:
            holder = threads.submit(catalog.write, hold)
            assert held.wait(30)
            told = looping.on_loop(catalog.in_turn, count_up(catalog))
            assert isinstance(told.exception(30), WouldWaitError)
            go_on.set()
            holder.result(30)
        assert looping.on_loop(catalog.in_turn, count_up(catalog)).result(30) is None
        assert find(catalog, "count") == "6"


def event(number):
    return Event(id=str(number), at=number, type="test", path="/")


def add(tx):
    tx.settings.put("count", str(int(tx.settings.find("count") or 0) + 1))


class TestSnapshots:
    def test_what_many_ask_for_is_told_to_all(self, looping):
        catalog = looping.catalog
        catalog.write(lambda tx: tx.scopes.add(DEV))
        find = lambda: catalog.read(lambda tx: tx.scopes.find(ScopeKind.WORKSPACE, "dev"))  # noqa: E731
        told = at_the_same_moment(looping, catalog.at_once, [find] * 20)
        assert [one.result(0) for one in told] == [[DEV]] * 20

    def test_what_many_ask_for_is_asked_again_when_one_of_them_changes_it(self, looping):
        catalog = looping.catalog
        catalog.write(lambda tx: tx.scopes.add(DEV))

        def add_word():
            def work(tx):
                (scope,) = tx.scopes.find(ScopeKind.WORKSPACE, "dev")
                tx.scopes.put(msgspec.structs.replace(scope, description=scope.description + "x"))

            catalog.write(work)

        told = at_the_same_moment(looping, catalog.in_turn, [add_word] * 20)
        assert [one.result(0) for one in told] == [None] * 20
        (scope,) = catalog.read(lambda tx: tx.scopes.find(ScopeKind.WORKSPACE, "dev"))
        assert scope.description == "x" * 20

    def test_a_read_of_many_rows_is_a_thread_s(self, looping):
        catalog = looping.catalog
        catalog.write(lambda tx: [tx.journal.emit(event(n)) for n in range(wire.SHORT + 1)])

        def events(limit):
            return lambda: len(catalog.read(lambda tx: tx.journal.events(0, limit)))

        assert looping.on_loop(catalog.at_once, events(wire.SHORT)).result(30) == wire.SHORT
        with pytest.raises(WouldWaitError):
            looping.on_loop(catalog.at_once, events(wire.SHORT + 1)).result(30)
        assert looping.on_loop(catalog.at_once, events(5)).result(30) == 5

    def test_what_is_read_at_once_is_what_was_written_before(self, looping):
        catalog = looping.catalog
        for number in range(50):
            catalog.write(lambda tx, number=number: tx.settings.put("color", str(number)))
            assert looping.on_loop(catalog.at_once, lambda: find(catalog, "color")).result(30) == str(number)

    def test_all_that_one_read_sees_is_of_one_moment(self, looping):
        catalog, ended = looping.catalog, threading.Event()

        def change():
            number = 0
            while not ended.is_set():
                number += 1
                catalog.write(lambda tx, n=str(number): (tx.settings.put("a", n), tx.settings.put("b", n)))

        def both():
            return catalog.read(lambda tx: (tx.settings.find("a"), tx.settings.find("b"), tx.settings.find("a")))

        with ThreadPoolExecutor(1) as threads:
            writer = threads.submit(change)
            for _ in range(30):
                for one in at_the_same_moment(looping, catalog.at_once, [both] * 10):
                    assert len({*one.result(0)}) == 1
            ended.set()
            writer.result(30)

    @pytest.mark.parametrize("value", ["", "\0", "\ud800", 2**63, b"x", "'; DROP TABLE settings --", 'a"b\\c{},NULL'])
    def test_values_of_every_kind_are_found_or_a_thread_s(self, looping, value):
        catalog = looping.catalog
        try:
            found = looping.on_loop(catalog.at_once, lambda: find(catalog, value)).result(30)
        except WouldWaitError:
            found = None
        assert found is None
        assert looping.on_loop(catalog.at_once, lambda: find(catalog, "k")).result(30) is None


class TestConnections:
    def test_connections_that_were_cut_off_are_made_again(self, looping, postgres_database):
        for _ in range(2):
            looping.write(lambda tx: tx.settings.put("color", "red"))
            cut_off(postgres_database)
            assert looping.read(lambda tx: tx.settings.find("color")) == "red"
            looping.ready()
        before = looping.doers["thread"]
        assert looping.read(lambda tx: tx.settings.find("color")) == "red"
        assert looping.doers["thread"] == before

    def test_nothing_that_was_acknowledged_is_lost_when_connections_are_cut_off(self, looping, postgres_database):
        done, doubtful = [], []
        ended = time.monotonic() + 4

        def write(client):
            number = 0
            while time.monotonic() < ended:
                number += 1
                key = f"{client}-{number}"
                try:
                    looping.write(lambda tx, key=key: tx.settings.put(key, "x"))
                except UnavailableError:
                    doubtful.append(key)
                else:
                    done.append(key)

        with ThreadPoolExecutor(9) as threads:
            clients = [threads.submit(write, client) for client in range(8)]
            while time.monotonic() < ended:
                cut_off(postgres_database)
                time.sleep(0.2)
            for client in clients:
                client.result(60)
        there = {row[0] for row in asked(postgres_database, "SELECT key FROM settings")}
        assert {*done} <= there <= {*done, *doubtful} | {"schema"}
        assert looping.doers["loop"] > 0

    def test_a_database_that_hangs_does_not_stop_the_loop(self, looping, postgres_database):
        catalog = looping.catalog
        pids = [pid for (pid,) in asked(postgres_database, ALL)]
        stop(pids, signal.SIGSTOP)
        try:
            waiting = [
                looping.on_loop(catalog.at_once, lambda: find(catalog, "color")),
                looping.on_loop(catalog.in_turn, put(catalog, "color")),
            ]
            for _ in range(20):
                assert (
                    asyncio.run_coroutine_threadsafe(asyncio.sleep(0.01, "ticks"), looping.loop).result(30) == "ticks"
                )
            assert not any(one.done() for one in waiting)
        finally:
            stop(pids, signal.SIGCONT)
        assert waiting[0].result(60) in {None, "x"}
        assert waiting[1].result(60) is None

    def test_a_server_that_says_nothing_for_long_is_given_up(self, looping, postgres_database, monkeypatch):
        catalog = looping.catalog
        monkeypatch.setattr(wire, "PATIENCE", 0.3)
        pids = [pid for (pid,) in asked(postgres_database, ALL)]
        stop(pids, signal.SIGSTOP)
        try:
            waiting = [
                looping.on_loop(catalog.at_once, lambda: find(catalog, "color")),
                looping.on_loop(catalog.in_turn, put(catalog, "color")),
            ]
            assert all(isinstance(one.exception(30), WouldWaitError) for one in waiting)
        finally:
            stop(pids, signal.SIGCONT)
        looping.ready()
        looping.write(lambda tx: tx.settings.put("color", "red"))
        assert looping.read(lambda tx: tx.settings.find("color")) == "red"

    def test_a_closed_catalog_lets_who_waits_know(self, postgres_database):
        with opened(postgres_database) as looping:
            catalog = looping.catalog
            pids = [pid for (pid,) in asked(postgres_database, ALL)]
            stop(pids, signal.SIGSTOP)
            try:
                told = looping.on_loop(catalog.in_turn, put(catalog, "color"))
                asyncio.run_coroutine_threadsafe(asyncio.sleep(0), looping.loop).result(30)  # it has begun
                looping.close()
                assert isinstance(told.exception(30), WouldWaitError)
            finally:
                stop(pids, signal.SIGCONT)
            with pytest.raises(UnavailableError, match="closed"):
                looping.on_loop(catalog.at_once, lambda: None).result(30)


ALL = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def stop(pids, how):
    for pid in pids:
        os.kill(pid, how)
