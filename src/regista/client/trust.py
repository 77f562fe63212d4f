"""Whom programs trust that know one file of authorities alone, like ``requests`` with REQUESTS_CA_BUNDLE: the usual ones and
that of a server."""

import os
import re
import ssl
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from regista.errors import NotFoundError

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def bundle(ca: Path, folder: Path) -> Path:
    """A file in *folder* with every authority that is trusted now, and *ca*. Making it again changes nothing."""
    try:
        ours = ca.read_text()
    except OSError as wrong:
        raise NotFoundError(
            f"the CA file {ca} cannot be read: {wrong.strerror}", hint="Mend the profile's ca."
        ) from wrong
    path = folder / f"{sha256(ours.encode()).hexdigest()[:16]}.pem"
    authorities = dict.fromkeys(one for text in (ours, *_trusted()) for one in _CERTIFICATE.findall(text))
    content = "\n".join([*authorities, ""])
    if not path.is_file() or path.read_text() != content:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(content)
        draft.replace(path)
    return path


def _trusted() -> Iterator[str]:
    """What ``requests`` would trust here: the bundle that the environment names, else the system's and certifi's."""
    given = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    files = [Path(given)] if given else [Path(ssl.get_default_verify_paths().cafile or ""), _certifi()]
    for file in files:
        if file.is_file():
            yield file.read_text(errors="replace")


def _certifi() -> Path:
    import certifi

    return Path(certifi.where())
