"""Datastores, files in containers, staged blocks and upload areas."""

import msgspec

from regista.conformance.catalog.case import CatalogCase
from regista.conformance.catalog.examples import UNUSUAL, workspace
from regista.entities.datastore import Datastore, StagedBlock, StoredFile, UploadArea
from regista.entities.digest import digest_of
from regista.interfaces.catalog import Catalog, Transaction

ORDERED = ["a", "a b", "a/", "a/b", "a/c/d", "a0", "b", "z", "é", "名前", "\U0001f40d"]


def stored(path: str, container: str = "c", owner: str = "p", content: bytes = b"x") -> StoredFile:
    """A file in the scope ``w``."""
    return StoredFile(
        container=container, path=path, scope_id="w", owner=owner, digest=digest_of(content), size=len(content)
    )


def block(name: str, path: str = "big", owner: str = "p", at: int = 0, content: bytes | None = b"x") -> StagedBlock:
    """A block in the container ``c`` of the scope ``w``."""
    digest = digest_of(content) if content is not None else None
    return StagedBlock(container="c", path=path, owner=owner, id=name, scope_id="w", size=1, digest=digest, at=at)


class DatastoreContract(CatalogCase):
    """``tx.datastores``."""

    def test_a_datastore_is_written_replaced_and_deleted(self, catalog: Catalog) -> None:
        made = Datastore(scope_id="w", name="lake", spec={"account": UNUSUAL}, sealed_secret="sealed")  # noqa: S106 - a word for the test
        catalog.write(lambda tx: tx.datastores.put(made))
        assert catalog.read(lambda tx: tx.datastores.find("w", "lake")) == made
        assert catalog.read(lambda tx: tx.datastores.find("other", "lake")) is None
        other = msgspec.structs.replace(made, description="new")
        catalog.write(lambda tx: tx.datastores.put(other))
        assert catalog.read(lambda tx: tx.datastores.find("w", "lake")) == other
        catalog.write(lambda tx: tx.datastores.delete("w", "lake"))
        catalog.write(lambda tx: tx.datastores.delete("w", "lake"))
        assert catalog.read(lambda tx: tx.datastores.find("w", "lake")) is None

    def test_those_of_a_scope_come_by_name(self, catalog: Catalog) -> None:
        for scope, name in (("w", "b"), ("w", "a"), ("v", "c")):
            catalog.write(lambda tx, s=scope, n=name: tx.datastores.put(Datastore(scope_id=s, name=n)))  # type: ignore[misc]
        assert [one.name for one in catalog.read(lambda tx: tx.datastores.of_scope("w"))] == ["a", "b"]


