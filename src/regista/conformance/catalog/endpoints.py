"""Endpoints, deployments and traffic."""

import msgspec
import pytest

from regista.conformance.catalog.case import CatalogCase, every
from regista.conformance.catalog.examples import UNUSUAL
from regista.entities.endpoint import Deployment, DeploymentState, Endpoint, TrafficChange
from regista.entities.names import new_id
from regista.errors import AlreadyExistsError
from regista.interfaces.catalog import Catalog


def endpoint(name: str = "score", **fields: object) -> Endpoint:
    """An endpoint in the scope ``w``."""
    return msgspec.structs.replace(Endpoint(id=new_id(), scope_id="w", name=name), **fields)


def deployment(name: str = "blue", **fields: object) -> Deployment:
    """A deployment of the endpoint ``score``."""
    return msgspec.structs.replace(Deployment(id=new_id(), scope_id="w", endpoint="score", name=name), **fields)


class EndpointContract(CatalogCase):
    """``tx.endpoints``."""

    def test_an_endpoint_is_added_once_and_replaced(self, catalog: Catalog) -> None:
        made = endpoint(description=UNUSUAL, sealed_keys=("a", "b"), traffic={"blue": 100})
        catalog.write(lambda tx: tx.endpoints.add(made))
        with pytest.raises(AlreadyExistsError, match="'score'"):
            catalog.write(lambda tx: tx.endpoints.add(endpoint()))
        assert catalog.read(lambda tx: tx.endpoints.find("w", "score")) == made
        changed = msgspec.structs.replace(made, traffic={"green": 100})
        catalog.write(lambda tx: tx.endpoints.put(changed))
        assert catalog.read(lambda tx: tx.endpoints.find("w", "score")) == changed
        assert catalog.read(lambda tx: tx.endpoints.find("x", "score")) is None

    def test_pages_are_newest_first_of_a_workspace_or_of_all(self, catalog: Catalog) -> None:
        for number in range(4):
            made = endpoint(f"e{number}", created_at=number // 2, scope_id="x" if number == 3 else "w")
            catalog.write(lambda tx, made=made: tx.endpoints.add(made))  # type: ignore[misc]

        def names(scope_id: str | None) -> list[str]:
            pages = every(lambda request: catalog.read(lambda tx: tx.endpoints.page(scope_id, request)))
            return [found.name for found in pages]

        assert names("w") == ["e2", "e1", "e0"]
        assert names(None) == ["e3", "e2", "e1", "e0"]

    def test_deleting_an_endpoint_takes_its_deployments_and_keeps_the_history(self, catalog: Catalog) -> None:
        made = deployment()
        change = TrafficChange(scope_id="w", endpoint="score", at=5, traffic={"blue": 100})
        catalog.write(lambda tx: tx.endpoints.add(endpoint()))
        catalog.write(lambda tx: tx.endpoints.put_deployment(made))
        catalog.write(lambda tx: tx.endpoints.add_traffic(change))
        for _ in range(2):
            catalog.write(lambda tx: tx.endpoints.delete("w", "score"))
        assert catalog.read(lambda tx: tx.endpoints.find("w", "score")) is None
        assert catalog.read(lambda tx: tx.endpoints.deployments("w", "score")) == []
        assert catalog.read(lambda tx: tx.endpoints.generation(made.node)) == made
        assert catalog.read(lambda tx: tx.endpoints.traffic("w", "score")) == [change]

    def test_every_generation_stays_readable(self, catalog: Catalog) -> None:
        first = deployment(model="version:w/model/churn/1", state=DeploymentState.SUCCEEDED)
        second = msgspec.structs.replace(first, generation=2, model="version:w/model/churn/2")
        ready = msgspec.structs.replace(second, serving_generation=2)
        for each in (first, second, ready):
            catalog.write(lambda tx, each=each: tx.endpoints.put_deployment(each))  # type: ignore[misc]
        assert catalog.read(lambda tx: tx.endpoints.find_deployment("w", "score", "blue")) == ready
        assert catalog.read(lambda tx: tx.endpoints.generation(first.node)) == first
        assert catalog.read(lambda tx: tx.endpoints.generation(second.node)) == ready
        for _ in range(2):
            catalog.write(lambda tx: tx.endpoints.delete_deployment("w", "score", "blue"))
        assert catalog.read(lambda tx: tx.endpoints.find_deployment("w", "score", "blue")) is None
        assert catalog.read(lambda tx: tx.endpoints.generation(first.node)) == first
        assert catalog.read(lambda tx: tx.endpoints.generation("deployment:w/score/blue/9")) is None

    def test_deployments_come_by_name(self, catalog: Catalog) -> None:
        for name, fields in (("green", {}), ("blue", {}), ("red", {"endpoint": "two"}), ("far", {"scope_id": "x"})):
            made = deployment(name, **fields)
            catalog.write(lambda tx, made=made: tx.endpoints.put_deployment(made))  # type: ignore[misc]

        def names(scope_id: str | None, of: str = "") -> list[str]:
            return [found.name for found in catalog.read(lambda tx: tx.endpoints.deployments(scope_id, of))]

        assert names("w", "score") == ["blue", "green"]
        assert names("w") == ["blue", "green", "red"]
        assert names(None) == ["blue", "green", "red", "far"]

    def test_the_traffic_in_force_at_a_time_is_told(self, catalog: Catalog) -> None:
        made = [
            TrafficChange(scope_id="w", endpoint="score", at=at, traffic={"blue": share}, by="ann")
            for at, share in ((10, 100), (20, 50), (20, 60))
        ]
        for each in made:
            catalog.write(lambda tx, each=each: tx.endpoints.add_traffic(each))  # type: ignore[misc]

        def at(time: int) -> list[TrafficChange]:
            return catalog.read(lambda tx: tx.endpoints.traffic("w", "score", time))

        assert catalog.read(lambda tx: tx.endpoints.traffic("w", "score")) == made
        assert at(9) == []
        assert at(10) == [made[0]]
        assert at(19) == [made[0]]
        assert at(10**12) == [made[2]]
