"""Webhooks: who is told of what, once, after it was committed, until it was taken."""

from itertools import pairwise

import pytest
from msgspec import structs

from regista.bootstrap.house import build_house
from regista.bootstrap.settings import Settings
from regista.entities.asset import AssetKind
from regista.entities.names import now
from regista.entities.page import PageRequest
from regista.entities.webhook import Delivery, DeliveryState, Sent, WebhookState
from regista.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from regista.services.access.access import SYSTEM
from regista.services.assets.assets import VersionChange
from regista.services.registry.promotion import Promotion
from regista.services.webhooks.delivering import MOST_ATTEMPTS, outcome
from regista.services.webhooks.webhooks import MOST, WebhookChange
from tests.support.houses import People
from tests.support.receiver import receiving, until

MODEL = AssetKind.MODEL


@pytest.fixture(scope="module")
def receiver(tmp_path_factory):
    with receiving(tmp_path_factory.mktemp("receiver")) as receiver:
        yield receiver


@pytest.fixture
def people(tmp_path, receiver):
    settings = Settings(
        home=tmp_path,
        catalog="sqlite://",
        store=f"file://{tmp_path / 'stores'}",
        webhook_private=True,
        webhook_ca=str(receiver.ca),
        webhook_timeout=5.0,
    )
    house = build_house(settings)
    yield People(house)
    house.audit_book.close()
    house.catalog.close()


@pytest.fixture
def central(people):
    return people.registry("central")


def tell(people):
    """Send what is due, until nothing is."""
    while threads := people.house.deliverer.look():
        for thread in threads:
            thread.join(20)


def hook(people, scope, receiver, path, *events, **fields):
    """A webhook whose receiver is at *path*."""
    new = WebhookChange(name="h", url=f"{receiver.url}{path}", events=events or ("model.*",), **fields)
    return people.house.webhooks.create(SYSTEM, scope.address, new)


def log(people, scope, webhook):
    return people.house.webhooks.deliveries(SYSTEM, scope.address, webhook.id, PageRequest()).items


def overdue(people, webhook):
    """Let what waits be due now."""
    found = people.house.catalog.read(lambda tx: tx.webhooks.deliveries(webhook.id, PageRequest())).items
    for one in found:
        if one.state is DeliveryState.WAITING:
            due = structs.replace(one, next_at=0)
            people.house.catalog.write(lambda tx, due=due: tx.webhooks.put_delivery(due))


