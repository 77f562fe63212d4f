"""Promotion, traces, capsules and comparison."""

from collections.abc import Sequence

from litestar import get, post
from litestar.handlers import BaseRouteHandler

from regista.dialects.native.wire import CompareBody, ShareBody
from regista.entities.access import Caller
from regista.entities.asset import AssetKind, AssetVersion
from regista.entities.comparison import Comparison
from regista.entities.promotion import PromotionPlan
from regista.entities.scope import ScopeAddress, ScopeKind
from regista.entities.trace import Trace
from regista.services.house import House
from regista.services.registry.promotion import Promotion


def _promotion(address: ScopeAddress, kind: AssetKind, name: str, data: ShareBody) -> Promotion:
    return Promotion(
        source=address,
        kind=kind,
        name=name,
        target=ScopeAddress.parse(ScopeKind.REGISTRY, data.registry),
        version=data.version,
        label=data.label,
        as_name=data.share_with_name,
        as_version=data.share_with_version,
    )


@post("/{kinds:str}/{name:str}/plan", sync_to_thread=True, status_code=200)
def plan_promotion(
    caller: Caller, house: House, address: ScopeAddress, kind: AssetKind, name: str, data: ShareBody
) -> PromotionPlan:
    """What promoting a version would do; changes nothing."""
    return house.promotion.plan(caller, _promotion(address, kind, name, data))


@post("/{kinds:str}/{name:str}/share", sync_to_thread=True, status_code=200)
def promote(
    caller: Caller, house: House, address: ScopeAddress, kind: AssetKind, name: str, data: ShareBody
) -> AssetVersion:
    """Promote a version with its closure into a registry: all or nothing; again is quiet."""
    return house.promotion.promote(caller, _promotion(address, kind, name, data))


@get("/{kinds:str}/{name:str}/versions/{version:str}/trace", sync_to_thread=True)
def trace_version(
    caller: Caller,
    house: House,
    address: ScopeAddress,
    kind: AssetKind,
    name: str,
    version: str,
    downstream: bool = False,
) -> Trace:
    """What led to a version, or what came of it."""
    label = version.removeprefix("@") if version.startswith("@") else ""
    number = "" if label else version
    return house.traces.of_version(caller, address, kind, name, number, label, upstream=not downstream)


@get("/jobs/{name:str}/trace", sync_to_thread=True)
def trace_job(caller: Caller, house: House, address: ScopeAddress, name: str, downstream: bool = False) -> Trace:
    """What led to a job, or what came of it."""
    return house.traces.of_job(caller, address, name, upstream=not downstream)


@get("/onlineEndpoints/{endpoint:str}/deployments/{name:str}/trace", sync_to_thread=True)
def trace_deployment(caller: Caller, house: House, address: ScopeAddress, endpoint: str, name: str) -> Trace:
    """What led to what a deployment serves now."""
    return house.traces.of_deployment(caller, address, endpoint, name)


@post("/compare", sync_to_thread=True, status_code=200)
def compare_jobs(caller: Caller, house: House, data: CompareBody) -> Comparison:
    """Put runs of any workspaces side by side."""
    jobs = [(ScopeAddress.parse(ScopeKind.WORKSPACE, one.workspace), one.job) for one in data.jobs]
    return house.comparison.compare(
        caller,
        jobs,
        tolerance=data.tolerance,
        lower_is_better=data.lower_is_better,
        higher_is_better=data.higher_is_better,
    )


@get("/publicKey", sync_to_thread=False)
def public_key(caller: Caller, house: House) -> dict[str, str]:  # noqa: ARG001 - every call has a caller
    """With which anybody verifies this installation's capsules (PEM, Ed25519)."""
    return {"public_key": house.capsules.public_key}


IN_BOTH: Sequence[BaseRouteHandler] = (plan_promotion, promote, trace_version)
IN_WORKSPACES: Sequence[BaseRouteHandler] = (trace_job, trace_deployment)
