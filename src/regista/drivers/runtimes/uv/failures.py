"""What uv says when it fails, as our errors. It has no codes for causes, so its sentences (uv 0.13) decide."""

import re

from regista.errors import InternalError, InvalidError, RegistaError, StorageFullError, UnavailableError

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")
_NETWORK = re.compile(
    r"error sending request|failed to fetch|dns error|connection (?:refused|reset|closed)|timed out|network is unreachable"
    r"|HTTP status (?:client|server) error|retries in|tls handshake|invalid peer certificate|error decoding response body",
    re.IGNORECASE,
)
_FULL = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_BUILD = re.compile(r"failed to build|build backend|failed to prepare distributions", re.IGNORECASE)
_UNRESOLVED = re.compile(
    r"no solution found|unsatisfiable|couldn't parse requirement|not found in the package registry|has no .*wheels|no compatible",
    re.IGNORECASE,
)
_NO_WHEEL = re.compile(r"building from source is disabled|no-build", re.IGNORECASE)
_OTHER_BYTES = re.compile(r"hash mismatch", re.IGNORECASE)
_NOISE = re.compile(r"^\s*$|^warning: |^Using |^Resolved |^\s+\[stderr\]")
_LINES = 12


def redacted(text: str) -> str:
    """*text* without the user names and passwords in its URLs."""
    return _CREDENTIALS.sub("***@", text)


def translated(messages: str, code: int) -> RegistaError:
    """The error behind uv's messages; the request itself is at fault only where uv says so."""
    said = _essence(messages)
    if _FULL.search(messages):
        return StorageFullError(f"the disk is full: {said}", hint="Free space where Regista keeps its environments.")
    if code < 0 or code >= 128:
        return UnavailableError(f"uv was ended by signal {-code if code < 0 else code - 128}", hint="Try again.")
    if _NO_WHEEL.search(messages):
        return InvalidError(
            f"a package has no wheel, and nothing is built from source here: {said}",
            hint="Choose a version with a wheel for this Python, or allow 'source_builds' in the settings.",
        )
    if _OTHER_BYTES.search(messages):
        return InvalidError(
            f"the package index holds other bytes than the lock names: {said}",
            hint="Find out who changed the package before locking the environment again.",
        )
    if _UNRESOLVED.search(messages) and not _NETWORK.search(messages):
        return InvalidError(
            f"the packages cannot be resolved: {said}", hint="Change the requirement named here, or the Python version."
        )
    if _BUILD.search(messages) and not _NETWORK.search(messages):
        return InvalidError(
            f"a package cannot be built from source: {said}",
            hint="Choose a version that has a wheel for this Python and platform, or another Python version.",
        )
    if _NETWORK.search(messages):
        return UnavailableError(
            f"the package index does not answer: {said}",
            hint="Check the network, proxy and index settings (UV_DEFAULT_INDEX) where the server runs.",
        )
    return InternalError(f"uv failed with code {code}: {said}", hint="Run the same environment again with --verbose.")


def _essence(messages: str) -> str:
    """The last lines that say something, from the error on."""
    text = redacted(messages)
    start = text.find("error:")
    lines = [line.strip() for line in text[max(start, 0) :].splitlines() if not _NOISE.match(line)]
    return "\n".join(lines[-_LINES:]).removeprefix("error: ") or "it said nothing"
