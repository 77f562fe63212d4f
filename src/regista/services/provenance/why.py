"""Why did an endpoint answer as it did, now or at any time: what was behind it, and where that came from."""

import datetime as dt
from collections.abc import Callable

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.endpoint import Deployment, TrafficChange
from regista.entities.lineage import Node
from regista.entities.names import now
from regista.entities.scope import ScopeAddress
from regista.entities.trace import Trace
from regista.entities.why import Behind, WhyReport
from regista.errors import NotFoundError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.access.access import require
from regista.services.scopes.scopes import resolve_scope
from regista.services.serving.endpoints import endpoint_path

TraceNode = Callable[[Caller, str], Trace]
"""Traces a node of the lineage back, as far as the caller may see."""


class WhyService:
    """Answers from the history of traffic, also for an endpoint that was deleted since."""

    def __init__(self, catalog: Catalog, trace: TraceNode | None = None) -> None:
        self._catalog = catalog
        self._trace = trace

    def why(self, caller: Caller, address: ScopeAddress, endpoint: str, at: int | None = None) -> WhyReport:
        """What was behind *endpoint* at the time *at* (milliseconds since 1970; None: now), with the trace of each deployment
        that got requests."""
        moment = now() if at is None else at

        def work(tx: Transaction) -> WhyReport:
            scope = resolve_scope(tx, caller, address)
            named = f"endpoint {endpoint!r} in {scope.kind} {scope.name!r}"
            path = endpoint_path(scope, endpoint)
            require(caller, Permission.ENDPOINTS_READ, path, read=Permission.ENDPOINTS_READ, what=named)
            history = tx.endpoints.traffic(scope.id, endpoint)
            if not history and tx.endpoints.find(scope.id, endpoint) is None:
                raise NotFoundError(f"there is no {named}", hint="It does not exist, or you may not read it.")
            return _report(tx, endpoint, moment, history)

        report = self._catalog.read(work)
        if self._trace is None:
            return report
        traced = tuple(self._traced(caller, one) for one in report.deployments)
        return msgspec.structs.replace(report, deployments=traced)

    def history(self, caller: Caller, address: ScopeAddress, endpoint: str) -> list[TrafficChange]:
        """Every change of traffic, oldest first."""

        def work(tx: Transaction) -> list[TrafficChange]:
            scope = resolve_scope(tx, caller, address)
            named = f"endpoint {endpoint!r} in {scope.kind} {scope.name!r}"
            path = endpoint_path(scope, endpoint)
            require(caller, Permission.ENDPOINTS_READ, path, read=Permission.ENDPOINTS_READ, what=named)
            return tx.endpoints.traffic(scope.id, endpoint)

        return self._catalog.read(work)

    def _traced(self, caller: Caller, behind: Behind) -> Behind:
        if self._trace is None or not (behind.traffic or behind.mirror):
            return behind
        return msgspec.structs.replace(behind, trace=self._trace(caller, behind.node))


def _written(at: int) -> str:
    return dt.datetime.fromtimestamp(at / 1000, dt.UTC).isoformat(sep=" ", timespec="seconds")


def _report(tx: Transaction, endpoint: str, at: int, history: list[TrafficChange]) -> WhyReport:
    before = [change for change in history if change.at <= at]
    if not before:
        first = f"Its history begins at {_written(history[0].at)}." if history else "Nothing was ever behind it."
        raise NotFoundError(f"nothing was behind endpoint {endpoint!r} at that time", hint=first)
    change = before[-1]
    later = history[len(before)].at if len(history) > len(before) else None
    behind = [_behind(tx, change, name, node) for name, node in sorted(change.nodes.items())]
    return WhyReport(
        endpoint=endpoint,
        at=at,
        since=change.at,
        until=later,
        by=change.by,
        reason=change.reason,
        deployments=tuple(behind),
    )


def _behind(tx: Transaction, change: TrafficChange, name: str, node: str) -> Behind:
    found: Deployment | None = tx.endpoints.generation(node)
    number = int(Node.parse(node).parts[-1])
    behind = Behind(
        deployment=name,
        node=node,
        generation=number,
        traffic=change.traffic.get(name, 0),
        mirror=change.mirror_traffic.get(name, 0),
    )
    if found is None:
        return behind
    return msgspec.structs.replace(
        behind,
        model=found.model,
        environment=found.environment,
        lock=found.lock or "",
        code=found.code,
        scoring_script=found.scoring_script,
        instance_count=found.instance_count,
        created_at=found.created_at,
        created_by=found.created_by,
    )
