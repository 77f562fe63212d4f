"""Code in workspaces and registries, found by its hash before it is sent."""

from regista.dialects.azureml.assets.codes import CODES, HASH, HASH_VERSION
from regista.dialects.azureml.assets.resource import routes, versions
from regista.dialects.azureml.call import Answer, Call, Level
from regista.dialects.azureml.ids import asset_id
from regista.dialects.azureml.routing import Route
from regista.entities.asset import AssetKind
from regista.entities.page import PageRequest
from regista.entities.search import Clause, Field


def page(call: Call, name: str) -> Answer:
    """The versions of a name; with a hash, one of whatever name whose content has that hash."""
    if not (wanted := call.asked("hash")):
        return versions(CODES, call, name)
    if call.asked("hashVersion", HASH_VERSION) != HASH_VERSION:
        return Answer(200, {"value": []})
    house, scope = call.house, call.house.scopes.get(call.caller, call.address)
    clauses = [Clause(Field.TAG, HASH, "=", wanted)]
    found = house.assets.versions(
        call.caller, call.address, AssetKind.CODE, None, PageRequest(1), archived=None, clauses=clauses
    )
    ids = [asset_id(scope, AssetKind.CODE.plural, one.name, one.version) for one in found.items]
    return Answer(200, {"value": [{"id": one, "properties": {}} for one in ids]})


ROUTES = (Route("GET", (Level.WORKSPACE,), "codes/{name}/versions", page), *routes(CODES))
