"""Webhooks and the messages to them."""

import pytest
from msgspec import structs

from regista.conformance.catalog.case import CatalogCase, every
from regista.conformance.catalog.examples import FOREIGN_CURSORS, UNUSUAL
from regista.entities.page import PageRequest
from regista.entities.webhook import Delivery, DeliveryState, Webhook, WebhookState
from regista.errors import InvalidError
from regista.interfaces.catalog import Catalog


def _hook(name: str, scope_id: str = "w") -> Webhook:
    return Webhook(id=name, scope_id=scope_id, name=name, url="https://a/", events=("model.*",), description=UNUSUAL)


def _message(name: str, webhook: str = "h", next_at: int = 0) -> Delivery:
    return Delivery(id=name, webhook_id=webhook, event="model.create", sequence=1, at=1, next_at=next_at)


class WebhookContract(CatalogCase):
    """``tx.webhooks``."""

    def test_a_webhook_is_written_replaced_and_deleted_with_its_messages(self, catalog: Catalog) -> None:
        for one in (_hook("b"), _hook("a"), _hook("c", "x")):
            catalog.write(lambda tx, one=one: tx.webhooks.put(one))  # type: ignore[misc]
        assert catalog.read(lambda tx: tx.webhooks.find("a")) == _hook("a")
        changed = structs.replace(_hook("b"), state=WebhookState.DISABLED)
        catalog.write(lambda tx: tx.webhooks.put(changed))
        assert catalog.read(lambda tx: tx.webhooks.of_scope("w")) == [changed, _hook("a")]
        assert [one.id for one in catalog.read(lambda tx: tx.webhooks.living())] == ["b", "a", "c"]
        catalog.write(lambda tx: tx.webhooks.add_delivery(_message("m", "a")))
        catalog.write(lambda tx: tx.webhooks.delete("a"))
        catalog.write(lambda tx: tx.webhooks.delete("a"))
        assert catalog.read(lambda tx: tx.webhooks.find("a")) is None
        assert catalog.read(lambda tx: tx.webhooks.due(9)) == []

    def test_a_message_is_added_once(self, catalog: Catalog) -> None:
        catalog.write(lambda tx: tx.webhooks.add_delivery(_message("m")))
        done = structs.replace(_message("m"), state=DeliveryState.DELIVERED, ended_at=5)
        catalog.write(lambda tx: tx.webhooks.put_delivery(done))
        catalog.write(lambda tx: tx.webhooks.add_delivery(_message("m")))
        catalog.write(lambda tx: tx.webhooks.put_delivery(_message("gone")))
        assert catalog.read(lambda tx: tx.webhooks.deliveries("h", PageRequest())).items == (done,)

    def test_messages_are_due_in_order_when_their_time_has_come(self, catalog: Catalog) -> None:
        for one in (_message("1", next_at=5), _message("2", next_at=3), _message("3", "i", next_at=9)):
            catalog.write(lambda tx, one=one: tx.webhooks.add_delivery(one))  # type: ignore[misc]
        assert catalog.read(lambda tx: tx.webhooks.due(2)) == []
        assert catalog.read(lambda tx: tx.webhooks.due(5)) == ["h"]
        assert sorted(catalog.read(lambda tx: tx.webhooks.due(9))) == ["h", "i"]
        assert catalog.read(lambda tx: tx.webhooks.next_due("h", 4)) == _message("2", next_at=3)
        assert catalog.read(lambda tx: tx.webhooks.next_due("h", 5)) == _message("1", next_at=5)
        assert catalog.read(lambda tx: tx.webhooks.next_due("h", 2)) is None

    def test_messages_are_listed_newest_first_and_forgotten_when_they_have_ended(self, catalog: Catalog) -> None:
        for number in range(5):
            state = DeliveryState.WAITING if number == 2 else DeliveryState.FAILED
            made = structs.replace(_message(str(number)), state=state, ended_at=0 if number == 2 else number + 1)
            catalog.write(lambda tx, made=made: tx.webhooks.add_delivery(made))  # type: ignore[misc]

        def listed(state: DeliveryState | None = None) -> list[str]:
            found = every(lambda request: catalog.read(lambda tx: tx.webhooks.deliveries("h", request, state)), 2)
            return [one.id for one in found]

        assert listed() == ["4", "3", "2", "1", "0"]
        assert listed(DeliveryState.WAITING) == ["2"]
        assert catalog.write(lambda tx: tx.webhooks.forget_deliveries(5, 2)) == 2
        assert catalog.write(lambda tx: tx.webhooks.forget_deliveries(5, 2)) == 1
        assert catalog.write(lambda tx: tx.webhooks.forget_deliveries(5, 2)) == 0
        assert listed() == ["4", "2"]

    @pytest.mark.parametrize("cursor", FOREIGN_CURSORS)
    def test_a_foreign_cursor_for_messages_is_invalid(self, catalog: Catalog, cursor: str) -> None:
        with pytest.raises(InvalidError):
            catalog.read(lambda tx: tx.webhooks.deliveries("h", PageRequest(2, cursor)))
