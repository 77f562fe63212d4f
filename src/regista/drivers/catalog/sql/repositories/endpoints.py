"""Online endpoints, their deployments and their traffic over time."""

# ruff: noqa: S608 - statements are put together from constants alone; values are always bound

from sqlalchemy import select

from regista.drivers.catalog.sql import tables
from regista.drivers.catalog.sql.bodies import decoder, encoded
from regista.drivers.catalog.sql.paging import page_of
from regista.drivers.catalog.sql.session import Session, Statement, insert, upsert
from regista.entities.endpoint import Deployment, Endpoint, TrafficChange
from regista.entities.page import Page, PageRequest
from regista.errors import AlreadyExistsError

_endpoint = decoder(Endpoint)
_deployment = decoder(Deployment)
_change = decoder(TrafficChange)

_ADD = insert(tables.endpoints)
_PUT = upsert(tables.endpoints, "scope_id", "name", keep=("created_at",))
_FIND = Statement("SELECT body FROM endpoints WHERE scope_id = :scope AND name = :name")
_DELETE = Statement("DELETE FROM endpoints WHERE scope_id = :scope AND name = :name")
_DELETE_DEPLOYMENTS = Statement("DELETE FROM deployments WHERE scope_id = :scope AND endpoint = :name")

_ONE = "FROM deployments WHERE scope_id = :scope AND endpoint = :endpoint AND name = :name"
_BY_NAME = "ORDER BY scope_id, endpoint, name"
_PUT_DEPLOYMENT = upsert(tables.deployments, "scope_id", "endpoint", "name")
_PUT_GENERATION = upsert(tables.deployment_generations, "node")
_FIND_DEPLOYMENT = Statement(f"SELECT body {_ONE}")
_DELETE_DEPLOYMENT = Statement(f"DELETE {_ONE}")
_GENERATION = Statement("SELECT body FROM deployment_generations WHERE node = :node")
_EVERYWHERE = Statement(f"SELECT body FROM deployments {_BY_NAME}")
_OF_WORKSPACE = Statement(f"SELECT body FROM deployments WHERE scope_id = :scope {_BY_NAME}")
_OF_ENDPOINT = Statement(f"SELECT body FROM deployments WHERE scope_id = :scope AND endpoint = :endpoint {_BY_NAME}")

_ADD_TRAFFIC = insert(tables.traffic_changes)
_TRAFFIC = "SELECT body FROM traffic_changes WHERE scope_id = :scope AND endpoint = :endpoint"
_HISTORY = Statement(f"{_TRAFFIC} ORDER BY at, seq")
_IN_FORCE = Statement(f"{_TRAFFIC} AND at <= :at ORDER BY at DESC, seq DESC LIMIT 1")


class EndpointRows:
    """Rows of ``endpoints``, ``deployments``, ``deployment_generations`` and ``traffic_changes``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, endpoint: Endpoint) -> None:
        if not self._session.run(_ADD, **_row(endpoint)):
            raise AlreadyExistsError(f"the workspace has an endpoint {endpoint.name!r} already")

    def find(self, scope_id: str, name: str) -> Endpoint | None:
        row = self._session.first(_FIND, scope=scope_id, name=name)
        return _endpoint(row[0]) if row else None

    def put(self, endpoint: Endpoint) -> None:
        self._session.run(_PUT, **_row(endpoint))

    def page(self, scope_id: str | None, request: PageRequest) -> Page[Endpoint]:
        column = tables.endpoints.c
        query = select(column.body)
        if scope_id is not None:
            query = query.where(column.scope_id == scope_id)
        return page_of(self._session, query, request, "endpoints", (column.created_at, column.seq), _endpoint)

    def delete(self, scope_id: str, name: str) -> None:
        self._session.run(_DELETE_DEPLOYMENTS, scope=scope_id, name=name)
        self._session.run(_DELETE, scope=scope_id, name=name)

    def find_deployment(self, scope_id: str, endpoint: str, name: str) -> Deployment | None:
        row = self._session.first(_FIND_DEPLOYMENT, scope=scope_id, endpoint=endpoint, name=name)
        return _deployment(row[0]) if row else None

    def put_deployment(self, deployment: Deployment) -> None:
        body = encoded(deployment)
        self._session.run(
            _PUT_DEPLOYMENT,
            scope_id=deployment.scope_id,
            endpoint=deployment.endpoint,
            name=deployment.name,
            body=body,
        )
        self._session.run(_PUT_GENERATION, node=deployment.node, body=body)

    def generation(self, node: str) -> Deployment | None:
        row = self._session.first(_GENERATION, node=node)
        return _deployment(row[0]) if row else None

    def deployments(self, scope_id: str | None, endpoint: str = "") -> list[Deployment]:
        if scope_id is None:
            rows = self._session.all(_EVERYWHERE)
        elif endpoint:
            rows = self._session.all(_OF_ENDPOINT, scope=scope_id, endpoint=endpoint)
        else:
            rows = self._session.all(_OF_WORKSPACE, scope=scope_id)
        return [_deployment(body) for (body,) in rows]

    def delete_deployment(self, scope_id: str, endpoint: str, name: str) -> None:
        self._session.run(_DELETE_DEPLOYMENT, scope=scope_id, endpoint=endpoint, name=name)

    def add_traffic(self, change: TrafficChange) -> None:
        self._session.run(
            _ADD_TRAFFIC, scope_id=change.scope_id, endpoint=change.endpoint, at=change.at, body=encoded(change)
        )

    def traffic(self, scope_id: str, endpoint: str, at: int | None = None) -> list[TrafficChange]:
        if at is None:
            rows = self._session.all(_HISTORY, scope=scope_id, endpoint=endpoint)
        else:
            rows = self._session.all(_IN_FORCE, scope=scope_id, endpoint=endpoint, at=at)
        return [_change(body) for (body,) in rows]


def _row(endpoint: Endpoint) -> dict[str, str | int]:
    return {
        "scope_id": endpoint.scope_id,
        "name": endpoint.name,
        "created_at": endpoint.created_at,
        "body": encoded(endpoint),
    }
