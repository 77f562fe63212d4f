"""PostgreSQL is killed while an event loop writes into it: what was acknowledged is there, what failed is whole or absent."""

import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psycopg
import pytest

from regista.conformance.catalog.examples import added_job
from regista.drivers.catalog.sql.catalog import SqlCatalog
from regista.entities.run import Metric
from regista.errors import UnavailableError
from tests.support.looping import Looping
from tests.support.postgres import running_postgres

pytestmark = [
    pytest.mark.crash,
    pytest.mark.postgres,
    pytest.mark.slow,
]

SECONDS, CLIENTS = 6, 8
DURABLE = {"max_connections": "60", "timezone": "UTC"}
OURS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'regista'"


def kill_one(url):
    """Kill a process that serves the catalog: the server then drops every connection and recovers from its log."""
    with suppress(psycopg.OperationalError, ProcessLookupError):
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            pids = [pid for (pid,) in connection.execute(OURS)]
        if pids:
            os.kill(random.choice(pids), signal.SIGKILL)


def pairs(url):
    """The settings of both halves, once the server has recovered."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
                there = {key for (key,) in connection.execute("SELECT key FROM settings")}
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return {key[2:] for key in there if key.startswith("a:")}, {
                key[2:] for key in there if key.startswith("b:")
            }


def write_until(looping, client, ended, done, doubtful):
    number = 0
    while time.monotonic() < ended:
        number += 1
        key = f"{client}-{number}"
        try:
            looping.write(lambda tx, key=key: [tx.settings.put(f"{half}:{key}", "x") for half in "ab"])
        except UnavailableError:
            doubtful.append(key)
            time.sleep(0.02)
        else:
            done.append(key)


KEYS = [f"k{number:03}" for number in range(200)]


def log_until(looping, run, client, ended, done, doubtful):
    number = 0
    while time.monotonic() < ended:
        number += 1
        batch = [Metric(key, float(client), client, number) for key in KEYS]
        try:
            looping.write(lambda tx, batch=batch: tx.runs.log_metrics(run.id, batch))
        except UnavailableError:
            doubtful.append((number, client))
            time.sleep(0.02)
        else:
            done.append((number, client))


def test_batches_that_were_acknowledged_are_there_whole_when_the_server_is_killed():
    with running_postgres(DURABLE) as server:
        url = server.url_of(server.create_database())
        looping = Looping(SqlCatalog.open(url))
        looping.ready()
        run = added_job(looping.catalog)
        done, doubtful = [], []
        ended = time.monotonic() + SECONDS
        with ThreadPoolExecutor(CLIENTS) as threads:
            clients = [threads.submit(log_until, looping, run, n, ended, done, doubtful) for n in range(CLIENTS)]
            while time.monotonic() < ended:
                time.sleep(1.5)
                kill_one(url)
            for client in clients:
                client.result(60)
        pairs(url)  # it has recovered
        histories = [
            looping.catalog.read(lambda tx, k=key: tx.histories.points(run.id, k, None, 10**6)) for key in KEYS
        ]
        places = [(one.step, one.timestamp) for one in histories[0]]
        assert all([(one.step, one.timestamp) for one in history] == places for history in histories)
        assert {*done} <= {*places} <= {*done, *doubtful}
        latest = looping.catalog.read(lambda tx: tx.runs.latest_metrics([run.id]))[run.id]
        assert [(one.key, one.step, one.timestamp) for one in latest] == [(key, *places[-1]) for key in KEYS]
        assert looping.doers["loop"] > CLIENTS
        looping.close()
        looping.stop()


def test_nothing_that_was_acknowledged_is_lost_when_the_server_is_killed():
    with running_postgres(DURABLE) as server:
        url = server.url_of(server.create_database())
        looping = Looping(SqlCatalog.open(url))
        looping.ready()
        done, doubtful = [], []
        ended = time.monotonic() + SECONDS
        with ThreadPoolExecutor(CLIENTS) as threads:
            clients = [threads.submit(write_until, looping, n, ended, done, doubtful) for n in range(CLIENTS)]
            while time.monotonic() < ended:
                time.sleep(1.5)
                kill_one(url)
            for client in clients:
                client.result(60)
        one, other = pairs(url)
        assert one == other
        assert {*done} <= one <= {*done, *doubtful}
        assert looping.doers["loop"] > CLIENTS
        looping.close()
        looping.stop()
