"""What is told about endpoints: nothing secret, but for their keys, to those who ask for them and may."""

import msgspec

from regista.entities.endpoint import Endpoint


class EndpointView(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint as its users see it. ``scoring_uri`` is where requests go."""

    id: str
    name: str
    scoring_uri: str
    provisioning_state: str = "Succeeded"
    auth_mode: str = "key"
    description: str = ""
    tags: dict[str, str] = {}
    properties: dict[str, str] = {}
    traffic: dict[str, int] = {}
    mirror_traffic: dict[str, int] = {}
    created_at: int = 0
    created_by: str = ""
    updated_at: int = 0

    @classmethod
    def of(cls, endpoint: Endpoint, scoring_uri: str, state: str = "Succeeded") -> "EndpointView":
        """The view of *endpoint*."""
        shown = {
            name: getattr(endpoint, name)
            for name in cls.__struct_fields__
            if name not in {"scoring_uri", "provisioning_state"}
        }
        return cls(scoring_uri=scoring_uri, provisioning_state=state, **shown)


class EndpointKeys(msgspec.Struct, frozen=True, omit_defaults=True):
    """Either of them opens the endpoint; two, so that one can be changed while the other is in use. ``pending``: one was
    replaced, and the gateway does not know it yet."""

    primary_key: str
    secondary_key: str
    pending: bool = False


class EndpointToken(msgspec.Struct, frozen=True):
    """A token that opens an endpoint, and in milliseconds since 1970 when it ends and when to fetch the next one."""

    access_token: str
    expires_at: int
    refresh_after: int
    token_type: str = "Bearer"  # noqa: S105 - a word of HTTP

    def __repr__(self) -> str:
        return f"EndpointToken(expires_at={self.expires_at})"  # never the token: it may come to stand in a log


class LogPart(msgspec.Struct, frozen=True):
    """Text of a log, and the offset where it goes on."""

    text: str
    next_offset: int
