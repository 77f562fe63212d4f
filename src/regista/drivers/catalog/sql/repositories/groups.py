"""Subscriptions and resource groups."""

from regista.drivers.catalog.sql import tables
from regista.drivers.catalog.sql.bodies import decoder, encoded
from regista.drivers.catalog.sql.session import Session, Statement, insert, upsert
from regista.entities.scope import ResourceGroup, Subscription
from regista.errors import AlreadyExistsError

_subscription = decoder(Subscription)
_group = decoder(ResourceGroup)

_ADD_SUBSCRIPTION = insert(tables.subscriptions)
_PUT_SUBSCRIPTION = upsert(tables.subscriptions, "name")
_FIND_SUBSCRIPTION = Statement("SELECT body FROM subscriptions WHERE name = :name")
_SUBSCRIPTIONS = Statement("SELECT body FROM subscriptions ORDER BY name")
_DELETE_SUBSCRIPTION = Statement("DELETE FROM subscriptions WHERE name = :name")

_ADD_GROUP = insert(tables.resource_groups)
_PUT_GROUP = upsert(tables.resource_groups, "subscription", "name")
_FIND_GROUP = Statement("SELECT body FROM resource_groups WHERE subscription = :subscription AND name = :name")
_GROUPS = Statement("SELECT body FROM resource_groups WHERE subscription = :subscription ORDER BY name")
_DELETE_GROUP = Statement("DELETE FROM resource_groups WHERE subscription = :subscription AND name = :name")


class GroupRows:
    """Rows of ``subscriptions`` and ``resource_groups``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_subscription(self, subscription: Subscription) -> None:
        if not self._session.run(_ADD_SUBSCRIPTION, name=subscription.name, body=encoded(subscription)):
            raise AlreadyExistsError(f"the subscription {subscription.name!r} exists already")

    def find_subscription(self, name: str) -> Subscription | None:
        row = self._session.first(_FIND_SUBSCRIPTION, name=name)
        return _subscription(row[0]) if row else None

    def put_subscription(self, subscription: Subscription) -> None:
        self._session.run(_PUT_SUBSCRIPTION, name=subscription.name, body=encoded(subscription))

    def subscriptions(self) -> list[Subscription]:
        return [_subscription(body) for (body,) in self._session.all(_SUBSCRIPTIONS)]

    def delete_subscription(self, name: str) -> None:
        self._session.run(_DELETE_SUBSCRIPTION, name=name)

    def add_group(self, group: ResourceGroup) -> None:
        if not self._session.run(_ADD_GROUP, subscription=group.subscription, name=group.name, body=encoded(group)):
            raise AlreadyExistsError(
                f"the resource group {group.name!r} exists already in the subscription {group.subscription!r}"
            )

    def find_group(self, subscription: str, name: str) -> ResourceGroup | None:
        row = self._session.first(_FIND_GROUP, subscription=subscription, name=name)
        return _group(row[0]) if row else None

    def put_group(self, group: ResourceGroup) -> None:
        self._session.run(_PUT_GROUP, subscription=group.subscription, name=group.name, body=encoded(group))

    def groups(self, subscription: str) -> list[ResourceGroup]:
        return [_group(body) for (body,) in self._session.all(_GROUPS, subscription=subscription)]

    def delete_group(self, subscription: str, name: str) -> None:
        self._session.run(_DELETE_GROUP, subscription=subscription, name=name)
