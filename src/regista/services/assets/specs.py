"""References inside a component's specification: finding them, and replacing them.

In a stored specification every reference is exact. One to a version of the same scope is written ``azureml:NAME:VERSION``,
so that the specification, and with it the component's identity, stays the same when the whole closure is promoted.
"""

from collections.abc import Callable, Iterator
from typing import Any

from regista.entities.asset import AssetKind, AssetVersion
from regista.entities.reference import AssetReference, asset_reference
from regista.entities.scope import Scope, ScopeKind

Place = tuple[AssetKind, str]
"""What is referred to, and how it is written."""

_FIELDS = (("code", AssetKind.CODE), ("environment", AssetKind.ENVIRONMENT), ("component", AssetKind.COMPONENT))


def references(spec: dict[str, Any]) -> Iterator[Place]:
    """Every reference in a component's specification, also inside inline steps."""
    found: list[Place] = []
    rewrite(spec, lambda kind, text: found.append((kind, text)) or text)  # type: ignore[func-returns-value]
    yield from dict.fromkeys(found)


def rewrite(spec: dict[str, Any], change: Callable[[AssetKind, str], str]) -> dict[str, Any]:
    """A copy of *spec* in which every reference is what *change* makes of it."""
    changed = dict(spec)
    for field, kind in _FIELDS:
        value = changed.get(field)
        if isinstance(value, str) and value:
            changed[field] = change(kind, value)
        elif isinstance(value, dict) and field == "component":
            changed[field] = rewrite(value, change)
    if isinstance(jobs := changed.get("jobs"), dict):
        changed["jobs"] = {
            name: rewrite(step, change) if isinstance(step, dict) else step for name, step in jobs.items()
        }
    return changed


def local_reference(home: Scope, scope: Scope, version: AssetVersion) -> str:
    """How *version* of *scope* is written in a specification that stands in *home*."""
    if scope.id == home.id:
        return str(AssetReference(name=version.name, version=version.version))
    if scope.kind is ScopeKind.REGISTRY:
        return str(AssetReference(kind=version.kind, name=version.name, version=version.version, registry=scope.name))
    return str(AssetReference(kind=version.kind, name=version.name, version=version.version, workspace_id=scope.id))


def exact(kind: AssetKind, text: str) -> AssetReference:
    """A stored reference, parsed."""
    return asset_reference(text, kind)
