"""However long the history of a metric is, the server's memory is not, whoever reads it and how.

The everyday length is small. The whole thing is ``REGISTA_HISTORY_POINTS=10000000``."""

import json
import logging
import os
import ssl
import time
import urllib.request
from contextlib import contextmanager
from urllib.parse import urlencode

import pytest

from regista.entities.run import Metric
from regista.services.access.access import SYSTEM
from regista.services.tracking.runs import NewRun
from tests.support.houses import People, open_house
from tests.support.memory import Memory
from tests.support.server import running_server

POINTS = int(os.environ.get("REGISTA_HISTORY_POINTS") or 60_000)
MOST = 64 << 20
PAGE = 25_000
START = 1_700_000_000_000

LOG = logging.getLogger(__name__)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120 + POINTS // 5000)]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A server, and a run whose history was written before it was started, past all doors."""
    home = tmp_path_factory.mktemp("history") / "home"
    home.mkdir()
    with open_house(home, f"sqlite:///{home / 'catalog.sqlite'}") as house:
        dev = People(house).workspace("dev")
        run = house.runs.create(SYSTEM, dev.address, NewRun())
        for first in range(0, POINTS, 50_000):
            steps = range(first, min(first + 50_000, POINTS))
            points = [Metric("loss", 1 / (step + 1), START + step, step) for step in steps]
            house.catalog.write(lambda tx, points=points: tx.runs.log_metrics(run.job.id, points))
    with running_server(home) as server:
        yield server, run.job.name


@contextmanager
def flat(server, what):
    memory = Memory(server.process.pid)
    before, start = memory.reset(), time.perf_counter()
    yield
    grown = memory.held().peak - before.resident
    LOG.info("%s: %.1f s, at most %d MiB more", what, time.perf_counter() - start, grown >> 20)
    assert grown < MOST


@pytest.fixture
def ask(kept):
    server = kept[0]
    context = ssl.create_default_context(cafile=str(server.ca))

    def asked(name, **query):
        address = f"{server.url}/mlflow/workspaces/dev/api/2.0/mlflow/metrics/{name}?{urlencode(query, doseq=True)}"
        headers = {"Authorization": f"Bearer {server.owner_key}"}
        request = urllib.request.Request(address, headers=headers)  # noqa: S310 - our own loopback address
        with urllib.request.urlopen(request, context=context) as answer:  # noqa: S310
            return json.load(answer)

    return asked


def test_in_the_pages_of_mlflow(kept, ask):
    server, run = kept
    seen, token = 0, {}
    with flat(server, "get-history"):
        while True:
            page = ask("get-history", run_id=run, metric_key="loss", max_results=PAGE, **token)
            assert [page["metrics"][at]["step"] for at in (0, -1)] == [seen, seen + len(page["metrics"]) - 1]
            seen += len(page["metrics"])
            if not page.get("next_page_token"):
                break
            token = {"page_token": page["next_page_token"]}
    assert seen == POINTS


def test_thinned_out_by_mlflow(kept, ask):
    server, run = kept
    with flat(server, "get-history-bulk-interval"):
        found = ask("get-history-bulk-interval", run_ids=[run], metric_key="loss", max_results=2500)["metrics"]
    assert (found[0]["step"], found[-1]["step"]) == (0, POINTS - 1)
    assert 2400 <= len(found) <= 2502
    with flat(server, "get-history-bulk"):
        first = ask("get-history-bulk", run_id=[run], metric_key="loss", max_results=PAGE)["metrics"]
    assert [one["step"] for one in first] == list(range(min(PAGE, POINTS)))


def test_by_our_own_client(kept):
    server, run = kept
    jobs = server.client(workspace="dev").jobs
    with flat(server, "native pages"):
        assert sum(1 for _ in jobs.history(run, "loss")) == POINTS
