"""Computes of a workspace: named profiles. Nothing is made or started by them; sizes and quotas tell of what there is."""

from typing import Literal

from regista.dialects.azureml.call import PROVIDER, Answer, Call, Json, Level, listed
from regista.dialects.azureml.ids import scope_id
from regista.dialects.azureml.operations import accepted, progress
from regista.dialects.azureml.render import resource, system_data
from regista.dialects.azureml.resources.computes import Body, Properties, identity_of, read, rendered
from regista.dialects.azureml.routing import Route
from regista.entities.compute import Compute, ComputeType
from regista.entities.page import Page, PageRequest
from regista.entities.scope import Scope, ScopeKind
from regista.errors import NotFoundError, UnsupportedError
from regista.services.resources.places import MOST

_SIZE = "machine"
_NOWHERE = "Regista has no compute instances that could be mounted to or signed in to: a compute is a named profile"


def get(call: Call, name: str) -> Answer:
    """One compute."""
    found = call.house.computes.get(call.caller, call.address, name)
    return Answer(200, _resource(_home(call), found))


def page(call: Call) -> Answer:
    """All that the caller may read, by name."""
    home = _home(call)
    found = call.house.computes.list(call.caller, call.address)
    return listed(call, Page(tuple(found), None), lambda one: _resource(home, one))


def put(call: Call, name: str) -> Answer:
    """Make it or replace it. It is there when this answers, and is said to be on its way all the same: the SDK 1.34 cannot
    read a compute from the answer of a PUT, and asks again then."""
    document = read(name, call.body(Body), call.properties(Properties), call.properties(Json))
    made = call.house.computes.create_or_update(call.caller, call.address, document)
    status = 201 if made.created_at == made.updated_at else 200
    return accepted(call, f"{call.path.rstrip('/')}/operation", _resource(_home(call), made), status=status)


def delete(call: Call, name: str) -> Answer:
    """Forget it; detaching is the same."""
    try:
        call.house.computes.get(call.caller, call.address, name)
    except NotFoundError:
        return Answer(204)
    call.house.computes.delete(call.caller, call.address, name)
    return Answer(200)


def start(call: Call, name: str) -> Answer:
    """Say that an instance runs."""
    return _state(call, name, "start")


def stop(call: Call, name: str) -> Answer:
    """Say that it does not."""
    return _state(call, name, "stop")


def restart(call: Call, name: str) -> Answer:
    """Say that it runs again."""
    return _state(call, name, "restart")


def operation(call: Call, name: str) -> Answer:
    """What has become of a change: it was done before it was answered."""
    call.house.computes.get(call.caller, call.address, name)
    return progress(call.path, "Succeeded")


def nodes(call: Call, name: str) -> Answer:
    """The machines behind it: none."""
    call.house.computes.get(call.caller, call.address, name)
    return Answer(200, {"nodes": []})


def unserved(call: Call, name: str) -> Answer:
    """What needs a machine of its own: refused, to whoever may see the compute."""
    call.house.computes.get(call.caller, call.address, name)
    raise UnsupportedError(_NOWHERE)


def sizes(_: Call, location: str) -> Answer:  # noqa: ARG001 - the same everywhere
    """The one size that there is: the machine that answers, which is where jobs run unless there are other workers."""
    from regista.services.resources.machine import machine

    here = machine()
    size = {
        "name": _SIZE,
        "family": "regista",
        "vCPUs": here.processors,
        "gpus": 0,
        "osVhdSizeMB": 0,
        "maxResourceVolumeMB": 0,
        "memoryGB": round(here.memory / 2**30, 1),
        "lowPriorityCapable": False,
        "premiumIO": False,
        "supportedComputeTypes": ["AmlCompute", "ComputeInstance"],
    }
    return Answer(200, {"value": [size]})


def usages(call: Call, location: str) -> Answer:
    """How many computes the workspaces of the region have, of how many they may have: there is no other quota."""
    request = PageRequest(1000)
    subscription = call.place.subscription
    found = call.house.scopes.page(call.caller, ScopeKind.WORKSPACE, request, subscription=subscription)
    here = [scope for scope in found.items if scope.location.lower() == location.lower()]
    return Answer(200, {"value": [_usage(call, scope) for scope in here]})


def _usage(call: Call, scope: Scope) -> Json:
    return {
        "id": f"{scope_id(scope)}/usages/computes",
        "type": f"{PROVIDER}/workspaces/usages",
        "amlWorkspaceLocation": scope.location,
        "unit": "Count",
        "currentValue": len(call.house.computes.list(call.caller, scope.address)),
        "limit": MOST,
        "name": {"value": f"computes of {scope.name}", "localizedValue": f"computes of {scope.name}"},
    }


def _state(call: Call, name: str, verb: Literal["start", "stop", "restart"]) -> Answer:
    call.house.computes.change_state(call.caller, call.address, name, verb)
    return accepted(call, f"{call.path.rstrip('/').rpartition('/')[0]}/operation", status=202)


def _home(call: Call) -> Scope:
    return call.house.scopes.get(call.caller, call.address)


def _resource(home: Scope, found: Compute) -> Json:
    made = system_data(found.created_at, found.created_by, found.updated_at)
    more = {"location": found.location or home.location, "tags": found.tags, "systemData": made}
    if (identity := identity_of(found)) and found.type is not ComputeType.VIRTUAL_MACHINE:
        more["identity"] = identity
    identifier = f"{scope_id(home)}/computes/{found.name}"
    return resource(identifier, found.name, "workspaces/computes", rendered(found), **more)


_ONE = "computes/{name}"
_LOCATION = f"providers/{PROVIDER}/locations/{{location}}"
ROUTES = (
    Route("GET", (Level.WORKSPACE,), "computes", page),
    Route("GET", (Level.WORKSPACE,), _ONE, get),
    Route("PUT", (Level.WORKSPACE,), _ONE, put),
    Route("DELETE", (Level.WORKSPACE,), _ONE, delete),
    Route("POST", (Level.WORKSPACE,), f"{_ONE}/start", start),
    Route("POST", (Level.WORKSPACE,), f"{_ONE}/stop", stop),
    Route("POST", (Level.WORKSPACE,), f"{_ONE}/restart", restart),
    Route("GET", (Level.WORKSPACE,), f"{_ONE}/operation", operation),
    Route("POST", (Level.WORKSPACE,), f"{_ONE}/listNodes", nodes),
    Route("POST", (Level.WORKSPACE,), f"{_ONE}/enableSso", unserved),
    Route("POST", (Level.WORKSPACE,), f"{_ONE}/updateDataMounts", unserved),
    Route("GET", (Level.SUBSCRIPTION,), f"{_LOCATION}/vmSizes", sizes),
    Route("GET", (Level.SUBSCRIPTION,), f"{_LOCATION}/usages", usages),
)
