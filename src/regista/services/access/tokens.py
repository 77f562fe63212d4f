"""Short-lived tokens: what a client holds that fetches its credential from a door of its own instead of carrying a key.

A token is a JWT (RFC 7519) in compact form, signed with the installation's Ed25519 key (``EdDSA``, RFC 8037). It speaks for
the key for which it was issued: what narrows or ends the key narrows or ends the token. We write the few lines of JWS
(RFC 7515) here because the private key never leaves the signer.
"""

import base64
import binascii
import re

import msgspec

from regista.entities.names import new_id, now
from regista.errors import InvalidError, UnauthenticatedError
from regista.interfaces.signing import Signature, Signer

SECONDS = 3600
"""How long a token lives, unless its key ends earlier."""

ISSUER = "regista"
OWN = "https://regista.internal"
"""What a token is for that was asked for by the server's own address. That address itself is in no token: a server knows by what
name it is called from the request alone, and whoever was given a token for another name could call it by that one."""
MANAGEMENT = frozenset({"https://management.azure.com", "https://ml.azure.com", "https://ml.azure.internal", OWN})
"""For the control plane and what jobs and scripts call."""
STORAGE = frozenset({"https://storage.azure.com", OWN})
"""For bytes."""

_HEADER = {"alg": "EdDSA", "typ": "JWT"}
_AUDIENCE = re.compile(r"https://[A-Za-z0-9.\[\]:-]{1,255}")
_HINT = "Fetch a new token; azure-identity does so by itself."


class Token(msgspec.Struct, frozen=True):
    """A token and when it ends, in seconds since 1970."""

    text: str
    expires_on: int


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says. ``sub`` is the principal, ``key`` the id of the key it speaks for, times are in seconds since 1970."""

    iss: str
    aud: str
    sub: str
    oid: str
    tid: str
    key: str
    iat: int
    nbf: int
    exp: int
    jti: str


def is_token(secret: str) -> bool:
    """Whether *secret* has the form of a token and not that of a key."""
    return secret.startswith("eyJ") and secret.count(".") == 2


def normal_audience(resource: str) -> str:
    """The audience without what clients put behind it; raise ``InvalidError`` for what is none."""
    audience = resource.strip().removesuffix("/.default").rstrip("/")
    if not _AUDIENCE.fullmatch(audience):
        raise InvalidError(f"{resource[:100]!r} is no audience", hint="Such as https://management.azure.com.")
    return audience


class Tokens:
    """Writes and reads tokens. It knows nothing of who is alive: ``Access`` asks the catalog on every call."""

    def __init__(self, signer: Signer, tenant: str = ISSUER) -> None:
        self._signer, self._tenant = signer, tenant

    def issue(self, principal_id: str, key_id: str, audience: str, ends_at: int | None) -> Token:
        """A token for *audience*, a resource's address, living an hour and no longer than *ends_at* (milliseconds), the end of
        its key."""
        return self.issue_for(principal_id, key_id, normal_audience(audience), ends_at)

    def issue_for(self, principal_id: str, key_id: str, audience: str, ends_at: int | None) -> Token:
        """The same for an *audience* of ours."""
        at = now() // 1000
        until = at + SECONDS if ends_at is None else min(at + SECONDS, ends_at // 1000)
        claims = Claims(
            iss=ISSUER,
            aud=audience,
            sub=principal_id,
            oid=principal_id,
            tid=self._tenant,
            key=key_id,
            iat=at,
            nbf=at,
            exp=until,
            jti=new_id(),
        )
        header = {**_HEADER, "kid": self._signer.key_id}
        said = f"{_encoded(msgspec.json.encode(header))}.{_encoded(msgspec.json.encode(claims))}"
        signed = self._signer.sign(said.encode()).value
        return Token(f"{said}.{_encoded(signed)}", until)

    def read(self, text: str, audiences: frozenset[str]) -> Claims:
        """The claims of a token that is ours, alive and for one of *audiences*; raise ``UnauthenticatedError`` otherwise."""
        said, _, signature = text.rpartition(".")
        header, _, body = said.partition(".")
        try:
            told = msgspec.json.decode(_decoded(header), type=dict[str, str])
            signed = Signature(told.get("kid", ""), _decoded(signature))
            if told.get("alg") != "EdDSA" or not self._signer.verify(said.encode(), signed):
                raise UnauthenticatedError("the token was not signed here", hint=_HINT)
            claims = msgspec.json.decode(_decoded(body), type=Claims)
        except (msgspec.MsgspecError, binascii.Error, ValueError) as wrong:
            raise UnauthenticatedError("the token cannot be read", hint=_HINT) from wrong
        if claims.iss != ISSUER or not claims.nbf <= now() // 1000 < claims.exp:
            raise UnauthenticatedError("the token has expired", hint=_HINT)
        if claims.aud not in audiences:
            raise UnauthenticatedError(f"the token is for {claims.aud}, not for this", hint=_HINT)
        return claims


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
