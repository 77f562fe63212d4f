"""What Azure sells by the call: serverless endpoints and the marketplace behind them, and the models that it hosts. None of
it is here."""

from regista.dialects.azureml.call import Answer, Call, Level
from regista.dialects.azureml.routing import Route
from regista.errors import UnsupportedError

_WHAT = {
    "serverlessendpoints": "serverless endpoints",
    "marketplacesubscriptions": "marketplace subscriptions",
    "capabilityhosts": "capability hosts",
    "outboundrules": "outbound rules of managed networks",
}


def refused(call: Call, **_: str) -> Answer:
    """Refused, to whoever may see the workspace."""
    call.house.scopes.get(call.caller, call.address)
    what = _WHAT[call.place.rest[0].lower()]
    raise UnsupportedError(
        f"{what} are not served", hint="What Azure hosts and sells is not here: deploy a model of your own."
    )


ROUTES = tuple(
    Route(method, (Level.WORKSPACE,), noun + more, refused)
    for noun in _WHAT
    for more, methods in (
        ("", ("GET",)),
        ("/{name}", ("GET", "PUT", "PATCH", "DELETE")),
        ("/{name}/{action}", ("POST",)),
    )
    for method in methods
)
