"""Schedules, of which Regista has none: an empty list, and a clear word to whoever would make one."""

from typing import NoReturn

from regista.dialects.azureml.call import Answer, Call, Level
from regista.dialects.azureml.routing import Route
from regista.errors import NotFoundError, UnsupportedError


def page(call: Call) -> Answer:
    """None."""
    call.house.scopes.get(call.caller, call.address)
    return Answer(200, {"value": []})


def get(call: Call, name: str) -> NoReturn:
    """None has any name."""
    call.house.scopes.get(call.caller, call.address)
    raise NotFoundError(f"there is no schedule {name[:80]!r} in {call.address}")


def put(call: Call, name: str) -> NoReturn:
    """Refused."""
    call.house.scopes.get(call.caller, call.address)
    raise UnsupportedError(
        f"Regista runs no schedules: {name[:80]!r} was not made",
        hint="Submit the job itself, from a scheduler of yours.",
    )


def delete(call: Call, name: str) -> Answer:
    """Nothing to delete."""
    del name
    call.house.scopes.get(call.caller, call.address)
    return Answer(204)


ROUTES = (
    Route("GET", (Level.WORKSPACE,), "schedules", page),
    Route("GET", (Level.WORKSPACE,), "schedules/{name}", get),
    Route("PUT", (Level.WORKSPACE,), "schedules/{name}", put),
    Route("POST", (Level.WORKSPACE,), "schedules/{name}/trigger", get),
    Route("DELETE", (Level.WORKSPACE,), "schedules/{name}", delete),
)
