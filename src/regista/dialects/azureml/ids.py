"""Ids as Azure Resource Manager writes them, and as the SDK takes them apart again."""

from regista.dialects.azureml.call import PROVIDER
from regista.entities.scope import Scope, ScopeKind


def scope_id(scope: Scope) -> str:
    """The id of a workspace or registry as a resource."""
    plural = "workspaces" if scope.kind is ScopeKind.WORKSPACE else "registries"
    return (
        f"/subscriptions/{scope.subscription}/resourceGroups/{scope.resource_group}"
        f"/providers/{PROVIDER}/{plural}/{scope.name}"
    )


def asset_id(scope: Scope, plural: str, name: str, version: str) -> str:
    """The id of a version: a resource's in a workspace, a URI in a registry. *plural* is the kind's segment (``models``)."""
    if scope.kind is ScopeKind.REGISTRY:
        return f"azureml://registries/{scope.name}/{plural}/{name}/versions/{version}"
    return f"{scope_id(scope)}/{plural}/{name}/versions/{version}"


def guid(identifier: str) -> str:
    """One of our identifiers of 32 hexadecimal digits in the form of a GUID."""
    return "-".join((identifier[:8], identifier[8:12], identifier[12:16], identifier[16:20], identifier[20:]))


def from_guid(text: str) -> str:
    """Back again."""
    return text.replace("-", "").lower()
