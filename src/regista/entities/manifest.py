"""A manifest: which file of a version holds which bytes.

It is canonical JSON, sorted by path, stored as a blob like any other; its digest is the identity of a version's content.

    {"files":[{"digest":"sha256:…","path":"data/train.csv","size":123}, …],"schema":"regista.manifest/1"}

Law: ``Manifest.parse(m.encode()) == m``, and two manifests of the same files are the same bytes.
A content that is one single file (a ``uri_file``, a model that is a file) has one entry, whose path is the file's name.
"""

from collections.abc import Iterable

import msgspec

from regista.entities.digest import Digest, digest_of, parse_digest
from regista.errors import InvalidError, TooLargeError

SCHEMA = "regista.manifest/1"
MAX_FILES = 1_000_000
MAX_PATH_BYTES = 4096
MAX_NAME_BYTES = 255
_MAX_SIZE = 2**62


class ManifestEntry(msgspec.Struct, frozen=True, order=True):
    """One file: its path inside the content (``/`` between parts, never absolute, never climbing), bytes and size."""

    path: str
    digest: Digest
    size: int


class _Wire(msgspec.Struct, forbid_unknown_fields=True):
    files: list[ManifestEntry]
    schema: str = SCHEMA


class Manifest(msgspec.Struct, frozen=True):
    """The files of one content, sorted by path; build it with ``Manifest.of``."""

    files: tuple[ManifestEntry, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[ManifestEntry]) -> "Manifest":
        """Sort and check *entries*; raise ``InvalidError`` for a hostile, doubled or impossible path."""
        files = tuple(sorted(entries))
        if len(files) > MAX_FILES:
            raise TooLargeError(f"a version holds at most {MAX_FILES:,} files, this one {len(files):,}")
        for entry in files:
            check_path(entry.path)
            parse_digest(entry.digest)
            if not 0 <= entry.size <= _MAX_SIZE:
                raise InvalidError(f"{entry.path!r} has the impossible size {entry.size}")
        _refuse_clashes(files)
        return cls(files)

    @classmethod
    def parse(cls, content: bytes) -> "Manifest":
        """Read what ``encode`` wrote; raise ``InvalidError`` for anything else, also for JSON that is not canonical."""
        try:
            wire = msgspec.json.decode(content, type=_Wire)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
            raise InvalidError(f"this is not a manifest: {wrong}") from wrong
        if wire.schema != SCHEMA:
            raise InvalidError(f"unknown manifest schema {wire.schema[:100]!r}", hint=f"This version reads {SCHEMA}.")
        manifest = cls.of(wire.files)
        if manifest.encode() != content:
            raise InvalidError("the manifest is not in canonical form")
        return manifest

    def encode(self) -> bytes:
        """The canonical bytes."""
        return msgspec.json.encode(_Wire(list(self.files)), order="sorted")

    @property
    def digest(self) -> Digest:
        """The identity of the content."""
        return digest_of(self.encode())

    @property
    def size(self) -> int:
        """The bytes of all files together."""
        return sum(entry.size for entry in self.files)

    def below(self, path: str) -> "Manifest":
        """The files at or below *path*, relative to it (a single file keeps its name); empty where there are none."""
        wanted = path.strip("/")
        if not wanted or wanted == ".":
            return self
        check_path(wanted)
        prefix = wanted + "/"
        found = []
        for entry in self.files:
            if entry.path == wanted:
                found.append(ManifestEntry(wanted.rsplit("/", 1)[-1], entry.digest, entry.size))
            elif entry.path.startswith(prefix):
                found.append(ManifestEntry(entry.path[len(prefix) :], entry.digest, entry.size))
        return Manifest(tuple(found))

    def find(self, path: str) -> ManifestEntry | None:
        """The entry at exactly *path*, or None."""
        return next((entry for entry in self.files if entry.path == path), None)


def _refuse_clashes(files: tuple[ManifestEntry, ...]) -> None:
    """Raise for a path that is there twice, or is a file and a folder at once.

    With the least of all characters between the parts a folder's files follow right behind a file of its name, so that
    neighbours are all that has to be compared: a hostile manifest of deep paths costs no more than another."""
    previous = ""
    for path in sorted(entry.path.replace("/", "\0") for entry in files):
        if path == previous:
            raise InvalidError(f"{path.replace(chr(0), '/')!r} is in the manifest twice")
        if previous and path.startswith(previous + "\0"):
            raise InvalidError(f"{previous.replace(chr(0), '/')!r} is both a file and a folder in the manifest")
        previous = path


def check_path(path: str) -> str:
    """Return *path* when it may name a file inside a content; raise ``InvalidError`` for one that climbs, is absolute,
    holds control characters or a backslash, is not valid Unicode, or is too long for a file system."""
    try:
        encoded = path.encode()
    except UnicodeEncodeError as wrong:
        raise InvalidError(f"the path {path!r} is not valid Unicode", hint="Rename the file.") from wrong
    if not path or len(encoded) > MAX_PATH_BYTES:
        raise InvalidError(f"a path has 1 to {MAX_PATH_BYTES} bytes, this one has {len(encoded)}: {path[:80]!r}")
    if "\\" in path or any(ord(char) < 32 or ord(char) == 127 for char in path):
        raise InvalidError(f"the path {path[:200]!r} holds a backslash or a control character", hint="Rename the file.")
    for part in path.split("/"):
        if part in {"", ".", ".."}:
            raise InvalidError(f"the path {path[:200]!r} is not a plain relative path")
        if len(part.encode()) > MAX_NAME_BYTES:
            raise InvalidError(f"a part of the path {path[:80]!r} is longer than {MAX_NAME_BYTES} bytes")
    return path
