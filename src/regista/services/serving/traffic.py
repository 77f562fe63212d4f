"""Who gets which share of an endpoint's requests, and the history of it: every change is appended, none is rewritten."""

from collections.abc import Sequence

from regista.entities.access import Caller
from regista.entities.endpoint import Deployment, Endpoint, TrafficChange
from regista.entities.names import now
from regista.errors import ConflictError, InvalidError, NotFoundError
from regista.interfaces.catalog import Transaction

MOST_MIRRORED = 50


def check_traffic(
    endpoint: Endpoint, traffic: dict[str, int], mirror: dict[str, int], deployments: Sequence[Deployment]
) -> None:
    """Raise unless the percents are 0 or 100 together and go to deployments that serve, and the mirror is at most half of
    the requests, to one deployment without traffic of its own."""
    shares = {name: share for name, share in traffic.items() if share}
    copies = {name: share for name, share in mirror.items() if share}
    if any(not 0 <= share <= 100 for share in (*traffic.values(), *mirror.values())):
        raise InvalidError("a share of the traffic is 0 to 100 percent")
    if sum(shares.values()) not in {0, 100}:
        raise InvalidError(
            f"the traffic makes {sum(shares.values())} percent together", hint="Give 100 in all, or 0 to everybody."
        )
    if len(copies) > 1 or sum(copies.values()) > MOST_MIRRORED:
        raise InvalidError(f"at most {MOST_MIRRORED} percent are mirrored, to at most one deployment")
    if both := shares.keys() & copies.keys():
        raise InvalidError(f"{min(both)!r} has traffic of its own", hint="Mirror to a deployment without traffic.")
    known = {one.name: one for one in deployments}
    for name in (*traffic, *mirror):
        if name not in known:
            has = ", ".join(known) or "none"
            raise NotFoundError(
                f"endpoint {endpoint.name!r} has no deployment {name!r}", hint=f"Its deployments: {has}."
            )
    for name in (*shares, *copies):
        if not known[name].serving_generation:
            raise ConflictError(
                f"deployment {name!r} does not serve yet: it is {known[name].state}",
                hint=f"Wait for it: regista online-deployment show --name {name} --endpoint-name {endpoint.name}",
            )


def record_traffic(
    tx: Transaction, caller: Caller, endpoint: Endpoint, deployments: Sequence[Deployment], reason: str
) -> None:
    """Append what serves from now on."""
    tx.endpoints.add_traffic(
        TrafficChange(
            scope_id=endpoint.scope_id,
            endpoint=endpoint.name,
            at=now(),
            traffic=endpoint.traffic,
            mirror_traffic=endpoint.mirror_traffic,
            nodes={one.name: node for one in deployments if (node := one.serving_node)},
            by=caller.principal.name,
            reason=reason,
        )
    )
