"""Who may call an endpoint that is opened by tokens: whoever holds one that the server has signed, for as long as the key lives
for which it was signed.

A token is a JWT (RFC 7519) with an Ed25519 signature (RFC 8037). The table says whose signature counts, for which audiences a
token may be and for which keys: nobody is asked at a request.
"""

import base64
import hashlib
import json
import time
from typing import Any

from .faults import Fault

ISSUER = "regista"
MOST_KNOWN = 10_000
_MAX_TOKEN = 8000


class Tokens:
    """The tokens that open one endpoint. One that was verified is known again until it ends."""

    def __init__(self, signer: str, audiences: tuple[str, ...], callers: tuple[str, ...]) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # only where tokens are wanted

        self._signer = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signer))
        self._audiences = frozenset(audiences)
        self._callers = frozenset(callers)
        self._known: dict[bytes, float] = {}

    def check(self, authorization: bytes | None) -> None:
        """Raise a ``Fault`` (401) unless the header carries a token that opens this endpoint now."""
        scheme, _, token = (authorization or b"").partition(b" ")
        token = token.strip()
        if scheme.lower() != b"bearer" or not token:
            raise _refusal("this endpoint wants a token")
        mark = hashlib.sha256(token).digest()
        ends = self._known.get(mark)
        if ends is None:
            ends = self._verified(token)
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[mark] = ends
        if ends <= time.time():
            raise _refusal("the token has expired")

    def _verified(self, token: bytes) -> float:
        """When the token ends."""
        header, claims = self._read(token)
        if header.get("alg") != "EdDSA" or claims.get("iss") != ISSUER or str(claims.get("aud")) not in self._audiences:
            raise _refusal("the token is not for this endpoint")
        if str(claims.get("key")) not in self._callers:
            raise _refusal("the key of this token has ended, or its owner may not call this endpoint")
        begins, ends = claims.get("nbf"), claims.get("exp")
        if not isinstance(begins, int) or not isinstance(ends, int) or begins > time.time() + 60:
            raise _refusal("the token holds at no time")
        return float(ends)

    def _read(self, token: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
        """Header and claims of a token that was signed by the server."""
        from cryptography.exceptions import InvalidSignature

        said, _, signature = token.rpartition(b".")
        header, _, body = said.partition(b".")
        foreign = _refusal("this is no token of the server; keys open endpoints of auth_mode key alone")
        if len(token) > _MAX_TOKEN:
            raise foreign
        try:
            self._signer.verify(_decoded(signature), said)
            found = json.loads(_decoded(header)), json.loads(_decoded(body))
        except (InvalidSignature, ValueError, RecursionError):
            raise foreign from None
        if not all(isinstance(one, dict) for one in found):
            raise foreign
        return found


def _decoded(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _refusal(told: str) -> Fault:
    fix = "send Authorization: Bearer TOKEN, see regista online-endpoint get-credentials"
    return Fault(401, "Unauthorized", f"{told}: {fix}", (b"www-authenticate", b"Bearer"))
