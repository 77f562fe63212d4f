"""Workers that come, go, die and hang while callers are calling."""

import signal
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.dataplane import Answer, Plane, Running, backend, score, until


class Callers:
    """Threads that call one endpoint until told to stop."""

    def __init__(self, gateway: Running, threads: int = 6, **body: Any) -> None:
        self._gateway = gateway
        self._body = body
        self._stop = threading.Event()
        self.answers: list[Answer] = []
        self._pool = ThreadPoolExecutor(threads)
        self._calling = [self._pool.submit(self._call) for _ in range(threads)]

    def _call(self) -> None:
        while not self._stop.is_set():
            self.answers.append(score(self._gateway, **self._body))

    def stop(self) -> Counter[int]:
        """The number of answers by status; raises what a caller met instead of an answer."""
        self._stop.set()
        for one in self._calling:
            one.result(30)
        self._pool.shutdown()
        return Counter(answer.status for answer in self.answers)


def in_force(gateway: Running, generation: str) -> bool:
    told = gateway.call("/healthz").json
    return bool(told["generation"] == generation and told["draining"] == 0)


@pytest.mark.parametrize("limits", [{}, {"max_concurrent": 2, "max_queue_wait_ms": 5000}], ids=["free", "limited"])
def test_no_request_is_lost_while_workers_are_replaced(plane: Plane, limits: dict[str, int]) -> None:
    """As the server does it: start the new one, write the table, wait until the old one is drained, stop it."""
    worker = plane.named_worker("m-0")
    plane.write_table("0", deployments={"m": backend(worker, **limits)}, traffic={"m": 100})
    gateway = plane.gateway()
    callers = Callers(gateway, sleep=0.01)
    pids = [worker.where["pid"]]
    for number in range(1, 3):
        new = plane.named_worker(f"m-{number}")
        plane.write_table(str(number), deployments={"m": backend(new, **limits)}, traffic={"m": 100})
        until(lambda now=str(number): in_force(gateway, now))
        assert worker.stop() == 0
        worker = new
        pids.append(new.where["pid"])
        time.sleep(0.2)
    statuses = callers.stop()
    assert set(statuses) == {200}
    assert {answer.json["pid"] for answer in callers.answers} == set(pids)


def test_what_is_under_way_at_a_removed_worker_finishes_there(plane: Plane) -> None:
    old, new = plane.named_worker("old"), plane.named_worker("new")
    plane.write_table("1", deployments={"m": backend(old)}, traffic={"m": 100})
    gateway = plane.gateway()
    with ThreadPoolExecutor(1) as one:
        under_way = one.submit(score, gateway, sleep=0.8)
        time.sleep(0.2)
        plane.write_table("2", deployments={"m": backend(new)}, traffic={"m": 100})
        until(lambda: gateway.call("/healthz").json["generation"] == "2")
        assert gateway.call("/healthz").json["draining"] == 1
        assert score(gateway).json["from"] == "new"
        assert under_way.result().json["from"] == "old"
    assert gateway.call("/healthz").json["draining"] == 0


@pytest.mark.crash
def test_a_killed_worker_costs_at_most_what_it_had_in_hand(plane: Plane) -> None:
    one, other = plane.named_worker("m-1"), plane.named_worker("m-2")
    plane.write_table(deployments={"m": backend(one, other)}, traffic={"m": 100})
    gateway = plane.gateway()
    callers = Callers(gateway, threads=6, sleep=0.01)
    time.sleep(0.5)
    one.stop(signal.SIGKILL)
    time.sleep(0.8)
    before = len(callers.answers)
    time.sleep(0.3)
    after = callers.answers[before:]
    statuses = callers.stop()
    assert statuses[502] <= 6
    assert set(statuses) <= {200, 502}
    assert {answer.status for answer in after} == {200}
    assert "gets no more requests" in gateway.text()


@pytest.mark.crash
def test_a_worker_that_comes_back_is_found_again(plane: Plane) -> None:
    worker = plane.named_worker("m-1")
    port = worker.where["port"]
    plane.write_table(deployments={"m": backend(worker)}, traffic={"m": 100})
    gateway = plane.gateway()
    assert score(gateway).status == 200
    worker.stop(signal.SIGKILL)
    gone = until(lambda: (answer := score(gateway)).status == 503 and answer)
    assert gone.json["error"]["code"] == "NoHealthyInstance"
    assert gone.headers["retry-after"] == "1"
    plane.named_worker("m-2", port=port)
    until(lambda: score(gateway).status == 200, 5)
    assert "is back" in gateway.text()


def test_a_worker_that_refuses_connections_fails_no_request_where_another_is(plane: Plane) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        dead = {"host": "127.0.0.1", "port": taken.getsockname()[1]}
    worker = plane.named_worker("m")
    spec = backend(worker, health="")
    spec["backends"].insert(0, dead)
    plane.write_table(deployments={"m": spec}, traffic={"m": 100})
    gateway = plane.gateway()
    assert [score(gateway).status for _ in range(6)] == [200] * 6


@pytest.mark.slow
def test_a_worker_that_says_it_is_not_ready_gets_no_requests(plane: Plane) -> None:
    fine, sick = plane.named_worker("fine"), plane.named_worker("sick")
    plane.write_table(
        deployments={"a": backend(fine), "b": backend(sick, health="/nowhere")}, traffic={"a": 50, "b": 50}
    )
    gateway = plane.gateway()
    until(lambda: "says that it is not ready (404)" in gateway.text(), 8)
    assert Counter(score(gateway).status for _ in range(10)) == {200: 5, 503: 5}


def test_workers_share_the_load(plane: Plane) -> None:
    workers = [plane.named_worker(f"m-{number}") for number in range(2)]
    plane.write_table(deployments={"m": backend(*workers)}, traffic={"m": 100})
    gateway = plane.gateway()
    counts = Counter(score(gateway).json["pid"] for _ in range(20))
    assert sorted(counts.values()) == [10, 10]


def test_a_unix_socket_is_a_backend_too(plane: Plane) -> None:
    path = plane.folder / "m.sock"
    plane.named_worker("m", uds=str(path))
    plane.write_table(deployments={"m": {"backends": [{"uds": str(path)}]}}, traffic={"m": 100})
    assert score(plane.gateway(), 5).json["got"] == 5
