"""What the SDK calls that which its author gave no name.

Here every anonymous version is ``anonymous`` and numbered by its content, whatever a client computed. An answer says so in
its id, and clients go on with that. Some ask once more by the name that they gave: it is kept as a tag of the version,
which this door never shows (``azureml.as:NAME/VERSION``).
"""

from regista.dialects.azureml.call import Call
from regista.entities.asset import ANONYMOUS, AssetKind, AssetVersion
from regista.entities.page import PageRequest
from regista.entities.search import Clause, Field
from regista.services.assets.assets import VersionChange

NAMES = frozenset({"CliV2AnonymousEnvironment", "azureml_anonymous"})
_MARK = "azureml.as:"
_MOST = 255


def is_mark(key: str) -> bool:
    """Whether a tag is such a name, or another that this door keeps for itself."""
    return key.startswith(_MARK)


def mark(name: str, version: str) -> dict[str, str]:
    """The tag for a name that a client gave."""
    key = f"{_MARK}{name}/{version}"
    return {key: "true"} if name in NAMES and len(key) <= _MOST else {}


def marked(call: Call, made: AssetVersion, name: str, version: str) -> AssetVersion:
    """*made* with the name that the client gave it, so that it is found by it."""
    wanted = mark(name, version)
    if wanted.items() <= made.tags.items():
        return made
    change = VersionChange(tags={**made.tags, **wanted})
    return call.house.assets.update(call.caller, call.address, made.kind, made.name, made.version, change)


def find_marked(call: Call, kind: AssetKind, name: str, version: str) -> AssetVersion | None:
    """The version that a client once gave this name, or None."""
    clauses = [Clause(Field.TAG, key, "=", value) for key, value in mark(name, version).items()]
    if not clauses:
        return None
    page = call.house.assets.versions(
        call.caller, call.address, kind, ANONYMOUS, PageRequest(1), archived=None, clauses=clauses
    )
    return page.items[0] if page.items else None
