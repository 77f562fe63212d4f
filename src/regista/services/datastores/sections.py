"""What shelves show, as files of a container."""

from bisect import bisect_left
from collections.abc import Sequence

import msgspec

from regista.entities.datastore import StoredFile
from regista.entities.manifest import ManifestEntry
from regista.services.content.contents import ContentService
from regista.services.datastores.shelves import Container, LiveFile, Section


class SectionFiles:
    """The files of sections, in the order of their paths. ``load`` reads the manifests; it must not be called inside a
    transaction."""

    def __init__(self, container: Container, sections: Sequence[Section]) -> None:
        self._container = container
        self._sections = sorted(sections, key=lambda section: section.base)

    def load(self, contents: ContentService) -> None:
        """Read what is only named so far."""
        scope = self._container.scope
        self._sections = [
            msgspec.structs.replace(one, files=contents.manifest(scope, one.manifest).files) if one.manifest else one
            for one in self._sections
        ]

    def reference(self, path: str) -> str:
        """How the rest of the system calls what lies at *path*; empty where it has no word for it."""
        for section in self._sections:
            if section.reference and f"{path}/".startswith(section.base):
                inner = path[len(section.base) :]
                return f"{section.reference}/paths/{inner}" if inner else section.reference
        return ""

    def find(self, path: str) -> tuple[StoredFile | None, LiveFile | None]:
        """The file at exactly *path*, and what reads it while it grows."""
        for section in self._sections:
            if section.live is not None and path == section.base + section.live_name:
                return self._live(section, section.live), section.live
            if (
                path.startswith(section.base)
                and (found := self._from(section, path, None, 1))
                and found[0].path == path
            ):
                return found[0], None
        return None, None

    def scan(self, first: str, before: str | None, limit: int) -> list[StoredFile]:
        """At most *limit* files from *first* on, up to (not including) *before*."""
        found: list[StoredFile] = []
        for section in self._sections:
            found += self._from(section, first, before, limit - len(found))
            if len(found) >= limit:
                break
        return found

    def _from(self, section: Section, first: str, before: str | None, limit: int) -> list[StoredFile]:
        if section.live is not None:
            live = self._live(section, section.live)
            inside = live.path >= first and (before is None or live.path < before)
            return [live] if inside and limit > 0 else []
        at = 0
        if first > section.base:
            if not first.startswith(section.base):
                return []
            at = bisect_left(section.files, first[len(section.base) :], key=lambda entry: entry.path)
        made: list[StoredFile] = []
        for entry in section.files[at : at + limit]:
            if before is not None and section.base + entry.path >= before:
                break
            made.append(self._file(section, entry))
        return made

    def _file(self, section: Section, entry: ManifestEntry) -> StoredFile:
        return StoredFile(
            container=str(self._container),
            path=section.base + entry.path,
            scope_id=self._container.scope.id,
            digest=entry.digest,
            size=entry.size,
            etag=f'"0x{entry.digest[7:23].upper()}"',
            created_at=section.at,
            modified_at=section.at,
        )

    def _live(self, section: Section, live: LiveFile) -> StoredFile:
        size = live.size
        return StoredFile(
            container=str(self._container),
            path=section.base + section.live_name,
            scope_id=self._container.scope.id,
            digest=None,
            size=size,
            etag=f'"0x{size:016X}"',
            created_at=section.at,
            modified_at=section.at,
        )
