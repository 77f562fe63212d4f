"""Deployments with real workers behind the real gateway."""

import os
import signal
import threading
import time
from collections import Counter

import pytest

from regista.entities.asset import AssetKind
from regista.entities.endpoint import DeploymentState
from regista.entities.page import PageRequest
from regista.errors import ConflictError, InUseError, NotFoundError
from regista.services.access.access import SYSTEM
from tests.support.scoring import BROKEN, Site, process_of, until

pytestmark = pytest.mark.slow


class TestServing:
    """From a document to an answer."""

    def test_a_script_answers_through_the_gateway_with_either_key_and_no_other(self, site: Site) -> None:
        caller = site.endpoint()
        site.deploy()
        site.traffic(blue=100)
        caller.serves()
        status, said = caller.ask()
        assert (status, said["colour"], said["weights"]) == (200, "blue", "first")
        assert caller.ask(key="wrong")[0] == 401
        keys = site.house.endpoints.keys(SYSTEM, site.scope.address, "flights")
        assert caller.ask(key=keys.secondary_key)[0] == 200
        fresh = site.house.endpoints.regenerate(SYSTEM, site.scope.address, "flights", "primary")
        until(lambda: caller.ask()[0] == 401)
        assert caller.ask(key=fresh.primary_key)[0] == 200
        assert fresh.secondary_key == keys.secondary_key

    def test_requests_are_shared_out_by_percent_or_pinned(self, site: Site) -> None:
        caller = site.endpoint()
        site.deploy()
        site.deploy("green")
        site.traffic(blue=90, green=10)
        caller.serves()
        time.sleep(0.2)
        counted = Counter(caller.ask()[1]["colour"] for _ in range(100))
        assert counted == {"blue": 90, "green": 10}
        assert caller.ask(deployment="green")[1]["colour"] == "green"

    def test_no_request_fails_while_a_new_version_takes_over(self, site: Site) -> None:
        caller = site.endpoint()
        site.deploy(instance_count=2)
        site.traffic(blue=100)
        caller.serves()
        asked, ended = [], threading.Event()

        def keep_asking() -> None:
            while not ended.is_set():
                asked.append(caller.ask({"sleep": 0.01}))

        threads = [threading.Thread(target=keep_asking) for _ in range(3)]
        for thread in threads:
            thread.start()
        updated = site.deploy(model="azureml:churn:2", instance_count=2)
        until(lambda: asked[-1][0] == 200 and asked[-1][1]["weights"] == "second")
        time.sleep(0.5)
        ended.set()
        for thread in threads:
            thread.join()
        assert updated.generation == updated.serving_generation == 2
        assert Counter(status for status, _ in asked) == {200: len(asked)}
        assert {said["weights"] for _, said in asked} == {"first", "second"}
        until(lambda: len([key for key in site.house.serving.generations() if key.scope_id == site.scope.id]) == 1)

    def test_a_worker_that_was_killed_is_replaced(self, site: Site) -> None:
        caller = site.endpoint()
        site.deploy()
        site.traffic(blue=100)
        caller.serves()
        before = caller.ask()[1]["pid"]
        kill(f"/{site.scope.id}/flights/blue/", "agent/scoring/__main__.py")
        until(lambda: caller.ask()[0] != 200, 10)
        caller.serves()
        assert site.get().state is DeploymentState.SUCCEEDED
        assert before

    def test_the_gateway_comes_back_at_its_address_when_it_was_killed(self, site: Site) -> None:
        caller = site.endpoint()
        site.deploy()
        site.traffic(blue=100)
        caller.serves()
        kill(str(site.settings.home / "serving" / "gateway"), "regista.agent.gateway")
        until(lambda: caller.ask()[0] == 0, 10)
        caller.serves()

    def test_instances_are_scaled_without_another_generation(self, site: Site) -> None:
        caller = site.endpoint()
        site.deploy()
        site.traffic(blue=100)
        assert site.deploy(instance_count=2).generation == 1
        caller.serves()
        pids = Counter(caller.ask({"sleep": 0.01})[1]["pid"] for _ in range(20))
        assert len(pids) >= 1
        assert site.deploy(instance_count=1).generation == 1
        caller.serves()

    def test_a_script_that_does_not_start_fails_with_its_own_words_and_the_old_one_goes_on(self, site: Site) -> None:
        caller = site.endpoint()
        site.deploy()
        site.traffic(blue=100)
        caller.serves()
        broken = {"code": site.code(BROKEN), "scoring_script": "score.py"}
        site.house.deployments.put(SYSTEM, site.scope.address, site.document(code_configuration=broken))
        failed = site.settled()
        assert (failed.state, failed.generation, failed.serving_generation) == (DeploymentState.FAILED, 2, 1)
        assert "the tables are gone" in failed.message
        assert caller.ask()[1]["weights"] == "first"
        log = site.house.deployments.log(SYSTEM, site.scope.address, "flights", "blue")
        assert "the tables are gone" in log.text
        assert site.deploy().generation == 3

    def test_a_deployment_with_traffic_is_not_deleted_and_one_without_ends(self, site: Site) -> None:
        caller = site.endpoint()
        site.deploy()
        site.traffic(blue=100)
        caller.serves()
        with pytest.raises(ConflictError, match="100 %"):
            site.house.deployments.delete(SYSTEM, site.scope.address, "flights", "blue")
        with pytest.raises(InUseError):
            site.house.assets.delete(SYSTEM, site.scope.address, AssetKind.MODEL, "churn", "1")
        site.traffic(blue=0)
        site.house.deployments.delete(SYSTEM, site.scope.address, "flights", "blue")
        with pytest.raises(NotFoundError):
            site.get()
        until(lambda: not [key for key in site.house.serving.generations() if key.scope_id == site.scope.id])
        assert caller.ask(deployment="blue")[0] == 404

    def test_a_deleted_endpoint_stops_everything_and_its_history_stays(self, site: Site) -> None:
        caller = site.endpoint()
        site.deploy()
        site.traffic(blue=100)
        caller.serves()
        site.house.endpoints.delete(SYSTEM, site.scope.address, "flights")
        until(lambda: caller.ask()[0] == 404)
        until(lambda: not [key for key in site.house.serving.generations() if key.scope_id == site.scope.id])
        assert site.house.endpoints.page(SYSTEM, site.scope.address, PageRequest()).items == ()
        assert site.house.why.history(SYSTEM, site.scope.address, "flights")[-1].traffic == {}
        site.endpoint()
        assert site.deploy().generation == 2

    def test_logs_are_read(self, site: Site) -> None:
        site.endpoint()
        site.deploy()
        log = site.house.deployments.log(SYSTEM, site.scope.address, "flights", "blue")
        assert "init of blue" in log.text
        more = site.house.deployments.log(SYSTEM, site.scope.address, "flights", "blue", offset=log.next_offset)
        assert more.text == ""
        prepared = site.house.deployments.log(SYSTEM, site.scope.address, "flights", "blue", instance=None)
        assert "environment locked: sha256:" in prepared.text


def kill(below: str, program: str) -> None:
    """End the newest process of *program* that has to do with a folder, the hard way."""
    os.kill(process_of(below, program), signal.SIGKILL)