class TestWhatIsTold:
    def test_the_life_of_a_version_in_our_words(self, people, central, receiver):
        dev = people.workspace("dev")
        made = hook(people, central, receiver, "life", "model.*", secret="hush")
        people.version(dev, name="churn")
        asked = Promotion(source=dev.address, kind=MODEL, name="churn", version="1", target=central.address)
        people.house.promotion.promote(SYSTEM, asked)
        assets, place = people.house.assets, (central.address, MODEL, "churn")
        assets.set_alias(SYSTEM, *place, "champion", "1")
        assets.update(SYSTEM, *place, "1", VersionChange(tags={"a": "b"}))
        assets.update(SYSTEM, *place, "1", VersionChange(archived=True))
        assets.delete(SYSTEM, *place, "1")
        tell(people)
        came = receiver.at("/life")
        assert [one.json["type"] for one in came] == [
            "model.promote",
            "model.alias",
            "model.update",
            "model.update",
            "model.delete",
        ]
        assert all(one.is_signed_with("hush") and not one.is_signed_with("wrong") for one in came)
        assert came[0].json["path"].endswith("/registries/central/models/churn/versions/1")
        assert came[1].json["data"] == {"alias": "champion", "version": "1"}
        assert len({one.id for one in came}) == 5
        assert [one.state for one in log(people, central, made)] == [DeliveryState.DELIVERED] * 5
        assert [one.id for one in log(people, central, made)][::-1] == [one.id for one in came]

    def test_nothing_that_was_not_asked_for_nor_of_another_scope(self, people, central, receiver):
        other = people.registry("other")
        hook(people, central, receiver, "some", "model.create", "environment.*")
        people.version(other, name="a")
        people.version(central, name="a")
        people.house.assets.set_alias(SYSTEM, central.address, MODEL, "a", "x", "1")
        tell(people)
        assert [one.json["type"] for one in receiver.at("/some")] == ["model.create"]

    def test_nothing_that_came_before_nor_while_it_was_disabled(self, people, central, receiver):
        people.version(central, name="before")
        made = hook(people, central, receiver, "times", "model.create")
        people.version(central, name="one")
        tell(people)
        change = people.house.webhooks.update
        change(SYSTEM, central.address, made.id, WebhookChange(state=WebhookState.DISABLED))
        people.version(central, name="two")
        change(SYSTEM, central.address, made.id, WebhookChange(state=WebhookState.ACTIVE))
        people.version(central, name="three")
        tell(people)
        assert [one.json["path"].split("/")[-3] for one in receiver.at("/times")] == ["one", "three"]

    def test_no_more_than_who_made_it_may_know(self, people, central, receiver):
        bob = people.somebody("bob", contributor=central.path)
        new = WebhookChange(name="bobs", url=f"{receiver.url}bob", events=("*",))
        people.house.webhooks.create(bob, central.address, new)
        people.version(central, name="a")
        people.house.principals.assign(SYSTEM, "bob", "Reader", central.path)
        tell(people)
        assert [one.json["type"] for one in receiver.at("/bob")] == ["model.create"]
        assert "data" not in receiver.at("/bob")[0].json

    def test_nothing_of_what_was_not_committed(self, people, central, receiver):
        hook(people, central, receiver, "failed", "*")
        with pytest.raises(NotFoundError):
            people.house.assets.set_alias(SYSTEM, central.address, MODEL, "none", "x", "1")
        tell(people)
        assert receiver.at("/failed") == []


