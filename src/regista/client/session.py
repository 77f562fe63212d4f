"""One client: a server, a key, and the scope that its assets and jobs are in. Every noun is an attribute."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from regista.client.profiles import find_profile
from regista.client.transport import Transport
from regista.errors import InvalidError

if TYPE_CHECKING:
    from regista.client.access import KeyClient, PrincipalClient, RoleClient, StoreClient
    from regista.client.assets import AssetClient
    from regista.client.audit import AuditClient, EventClient
    from regista.client.collection import CollectionClient
    from regista.client.endpoints import DeploymentClient, EndpointClient
    from regista.client.jobs import JobClient
    from regista.client.provenance import ProvenanceClient
    from regista.client.resources import ComputeClient, ConnectionClient, DatastoreClient
    from regista.client.scopes import GroupClient, ScopeClient, SubscriptionClient
    from regista.client.webhooks import WebhookClient


def connect(
    url: str | None = None,
    *,
    key: str | None = None,
    ca: str | Path | None = None,
    profile: str | None = None,
    workspace: str | None = None,
    registry: str | None = None,
) -> "Regista":
    """Return a client; nothing is sent before its first use.

    What is not given comes from the environment, the profile, or the server on this machine; raise ``NotFoundError``
    when none of them names a server."""
    found = find_profile(profile) if url is None or key is None else None
    place = ca or (found.ca if found else "") or None
    transport = Transport(
        url or (found.url if found else ""),
        key or (found.secret() if found else ""),
        ca=Path(place).expanduser() if place else None,
    )
    bound_workspace = workspace or (None if registry else found.workspace or None if found else None)
    return Regista(
        transport,
        workspace=bound_workspace,
        registry=registry or (found.registry or None if found and not workspace else None),
    )


class Regista:
    """The client. ``bound`` gives one for another scope over the same connections."""

    def __init__(self, transport: Transport, *, workspace: str | None = None, registry: str | None = None) -> None:
        self.transport = transport
        self.workspace = workspace
        self.registry = registry

    def bound(self, *, workspace: str | None = None, registry: str | None = None) -> "Regista":
        """The same client for *workspace* or *registry*; with neither, for the one it has."""
        if workspace and registry:
            raise InvalidError("give a workspace or a registry, not both")
        if not (workspace or registry):
            return self
        return Regista(self.transport, workspace=workspace, registry=registry)

    @property
    def scope_path(self) -> str:
        """Where the scope's resources are in the API; raise ``InvalidError`` when the client has no scope."""
        if self.registry:
            return f"registries/{quote(self.registry, safe=':')}"
        if self.workspace:
            return f"workspaces/{quote(self.workspace, safe=':')}"
        raise InvalidError(
            "this needs a workspace or a registry",
            hint="Give --workspace-name or --registry-name, or set REGISTA_WORKSPACE.",
        )

    @cached_property
    def workspaces(self) -> "ScopeClient":
        """Workspaces."""
        from regista.client.scopes import ScopeClient
        from regista.entities.scope import ScopeKind

        return ScopeClient(self.transport, ScopeKind.WORKSPACE)

    @cached_property
    def registries(self) -> "ScopeClient":
        """Registries."""
        from regista.client.scopes import ScopeClient
        from regista.entities.scope import ScopeKind

        return ScopeClient(self.transport, ScopeKind.REGISTRY)

    @cached_property
    def subscriptions(self) -> "SubscriptionClient":
        """Subscriptions."""
        from regista.client.scopes import SubscriptionClient

        return SubscriptionClient(self.transport)

    @cached_property
    def resource_groups(self) -> "GroupClient":
        """Resource groups: what belongs together in a subscription."""
        from regista.client.scopes import GroupClient

        return GroupClient(self.transport)

    def _assets(self, kind: str) -> "AssetClient":
        from regista.client.assets import AssetClient
        from regista.entities.asset import AssetKind

        return AssetClient(self, AssetKind(kind))

    @cached_property
    def models(self) -> "AssetClient":
        """Models of the scope."""
        return self._assets("model")

    @cached_property
    def environments(self) -> "AssetClient":
        """Environments of the scope."""
        return self._assets("environment")

    @cached_property
    def components(self) -> "AssetClient":
        """Components of the scope."""
        return self._assets("component")

    @cached_property
    def data(self) -> "AssetClient":
        """Data of the scope."""
        return self._assets("data")

    @cached_property
    def code(self) -> "AssetClient":
        """Code of the scope: what jobs and components run."""
        return self._assets("code")

    @cached_property
    def jobs(self) -> "JobClient":
        """Jobs of the workspace."""
        from regista.client.jobs import JobClient

        return JobClient(self)

    @cached_property
    def online_endpoints(self) -> "EndpointClient":
        """Online endpoints of the workspace."""
        from regista.client.endpoints import EndpointClient

        return EndpointClient(self)

    @cached_property
    def online_deployments(self) -> "DeploymentClient":
        """What serves behind them."""
        from regista.client.endpoints import DeploymentClient

        return DeploymentClient(self)

    @cached_property
    def computes(self) -> "ComputeClient":
        """Computes of the workspace."""
        from regista.client.resources import ComputeClient

        return ComputeClient(self)

    @cached_property
    def datastores(self) -> "DatastoreClient":
        """Datastores of the workspace."""
        from regista.client.resources import DatastoreClient

        return DatastoreClient(self)

    @cached_property
    def connections(self) -> "ConnectionClient":
        """Connections of the workspace."""
        from regista.client.resources import ConnectionClient

        return ConnectionClient(self)

    @cached_property
    def webhooks(self) -> "WebhookClient":
        """Who outside is told of what happens in the scope."""
        from regista.client.webhooks import WebhookClient

        return WebhookClient(self)

    @cached_property
    def provenance(self) -> "ProvenanceClient":
        """Traces and comparisons."""
        from regista.client.provenance import ProvenanceClient

        return ProvenanceClient(self)

    @cached_property
    def principals(self) -> "PrincipalClient":
        """Who may call."""
        from regista.client.access import PrincipalClient

        return PrincipalClient(self.transport)

    @cached_property
    def keys(self) -> "KeyClient":
        """How principals prove themselves."""
        from regista.client.access import KeyClient

        return KeyClient(self.transport)

    @cached_property
    def roles(self) -> "RoleClient":
        """What principals may do, and where."""
        from regista.client.access import RoleClient

        return RoleClient(self.transport)

    @cached_property
    def stores(self) -> "StoreClient":
        """Where the bytes of a region are."""
        from regista.client.access import StoreClient

        return StoreClient(self.transport)

    @cached_property
    def audit(self) -> "AuditClient":
        """Who did or read what."""
        from regista.client.audit import AuditClient

        return AuditClient(self.transport)

    @cached_property
    def events(self) -> "EventClient":
        """What changed, in order."""
        from regista.client.audit import EventClient

        return EventClient(self.transport)

    @cached_property
    def collection(self) -> "CollectionClient":
        """Taking out the garbage."""
        from regista.client.collection import CollectionClient

        return CollectionClient(self.transport)

    def about(self) -> dict[str, str]:
        """What answers, and as whom it knows the caller."""
        return self.transport.call("GET", "/api/v1/about", type=dict[str, str])

    def __repr__(self) -> str:
        where = self.scope_path if self.registry or self.workspace else "no scope"
        return f"<Regista {self.transport.url} {where}>"
