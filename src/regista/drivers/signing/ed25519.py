"""The installation's key as files of which only the owner may read the private ones.

<folder>/signing.pem     Ed25519 private key (RFC 8032), PKCS#8
<folder>/seal.key        Fernet key: AES-128-CBC with HMAC-SHA256
"""

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from regista.errors import InvalidError, UnavailableError
from regista.interfaces.signing import Signature


class Ed25519Signer:
    """Keys are made at the first use of an empty folder, never replaced."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = load_pem_private_key(_ensure(folder / "signing.pem", _new_private_key), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise UnavailableError("the installation's signing key is not an Ed25519 key", hint=f"Look at {folder}.")
        self._private = key
        self._fernet = Fernet(_ensure(folder / "seal.key", Fernet.generate_key))
        raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self._key_id = hashlib.sha256(raw).hexdigest()

    @property
    def key_id(self) -> str:
        return self._key_id

    @property
    def public_key(self) -> str:
        return self._private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, message: bytes) -> Signature:
        return Signature(self._key_id, self._private.sign(message))

    def verify(self, message: bytes, signature: Signature) -> bool:
        if signature.key_id != self._key_id:
            return False
        try:
            self._private.public_key().verify(signature.value, message)
        except InvalidSignature:
            return False
        return True

    def seal(self, secret: str) -> str:
        return self._fernet.encrypt(secret.encode()).decode()

    def unseal(self, sealed: str) -> str:
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except (InvalidToken, UnicodeError) as wrong:
            raise InvalidError("this was not sealed by this installation, or was changed since") from wrong


def _new_private_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _ensure(path: Path, make: Callable[[], bytes]) -> bytes:
    """The content of *path*; made, with mode 0600, when it is not there. Two at once end up with the same."""
    if not path.exists():
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(make())
            file.flush()
            os.fsync(descriptor)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_bytes()
