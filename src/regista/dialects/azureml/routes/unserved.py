"""What the SDK has words for and Regista has not: each is refused by name, to whoever may see the workspace."""

from collections.abc import Callable

from regista.dialects.azureml.call import Answer, Call, Level
from regista.dialects.azureml.routing import Route
from regista.errors import UnsupportedError

_STORE = "Keep what a feature store holds as versions of data, and what makes it as components."
_KEYS = "Regista makes no accounts for a workspace, so that there are no keys of theirs: see regista key create."
_NETWORK = "Regista runs where you put it, in the network that is there."
_ASSETS = {
    "featuresets": ("feature sets", _STORE),
    "featurestoreEntities": ("entities of feature stores", _STORE),
}
_ACTIONS = {
    "listKeys": ("keys of a workspace", _KEYS),
    "resyncKeys": ("keys of a workspace", _KEYS),
    "diagnose": ("diagnoses of a workspace", "Ask /health, or why a deployment does not answer: regista why."),
    "provisionManagedNetwork": ("managed networks", _NETWORK),
}
_PACKAGES = ("packages of models", "Deploy the model itself: its environment is built and kept by its content.")
_HOSTED = ("deployments at other providers", "Ask the provider.")
_INDEXES = ("indexes", "Keep an index as a version of data.")


def _refusing(what: str, hint: str) -> Callable[..., Answer]:
    def refused(call: Call, **_: str) -> Answer:
        call.house.scopes.get(call.caller, call.address)
        raise UnsupportedError(f"{what} are not served", hint=hint)

    return refused


def _routes(template: str, methods: tuple[str, ...], what: tuple[str, str], service: str = "") -> list[Route]:
    return [Route(method, (Level.WORKSPACE,), template, _refusing(*what), service) for method in methods]


_VERSION = "{name}/versions/{version}"
_TEMPLATES = {
    "": ("GET",),
    "/{name}": ("GET", "PUT", "POST", "DELETE"),
    "/{name}/versions": ("GET",),
    f"/{_VERSION}": ("GET", "PUT", "DELETE"),
    f"/{_VERSION}/{{action}}": ("GET", "POST"),
    f"/{_VERSION}/{{part}}/{{one}}": ("GET",),
}

ROUTES = (
    *(
        route
        for noun, what in _ASSETS.items()
        for template, methods in _TEMPLATES.items()
        for route in _routes(noun + template, methods, what)
    ),
    *(route for action, what in _ACTIONS.items() for route in _routes(action, ("POST",), what)),
    *(
        route
        for template, methods in _TEMPLATES.items()
        for route in _routes(f"indexes{template}", methods, _INDEXES, "genericasset")
    ),
    *_routes("connections/{name}/deployments", ("GET",), _HOSTED),
    *_routes(f"models/{_VERSION}/package", ("POST",), _PACKAGES),
    *_routes(
        "schedules/{name}/{action}", ("POST",), ("schedules", "Submit the job itself, from a scheduler of yours.")
    ),
)
