"""Principals, keys, roles and role assignments."""

import msgspec
import pytest

from regista.conformance.catalog.case import CatalogCase
from regista.entities.access import Key, Principal, PrincipalKind, Role, RoleAssignment
from regista.errors import AlreadyExistsError
from regista.interfaces.catalog import Catalog

ANN = Principal(id="p1", kind=PrincipalKind.USER, name="ann", display_name="Ann")
BOT = Principal(id="p2", kind=PrincipalKind.SERVICE, name="bot")


class AccessContract(CatalogCase):
    """``tx.access``."""

    def test_a_principal_is_found_by_id_and_by_name(self, catalog: Catalog) -> None:
        for principal in (BOT, ANN):
            catalog.write(lambda tx, p=principal: tx.access.put_principal(p))  # type: ignore[misc]
        assert catalog.read(lambda tx: tx.access.find_principal("p1")) == ANN
        assert catalog.read(lambda tx: tx.access.find_principal(name="ann")) == ANN
        assert catalog.read(lambda tx: tx.access.find_principal("nobody")) is None
        assert catalog.read(lambda tx: tx.access.find_principal(name="nobody")) is None
        assert catalog.read(lambda tx: tx.access.principals()) == [ANN, BOT]

    def test_a_principal_that_is_called_like_anothers_id_is_not_taken_for_it(self, catalog: Catalog) -> None:
        masked = msgspec.structs.replace(ANN, id="p9", name=ANN.id)
        for one in (ANN, masked):
            catalog.write(lambda tx, one=one: tx.access.put_principal(one))  # type: ignore[misc]
        assert catalog.read(lambda tx: tx.access.find_principal(ANN.id)) == ANN
        assert catalog.read(lambda tx: tx.access.find_principal(name=ANN.id)) == masked
        assert catalog.read(lambda tx: tx.access.find_principal(ANN.name)) is None

    def test_a_principal_is_replaced_by_id_and_its_name_is_its_own(self, catalog: Catalog) -> None:
        catalog.write(lambda tx: tx.access.put_principal(ANN))
        renamed = msgspec.structs.replace(ANN, name="anna", disabled=True)
        catalog.write(lambda tx: tx.access.put_principal(renamed))
        assert catalog.read(lambda tx: tx.access.principals()) == [renamed]
        with pytest.raises(AlreadyExistsError, match="'anna'"):
            catalog.write(lambda tx: tx.access.put_principal(msgspec.structs.replace(BOT, name="anna")))

    def test_a_key_leads_to_its_principal(self, catalog: Catalog) -> None:
        catalog.write(lambda tx: tx.access.put_principal(ANN))
        key = Key(id="k1", principal_id="p1", name="laptop", secret_hash="h1", paths=("/",), created_at=1)  # noqa: S106
        catalog.write(lambda tx: tx.keys.put(key))
        assert catalog.read(lambda tx: tx.keys.find(secret_hash="h1")) == (key, ANN)  # noqa: S106
        assert catalog.read(lambda tx: tx.keys.find("k1")) == (key, ANN)
        assert catalog.read(lambda tx: tx.keys.find("h1")) is None
        assert catalog.read(lambda tx: tx.keys.find(secret_hash="h2")) is None  # noqa: S106
        revoked = msgspec.structs.replace(key, revoked_at=9)
        newer = Key(id="k2", principal_id="p1", name="ci", secret_hash="h2", created_at=2)  # noqa: S106
        catalog.write(lambda tx: tx.keys.put(revoked))
        catalog.write(lambda tx: tx.keys.put(newer))
        assert catalog.read(lambda tx: tx.keys.of("p1")) == [newer, revoked]
        assert catalog.read(lambda tx: tx.keys.of("p2")) == []

    def test_a_deleted_key_is_gone_and_the_others_stay(self, catalog: Catalog) -> None:
        catalog.write(lambda tx: tx.access.put_principal(ANN))
        for name in ("k1", "k2"):
            key = Key(id=name, principal_id="p1", name=name, secret_hash=f"h{name}", created_at=1)
            catalog.write(lambda tx, key=key: tx.keys.put(key))  # type: ignore[misc]
        for _ in range(2):
            catalog.write(lambda tx: tx.keys.delete("k1"))
        assert catalog.read(lambda tx: tx.keys.find("k1")) is None
        assert [key.id for key in catalog.read(lambda tx: tx.keys.of("p1"))] == ["k2"]

    def test_roles_are_put_listed_and_deleted(self, catalog: Catalog) -> None:
        one, two = Role(name="b", permissions=("assets/read",)), Role(name="a", permissions=("*",))
        for role in (one, two, msgspec.structs.replace(one, description="new")):
            catalog.write(lambda tx, role=role: tx.access.put_role(role))  # type: ignore[misc]
        assert catalog.read(lambda tx: tx.access.roles()) == [two, msgspec.structs.replace(one, description="new")]
        for _ in range(2):
            catalog.write(lambda tx: tx.access.delete_role("b"))
        assert catalog.read(lambda tx: tx.access.roles()) == [two]

    def test_an_assignment_is_made_once(self, catalog: Catalog) -> None:
        first = RoleAssignment(id="a1", principal_id="p1", role="Reader", path="/")
        again = RoleAssignment(id="a2", principal_id="p1", role="Reader", path="/", created_by="x")
        below = RoleAssignment(id="a3", principal_id="p1", role="Owner", path="/subscriptions/s")
        other = RoleAssignment(id="a4", principal_id="p2", role="Reader", path="/")
        for each in (first, again, below, other):
            catalog.write(lambda tx, each=each: tx.access.put_assignment(each))  # type: ignore[misc]
        assert catalog.read(lambda tx: tx.access.assignments()) == [first, other, below]
        assert catalog.read(lambda tx: tx.access.assignments(principal_id="p1")) == [first, below]
        assert catalog.read(lambda tx: tx.access.assignments(path="/")) == [first, other]
        assert catalog.read(lambda tx: tx.access.assignments(principal_id="p1", path="/")) == [first]
        for _ in range(2):
            catalog.write(lambda tx: tx.access.delete_assignment("a1"))
        assert catalog.read(lambda tx: tx.access.assignments(principal_id="p1")) == [below]