class TestSending:
    def test_is_tried_again_until_it_was_taken(self, people, central, receiver):
        receiver.answers["/again"] = [500, 429, 503]
        made = hook(people, central, receiver, "again", "model.create")
        people.version(central, name="a")
        for attempts in (1, 2, 3):
            tell(people)
            (waiting,) = log(people, central, made)
            assert (waiting.state, waiting.attempts) == (DeliveryState.WAITING, attempts)
            wait = waiting.next_at - now()
            assert 2 ** (attempts - 1) * 1000 - 900 < wait < 2 ** (attempts - 1) * 1250 + 1000
            overdue(people, made)
        tell(people)
        (done,) = log(people, central, made)
        assert (done.state, done.attempts, done.status, done.error) == (DeliveryState.DELIVERED, 4, 200, "")
        assert len({one.id for one in receiver.at("/again")}) == 1

    def test_ends_with_what_is_refused_for_good(self, people, central, receiver):
        made = hook(people, central, receiver, "404", "model.create")
        people.version(central, name="a")
        tell(people)
        (one,) = log(people, central, made)
        assert (one.state, one.status, one.attempts) == (DeliveryState.FAILED, 404, 1)
        assert one.error == "the receiver answered 404"

    def test_lets_the_others_by_when_one_waits(self, people, central, receiver):
        receiver.answers["/by"] = [500]
        made = hook(people, central, receiver, "by", "model.create")
        people.version(central, name="first")
        people.version(central, name="second")
        tell(people)
        tell(people)
        states = [one.state for one in log(people, central, made)]
        assert states == [DeliveryState.DELIVERED, DeliveryState.WAITING]

    def test_goes_on_where_it_was_when_the_server_was_killed(self, people, central, receiver):
        """Taken, and never heard of again: sent once more when its time is over, under the same id."""
        made = hook(people, central, receiver, "killed", "model.create")
        people.version(central, name="a")
        house = people.house
        assert house.catalog.read(lambda tx: tx.webhooks.due(now())) == []
        assert house.deliverer.look()
        receiver.wait("/killed", 1)
        until(lambda: log(people, central, made)[0].state is DeliveryState.DELIVERED)
        lost = structs.replace(
            log(people, central, made)[0], state=DeliveryState.WAITING, next_at=now() + 300, ended_at=0
        )
        house.catalog.write(lambda tx: tx.webhooks.put_delivery(lost))
        assert house.deliverer.look() == []
        until(house.deliverer.look)
        again = receiver.wait("/killed", 2)
        assert again[0].id == again[1].id

    def test_waits_longer_each_time_and_gives_up_in_the_end(self):
        message = Delivery(id="m", webhook_id="h", event="e", sequence=1, at=1)
        waits = []
        for attempt in range(1, MOST_ATTEMPTS):
            after = outcome(structs.replace(message, attempts=attempt), Sent(error="no line"))
            assert after.state is DeliveryState.WAITING
            waits.append(after.next_at - now())
        assert all(long > short for short, long in pairwise(waits[:11]))
        assert max(waits) < 4_600_000
        ended = outcome(structs.replace(message, attempts=MOST_ATTEMPTS), Sent(status=503))
        assert (ended.state, ended.error) == (DeliveryState.FAILED, "the receiver answered 503")
        assert outcome(structs.replace(message, attempts=1), Sent(status=429, retry_after=60)).next_at > now() + 59_000

    def test_ends_with_the_webhook(self, people, central, receiver):
        made = hook(people, central, receiver, "500", "model.create")
        people.version(central, name="a")
        tell(people)
        people.house.webhooks.update(SYSTEM, central.address, made.id, WebhookChange(state=WebhookState.DISABLED))
        overdue(people, made)
        tell(people)
        assert log(people, central, made)[0].error == "the webhook was disabled"
        people.house.webhooks.delete(SYSTEM, central.address, made.id)
        tell(people)
        assert len(receiver.at("/500")) == 1

    def test_ends_with_the_scope(self, people, receiver):
        gone = people.registry("gone")
        made = hook(people, gone, receiver, "gone", "model.name")
        people.house.registered_models.create(SYSTEM, gone.address, "a")
        receiver.answers["/gone"] = [500]
        tell(people)
        people.house.registered_models.delete(SYSTEM, gone.address, "a")
        people.house.scopes.delete(SYSTEM, gone.address)
        people.house.collection.collect(SYSTEM, grace_seconds=0)
        assert people.house.catalog.read(lambda tx: tx.webhooks.find(made.id)) is None
        overdue(people, made)
        tell(people)
        assert len(receiver.at("/gone")) == 1
        assert people.house.catalog.read(lambda tx: tx.webhooks.due(2**60)) == []

    def test_a_try_says_what_came_of_it(self, people, central, receiver):
        made = hook(people, central, receiver, "try", "model_version.created", secret="s")
        sent = people.house.webhooks.test(SYSTEM, central.address, made.id)
        assert sent.is_good
        assert sent.status == 200
        (came,) = receiver.at("/try")
        assert came.is_signed_with("s")
        assert (came.json["entity"], came.json["action"]) == ("model_version", "created")
        assert people.house.webhooks.test(SYSTEM, central.address, made.id, "model.promote").is_good
        with pytest.raises(InvalidError):
            people.house.webhooks.test(SYSTEM, central.address, made.id, "no.such")


class TestTheOutbox:
    def test_forgets_nothing_that_is_still_to_be_told(self, people, central, receiver):
        people.version(central, name="old")
        hook(people, central, receiver, "kept", "model.create")
        people.version(central, name="new")
        events = people.house.catalog.read(lambda tx: tx.journal.events(0, 1000))
        untold = [one for one in events if one.path.endswith("/new/versions/1")]
        for one in events:  # as if all of it had happened long ago
            _backdate(people, one)
        people.house.collection.collect(SYSTEM)
        left = people.house.catalog.read(lambda tx: tx.journal.events(0, 1000))
        assert {one.id for one in untold} <= {one.id for one in left}
        assert len(left) < len(events)
        tell(people)
        assert len(receiver.at("/kept")) == 1
        people.house.collection.collect(SYSTEM)
        assert not {one.id for one in untold} & {
            one.id for one in people.house.catalog.read(lambda tx: tx.journal.events(0, 1000))
        }

    def test_keeps_what_is_young_and_the_newest(self, people, central):
        people.version(central, name="a")
        before = people.house.catalog.read(lambda tx: tx.journal.events(0, 1000))
        people.house.collection.collect(SYSTEM)
        after = people.house.catalog.read(lambda tx: tx.journal.events(0, 1000))
        assert after[: len(before)] == before


