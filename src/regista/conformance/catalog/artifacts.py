"""Artifacts and logged models."""

from concurrent.futures import ThreadPoolExecutor

import msgspec

from regista.conformance.catalog.case import CatalogCase, every
from regista.conformance.catalog.examples import UNUSUAL
from regista.entities.digest import digest_of
from regista.entities.run import Artifact, LoggedModel, ModelMetric
from regista.interfaces.catalog import Catalog, Transaction

PATHS = ["a.txt", "model", "model-2/x", "model.txt", "model/MLmodel", "model/data/w.bin", "model0", "z"]


def artifact(path: str, owner: str = "runs/r", content: bytes = b"x") -> Artifact:
    """A file of a run in the scope ``w``."""
    return Artifact(scope_id="w", owner=owner, path=path, digest=digest_of(content), size=len(content))


class ArtifactContract(CatalogCase):
    """``tx.artifacts``: files."""

    def test_writing_a_path_again_replaces_it(self, catalog: Catalog) -> None:
        catalog.write(lambda tx: tx.artifacts.put(artifact("a", content=b"old")))
        new = artifact("a", content=b"new!")
        catalog.write(lambda tx: tx.artifacts.put(new))
        assert catalog.read(lambda tx: tx.artifacts.find("w", "runs/r", "a")) == new
        assert catalog.read(lambda tx: tx.artifacts.find("w", "runs/other", "a")) is None
        assert catalog.read(lambda tx: tx.artifacts.below("w", "runs/r")) == [new]

    def test_eight_threads_write_the_same_file_and_files_of_their_own(self, catalog: Catalog) -> None:
        same = artifact("requirements.txt", content=b"same")

        def work(tx: Transaction, number: int) -> None:
            for one in (
                same,
                artifact(f"f{number}", content=bytes([number])),
                artifact("last", content=bytes([number])),
            ):
                tx.claims.add("w", "", {one.digest: one.size}, number)
                tx.artifacts.put(one)

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda number: catalog.write(lambda tx: work(tx, number)), range(32)))
        found = catalog.read(lambda tx: tx.artifacts.below("w", "runs/r"))
        assert [one for one in found if one.path == same.path] == [same]
        assert {one.path for one in found} == {same.path, "last", *(f"f{number}" for number in range(32))}
        sizes = catalog.read(lambda tx: tx.claims.sizes(["w"], "", [one.digest for one in found]))
        assert sizes == {one.digest: one.size for one in found}

    def test_a_folder_is_what_lies_below_its_name_and_a_slash(self, catalog: Catalog) -> None:
        catalog.write(lambda tx: tx.artifacts.put_all([artifact(path) for path in reversed(PATHS)]))
        catalog.write(lambda tx: tx.artifacts.put_all([]))
        assert self.below(catalog) == PATHS
        assert self.below(catalog, "model") == ["model", "model/MLmodel", "model/data/w.bin"]
        assert self.below(catalog, "model/") == ["model", "model/MLmodel", "model/data/w.bin"]
        assert self.below(catalog, "model/data") == ["model/data/w.bin"]
        assert self.below(catalog, "a.txt") == ["a.txt"]
        assert self.below(catalog, "mode") == []
        assert self.below(catalog, "mod%") == []

    def test_deleting_a_folder_takes_what_lies_below_it(self, catalog: Catalog) -> None:
        catalog.write(lambda tx: tx.artifacts.put_all([artifact(path) for path in PATHS]))
        assert catalog.write(lambda tx: tx.artifacts.delete("w", "runs/r", "model/data")) == 1
        assert catalog.write(lambda tx: tx.artifacts.delete("w", "runs/r", "model")) == 2
        assert catalog.write(lambda tx: tx.artifacts.delete("w", "runs/r", "model")) == 0
        assert self.below(catalog) == ["a.txt", "model-2/x", "model.txt", "model0", "z"]
        assert catalog.write(lambda tx: tx.artifacts.delete("w", "runs/r", "")) == 5

    def test_unusual_and_long_paths_are_kept(self, catalog: Catalog) -> None:
        for path in (UNUSUAL, "a/" * 200 + "end"):
            catalog.write(lambda tx, path=path: tx.artifacts.put(artifact(path)))  # type: ignore[misc]
            found = catalog.read(lambda tx, path=path: tx.artifacts.find("w", "runs/r", path))  # type: ignore[misc]
            assert found == artifact(path)

    def test_every_digest_is_told(self, catalog: Catalog) -> None:
        made = [artifact(f"f{n}", owner=f"runs/{n % 3}", content=bytes([n])) for n in range(10)]
        catalog.write(lambda tx: tx.artifacts.put_all(made))
        ordered = sorted(made, key=lambda each: (each.owner, each.path))
        expected = [("w", each.digest) for each in ordered]
        assert catalog.read(lambda tx: list(tx.artifacts.digests())) == expected
        after = ("w", ordered[3].owner, ordered[3].path)
        assert catalog.read(lambda tx: list(tx.artifacts.digests(after))) == expected[4:]

    def below(self, catalog: Catalog, prefix: str = "") -> list[str]:
        """The paths."""
        return [found.path for found in catalog.read(lambda tx: tx.artifacts.below("w", "runs/r", prefix))]


