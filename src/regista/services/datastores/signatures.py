"""Signed tokens for the blob protocol: links that open one container, or one file of it, for a while.

A token says on whose behalf it was issued and what for; what that principal may do is asked again at every use, so that
a right taken away ends its tokens too. A token never does more than the key it was asked for with, nor lives longer: a
key that is revoked ends what was signed for it.

    base64url(MessagePack of the claims) . base64url(HMAC-SHA256)

The secret is the installation's own, sealed, in the catalog: every server knows the tokens of the others.
"""

import base64
import hashlib
import hmac
import secrets
import time

import msgspec

from regista.entities.access import Caller, Grant
from regista.entities.names import now
from regista.errors import ForbiddenError, InvalidError, TooLargeError, UnauthenticatedError
from regista.interfaces.catalog import Catalog
from regista.interfaces.signing import Signer
from regista.services.access.access import Access

READ = "rl"
WRITE = "rlwc"
RIGHTS = "rlwcd"
"""read, list, write (create or replace), create, delete."""

DEFAULT_SECONDS = 3600.0
LONGEST_SECONDS = 7 * 24 * 3600.0

_SETTING = "datastores.secret"
_VERSION = 1
_MAX_TOKEN = 8000


class _Claims(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    version: int
    container: str
    path: str
    rights: str
    principal: str
    expires_at: int
    limits: tuple[tuple[str, tuple[str, ...]], ...]
    key: str = ""


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls, and what of it this call may reach: one container and path (empty: any), with these rights."""

    caller: Caller
    container: str = ""
    path: str = ""
    rights: str = RIGHTS

    def require(self, container: str, path: str, right: str) -> Caller:
        """The caller, when the pass covers *right* there; raise ``ForbiddenError`` otherwise."""
        if self.container not in {"", container} or self.path not in {"", path}:
            raise ForbiddenError("the signature is for another place", hint="Ask for one for this place.")
        if right not in self.rights and not (right == "c" and "w" in self.rights):
            raise ForbiddenError(f"the signature does not give the right {right!r}", hint="Ask for one that does.")
        return self.caller


class Signatures:
    """Issues tokens and knows them again."""

    def __init__(self, catalog: Catalog, access: Access, signer: Signer) -> None:
        self._catalog = catalog
        self._access = access
        self._signer = signer
        self._key: bytes | None = None

    def issue(
        self, caller: Caller, container: str, rights: str = READ, *, path: str = "", seconds: float = DEFAULT_SECONDS
    ) -> str:
        """A query string (without ``?``) that gives *rights* on the container, or on the one file *path* in it."""
        if not rights or set(rights) - set(RIGHTS):
            raise InvalidError(f"{rights[:20]!r} are no rights", hint=f"Some of: {RIGHTS}.")
        if not 0 < seconds <= LONGEST_SECONDS:
            raise InvalidError(f"a signature lives up to {LONGEST_SECONDS / 86400:.0f} days")
        expires_at = min(now() + int(seconds * 1000), caller.expires_at or 2**62)
        limits = tuple((limit.path, limit.permissions) for limit in caller.limits)
        claims = _Claims(_VERSION, container, path, rights, caller.principal.id, expires_at, limits, caller.key)
        body = msgspec.msgpack.encode(claims)
        token = f"{_text(body)}.{_text(self._sign(b'token', body))}"
        if len(token) > _MAX_TOKEN:
            raise TooLargeError(
                "the key is narrowed to too many places for a signature", hint="Use one that is simpler."
            )
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires_at / 1000))
        return f"sv=2025-11-05&sr={'b' if path else 'c'}&sp={rights}&se={until}&sig={token}"

    def verify(self, token: str, *, address: str = "", request_id: str = "") -> Pass:
        """What the ``sig`` of a query string opens now; raise ``UnauthenticatedError`` for one that is not ours, was changed
        or has expired, or whose key has ended, ``ForbiddenError`` when its principal is gone."""
        claims = self._claims(token)
        if claims.expires_at <= now():
            raise UnauthenticatedError("the signature has expired", hint="Ask for a new one.")
        caller = self._access.signed_for(claims.principal, claims.key)
        caller = msgspec.structs.replace(
            caller,
            limits=tuple(Grant(path, permissions) for path, permissions in claims.limits),
            expires_at=claims.expires_at,
            address=address,
            request_id=request_id,
        )
        return Pass(caller=caller, container=claims.container, path=claims.path, rights=claims.rights)

    def account_key(self, caller: Caller, scope_id: str) -> str:
        """A key by which the caller signs requests to the containers of one scope itself (base64, as account keys are).

        It is always the same one. Raise ``ForbiddenError`` for a caller whose key is narrowed or ends: the account key
        would be neither."""
        if caller.limits or caller.expires_at:
            raise ForbiddenError("a key that is narrowed or ends gives no account key", hint="Use signatures (SAS).")
        return base64.b64encode(self._account_key(caller.principal.id, scope_id)).decode()

    def verify_account(
        self,
        principal_id: str,
        scope_id: str,
        message: bytes,
        signature: bytes,
        *,
        address: str = "",
        request_id: str = "",
    ) -> Pass:
        """Who signed *message* with its account key; raise ``UnauthenticatedError``."""
        expected = hmac.new(self._account_key(principal_id, scope_id), message, hashlib.sha256).digest()
        if not hmac.compare_digest(expected, signature):
            raise UnauthenticatedError("the request's signature is not that of the account", hint="Check the key.")
        caller = msgspec.structs.replace(
            self._access.signed_for(principal_id, ""), address=address, request_id=request_id
        )
        return Pass(caller=caller)

    def _account_key(self, principal_id: str, scope_id: str) -> bytes:
        return self._sign(b"account", f"{scope_id}/{principal_id}".encode())

    def _claims(self, token: str) -> _Claims:
        body, _, signature = token[:_MAX_TOKEN].partition(".")
        try:
            raw, given = _bytes(body), _bytes(signature)
            if hmac.compare_digest(self._sign(b"token", raw), given):
                return msgspec.msgpack.decode(raw, type=_Claims)
        except (ValueError, msgspec.MsgspecError):
            pass
        raise UnauthenticatedError("the signature is not known here", hint="Ask for a new one.")

    def _sign(self, purpose: bytes, message: bytes) -> bytes:
        return hmac.new(self._secret(), purpose + b"\0" + message, hashlib.sha256).digest()

    def _secret(self) -> bytes:
        if self._key is None:
            sealed = self._catalog.read(lambda tx: tx.settings.find(_SETTING))
            if sealed is None:
                fresh = self._signer.seal(secrets.token_hex(32))
                sealed = self._catalog.write(lambda tx: tx.settings.add(_SETTING, fresh))
            self._key = bytes.fromhex(self._signer.unseal(sealed))
        return self._key


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
