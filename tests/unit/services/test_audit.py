"""What is read is written down beside the requests: once a minute for the same thing, refusals too, and never for long."""

import logging
import threading

import pytest
from anyio.from_thread import start_blocking_portal
from msgspec import structs

from regista.entities.access import Role
from regista.entities.asset import AssetKind
from regista.entities.journal import AuditQuestion, AuditSettings, Reads
from regista.entities.page import PageRequest
from regista.entities.scope import ScopeAddress, ScopeKind
from regista.errors import ForbiddenError, InvalidError
from regista.services.access.access import SYSTEM
from regista.services.audit import book as books
from regista.services.audit.reads import ACTS
from tests.support.door import Door
from tests.support.houses import NOBODY

MODEL = AssetKind.MODEL
DEV = "/subscriptions/default/resourceGroups/default/workspaces/dev"


class Place:
    """A workspace ``dev`` with a model, its owner, and somebody else, all of whom come through the door."""

    def __init__(self, people, portal):
        self.house, self.people = people.house, people
        self.dev = people.workspace("dev")
        people.version(self.dev, name="churn", files={"a.txt": b"a", "b.txt": b"b"})
        self.ask = Door(people.house, portal)
        self.owner, self.other = self.key("ann", Owner="/"), self.key("eve")

    def key(self, name, **roles):
        self.people.somebody(name, **roles)
        return self.house.principals.create_key(SYSTEM, name, "k").secret

    def reads(self, **question):
        """(principal, action, path behind the workspace's, outcome, count), oldest first."""
        page = self.house.audit.page(SYSTEM, AuditQuestion(**question), PageRequest(1000))
        found = [one for one in reversed(page.items) if one.read]
        return [(one.principal, one.action, one.path.replace(DEV, "dev"), one.outcome, one.count) for one in found]


@pytest.fixture
def place(people):
    with start_blocking_portal() as portal:
        yield Place(people, portal)


def test_every_door_leaves_who_did_what_to_what_from_where(place):
    place.ask("GET", "/workspaces/dev/models/churn/versions/1", place.owner)
    place.ask("GET", "/workspaces/dev/models/churn/labels/latest", place.owner)
    place.ask("GET", "/workspaces/dev/models", place.owner)
    place.ask("GET", "/workspaces/dev/models/churn/versions/1/trace", place.owner)
    place.ask("GET", "/mlflow/workspaces/dev/api/2.0/mlflow/model-versions/get?name=churn&version=1", place.owner)
    place.ask("GET", "/workspaces/dev", place.owner)
    assert place.reads() == [
        ("ann", "model.get", "dev/models/churn/versions/1", "done", 3),
        ("ann", "model.list", "dev/models", "done", 1),
        ("ann", "model.trace", "dev/models/churn/versions/1", "done", 1),
        ("ann", "workspace.get", "dev", "done", 1),
    ]
    first = place.house.audit.page(SYSTEM, AuditQuestion(action="model.get"), PageRequest()).items[-1]
    assert first.address == "127.0.0.1"
    assert len(first.request_id) == 16
    assert first.at <= first.until


def test_the_files_of_a_version_are_one_record(place):
    for name in ("a.txt", "b.txt", "a.txt"):
        assert place.ask("GET", f"/workspaces/dev/models/churn/versions/1/files/{name}", place.owner).status_code == 200
    assert ("ann", "model.download", "dev/models/churn/versions/1", "done", 3) in place.reads()


def test_a_container_is_where_its_files_belong(place):
    from regista.services.audit.containers import container_place

    version = place.house.assets.get(SYSTEM, place.dev.address, MODEL, "churn", "1")
    read = place.house.catalog.read
    names = {
        f"regista-version-{version.id}": f"{DEV}/models/churn/versions/1",
        f"regista-folder-{version.id}": f"{DEV}/models/churn/versions/1",
        f"regista-files-{place.dev.id}": f"{DEV}/files",
        f"regista-jobs-{place.dev.id}": f"{DEV}/jobs",
        f"regista-area-{'0' * 32}": f"/containers/regista-area-{'0' * 32}",
        f"regista-files-{'0' * 32}": f"/containers/regista-files-{'0' * 32}",
        "other": "/containers/other",
    }
    assert {name: read(lambda tx, name=name: container_place(tx, name)) for name in names} == names
    caller = structs.replace(SYSTEM, request_id="r")
    place.house.files.open(caller, f"regista-version-{version.id}", "a.txt")
    assert place.reads() == [("system", "file.download", "dev/models/churn/versions/1", "done", 1)]


def test_refusals_are_written_down_where_it_happened_also_to_who_must_not_know_the_place(place):
    some = place.key("sam", Reader=DEV)
    assert place.ask("GET", "/workspaces/dev/models/churn/versions/1", place.other).status_code == 404
    assert place.ask("GET", "/workspaces/nowhere/models/x", place.other).status_code == 404
    assert place.ask("PATCH", "/workspaces/dev/models/churn", some, json={"description": "x"}).status_code == 403
    assert place.reads() == [
        ("eve", "model.get", "dev/models/churn/versions/1", "not_found", 1),
        ("eve", "model.get", "/workspaces/nowhere/models/x", "not_found", 1),
        ("sam", "model.update", "dev/models/churn", "forbidden", 1),
    ]