class LoggedModelContract(CatalogCase):
    """``tx.artifacts``: logged models."""

    def test_a_logged_model_is_written_and_replaced(self, catalog: Catalog) -> None:
        made = LoggedModel(id="m-1", scope_id="w", experiment=3, name=UNUSUAL, run="r", params={"a": "b"})
        catalog.write(lambda tx: tx.artifacts.put_model(made))
        assert catalog.read(lambda tx: tx.artifacts.find_model("w", "m-1")) == made
        assert catalog.read(lambda tx: tx.artifacts.find_model("x", "m-1")) is None
        ready = msgspec.structs.replace(made, status="LOGGED_MODEL_READY")
        catalog.write(lambda tx: tx.artifacts.put_model(ready))
        assert catalog.read(lambda tx: tx.artifacts.find_model("w", "m-1")) == ready

    def test_every_measurement_of_a_logged_model_is_kept_once(self, catalog: Catalog) -> None:
        for name in ("m-1", "m-2"):
            made = LoggedModel(
                id=name, scope_id="w", experiment=0, name="a", metrics=(ModelMetric(key="no", value=1, timestamp=1),)
            )
            catalog.write(lambda tx, made=made: tx.artifacts.put_model(made))  # type: ignore[misc]
        first = ModelMetric(key="loss", value=0.5, timestamp=1, step=1, run="r")
        again = msgspec.structs.replace(first, step=2, value=None)
        on = msgspec.structs.replace(first, dataset_name=UNUSUAL, dataset_digest="d")
        other = msgspec.structs.replace(first, key="acc", timestamp=9)
        for some in ([first, again, first], [first, on, other], []):
            catalog.write(lambda tx, some=some: tx.artifacts.log_model_metrics("w", "m-1", some))  # type: ignore[misc]
        catalog.write(lambda tx: tx.artifacts.log_model_metrics("w", "m-absent", [first]))
        catalog.write(lambda tx: tx.artifacts.log_model_metrics("x", "m-1", [first]))

        def measured(most: int = 9, *keys: str) -> dict[str, list[ModelMetric]]:
            return catalog.read(lambda tx: tx.artifacts.model_metrics("w", ["m-1", "m-2"], most, keys=keys))

        assert measured() == {"m-1": [other, first, on, again]}
        assert measured(2) == {"m-1": [other, again]}
        assert measured(9, "loss", "none") == {"m-1": [first, on, again]}
        assert catalog.read(lambda tx: tx.artifacts.model_metrics("x", ["m-1"], 9)) == {}
        found = catalog.read(lambda tx: tx.artifacts.find_model("w", "m-1"))
        assert found is not None
        assert found.metrics == ()

    def test_pages_are_newest_first_and_narrowed(self, catalog: Catalog) -> None:
        for number in range(5):
            made = LoggedModel(
                id=f"m-{number}",
                scope_id="w",
                experiment=number % 2,
                name="odd" if number % 2 else "even",
                run=f"r{number // 3}",
                created_at=number // 2,
                deleted=number == 4,
            )
            catalog.write(lambda tx, made=made: tx.artifacts.put_model(made))  # type: ignore[misc]

        def ids(*experiments: int, run: str = "", name: str = "") -> list[str]:
            return [
                model.id
                for model in every(
                    lambda request: catalog.read(
                        lambda tx: tx.artifacts.models("w", experiments, request, run=run, name=name)
                    )
                )
            ]

        assert ids(0, 1) == ["m-3", "m-2", "m-1", "m-0"]
        assert ids(0) == ["m-2", "m-0"]
        assert ids(0, 1, run="r1") == ["m-3"]
        assert ids(0, 1, name="even") == ["m-2", "m-0"]
        assert ids() == []
