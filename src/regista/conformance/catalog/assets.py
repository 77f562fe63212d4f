"""Assets, their versions, and the claims on blobs."""

from collections.abc import Sequence
from contextlib import suppress

import msgspec
import pytest

from regista.conformance.catalog.case import CatalogCase, every
from regista.conformance.catalog.examples import FOREIGN_CURSORS, UNUSUAL, asset, version
from regista.entities.asset import ANONYMOUS, AssetKind, AssetVersion
from regista.entities.digest import Digest, digest_of
from regista.entities.page import PageRequest
from regista.entities.search import Clause, Field, Order
from regista.errors import AlreadyExistsError, InvalidError, NotFoundError
from regista.interfaces.catalog import Catalog, Transaction

MODEL, DATA = AssetKind.MODEL, AssetKind.DATA
CHANGED_FIRST = (Order(Field.ATTRIBUTE, "changed", ascending=False), Order(Field.ATTRIBUTE, "name"))


def tag(key: str, value: str, operator: str = "=") -> Clause:
    """A clause on a tag."""
    return Clause(Field.TAG, key, operator, value)


def attribute(key: str, operator: str, value: str) -> Clause:
    """A clause on an attribute."""
    return Clause(Field.ATTRIBUTE, key, operator, value)


class AssetContract(CatalogCase):
    """``tx.assets``."""

    def test_an_asset_comes_back_as_it_was_added(self, catalog: Catalog) -> None:
        made = asset(description=UNUSUAL, tags={"a": "1", "b": "x" * 5000}, aliases={"champion": "3"}, created_at=9)
        catalog.write(lambda tx: tx.assets.add(made))
        assert catalog.read(lambda tx: tx.assets.find("w", MODEL, "churn")) == made
        assert catalog.read(lambda tx: tx.assets.find("w", DATA, "churn")) is None
        assert catalog.read(lambda tx: tx.assets.find("x", MODEL, "churn")) is None

    def test_a_name_is_taken_once_in_each_kind_and_scope(self, catalog: Catalog) -> None:
        for fields in ({}, {"kind": DATA}, {"scope_id": "x"}):
            catalog.write(lambda tx, fields=fields: tx.assets.add(asset(**fields)))  # type: ignore[misc]
        with pytest.raises(AlreadyExistsError, match="'churn'"):
            catalog.write(lambda tx: tx.assets.add(asset()))

    def test_a_refused_add_leaves_its_transaction_usable(self, catalog: Catalog) -> None:
        catalog.write(lambda tx: tx.assets.add(asset()))

        def work(tx: Transaction) -> None:
            with pytest.raises(AlreadyExistsError):
                tx.assets.add(asset())
            tx.assets.add(asset("other"))

        catalog.write(work)
        assert catalog.read(lambda tx: tx.assets.find("w", MODEL, "other")) is not None

    def test_put_replaces_aliases_and_tags(self, catalog: Catalog) -> None:
        made = asset(tags={"a": "1"}, aliases={"old": "1"})
        catalog.write(lambda tx: tx.assets.add(made))
        changed = msgspec.structs.replace(made, tags={"b": "2"}, aliases={"new": "2"}, next_version=3)
        catalog.write(lambda tx: tx.assets.put(changed))
        assert catalog.read(lambda tx: tx.assets.find("w", MODEL, "churn")) == changed
        assert self.asset_names(catalog, tag("a", "1")) == []
        assert self.asset_names(catalog, tag("b", "2")) == ["churn"]

    def test_pages_are_newest_first_without_the_archived_and_the_anonymous(self, catalog: Catalog) -> None:
        def fill(tx: Transaction) -> None:
            for number in range(5):
                tx.assets.add(asset(f"a{number}", created_at=number // 2))
            tx.assets.add(asset("gone", archived=True, created_at=100))
            tx.assets.add(asset(ANONYMOUS, created_at=100))
            tx.assets.add(asset("elsewhere", scope_id="x", created_at=100))

        catalog.write(fill)
        assert self.asset_names(catalog) == ["a4", "a3", "a2", "a1", "a0"]
        assert self.asset_names(catalog, archived=True) == ["gone"]
        assert self.asset_names(catalog, archived=None) == ["gone", "a4", "a3", "a2", "a1", "a0"]

    def test_pages_are_narrowed_by_name_and_tags(self, catalog: Catalog) -> None:
        def fill(tx: Transaction) -> None:
            for number in range(6):
                tags = {"parity": "even" if number % 2 == 0 else "odd", "number": str(number)}
                tx.assets.add(asset(f"a{number}", tags=tags, created_at=number))
            tx.assets.add(asset("elsewhere", scope_id="x", tags={"parity": "even"}))

        catalog.write(fill)
        assert self.asset_names(catalog, tag("parity", "even")) == ["a4", "a2", "a0"]
        assert self.asset_names(catalog, tag("parity", "even"), tag("number", "2")) == ["a2"]
        assert self.asset_names(catalog, tag("parity", "even", "!=")) == ["a5", "a3", "a1"]
        assert self.asset_names(catalog, attribute("name", "LIKE", "a%"), tag("number", "3", ">")) == ["a5", "a4"]
        assert self.asset_names(catalog, attribute("name", "=", "a3")) == ["a3"]
        assert self.asset_names(catalog, attribute("name", "LIKE", "A%")) == []
        assert self.asset_names(catalog, attribute("name", "ILIKE", "A_")) == ["a5", "a4", "a3", "a2", "a1", "a0"]
        with pytest.raises(InvalidError, match="color"):
            self.asset_names(catalog, attribute("color", "=", "red"))

    def test_long_tags_are_told_apart_beyond_their_beginning(self, catalog: Catalog) -> None:
        long = "x" * 99_999
        catalog.write(lambda tx: tx.assets.add(asset("one", tags={"t": long + "1"})))
        catalog.write(lambda tx: tx.assets.add(asset("two", tags={"t": long + "2"})))
        assert self.asset_names(catalog, tag("t", long + "2")) == ["two"]
        assert self.asset_names(catalog, tag("t", long)) == []

    def test_deleting_an_asset_twice_is_quiet(self, catalog: Catalog) -> None:
        catalog.write(lambda tx: tx.assets.add(asset(tags={"a": "1"})))
        for _ in range(2):
            catalog.write(lambda tx: tx.assets.delete("w", MODEL, "churn"))
        assert catalog.read(lambda tx: tx.assets.find("w", MODEL, "churn")) is None
        assert self.asset_names(catalog, tag("a", "1")) == []
        catalog.write(lambda tx: tx.assets.add(asset()))

    @pytest.mark.parametrize("text", ["nul \0 inside", "half a pair \ud800"])
    def test_text_that_not_every_database_holds_is_kept_or_invalid(self, catalog: Catalog, text: str) -> None:
        for clause in (attribute("name", "=", text), attribute("name", "LIKE", text), tag("key", text), tag(text, "v")):
            with suppress(InvalidError):
                assert self.asset_names(catalog, clause) == []
        with suppress(InvalidError):
            assert catalog.read(lambda tx: tx.assets.find("w", MODEL, text)) is None
        with suppress(InvalidError):
            catalog.write(lambda tx: tx.assets.add(asset(text, description=text, tags={text: text})))
            found = catalog.read(lambda tx: tx.assets.find("w", MODEL, text))
            assert found is not None
            assert found.tags == {text: text}

    @pytest.mark.parametrize("cursor", FOREIGN_CURSORS)
    def test_a_foreign_cursor_for_assets_is_invalid(self, catalog: Catalog, cursor: str) -> None:
        with pytest.raises(InvalidError):
            catalog.read(lambda tx: tx.assets.page("w", MODEL, PageRequest(10, cursor)))

    def asset_names(self, catalog: Catalog, *clauses: Clause, archived: bool | None = False) -> list[str]:
        """The names in all pages."""
        return [
            found.name
            for found in every(
                lambda request: catalog.read(
                    lambda tx: tx.assets.page("w", MODEL, request, archived=archived, clauses=clauses)
                )
            )
        ]


class VersionContract(CatalogCase):
    """``tx.versions``."""

    def test_a_version_comes_back_as_it_was_added(self, catalog: Catalog) -> None:
        made = version(
            type="custom_model",
            manifest=digest_of(b"m"),
            size=2**40,
            spec={"flavors": {"sklearn": {"n": [1, 2.5, None, True]}}},
            tags={"a": UNUSUAL},
            properties={"p": "q"},
            capsule=digest_of(b"c"),
            created_at=3,
        )
        catalog.write(lambda tx: tx.versions.add(made))
        assert catalog.read(lambda tx: tx.versions.get(made.id)) == made
        assert catalog.read(lambda tx: tx.versions.find("w", MODEL, "churn", "1")) == made
        assert catalog.read(lambda tx: tx.versions.find("w", MODEL, "churn", "2")) is None
        with pytest.raises(NotFoundError, match="nobody"):
            catalog.read(lambda tx: tx.versions.get("nobody"))

    def test_a_version_is_never_given_again(self, catalog: Catalog) -> None:
        made = version(tags={"a": "1"})
        catalog.write(lambda tx: tx.versions.add(made))
        with pytest.raises(AlreadyExistsError, match="'churn'"):
            catalog.write(lambda tx: tx.versions.add(version()))
        for at in (5, 6):
            catalog.write(lambda tx, at=at: tx.versions.delete(made.id, at))  # type: ignore[misc]
        with pytest.raises(AlreadyExistsError, match="'churn'"):
            catalog.write(lambda tx: tx.versions.add(version()))
        assert catalog.read(lambda tx: tx.versions.get(made.id)) == made
        assert catalog.read(lambda tx: tx.versions.is_deleted(made.id))
        assert catalog.read(lambda tx: tx.versions.find("w", MODEL, "churn", "1")) is None
        assert catalog.read(lambda tx: tx.versions.find("w", MODEL, "churn", "1", deleted=True)) == made
        assert catalog.read(lambda tx: tx.versions.latest("w", MODEL, "churn")) is None
        assert catalog.read(lambda tx: tx.versions.find_by_content("w", MODEL, "churn", made.content)) is None
        assert self.numbers(catalog) == []
        assert self.numbers(catalog, tag("a", "1")) == []
        assert catalog.read(lambda tx: list(tx.versions.manifests())) == []

    def test_the_latest_is_the_newest_that_is_not_archived(self, catalog: Catalog) -> None:
        made = [version(number, created_at=5) for number in ("b", "a", "10", "9")]
        for each in made:
            catalog.write(lambda tx, each=each: tx.versions.add(each))  # type: ignore[misc]
        assert self.latest(catalog) == "9"
        catalog.write(lambda tx: tx.versions.put(msgspec.structs.replace(made[3], archived=True)))
        assert self.latest(catalog) == "10"
        catalog.write(lambda tx: tx.versions.add(version("old", created_at=1)))
        assert self.latest(catalog) == "10"
        assert catalog.read(lambda tx: tx.versions.latest("w", MODEL, "other")) is None

    def test_the_same_content_is_found_again(self, catalog: Catalog) -> None:
        content = digest_of(b"weights")
        first, second = version("1", manifest=content, created_at=1), version("2", manifest=content, created_at=2)
        for each in (first, second, version("3", name="other", manifest=content)):
            catalog.write(lambda tx, each=each: tx.versions.add(each))  # type: ignore[misc]

        def find(name: str, kind: AssetKind = MODEL) -> AssetVersion | None:
            return catalog.read(lambda tx: tx.versions.find_by_content("w", kind, name, first.content))

        assert find("churn") == second
        assert find("nothing") is None
        assert find("churn", DATA) is None

    def test_put_replaces_what_is_said_about_it(self, catalog: Catalog) -> None:
        made = version(tags={"a": "1"})
        catalog.write(lambda tx: tx.versions.add(made))
        changed = msgspec.structs.replace(made, tags={"b": "2"}, archived=True, description="d", stage="Production")
        catalog.write(lambda tx: tx.versions.put(changed))
        assert catalog.read(lambda tx: tx.versions.get(made.id)) == changed
        assert self.numbers(catalog, tag("b", "2"), archived=True) == ["1"]
        assert self.numbers(catalog, tag("a", "1"), archived=None) == []

    def test_pages_are_newest_first_of_one_name_or_of_all(self, catalog: Catalog) -> None:
        def fill(tx: Transaction) -> None:
            for number in range(1, 6):
                tx.versions.add(version(str(number), created_at=number // 2))
            tx.versions.add(version("6", name="other", created_at=50))
            tx.versions.add(version("7", kind=DATA, created_at=50))
            tx.versions.add(version("8", archived=True, created_at=50))

        catalog.write(fill)
        assert self.numbers(catalog) == ["5", "4", "3", "2", "1"]
        assert self.numbers(catalog, name=None) == ["6", "5", "4", "3", "2", "1"]
        assert self.numbers(catalog, archived=True) == ["8"]

    def test_pages_are_narrowed_by_clauses(self, catalog: Catalog) -> None:
        def fill(tx: Transaction) -> None:
            for number in range(1, 7):
                tags = {"stage": "gold" if number % 2 else "lead"} | ({"rare": "yes"} if number == 3 else {})
                kind = "mlflow_model" if number > 3 else "custom_model"
                tx.versions.add(version(str(number), type=kind, tags=tags, created_at=number, created_by="ann"))

        catalog.write(fill)
        assert self.numbers(catalog, tag("stage", "gold")) == ["5", "3", "1"]
        assert self.numbers(catalog, tag("rare", "yes"), tag("stage", "gold")) == ["3"]
        assert self.numbers(catalog, tag("stage", "lead"), tag("rare", "yes")) == []
        assert self.numbers(catalog, Clause(Field.TAG, "rare", "IS NULL"), tag("stage", "gold")) == ["5", "1"]
        assert self.numbers(catalog, attribute("type", "=", "mlflow_model")) == ["6", "5", "4"]
        assert self.numbers(catalog, Clause(Field.ATTRIBUTE, "version", "IN", ("1", "6"))) == ["6", "1"]
        assert self.numbers(catalog, Clause(Field.ATTRIBUTE, "version", "NOT IN", ("1", "6"))) == ["5", "4", "3", "2"]
        assert self.numbers(catalog, attribute("created_by", "!=", "ann")) == []

    def test_the_latest_changed_come_first_where_that_is_asked_for(self, catalog: Catalog) -> None:
        late = 1_790_000_000_000
        changes = {"1": late, "2": 5, "3": late, "4": 7, "5": late + 1, "6": 5}
        for number, at in changes.items():
            made = version(number, updated_at=at, created_at=9, tags={"even": "yes"} if int(number) % 2 == 0 else {})
            catalog.write(lambda tx, made=made: tx.versions.add(made))  # type: ignore[misc]
        other = version("1", name="a", updated_at=late)
        catalog.write(lambda tx: tx.versions.add(other))

        assert self.ordered(catalog, CHANGED_FIRST) == ["c5", "a1", "c3", "c1", "c4", "c6", "c2"]
        assert self.ordered(catalog, CHANGED_FIRST, tag("even", "yes")) == ["c4", "c6", "c2"]
        first = catalog.read(lambda tx: tx.versions.page("w", MODEL, None, PageRequest(2))).next
        with pytest.raises(InvalidError):
            catalog.read(lambda tx: tx.versions.page("w", MODEL, None, PageRequest(2, first), order=CHANGED_FIRST))

    def test_versions_are_ordered_and_found_by_their_numbers(self, catalog: Catalog) -> None:
        for at, number in enumerate(("10", "9", "v3", "0010", "9" * 30, "", "2")):
            made = version(number, created_at=10 - at)
            catalog.write(lambda tx, made=made: tx.versions.add(made))  # type: ignore[misc]

        def by_number(*clauses: Clause, ascending: bool) -> list[str]:
            order = (Order(Field.ATTRIBUTE, "number", ascending), Order(Field.ATTRIBUTE, "version"))
            return [one[1:] for one in self.ordered(catalog, order, *clauses)]

        none = ["", "9" * 30, "v3"]
        assert by_number(ascending=True) == [*none, "2", "9", "0010", "10"]
        assert by_number(ascending=False) == ["0010", "10", "9", "2", *none]
        assert by_number(Clause(Field.ATTRIBUTE, "number", ">", 8.5), ascending=True) == ["9", "0010", "10"]
        made_first = (Order(Field.ATTRIBUTE, "created"),)
        later = Clause(Field.ATTRIBUTE, "created", ">=", 8)
        assert self.ordered(catalog, made_first, later) == ["cv3", "c9", "c10"]

    def ordered(self, catalog: Catalog, order: Sequence[Order], *clauses: Clause) -> list[str]:
        """Versions of all names in that order, whatever the size of the pages: the name's first letter and the version."""

        def told(size: int) -> list[str]:
            return [
                f"{one.name[0]}{one.version}"
                for one in every(
                    lambda request: catalog.read(
                        lambda tx: tx.versions.page("w", MODEL, None, request, clauses=clauses, order=order)
                    ),
                    size,
                )
            ]

        assert told(1) == told(2) == told(100)
        return told(3)

    def test_every_living_manifest_is_told_once(self, catalog: Catalog) -> None:
        made = [version(str(number), manifest=digest_of(str(number).encode())) for number in range(20)]
        for each in made:
            catalog.write(lambda tx, each=each: tx.versions.add(each))  # type: ignore[misc]
        told = catalog.read(lambda tx: list(tx.versions.manifests()))
        assert told == sorted((each.id, "w", each.manifest) for each in made)
        middle = told[9][0]
        assert catalog.read(lambda tx: list(tx.versions.manifests(middle))) == told[10:]

    @pytest.mark.parametrize("cursor", FOREIGN_CURSORS)
    def test_a_foreign_cursor_for_versions_is_invalid(self, catalog: Catalog, cursor: str) -> None:
        with pytest.raises(InvalidError):
            catalog.read(lambda tx: tx.versions.page("w", MODEL, None, PageRequest(10, cursor)))

    def latest(self, catalog: Catalog) -> str | None:
        """The number of the latest version."""
        found = catalog.read(lambda tx: tx.versions.latest("w", MODEL, "churn"))
        return found.version if found else None

    def numbers(
        self, catalog: Catalog, *clauses: Clause, name: str | None = "churn", archived: bool | None = False
    ) -> list[str]:
        """The versions in all pages."""
        return [
            found.version
            for found in every(
                lambda request: catalog.read(
                    lambda tx: tx.versions.page("w", MODEL, name, request, archived=archived, clauses=clauses)
                )
            )
        ]


class BlobClaimContract(CatalogCase):
    """``tx.claims``."""

    ONE, TWO, THREE = (digest_of(bytes([n])) for n in range(3))

    def test_a_claim_belongs_to_its_principal_and_scope(self, catalog: Catalog) -> None:
        catalog.write(lambda tx: tx.claims.add("w", "ann", {self.ONE: 1, self.TWO: 2}, 5))
        assert self.sizes(catalog, ["w"], "ann") == {self.ONE: 1, self.TWO: 2}
        assert self.sizes(catalog, ["w"], "ben") == {}
        assert self.sizes(catalog, ["x"], "ann") == {}
        assert self.sizes(catalog, ["x", "w"], "ann") == {self.ONE: 1, self.TWO: 2}
        assert self.sizes(catalog, [], "ann") == {}

    def test_a_claim_of_the_scope_as_a_whole_is_nobodys_own(self, catalog: Catalog) -> None:
        catalog.write(lambda tx: tx.claims.add("w", "", {self.THREE: 3}, 5))
        assert self.sizes(catalog, ["w"], "") == {self.THREE: 3}
        assert self.sizes(catalog, ["w"], "ben") == {}

    def test_sweeping_forgets_old_claims_of_principals_only(self, catalog: Catalog) -> None:
        catalog.write(lambda tx: tx.claims.add("w", "", {self.THREE: 3}, 1))
        catalog.write(lambda tx: tx.claims.add("w", "ann", {self.ONE: 1, self.TWO: 2}, 1))
        catalog.write(lambda tx: tx.claims.add("w", "ann", {self.TWO: 2}, 9))
        assert catalog.write(lambda tx: tx.claims.sweep(5)) == 1
        assert self.sizes(catalog, ["w"], "ann") == {self.TWO: 2}
        assert self.sizes(catalog, ["w"], "") == {self.THREE: 3}

    def test_what_a_principal_has_claimed_is_told_until_it_is_swept(self, catalog: Catalog) -> None:
        catalog.write(lambda tx: tx.claims.add("w", "ann", {self.ONE: 1}, 1))
        catalog.write(lambda tx: tx.claims.add("x", "ben", {self.ONE: 1}, 9))
        catalog.write(lambda tx: tx.claims.add("w", "", {self.TWO: 2}, 1))

        def claimed() -> set[Digest]:
            return catalog.read(lambda tx: tx.claims.claimed(iter([self.ONE, self.TWO, self.THREE])))

        assert claimed() == {self.ONE}
        catalog.write(lambda tx: tx.claims.sweep(5))
        assert claimed() == {self.ONE}
        catalog.write(lambda tx: tx.claims.sweep(10))
        assert claimed() == set()

    def test_forgetting_blobs_drops_the_claims_of_scopes_and_no_principals(self, catalog: Catalog) -> None:
        for scope, principal in (("w", ""), ("x", ""), ("w", "ann")):
            catalog.write(lambda tx, s=scope, p=principal: tx.claims.add(s, p, {self.ONE: 1, self.TWO: 2}, 1))  # type: ignore[misc]
        for _ in range(2):
            catalog.write(lambda tx: tx.claims.forget(iter([self.ONE])))
        assert self.sizes(catalog, ["w", "x"], "") == {self.TWO: 2}
        assert self.sizes(catalog, ["w"], "ann") == {self.ONE: 1, self.TWO: 2}

    def test_twenty_thousand_digests_are_asked_at_once(self, catalog: Catalog) -> None:
        blobs = {Digest(f"sha256:{number:064x}"): number for number in range(20_000)}
        catalog.write(lambda tx: tx.claims.add("w", "ann", blobs, 1))
        assert catalog.read(lambda tx: tx.claims.sizes(["w"], "ann", iter(blobs))) == blobs

    def sizes(self, catalog: Catalog, scopes: list[str], principal: str) -> dict[Digest, int]:
        """What is known of all three."""
        return catalog.read(lambda tx: tx.claims.sizes(scopes, principal, [self.ONE, self.TWO, self.THREE]))
