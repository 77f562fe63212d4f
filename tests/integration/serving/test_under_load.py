"""Under load: copies for a mirror, and processes that are killed the hard way."""

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.scoring import Caller, Site, process_of, until

pytestmark = pytest.mark.slow

CALLERS = 4


class Load:
    """What callers got who ask all the time: when, and which status."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self.answers: list[tuple[float, int, Any]] = []
        self.ended = threading.Event()

    def ask(self) -> None:
        """Until the end."""
        while not self.ended.is_set():
            status, said = self._caller.ask({"sleep": 0.005})
            self.answers.append((time.monotonic(), status, said))

    def since(self, moment: float) -> Counter[int]:
        """How often each status came."""
        return Counter(status for at, status, _ in list(self.answers) if at > moment)

    def is_well(self) -> bool:
        """Whether the last hundred answers were good."""
        latest = [status for _, status, _ in self.answers[-100:]]
        return len(latest) == 100 and set(latest) == {200}


@contextmanager
def load(caller: Caller) -> Iterator[Load]:
    """Several callers at a time."""
    one = Load(caller)
    threads = [threading.Thread(target=one.ask) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    try:
        until(one.is_well)
        yield one
    finally:
        one.ended.set()
        for thread in threads:
            thread.join()


def test_copies_go_to_the_mirror_and_their_answers_to_nobody(site: Site) -> None:
    caller = site.endpoint()
    site.deploy()
    site.deploy("green")
    site.traffic(blue=100, mirror={"green": 50})
    answers = [caller.ask({"sleep": 0.02}) for _ in range(40)]
    assert {(status, said["colour"]) for status, said in answers} == {(200, "blue")}
    access = site.settings.home / "serving" / "gateway" / "log" / "access.jsonl"

    def asked() -> Counter[tuple[str, bool, int]]:
        lines = [json.loads(line) for line in access.read_text().splitlines()]
        own = [line for line in lines if f"/{site.scope.name}/" in f"/{line.get('endpoint')}/"]
        return Counter((line["deployment"], line.get("mirror", False), line["status"]) for line in own)

    until(lambda: asked()["green", True, 200] == 20, 10)
    assert asked() == {("blue", False, 200): 40, ("green", True, 200): 20}
    site.traffic(blue=100)
    caller.ask()
    time.sleep(0.3)
    assert asked()["green", True, 200] == 20


def test_a_gateway_that_is_killed_comes_back_and_no_answer_is_wrong(site: Site) -> None:
    caller = site.endpoint()
    site.deploy(instance_count=2)
    site.traffic(blue=100)
    with load(caller) as asking:
        killed = time.monotonic()
        os.kill(process_of(site.settings.home / "serving" / "gateway", "regista.agent.gateway"), signal.SIGKILL)
        until(lambda: asking.since(killed)[0] > 0, 10)
        until(asking.is_well, 15)
        assert set(asking.since(killed)) == {0, 200}, "either no answer at all, or a good one"
        assert time.monotonic() - killed < 10


def test_a_worker_that_is_killed_costs_what_it_had_in_hand(site: Site) -> None:
    caller = site.endpoint()
    site.deploy(instance_count=2)
    site.traffic(blue=100)
    with load(caller) as asking:
        killed = time.monotonic()
        os.kill(process_of(f"/{site.scope.id}/flights/blue/", "agent/scoring/__main__.py"), signal.SIGKILL)
        instances = site.settings.home / "serving" / site.scope.id / "flights" / "blue" / "1"
        until(lambda: list(instances.glob("*/2/work/ready.json")), 20)
        time.sleep(1.2)  # the replacement gets requests from the next look at it on
        until(asking.is_well)
        bad = asking.since(killed)
        assert bad.pop(200) > 100
        assert bad.total() <= CALLERS
        assert set(bad) <= {502}
