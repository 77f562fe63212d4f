"""Signing what must be believed later, and sealing what must not be read."""

from typing import Protocol

import msgspec


class Signature(msgspec.Struct, frozen=True):
    """Who signed (the SHA-256 of the public key) and the signature's bytes."""

    key_id: str
    value: bytes


class Signer(Protocol):
    """The installation's own key. Drivers are checked by ``regista.conformance.signing.SignerContract``."""

    @property
    def key_id(self) -> str:
        """The SHA-256 of the public key, in hexadecimal digits."""

    @property
    def public_key(self) -> str:
        """The public key as PEM: what others need to verify."""

    def sign(self, message: bytes) -> Signature:
        """Sign *message*."""

    def verify(self, message: bytes, signature: Signature) -> bool:
        """Whether *signature* is this key's for *message*; a key that is not known here verifies nothing."""

    def seal(self, secret: str) -> str:
        """Encrypt *secret* so that only this installation can ``unseal`` it."""

    def unseal(self, sealed: str) -> str:
        """The secret again; raise ``InvalidError`` when it was not sealed by this installation or was changed."""
