"""The scope of a call, and how versions are named in it on the wire."""

from regista.dialects.azureml.call import Call
from regista.dialects.azureml.ids import asset_id
from regista.entities.asset import AssetKind, AssetVersion
from regista.entities.reference import AssetReference, asset_reference
from regista.entities.scope import Scope, ScopeKind

PREFIX = "azureml:"
"""Stands before an id where a specification refers to something."""


class View:
    """Made for one answer."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.scope: Scope = call.house.scopes.get(call.caller, call.address)

    @property
    def in_registry(self) -> bool:
        """Whether the scope is a registry."""
        return self.scope.kind is ScopeKind.REGISTRY

    def id(self, version: AssetVersion) -> str:
        """The id of a version of this scope."""
        return asset_id(self.scope, version.kind.plural, version.name, version.version)

    def reference(self, text: str, kind: AssetKind) -> str:
        """A stored reference as specifications have it on the wire: ``azureml:/subscriptions/…`` for a version of this
        workspace, ``azureml://registries/…`` for one of a registry; of another workspace as it stands."""
        found = asset_reference(text, kind)
        if found.registry:
            return str(found)
        if found.workspace or found.workspace_id or not found.version:
            return text
        identifier = asset_id(self.scope, kind.plural, found.name, found.version)
        return identifier if self.in_registry else PREFIX + identifier

    def local(self, text: str, kind: AssetKind) -> str:
        """A reference on the wire as a document of this scope has it: short where it means a version of the scope itself."""
        found = asset_reference(text, kind)
        scope = self.scope
        if self.in_registry:
            here = found.registry == scope.name
        else:
            given = (found.workspace, found.subscription, found.resource_group)
            here = given in {
                (scope.name, scope.subscription, scope.resource_group),
                (scope.name, "", ""),
            } or (found.workspace_id == scope.id)
        if not here:
            return text
        return str(AssetReference(name=found.name, version=found.version, label=found.label))