def _backdate(people, event):
    from sqlalchemy import text

    catalog = people.house.catalog

    def work(tx):
        session = tx.journal._session
        changed = structs.replace(event, at=1, sequence=0)
        from regista.drivers.catalog.sql.bodies import encoded

        session.core.execute(
            text("UPDATE events SET body = :b WHERE seq = :s"), {"b": encoded(changed), "s": event.sequence}
        )

    catalog.write(work)


class TestKeeping:
    def test_a_secret_is_sealed_and_never_shown(self, people, central, receiver):
        made = hook(people, central, receiver, "secret", secret="hush-hush")
        assert "hush-hush" not in repr(made)
        assert "hush-hush" not in repr(WebhookChange(secret="hush-hush"))
        records = people.house.catalog.read(lambda tx: tx.journal.events(0, 1000))
        assert "hush-hush" not in repr(records)
        again = people.house.webhooks.update(SYSTEM, central.address, made.id, WebhookChange(description="x"))
        assert again.sealed_secret == made.sealed_secret
        bare = people.house.webhooks.update(SYSTEM, central.address, made.id, WebhookChange(secret=""))
        assert bare.sealed_secret == ""
        assert people.house.webhooks.test(SYSTEM, central.address, made.id).is_good
        assert "x-mlflow-signature" not in receiver.at("/secret")[-1].headers

    def test_a_name_that_several_have_is_not_enough(self, people, central, receiver):
        first, second = (hook(people, central, receiver, "x") for _ in range(2))
        find = people.house.webhooks.get
        assert find(SYSTEM, central.address, second.id) == second
        with pytest.raises(ConflictError):
            find(SYSTEM, central.address, "h")
        people.house.webhooks.delete(SYSTEM, central.address, first.id)
        assert find(SYSTEM, central.address, "h") == second
        with pytest.raises(NotFoundError):
            find(SYSTEM, people.registry("other").address, second.id)

    @pytest.mark.parametrize(
        "wrong",
        [{"name": "-a"}, {"name": "a b"}, {"name": ""}, {"name": "a" * 64}, {"url": "http://example.com"}, {"url": ""},
         {"events": ()}, {"events": ("key.create",)}, {"events": ("model",)}, {"events": ("role.*",)},
         {"events": ("model_version.promoted",)}, {"events": ("*",) * (MOST + 1)}, {"secret": "x" * 1001}],
    )  # fmt: skip
    def test_what_is_none_is_refused(self, people, central, receiver, wrong):
        right = WebhookChange(name="a", url=receiver.url, events=("*",))
        with pytest.raises(InvalidError):
            people.house.webhooks.create(SYSTEM, central.address, structs.replace(right, **wrong))
        assert people.house.webhooks.list(SYSTEM, central.address) == []

    def test_only_who_may_change_the_scope_may_have_any(self, people, central, receiver):
        made = hook(people, central, receiver, "mine")
        reader, stranger = people.somebody("reader", registry_user=central.path), people.somebody("stranger")
        service = people.house.webhooks
        for who, refusal in ((reader, ForbiddenError), (stranger, NotFoundError)):
            for ask in (
                lambda who=who: service.list(who, central.address),
                lambda who=who: service.get(who, central.address, made.id),
                lambda who=who: service.test(who, central.address, made.id),
                lambda who=who: service.delete(who, central.address, made.id),
                lambda who=who: service.update(who, central.address, made.id, WebhookChange(name="x")),
                lambda who=who: service.deliveries(who, central.address, made.id, PageRequest()),
            ):
                with pytest.raises(refusal):
                    ask()
