"""Settings, subscriptions, resource groups, workspaces, registries and stores."""

import msgspec
import pytest

from regista.conformance.catalog.case import CatalogCase, every
from regista.conformance.catalog.examples import FOREIGN_CURSORS, UNUSUAL, registry, workspace
from regista.entities.page import PageRequest
from regista.entities.scope import ResourceGroup, Scope, ScopeKind, Store, Subscription
from regista.errors import AlreadyExistsError, InvalidError, NotFoundError
from regista.interfaces.catalog import Catalog, Transaction

REGISTRY, WORKSPACE = ScopeKind.REGISTRY, ScopeKind.WORKSPACE


class SettingsContract(CatalogCase):
    """``tx.settings``."""

    def test_a_setting_is_what_was_put_last(self, catalog: Catalog) -> None:
        catalog.write(lambda tx: tx.settings.put("k", "1"))
        catalog.write(lambda tx: tx.settings.put("k", "2"))
        assert catalog.read(lambda tx: tx.settings.find("k")) == "2"
        assert catalog.read(lambda tx: tx.settings.find("K")) is None

    def test_adding_keeps_what_is_there(self, catalog: Catalog) -> None:
        assert catalog.write(lambda tx: tx.settings.add("k", "1")) == "1"
        assert catalog.write(lambda tx: tx.settings.add("k", "2")) == "1"


class GroupContract(CatalogCase):
    """``tx.groups``."""

    def test_subscriptions_come_by_name(self, catalog: Catalog) -> None:
        for name in ("beta", "alpha", "Zeta"):
            catalog.write(lambda tx, name=name: tx.groups.add_subscription(Subscription(name=name)))  # type: ignore[misc]
        assert [s.name for s in catalog.read(lambda tx: tx.groups.subscriptions())] == ["Zeta", "alpha", "beta"]

    def test_a_subscription_is_added_once_and_replaced_by_put(self, catalog: Catalog) -> None:
        made = Subscription(name="s", display_name=UNUSUAL, tags={"a": "b"}, created_at=5)
        catalog.write(lambda tx: tx.groups.add_subscription(made))
        with pytest.raises(AlreadyExistsError, match="'s'"):
            catalog.write(lambda tx: tx.groups.add_subscription(Subscription(name="s")))
        assert catalog.read(lambda tx: tx.groups.find_subscription("s")) == made
        catalog.write(lambda tx: tx.groups.put_subscription(msgspec.structs.replace(made, display_name="x")))
        found = catalog.read(lambda tx: tx.groups.find_subscription("s"))
        assert found is not None
        assert found.display_name == "x"

    def test_deleting_a_subscription_twice_is_quiet(self, catalog: Catalog) -> None:
        catalog.write(lambda tx: tx.groups.add_subscription(Subscription(name="s")))
        for _ in range(2):
            catalog.write(lambda tx: tx.groups.delete_subscription("s"))
        assert catalog.read(lambda tx: tx.groups.find_subscription("s")) is None

    def test_a_group_belongs_to_its_subscription(self, catalog: Catalog) -> None:
        one, other = ResourceGroup(subscription="a", name="g"), ResourceGroup(subscription="b", name="g")
        catalog.write(lambda tx: tx.groups.add_group(one))
        catalog.write(lambda tx: tx.groups.add_group(other))
        with pytest.raises(AlreadyExistsError, match="'g'"):
            catalog.write(lambda tx: tx.groups.add_group(one))
        changed = msgspec.structs.replace(one, location="eu")
        catalog.write(lambda tx: tx.groups.put_group(changed))
        assert catalog.read(lambda tx: tx.groups.groups("a")) == [changed]
        for _ in range(2):
            catalog.write(lambda tx: tx.groups.delete_group("a", "g"))
        assert catalog.read(lambda tx: tx.groups.find_group("a", "g")) is None
        assert catalog.read(lambda tx: tx.groups.find_group("b", "g")) == other