def test_a_key_that_opens_nothing_is_written_down_without_the_key(place):
    for _ in range(3):
        assert place.ask("GET", "/workspaces/dev", "rga_wrong").status_code == 401
    assert place.reads() == [("-", "key.use", "/", "unauthenticated", 3)]
    assert place.reads(outcome="unauthenticated", since=1) == place.reads()


def test_logging_a_metric_leaves_nothing_in_the_book(place):
    """That is where scripts log thousands a second: it is no read, and costs none."""
    api = "/mlflow/workspaces/dev/api/2.0/mlflow/runs"
    run = place.ask("POST", f"{api}/create", place.owner, json={"experiment_id": "0"}).json()["run"]["info"]["run_id"]
    place.house.audit_book.flush()
    metric = {"run_id": run, "key": "m", "value": 1.0, "timestamp": 1}
    assert place.ask("POST", f"{api}/log-metric", place.owner, json=metric).status_code == 200
    assert place.house.audit_book._fresh == []
    assert [one for one in place.reads() if one[1].startswith("run.")] == []


def test_what_services_ask_of_one_another_is_not_written_down(place):
    place.house.assets.get(SYSTEM, place.dev.address, MODEL, "churn", "1")
    assert place.reads() == []


def test_a_poll_is_one_record_a_minute(place, monkeypatch):
    at = [books.now()]
    monkeypatch.setattr(books, "now", lambda: at[0])
    monkeypatch.setattr(books.AuditBook, "_start", lambda _: None)
    for _ in range(90):
        place.ask("GET", "/workspaces/dev/models/churn/versions/1", place.owner)
        at[0] += 1000
        place.house.audit_book.flush()
    assert [count for *_, count in place.reads()] == [60, 30]
    newest = place.house.audit.page(SYSTEM, AuditQuestion(action="model.get"), PageRequest()).items[0]
    assert newest.until - newest.at == 29_000


def test_sensitive_reads_alone_where_that_is_wanted(place):
    place.house.audit.configure(SYSTEM, AuditSettings(reads=Reads.SENSITIVE))
    place.ask("GET", "/workspaces/dev/models/churn/versions/1", place.owner)
    place.ask("GET", "/workspaces/dev/models/churn/versions/1/files/a.txt", place.owner)
    place.ask("GET", "/workspaces/dev/models/churn/versions/1", place.other)
    assert [(action, outcome) for _, action, _, outcome, _ in place.reads()] == [
        ("model.download", "done"),
        ("model.get", "not_found"),
    ]


def test_nothing_where_nothing_is_wanted(place):
    place.house.audit.configure(SYSTEM, AuditSettings(reads=Reads.OFF))
    place.ask("GET", "/workspaces/dev/models/churn/versions/1/files/a.txt", place.owner)
    place.ask("GET", "/workspaces/dev", place.other)
    assert place.reads() == []


def test_only_owners_of_the_installation_say_what_is_written_down(place, people):
    with pytest.raises(ForbiddenError):
        place.house.audit.configure(people.somebody("own", Owner=DEV), AuditSettings())
    with pytest.raises(InvalidError):
        place.house.audit.configure(SYSTEM, AuditSettings(retention_days=-1))
    with pytest.raises(ForbiddenError):
        place.house.audit.settings(NOBODY)
    place.house.audit.configure(SYSTEM, AuditSettings(retention_days=7))
    assert place.house.audit.settings(SYSTEM).retention_days == 7


def test_reads_are_forgotten_after_their_time_and_changes_are_not(place, monkeypatch):
    place.ask("GET", "/workspaces/dev", place.owner)
    assert len(place.reads()) == 1
    changes = len(place.house.audit.page(SYSTEM, AuditQuestion(action="model.create"), PageRequest()).items)
    at = books.now() + 91 * books.DAY
    monkeypatch.setattr(books, "now", lambda: at)
    place.ask("GET", "/workspaces/dev/models", place.owner)
    assert [action for _, action, *_ in place.reads()] == ["model.list"]
    assert len(place.house.audit.page(SYSTEM, AuditQuestion(action="model.create"), PageRequest()).items) == changes


def test_it_writes_by_itself_and_its_thread_ends(place, monkeypatch):
    monkeypatch.setattr(books, "_PAUSE", 0.02)
    monkeypatch.setattr(books, "WINDOW", 50)
    place.ask("GET", "/workspaces/dev", place.owner)
    thread = next(one for one in threading.enumerate() if one.name == "regista-audit")
    thread.join(10)
    assert not thread.is_alive()
    found = place.house.catalog.read(lambda tx: tx.journal.audit(AuditQuestion(action="workspace.get"), PageRequest()))
    assert [one.principal for one in found.items] == ["ann"]
    place.ask("GET", "/workspaces/dev", place.owner)
    assert place.reads(action="workspace.get")[-1][0] == "ann"


