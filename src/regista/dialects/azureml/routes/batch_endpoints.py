"""Batch endpoints: there are none. Lists are empty, making one is refused."""

from regista.dialects.azureml.call import Answer, Call, Level
from regista.dialects.azureml.routing import Route
from regista.errors import NotFoundError, UnsupportedError

_HINT = "Submit a command or pipeline job over the files instead: jobs.create_or_update."


def page(call: Call) -> Answer:
    """None."""
    call.house.scopes.get(call.caller, call.address)
    return Answer(200, {"value": []})


def get(call: Call, endpoint: str, **_: str) -> Answer:
    """There is none."""
    call.house.scopes.get(call.caller, call.address)
    raise NotFoundError(f"there is no batch endpoint {endpoint[:80]!r}", hint="Batch endpoints are not served yet.")


def put(call: Call, endpoint: str, **_: str) -> Answer:
    """Refused."""
    call.house.scopes.get(call.caller, call.address)
    raise UnsupportedError(
        f"the batch endpoint {endpoint[:80]!r} cannot be made: batch endpoints are not served yet", hint=_HINT
    )


def delete(call: Call, endpoint: str, **_: str) -> Answer:  # noqa: ARG001 - there is none to be found by it
    """There is none, as there shall be."""
    call.house.scopes.get(call.caller, call.address)
    return Answer(204)


_ONE = "batchEndpoints/{endpoint}"
_DEPLOYMENT = f"{_ONE}/deployments/{{deployment}}"
ROUTES = (
    Route("GET", (Level.WORKSPACE,), "batchEndpoints", page),
    Route("GET", (Level.WORKSPACE,), _ONE, get),
    Route("PUT", (Level.WORKSPACE,), _ONE, put),
    Route("PATCH", (Level.WORKSPACE,), _ONE, put),
    Route("DELETE", (Level.WORKSPACE,), _ONE, delete),
    Route("POST", (Level.WORKSPACE,), f"{_ONE}/listkeys", get),
    Route("GET", (Level.WORKSPACE,), f"{_ONE}/deployments", get),
    Route("GET", (Level.WORKSPACE,), _DEPLOYMENT, get),
    Route("PUT", (Level.WORKSPACE,), _DEPLOYMENT, put),
    Route("PATCH", (Level.WORKSPACE,), _DEPLOYMENT, put),
    Route("DELETE", (Level.WORKSPACE,), _DEPLOYMENT, delete),
    Route("GET", (Level.WORKSPACE,), f"{_ONE}/jobs", get, service="mferp"),
    Route("GET", (Level.WORKSPACE,), f"{_DEPLOYMENT}/jobs", get, service="mferp"),
)
