"""A change of an endpoint is answered when the gateway answers by it: the first request after that goes the new way."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from regista.bootstrap.house import build_house
from regista.bootstrap.serving import start_serving
from regista.bootstrap.settings import Settings
from regista.entities.documents.endpoint import parse_online_endpoint
from regista.services.access.access import SYSTEM
from regista.services.house import House
from regista.services.serving.endpoints import EndpointChange
from tests.support.houses import People, open_house
from tests.support.scoring import Caller, Site, process_of, until

pytestmark = pytest.mark.slow

FLIPS = 20


def flip(site: Site, caller: Caller, house: House | None = None) -> None:
    """Send the traffic from blue to green and back, and ask once after every answer."""
    endpoints = (house or site.house).endpoints
    for number in range(FLIPS):
        wanted, other = ("green", "blue") if number % 2 else ("blue", "green")
        change = EndpointChange(traffic={wanted: 100, other: 0})
        changed = endpoints.update(SYSTEM, site.scope.address, "flights", change)
        assert caller.ask()[1]["colour"] == wanted, f"flip {number}"
        assert endpoints.state([changed]) == ["Succeeded"]


class TestTheFirstRequestAfterTheAnswer:
    """Without waiting, not even for a moment."""

    def test_it_goes_the_new_way_whenever_the_traffic_is_changed(self, site: Site) -> None:
        caller = site.endpoint()
        site.deploy()
        site.deploy("green")
        flip(site, caller)

    def test_a_deployment_answers_when_it_is_said_to_have_succeeded(self, site: Site) -> None:
        caller = site.endpoint()
        site.deploy()
        assert caller.ask(deployment="blue")[1]["weights"] == "first"
        site.deploy(model="azureml:churn:2")
        assert caller.ask(deployment="blue")[1]["weights"] == "second"

    def test_a_key_that_was_replaced_opens_nothing_and_what_was_deleted_answers_nothing(self, site: Site) -> None:
        caller = site.endpoint()
        site.deploy()
        site.traffic(blue=100)
        fresh = site.house.endpoints.regenerate(SYSTEM, site.scope.address, "flights", "primary")
        assert (caller.ask()[0], caller.ask(key=fresh.primary_key)[0], fresh.pending) == (401, 200, False)
        site.traffic(blue=0)
        assert site.house.deployments.delete(SYSTEM, site.scope.address, "flights", "blue")
        assert caller.ask(key=fresh.primary_key, deployment="blue")[0] == 404
        assert site.house.endpoints.delete(SYSTEM, site.scope.address, "flights")
        assert caller.ask(key=fresh.primary_key)[0] == 404

    def test_changes_at_one_time_are_all_waited_for(self, site: Site) -> None:
        names = [f"flights-{number}" for number in range(6)]
        callers = {name: site.endpoint(name) for name in names}
        wrong: list[str] = []

        def rotate(name: str) -> None:
            for _ in range(4):
                keys = site.house.endpoints.regenerate(SYSTEM, site.scope.address, name, "primary")
                callers[name].key, old = keys.primary_key, callers[name].key
                if (callers[name].ask()[0], callers[name].ask(key=old)[0]) != (404, 401) or keys.pending:
                    wrong.append(name)

        threads = [threading.Thread(target=rotate, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []


class TestWithoutTheGateway:
    """What cannot be in force is stored, and said to be pending."""

    def test_a_change_is_pending_while_it_is_stopped_and_in_force_when_it_goes_on(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(site.house.routing, "_patience", 0.5)
        caller = site.endpoint()
        site.deploy()
        site.deploy("green")
        site.traffic(blue=100)
        gateway = process_of(site.settings.home / "serving" / "gateway", "regista.agent.gateway")
        os.kill(gateway, signal.SIGSTOP)
        try:
            change = EndpointChange(traffic={"green": 100})
            changed = site.house.endpoints.update(SYSTEM, site.scope.address, "flights", change)
            assert changed.traffic == {"green": 100}
            assert site.house.endpoints.state([changed]) == ["Updating"]
            assert site.house.endpoints.regenerate(SYSTEM, site.scope.address, "flights", "secondary").pending
        finally:
            os.kill(gateway, signal.SIGCONT)
        until(lambda: site.house.endpoints.state([changed]) == ["Succeeded"])
        assert caller.ask()[1]["colour"] == "green"

    def test_nobody_waits_where_nobody_leads(self, tmp_path: Path) -> None:
        with open_house(tmp_path) as house:
            address = People(house).workspace("dev").address
            house.endpoints.create(SYSTEM, address, parse_online_endpoint({"name": "flights"}))
            assert house.endpoints.regenerate(SYSTEM, address, "flights", "primary").pending
            assert not house.endpoints.delete(SYSTEM, address, "flights")


@pytest.mark.postgres
class TestSeveralServers:
    """Of two servers on one PostgreSQL one leads; the other's callers wait for it."""

    @pytest.fixture
    def servers(self, settings: Settings, postgres_database: str) -> Iterator[tuple[House, House, Settings]]:
        led = msgspec.structs.replace(settings, catalog=postgres_database, home=settings.home / "p")
        for name in ("tls", "uv-cache", "envs", "locks", "layers"):
            (led.home / name).parent.mkdir(exist_ok=True)
            (settings.home / name).mkdir(exist_ok=True)
            (led.home / name).symlink_to(settings.home / name)
        other = msgspec.structs.replace(led, home=settings.home / "q")
        leader, follower = build_house(led), build_house(other)
        stops = [start_serving(leader, led), start_serving(follower, other)]
        yield leader, follower, led
        for stop, workers in zip(stops, (True, False), strict=True):
            stop(workers=workers)
        leader.catalog.close()
        follower.catalog.close()

    def test_traffic_that_was_changed_on_the_one_is_in_force_on_the_other(
        self, servers: tuple[House, House, Settings]
    ) -> None:
        leader, follower, settings = servers
        site = Site(leader, settings, "prod")
        caller = site.endpoint()
        site.deploy()
        site.deploy("green")
        flip(site, caller, follower)
        flip(site, caller, leader)
        site.close()