class FileContract(CatalogCase):
    """``tx.files``."""

    def put(self, catalog: Catalog, *files: StoredFile) -> None:
        """Write them."""

        def work(tx: Transaction) -> None:
            for file in files:
                tx.files.put(file)

        catalog.write(work)

    def scanned(
        self, catalog: Catalog, first: str = "", before: str | None = None, limit: int = 100, owner: str | None = None
    ) -> list[str]:
        """The paths of a scan of the container ``c``."""
        return [one.path for one in catalog.read(lambda tx: tx.files.scan("c", first, before, limit, owner=owner))]

    def test_a_file_is_written_replaced_and_deleted(self, catalog: Catalog) -> None:
        made = stored(UNUSUAL)
        self.put(catalog, made)
        assert catalog.read(lambda tx: tx.files.find("c", UNUSUAL)) == made
        assert catalog.read(lambda tx: tx.files.find("d", UNUSUAL)) is None
        full = msgspec.structs.replace(made, md5=b"\0\xff" * 8, metadata={"name": UNUSUAL}, etag='"1"')
        self.put(catalog, full)
        assert catalog.read(lambda tx: tx.files.find("c", UNUSUAL)) == full
        catalog.write(lambda tx: tx.files.delete("c", UNUSUAL))
        catalog.write(lambda tx: tx.files.delete("c", UNUSUAL))
        assert catalog.read(lambda tx: tx.files.find("c", UNUSUAL)) is None

    def test_many_files_are_written_at_once_over_what_is_there(self, catalog: Catalog) -> None:
        self.put(catalog, stored("b", content=b"old"))
        many = [stored(path, content=b"new") for path in ORDERED]
        catalog.write(lambda tx: tx.files.put_all([]))
        catalog.write(lambda tx: tx.files.put_all(many))
        assert catalog.read(lambda tx: tx.files.scan("c", "", None, 100)) == many

    def test_a_scan_goes_by_the_bytes_of_paths_between_two_bounds(self, catalog: Catalog) -> None:
        self.put(catalog, *map(stored, reversed(ORDERED)), stored("a", container="other"))
        assert self.scanned(catalog) == ORDERED
        assert self.scanned(catalog, "a/") == ORDERED[2:]
        assert self.scanned(catalog, "a/", "a0") == ["a/", "a/b", "a/c/d"]
        assert self.scanned(catalog, "a/", "a0", limit=2) == ["a/", "a/b"]
        assert self.scanned(catalog, "zz", "zzz") == []

    def test_a_scan_can_be_of_one_owner(self, catalog: Catalog) -> None:
        self.put(catalog, stored("a", owner="ann"), stored("b", owner="bob"), stored("c", owner="ann"))
        assert self.scanned(catalog, owner="ann") == ["a", "c"]
        assert self.scanned(catalog, "b", "c", owner="ann") == []

    def test_blocks_belong_to_a_file_and_an_owner(self, catalog: Catalog) -> None:
        for one in (block("2"), block("1"), block("1", owner="q"), block("1", path="other"), block("2", at=7)):
            catalog.write(lambda tx, one=one: tx.files.put_block(one))  # type: ignore[misc]
        assert catalog.read(lambda tx: tx.files.blocks("c", "big", "p")) == [block("1"), block("2", at=7)]
        catalog.write(lambda tx: tx.files.delete_blocks("c", "big", "p"))
        assert catalog.read(lambda tx: tx.files.blocks("c", "big", "p")) == []
        assert catalog.read(lambda tx: tx.files.blocks("c", "big", "q")) == [block("1", owner="q")]
        assert len(catalog.read(lambda tx: tx.files.blocks("c", "other", "p"))) == 1

    def test_what_has_expired_is_swept_and_nothing_else(self, catalog: Catalog) -> None:
        old = UploadArea(id="0" * 32, scope_id="w", principal_id="p", expires_at=100)
        new = UploadArea(id="1" * 32, scope_id="w", principal_id="p", expires_at=200, purpose=UNUSUAL)
        for area in (old, new):
            catalog.write(lambda tx, area=area: tx.files.add_area(area))  # type: ignore[misc]
        kept = [stored("x", container=new.container), stored("x")]
        self.put(catalog, *kept, *(stored(f"f{n}", container=old.container) for n in range(5)))
        for one in (block("old", at=10), block("new", at=20)):
            catalog.write(lambda tx, one=one: tx.files.put_block(one))  # type: ignore[misc]
        while catalog.write(lambda tx: tx.files.sweep(100, 20, 2)):
            pass
        assert catalog.read(lambda tx: tx.files.find_area(old.id)) is None
        assert catalog.read(lambda tx: tx.files.find_area(new.id)) == new
        assert catalog.read(lambda tx: tx.files.scan(old.container, "", None, 10)) == []
        assert [catalog.read(lambda tx, f=f: tx.files.find(f.container, f.path)) for f in kept] == kept  # type: ignore[misc]
        assert catalog.read(lambda tx: tx.files.blocks("c", "big", "p")) == [block("new", at=20)]

    def test_a_sweep_takes_what_deleted_scopes_left(self, catalog: Catalog) -> None:
        dead, living = workspace("dead"), workspace("living")
        for scope in (dead, living):
            catalog.write(lambda tx, scope=scope: tx.scopes.add(scope))  # type: ignore[misc]
            self.put(catalog, msgspec.structs.replace(stored("x", container=scope.name), scope_id=scope.id))
            catalog.write(lambda tx, s=scope: tx.datastores.put(Datastore(scope_id=s.id, name="lake")))  # type: ignore[misc]
        catalog.write(lambda tx: tx.scopes.delete(dead.id, 1))
        while catalog.write(lambda tx: tx.files.sweep(0, 0)):
            pass
        assert catalog.read(lambda tx: tx.files.find("dead", "x")) is None
        assert catalog.read(lambda tx: tx.datastores.of_scope(dead.id)) == []
        assert catalog.read(lambda tx: tx.files.find("living", "x")) is not None
        assert len(catalog.read(lambda tx: tx.datastores.of_scope(living.id))) == 1

    def test_every_digest_of_files_and_blocks_is_told(self, catalog: Catalog) -> None:
        self.put(catalog, *(stored(f"f{n}", container=str(n % 2), content=bytes([n])) for n in range(5)))
        catalog.write(lambda tx: tx.files.put_block(block("1", content=b"block")))
        catalog.write(lambda tx: tx.files.put_block(block("2", content=None)))
        expected = {("w", digest_of(bytes([n]))) for n in range(5)} | {("w", digest_of(b"block"))}
        assert set(catalog.read(lambda tx: list(tx.files.digests()))) == expected
