"""Who may call an endpoint: whoever knows one of its keys. The gateway knows only their SHA-256."""

import hashlib
import hmac

from .faults import Fault


class Keys:
    """The keys of one endpoint."""

    def __init__(self, digests: tuple[str, ...]) -> None:
        self._digests = [bytes.fromhex(one) for one in digests]

    def check(self, authorization: bytes | None) -> None:
        """Raise a ``Fault`` (401) unless the header carries one of the keys. Takes the same time for every wrong key."""
        scheme, _, key = (authorization or b"").partition(b" ")
        sent = hashlib.sha256(key.strip()).digest()
        known = False
        for digest in self._digests:
            known |= hmac.compare_digest(digest, sent)
        if scheme.lower() != b"bearer" or not known:
            told = "the key is wrong or was replaced" if authorization else "this endpoint wants a key"
            raise Fault(
                401, "Unauthorized", f"{told}: send Authorization: Bearer KEY", (b"www-authenticate", b"Bearer")
            )