def test_what_is_in_hand_is_written_down_at_the_end(place):
    place.ask("GET", "/workspaces/dev", place.owner)
    place.house.audit_book.close()
    place.house.audit_book.close()
    found = place.house.catalog.read(lambda tx: tx.journal.audit(AuditQuestion(action="workspace.get"), PageRequest()))
    assert len(found.items) == 1


def test_a_flood_is_bounded_and_what_was_lost_is_counted(place, monkeypatch):
    monkeypatch.setattr(books, "MOST", 3)
    for number in range(5):
        place.ask("GET", f"/workspaces/dev/models/m{number}", place.owner)
    assert [(action, count) for _, action, _, _, count in place.reads()] == [("model.get", 1)] * 3 + [("audit.lost", 2)]


def test_a_catalog_that_is_gone_stops_nobody(place, caplog, monkeypatch):
    address = ScopeAddress(ScopeKind.WORKSPACE, "dev")
    place.house.catalog.close()
    with caplog.at_level(logging.WARNING):
        place.house.audit_book.saw(NOBODY, "model.get", address, "/models/x")
        place.house.audit_book.close()
    assert "1 reads could not be written down" in caplog.text


@pytest.mark.parametrize("name", ["{kind}", "a{b}", "x" * 5000, "a%00b", "%1b[31m", "%F0%9F%98%80"])
def test_hostile_names_are_kept_in_a_form_that_does_no_harm(place, name):
    place.ask("GET", f"/workspaces/dev/models/{name}", place.owner)
    place.ask("GET", f"/workspaces/{name}/models/x", place.owner)
    for _, _, path, *_ in place.reads():
        assert path.isprintable()
        assert len(path) < 1000


def test_who_may_not_read_the_audit_of_a_place_reads_none_of_it(place, people):
    place.house.principals.put_role(SYSTEM, Role(name="Everything to read", permissions=("*/read",)))
    reader = people.somebody("reader", Reader="/")
    with pytest.raises(ForbiddenError, match="audit/records"):
        place.house.audit.page(reader, AuditQuestion(), PageRequest())
    with pytest.raises(InvalidError):
        place.house.audit.page(reader, AuditQuestion(), PageRequest(), path="dev")


def test_an_owner_of_a_scope_reads_its_audit_from_its_beginning_on(place, people):
    people.workspace("other")
    place.ask("GET", "/workspaces/dev/models", place.other)
    own = people.somebody("own", Owner=DEV)
    found = place.house.audit.page(own, AuditQuestion(), PageRequest()).items
    assert {one.path[: len(DEV)] for one in found} == {DEV}
    assert {"workspace.create", "model.create", "model.list", "role.assign"} <= {one.action for one in found}
    place.house.scopes.delete(SYSTEM, place.dev.address)
    made = people.workspace("dev")
    own = people.somebody("heir", Owner=DEV)
    seen = place.house.audit.page(own, AuditQuestion(), PageRequest()).items
    assert seen
    assert all(one.at >= made.created_at for one in seen)
    everything = place.house.audit.page(SYSTEM, AuditQuestion(), PageRequest(), path=DEV).items
    assert len(everything) > len(seen)


def test_events_are_told_to_who_may_read_the_thing(place, people):
    everything = place.house.audit.events(SYSTEM, 0, 1000)
    assert {"workspace.create", "model.create", "principal.create"} <= {one.type for one in everything.items}
    reader = people.somebody("reader", Reader=DEV)
    told = place.house.audit.events(reader, 0, 1000)
    assert [one.type for one in told.items] == ["workspace.create", "model.create", "role.assign"]
    assert all(one.data == {} for one in told.items)
    assert told.next == place.house.audit.events(SYSTEM, told.next - 1, 10).items[0].sequence
    assert place.house.audit.events(NOBODY, 0, 10).items == ()
    page = place.house.audit.events(SYSTEM, 0, 2)
    assert (
        place.house.audit.events(SYSTEM, page.next, 1000).items
        == everything.items[2:] + place.house.audit.events(SYSTEM, everything.next, 1000).items
    )
    assert place.house.audit.events(SYSTEM, -2, 10).items == place.house.audit.events(SYSTEM, 0, 1000).items[-2:]
    assert place.house.audit.events(SYSTEM, -1000, 3).items == everything.items[:3]
    for wrong in ((-(2**63), 10), (2**63, 10), (0, 0)):
        with pytest.raises(InvalidError):
            place.house.audit.events(SYSTEM, *wrong)


def test_every_act_of_the_table_names_a_method_and_its_arguments(people):
    """A template that names an argument which is not there would fail at the first call, long after the change."""
    import inspect
    import string

    for noun, acts in ACTS.items():
        service = getattr(people.house, noun)._service
        for name, act in acts.items():
            known = set(inspect.signature(getattr(type(service), name)).parameters)
            texts = [act.action, *([act.tail] if isinstance(act.tail, str) else [])]
            asked = {
                field.partition(".")[0] for text in texts for _, field, _, _ in string.Formatter().parse(text) if field
            }
            assert asked <= known, (noun, name, asked - known)
