"""Paths of Azure Resource Manager taken apart, in any case of their letters:

    [/SERVICE][/subscriptions/S[/resourceGroups/G]][/providers/P/{workspaces|registries}/NAME]/…

SERVICE is one of the doors that the SDK finds beside the resource manager.
"""

from functools import lru_cache

from regista.dialects.azureml.call import PROVIDER, Level, Place

SERVICES = {
    "mferp": ("managementfrontend",),
    "history": ("v1.0",),
    "artifact": ("v2.0",),
    "genericasset": (),
    "data": ("v1.0",),
    "modelregistry": ("v1.0",),
    "rp": ("workspaces",),
}
"""First segment of a door, and what comes behind it before the resource."""

ROOTS = frozenset({"subscriptions", "metadata", "registrymanagement", "discovery", "identity", *SERVICES})
"""The first segments of all paths of this dialect, in lower case."""

_LEVELS = {"workspaces": Level.WORKSPACE, "registries": Level.REGISTRY}


@lru_cache(maxsize=4096)
def place_of(path: str) -> Place:
    """The place that *path* names. What fits nothing has the level ROOT, and no route will fit it."""
    parts = tuple(part for part in path.split("/") if part)
    service, parts = _service(parts)
    if not _is(parts, 0, "subscriptions") or len(parts) < 2:
        return Place(Level.ROOT, service, rest=parts)
    subscription = parts[1]
    if not _is(parts, 2, "resourcegroups") or len(parts) < 4:
        return Place(Level.SUBSCRIPTION, service, subscription, rest=parts[2:])
    group = parts[3]
    level = _LEVELS.get(parts[6].lower()) if len(parts) >= 8 else None
    if level is None or not (_is(parts, 4, "providers") and _is(parts, 5, PROVIDER)):
        return Place(Level.GROUP, service, subscription, group, rest=parts[4:])
    return Place(level, service, subscription, group, parts[7], parts[8:])


def _service(parts: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    behind = SERVICES.get(parts[0].lower()) if parts else None
    if behind is None or tuple(part.lower() for part in parts[1 : 1 + len(behind)]) != behind:
        return "", parts
    return parts[0].lower(), parts[1 + len(behind) :]


def _is(parts: tuple[str, ...], at: int, word: str) -> bool:
    return len(parts) > at and parts[at].lower() == word.lower()