class ScopeContract(CatalogCase):
    """``tx.scopes``."""

    def test_a_scope_comes_back_as_it_was_added(self, catalog: Catalog) -> None:
        made = registry(
            description=UNUSUAL, replication_locations=("eu", "us"), tags={"k": "v"}, created_at=7, created_by="ann"
        )
        catalog.write(lambda tx: tx.scopes.add(made))
        assert catalog.read(lambda tx: tx.scopes.get(made.id)) == made
        assert catalog.read(lambda tx: tx.scopes.find(REGISTRY, "shelf")) == [made]
        assert catalog.read(lambda tx: tx.scopes.find(WORKSPACE, "shelf")) == []
        assert not catalog.read(lambda tx: tx.scopes.is_deleted(made.id))

    def test_an_unknown_id_is_not_found(self, catalog: Catalog) -> None:
        with pytest.raises(NotFoundError, match="nobody"):
            catalog.read(lambda tx: tx.scopes.get("nobody"))
        with pytest.raises(NotFoundError, match="nobody"):
            catalog.read(lambda tx: tx.scopes.is_deleted("nobody"))

    def test_a_registry_name_is_unique_in_the_installation(self, catalog: Catalog) -> None:
        catalog.write(lambda tx: tx.scopes.add(registry("r", resource_group="one")))
        with pytest.raises(AlreadyExistsError, match="'r'"):
            catalog.write(lambda tx: tx.scopes.add(registry("r", resource_group="two")))

    def test_a_workspace_name_is_unique_in_its_group_only(self, catalog: Catalog) -> None:
        one, two = workspace("w", resource_group="one"), workspace("w", resource_group="two")
        catalog.write(lambda tx: tx.scopes.add(one))
        catalog.write(lambda tx: tx.scopes.add(two))
        catalog.write(lambda tx: tx.scopes.add(registry("w")))
        with pytest.raises(AlreadyExistsError, match="'w'"):
            catalog.write(lambda tx: tx.scopes.add(workspace("w", resource_group="one")))
        assert catalog.read(lambda tx: tx.scopes.find(WORKSPACE, "w")) == [one, two]
        assert catalog.read(lambda tx: tx.scopes.find(WORKSPACE, "w", resource_group="two")) == [two]
        assert catalog.read(lambda tx: tx.scopes.find(WORKSPACE, "w", subscription="else")) == []

    def test_a_deleted_scope_is_a_tombstone_and_its_name_is_free(self, catalog: Catalog) -> None:
        old, new = registry("r"), registry("r")
        catalog.write(lambda tx: tx.scopes.add(old))
        for at in (10, 11):
            catalog.write(lambda tx, at=at: tx.scopes.delete(old.id, at))  # type: ignore[misc]
        assert catalog.read(lambda tx: tx.scopes.get(old.id)) == old
        assert catalog.read(lambda tx: tx.scopes.is_deleted(old.id))
        assert catalog.read(lambda tx: tx.scopes.find(REGISTRY, "r")) == []
        assert catalog.read(lambda tx: tx.scopes.page(REGISTRY, PageRequest())).items == ()
        catalog.write(lambda tx: tx.scopes.add(new))
        assert catalog.read(lambda tx: tx.scopes.find(REGISTRY, "r")) == [new]
        catalog.write(lambda tx: tx.scopes.put(old))
        assert catalog.read(lambda tx: tx.scopes.is_deleted(old.id))

    def test_a_scope_is_replaced_by_put(self, catalog: Catalog) -> None:
        made = workspace()
        catalog.write(lambda tx: tx.scopes.add(made))
        changed = msgspec.structs.replace(made, description="new", tags={"x": "y"})
        catalog.write(lambda tx: tx.scopes.put(changed))
        assert catalog.read(lambda tx: tx.scopes.get(made.id)) == changed

    def test_pages_are_by_name_and_narrowed(self, catalog: Catalog) -> None:
        def fill(tx: Transaction) -> None:
            for name in ("delta", "alpha", "charlie", "Bravo", "echo"):
                tx.scopes.add(workspace(name, resource_group="even" if len(name) % 2 == 0 else "odd"))
            tx.scopes.add(registry("alpha"))

        catalog.write(fill)

        def names(kind: ScopeKind | None, subscription: str = "", group: str = "") -> list[str]:
            return [
                scope.name
                for scope in every(
                    lambda request: catalog.read(lambda tx: tx.scopes.page(kind, request, subscription, group))
                )
            ]

        assert names(WORKSPACE) == ["Bravo", "alpha", "charlie", "delta", "echo"]
        assert names(None) == ["Bravo", "alpha", "alpha", "charlie", "delta", "echo"]
        assert names(REGISTRY) == ["alpha"]
        assert names(WORKSPACE, group="even") == ["echo"]
        assert names(WORKSPACE, "other") == []

    @pytest.mark.parametrize("cursor", FOREIGN_CURSORS)
    def test_a_foreign_cursor_for_scopes_is_invalid(self, catalog: Catalog, cursor: str) -> None:
        with pytest.raises(InvalidError):
            catalog.read(lambda tx: tx.scopes.page(None, PageRequest(10, cursor)))

    def test_a_page_of_nothing_is_invalid(self, catalog: Catalog) -> None:
        for limit in (0, -1):
            with pytest.raises(InvalidError):
                catalog.read(lambda tx, limit=limit: tx.scopes.page(None, PageRequest(limit)))  # type: ignore[misc]

    def test_a_region_is_bound_to_one_store(self, catalog: Catalog) -> None:
        catalog.write(lambda tx: tx.scopes.put_store(Store(name="b", url="memory:", regions=("eu", "us"))))
        catalog.write(lambda tx: tx.scopes.put_store(Store(name="a", url="file:///x", regions=("us", "asia"))))
        assert catalog.read(lambda tx: tx.scopes.stores()) == [
            Store(name="a", url="file:///x", regions=("us", "asia")),
            Store(name="b", url="memory:", regions=("eu",)),
        ]
        catalog.write(lambda tx: tx.scopes.put_store(Store(name="a", url="file:///y", regions=("asia",))))
        assert _regions(catalog.read(lambda tx: tx.scopes.stores())) == {"a": ("asia",), "b": ("eu",)}

    def test_a_scope_with_unusual_text_survives(self, catalog: Catalog) -> None:
        made: Scope = workspace(description="nul \0 inside", tags={UNUSUAL: UNUSUAL})
        catalog.write(lambda tx: tx.scopes.add(made))
        assert catalog.read(lambda tx: tx.scopes.get(made.id)) == made


def _regions(stores: list[Store]) -> dict[str, tuple[str, ...]]:
    return {store.name: store.regions for store in stores}
