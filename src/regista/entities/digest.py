"""The address of bytes: ``sha256:`` and 64 lower-case hexadecimal digits."""

import hashlib
import re
from collections.abc import Iterable
from typing import NewType

from regista.errors import InvalidError

Digest = NewType("Digest", str)

_FORM = re.compile(r"sha256:[0-9a-f]{64}")


def parse_digest(text: object) -> Digest:
    """Return *text* as a digest; raise ``InvalidError`` for anything that is not exactly of the form."""
    if isinstance(text, str) and _FORM.fullmatch(text):
        return Digest(text)
    raise InvalidError(f"{str(text)[:100]!r} is not a digest", hint="A digest is 'sha256:' and 64 hexadecimal digits.")


def digest_of(content: bytes | Iterable[bytes]) -> Digest:
    """Return the digest of *content*, given whole or as chunks."""
    hasher = hashlib.sha256()
    for chunk in (content,) if isinstance(content, bytes) else content:
        hasher.update(chunk)
    return Digest(f"sha256:{hasher.hexdigest()}")


def hex_of(digest: Digest) -> str:
    """Return the 64 digits without the name of the algorithm."""
    return digest.removeprefix("sha256:")
