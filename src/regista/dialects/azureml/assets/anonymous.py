"""What the SDK calls that which its author gave no name.

Here every anonymous version is ``anonymous`` and numbered by its content, whatever a client computed. An answer says so in
its id, and clients go on with that. Some ask once more by the name that they gave: it is kept for a while as a tag of the
version, which this door never shows. A tag has one of 256 keys, by the name's hash, so that code that is sent again and again
under new names does not gather them all.
"""

import hashlib

from regista.dialects.azureml.assets.view import View
from regista.entities.asset import ANONYMOUS, AssetKind, AssetVersion
from regista.entities.page import PageRequest
from regista.entities.search import Clause, Field
from regista.services.assets.assets import VersionChange

NAMES = frozenset({"CliV2AnonymousEnvironment", "azureml_anonymous"})
_MARK = "azureml.as:"


def is_mark(key: str) -> bool:
    """Whether a tag is such a name, or another that this door keeps for itself."""
    return key.startswith(_MARK)


def marked(view: View, made: AssetVersion, name: str, version: str) -> AssetVersion:
    """*made* with the name that the client gave it, so that it is found by it."""
    wanted = _mark(name, version) if _is_asked_for(view, made.kind, name) else {}
    if wanted.items() <= made.tags.items():
        return made
    change = VersionChange(tags={**made.tags, **wanted})
    call = view.call
    return call.house.assets.update(call.caller, call.address, made.kind, made.name, made.version, change)


def find_marked(view: View, kind: AssetKind, name: str, version: str) -> AssetVersion | None:
    """The version that a client gave this name not long ago, or None."""
    if not _is_asked_for(view, kind, name):
        return None
    clauses = [Clause(Field.TAG, key, "=", value) for key, value in _mark(name, version).items()]
    call = view.call
    page = call.house.assets.versions(
        call.caller, call.address, kind, ANONYMOUS, PageRequest(1), archived=None, clauses=clauses
    )
    return page.items[0] if page.items else None


def _is_asked_for(view: View, kind: AssetKind, name: str) -> bool:
    """Whether clients ask by the name: always for these, and in registries for code, whose name is a new one each time."""
    return name in NAMES or (kind is AssetKind.CODE and view.in_registry and name != ANONYMOUS)


def _mark(name: str, version: str) -> dict[str, str]:
    value = f"{name}/{version}"
    return {f"{_MARK}{hashlib.sha256(value.encode(errors='replace')).hexdigest()[:2]}": value}
