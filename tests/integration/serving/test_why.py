"""What was behind an endpoint at any time; and the traffic itself."""

import re
import time

import pytest

from regista.entities.names import now
from regista.errors import ConflictError, InvalidError, NotFoundError
from regista.services.access.access import SYSTEM
from tests.support.scoring import Site

pytestmark = pytest.mark.slow


def test_why_tells_what_served_at_each_time(site: Site) -> None:
    start = now()
    time.sleep(0.01)
    site.endpoint()
    site.deploy(model="azureml:churn:1")
    site.traffic(blue=100)
    time.sleep(0.01)
    first = now()
    time.sleep(0.01)
    site.deploy("green", model="azureml:churn:2")
    site.traffic(blue=50, green=50)
    time.sleep(0.01)
    split = now()
    time.sleep(0.01)
    site.deploy(model="azureml:churn:2")
    why = site.house.why
    with pytest.raises(NotFoundError, match="nothing was behind") as refusal:
        why.why(SYSTEM, site.scope.address, "flights", start)
    assert re.fullmatch(r"Its history begins at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00:00.", refusal.value.hint)
    (only,) = why.why(SYSTEM, site.scope.address, "flights", first).deployments
    assert (only.deployment, only.traffic, only.generation) == ("blue", 100, 1)
    assert only.model.endswith("/model/churn/1")
    assert only.lock.startswith("sha256:")
    assert only.trace is not None
    assert only.model in {node.node for node in only.trace.nodes}
    blue, green = why.why(SYSTEM, site.scope.address, "flights", split).deployments
    assert (blue.traffic, blue.generation, green.traffic) == (50, 1, 50)
    report = why.why(SYSTEM, site.scope.address, "flights")
    assert report.until is None
    assert report.deployments[0].generation == 2
    assert report.deployments[0].model.endswith("/model/churn/2")


def test_traffic_goes_only_where_something_serves_and_makes_a_hundred(site: Site) -> None:
    site.endpoint()
    site.deploy()
    site.house.deployments.put(SYSTEM, site.scope.address, site.document("green"))
    for shares, mirror, kind in (
        ({"blue": 90}, {}, InvalidError),
        ({"blue": 150, "green": -50}, {}, InvalidError),
        ({"blue": 100}, {"green": 60}, InvalidError),
        ({"blue": 100}, {"blue": 10}, InvalidError),
        ({"blue": 100, "red": 0}, {}, NotFoundError),
        ({"green": 100}, {}, ConflictError),
    ):
        with pytest.raises(kind):
            site.traffic(mirror=mirror, **shares)  # type: ignore[arg-type]
    assert site.house.endpoints.get(SYSTEM, site.scope.address, "flights").traffic == {}
    site.settled("green")
    site.traffic(mirror={"green": 50}, blue=100)
    with pytest.raises(ConflictError, match="mirrored"):
        site.house.deployments.delete(SYSTEM, site.scope.address, "flights", "green")
