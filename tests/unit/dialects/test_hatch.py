"""Open files through the hatch: who gets one, what can be done with it, and what strangers and liars get."""

import json
import os
import socket
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import pytest

from regista.dialects.native.hatch import Hatch
from regista.entities.asset import AssetKind
from regista.entities.digest import digest_of
from regista.entities.scope import Store
from regista.errors import ForbiddenError, NotFoundError
from regista.services.access.access import SYSTEM
from regista.services.content import handovers
from tests.support.houses import People, open_house

CONTENT = b"weights" * 100_000
DIGEST = digest_of(CONTENT)


@pytest.fixture
def house(tmp_path):
    with open_house(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def hatch(house):
    opened = Hatch(house.handovers)
    opened.open()
    yield opened
    opened.close()


@pytest.fixture
def people(house, hatch):
    return People(house)


@pytest.fixture
def dev(people):
    scope = people.workspace("dev")
    people.version(scope, name="m", files={"f": CONTENT})
    return scope


@pytest.fixture
def ann(house, dev, people):
    """May write in dev, and calls from this machine."""
    return near(people.somebody("ann", Contributor=dev.path))


@pytest.fixture
def source(tmp_path):
    place = tmp_path / "source"
    place.write_bytes(CONTENT)
    return place


def near(caller):
    return msgspec.structs.replace(caller, address="127.0.0.1")


def opened_by(house, caller, scope):
    return house.assets.open(caller, scope.address, AssetKind.MODEL, "m", "1", "f")


@contextmanager
def called(ticket, first=None):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as call:
        call.settimeout(20)
        call.connect(f"\0{ticket.socket}")
        call.send(json.dumps({"token": ticket.token}).encode() if first is None else first)
        yield call


def heard(call):
    said = call.recv(65536)
    return json.loads(said) if said else None


def brought(call, *files, words=b'{"digest": null}'):
    """The answer; None when the call is over."""
    try:
        socket.send_fds(call, [words], list(files))
        return heard(call)
    except (BrokenPipeError, ConnectionResetError):
        return None


def fetched(ticket):
    with called(ticket) as call:
        said, files, _, _ = socket.recv_fds(call, 65536, 4)
        return files, said


def answered(ticket, file):
    """Whether a call gets through."""
    try:
        with called(ticket) as call:
            return brought(call, file.fileno()) is not None
    except OSError:
        return False


def until(holds, seconds=20):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


class TestBringing:
    def test_a_file_is_copied_and_may_be_named_by_who_brought_it(self, house, dev, ann, people, source):
        with called(house.handovers.bring(ann, dev.address)) as call, source.open("rb") as file:
            assert brought(call, file.fileno()) == {"digest": DIGEST, "size": len(CONTENT)}
        assert house.contents.missing(ann, dev.address, {DIGEST: len(CONTENT)}) == []
        other = people.somebody("bob", Contributor=people.workspace("other").path)
        with pytest.raises(NotFoundError):
            house.contents.missing(other, dev.address, {DIGEST: len(CONTENT)})

    def test_the_blob_is_another_file_than_the_one_that_was_handed_over(self, house, dev, ann, tmp_path):
        fresh, changed = os.urandom(3 << 20), tmp_path / "fresh"
        changed.write_bytes(fresh)
        with called(house.handovers.bring(ann, dev.address)) as call, changed.open("r+b", buffering=0) as file:
            digest = brought(call, file.fileno())["digest"]
            file.write(b"other")
        assert house.contents.store(dev).get(digest) == fresh

    def test_several_files_go_with_one_ticket_and_each_is_answered(self, house, dev, ann, tmp_path):
        with called(house.handovers.bring(ann, dev.address)) as call:
            for number in range(5):
                place = tmp_path / str(number)
                place.write_bytes(b"%d" % number)
                with place.open("rb") as file:
                    assert brought(call, file.fileno())["digest"] == digest_of(b"%d" % number)

    def test_another_digest_than_was_said_leaves_nothing(self, house, dev, ann, source):
        words = json.dumps({"digest": digest_of(b"other")}).encode()
        with called(house.handovers.bring(ann, dev.address)) as call, source.open("rb") as file:
            assert brought(call, file.fileno(), words=words)["code"] == "digest_mismatch"
            assert heard(call) is None, "a refusal ends the call"

    @pytest.mark.parametrize("what", ["pipe", "folder", "socket", "device", "process", "nothing", "two"])
    def test_what_is_no_file_is_refused(self, house, dev, ann, tmp_path, what):
        before = set(house.contents.store(dev).digests())
        made = {
            "pipe": os.pipe,
            "folder": lambda: [os.open(tmp_path, os.O_RDONLY)],
            "socket": lambda: [one.detach() for one in socket.socketpair()][:1],
            "device": lambda: [os.open("/dev/zero", os.O_RDONLY)],
            "process": lambda: [os.pidfd_open(os.getpid())],
            "nothing": list,
            "two": lambda: [os.open(__file__, os.O_RDONLY) for _ in range(2)],
        }
        files = list(made[what]())
        with called(house.handovers.bring(ann, dev.address)) as call:
            assert brought(call, *files[: 2 if what == "two" else 1])["code"] == "invalid"
        for file in files:
            os.close(file)
        assert set(house.contents.store(dev).digests()) == before

    def test_a_file_of_the_system_has_no_bytes_to_copy(self, house, dev, ann):
        """It says that it is empty, and is copied as far as it says; the server may read there what the caller may not."""
        with called(house.handovers.bring(ann, dev.address)) as call, Path("/proc/self/maps").open("rb") as file:
            assert brought(call, file.fileno()) == {"digest": digest_of(b""), "size": 0}

    def test_a_file_that_was_opened_to_write_only_cannot_be_read(self, house, dev, ann, source):
        with called(house.handovers.bring(ann, dev.address)) as call, source.open("ab") as file:
            file.seek(0)
            assert brought(call, file.fileno())["code"] == "unavailable"

    @pytest.mark.parametrize(
        "words", [b"{", b"[]", b"\xff\xfe", b'{"digest": 1}', b'{"digest": "sha256:x"}', b'{"digest": "' + b"x" * 9000]
    )
    def test_words_that_make_no_sense_are_refused(self, house, dev, ann, source, words):
        with called(house.handovers.bring(ann, dev.address)) as call, source.open("rb") as file:
            assert brought(call, file.fileno(), words=words)["code"] == "invalid"

    def test_a_key_that_was_revoked_meanwhile_brings_nothing_more(self, house, dev, ann, tmp_path):
        new = tmp_path / "new"
        new.write_bytes(b"new")
        with called(house.handovers.bring(ann, dev.address)) as call, new.open("rb") as file:
            house.principals.revoke_key(SYSTEM, "ann", ann.key)
            assert brought(call, file.fileno())["code"] == "unauthenticated"
        assert not house.contents.store(dev).exists(digest_of(b"new"))

    def test_a_right_that_was_taken_away_meanwhile_is_gone(self, house, dev, ann, tmp_path):
        new = tmp_path / "new"
        new.write_bytes(b"new")
        with called(house.handovers.bring(ann, dev.address)) as call, new.open("rb") as file:
            (assigned,) = house.principals.assignments(SYSTEM, path=dev.path)
            house.principals.unassign(SYSTEM, assigned.id)
            assert brought(call, file.fileno())["code"] == "not_found"
        assert not house.contents.store(dev).exists(digest_of(b"new"))

    def test_who_may_bring_nothing_gets_no_ticket(self, house, dev, people):
        with pytest.raises(ForbiddenError):
            house.handovers.bring(near(people.somebody("eve", Reader=dev.path)), dev.address)
        with pytest.raises(NotFoundError):
            house.handovers.bring(near(people.somebody("mallory")), dev.address)


class TestFetching:
    def test_the_blob_is_open_to_be_read_and_not_to_be_written(self, house, dev, ann):
        (file,), said = fetched(house.handovers.fetch(ann, opened_by(house, ann, dev)))
        assert said == b"{}"
        with os.fdopen(file, "rb") as opened:
            assert opened.read() == CONTENT
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.pwrite(file, b"x", 0)
            with pytest.raises(OSError, match=r"Bad file descriptor|Invalid argument"):
                os.ftruncate(file, 0)
        assert house.contents.store(dev).get(DIGEST) == CONTENT

    def test_a_ticket_opens_one_call(self, house, dev, ann):
        ticket = house.handovers.fetch(ann, opened_by(house, ann, dev))
        files, _ = fetched(ticket)
        os.close(files[0])
        files, said = fetched(ticket)
        assert files == []
        assert json.loads(said)["code"] == "not_found"

    def test_a_ticket_ends_by_itself(self, house, dev, ann, monkeypatch):
        monkeypatch.setattr(handovers, "_LIFE_SECONDS", -1.0)
        files, said = fetched(house.handovers.fetch(ann, opened_by(house, ann, dev)))
        assert files == []
        assert json.loads(said)["code"] == "not_found"

    def test_a_key_that_was_revoked_meanwhile_fetches_nothing(self, house, dev, ann):
        ticket = house.handovers.fetch(ann, opened_by(house, ann, dev))
        house.principals.revoke_key(SYSTEM, "ann", ann.key)
        files, said = fetched(ticket)
        assert files == []
        assert json.loads(said)["code"] == "unauthenticated"

    def test_a_ticket_to_bring_fetches_nothing_and_the_other_way_round(self, house, dev, ann, source):
        with called(house.handovers.bring(ann, dev.address)) as call:
            call.send(b"{}")
            said, files, _, _ = socket.recv_fds(call, 65536, 4)
            assert files == []
            assert json.loads(said)["code"] == "invalid"
        before = set(house.contents.store(dev).digests())
        with called(house.handovers.fetch(ann, opened_by(house, ann, dev))) as call, source.open("rb") as file:
            _, files, _, _ = socket.recv_fds(call, 65536, 4)
            os.close(files[0])
            assert brought(call, file.fileno()) is None
        assert set(house.contents.store(dev).digests()) == before

    def test_a_blob_that_is_gone_meanwhile_is_not_there(self, house, dev, ann):
        ticket = house.handovers.fetch(ann, opened_by(house, ann, dev))
        house.contents.store(dev).delete(DIGEST)
        files, said = fetched(ticket)
        assert files == []
        assert json.loads(said)["code"] == "not_found"

    def test_a_store_without_files_has_none_to_hand_over(self, house, people):
        house.stores.put(SYSTEM, Store(name="ram", url="memory:", regions=("ram",)))
        shelf = people.registry("shelf", "ram")
        people.version(shelf, name="m", files={"f": CONTENT})
        bob = near(people.somebody("bob", Reader=shelf.path))
        with pytest.raises(NotFoundError):
            house.handovers.fetch(bob, opened_by(house, bob, shelf))


class TestStrangers:
    @pytest.mark.parametrize(
        "first",
        [
            b"",
            b"{",
            b"\xff",
            b"[]",
            b'{"token": ""}',
            b'{"token": "x"}',
            b'{"token": null}',
            b'{"token": "' + b"x" * 9000,
        ],
    )
    def test_without_a_ticket_nothing_is_to_be_had(self, house, dev, ann, first):
        ticket = house.handovers.fetch(ann, opened_by(house, ann, dev))
        with called(ticket, first) as call:
            said, files, _, _ = socket.recv_fds(call, 65536, 4)
        assert files == []
        assert json.loads(said)["code"] in {"not_found", "invalid"}
        assert ticket.token not in said.decode()
        files, _ = fetched(ticket)
        os.close(files[0])

    def test_files_before_a_ticket_are_closed(self, house, dev, ann, source):
        ticket = house.handovers.fetch(ann, opened_by(house, ann, dev))
        reading, writing = os.pipe()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as call:
            call.connect(f"\0{ticket.socket}")
            socket.send_fds(call, [b'{"token": "x"}'], [writing])
            os.close(writing)
            assert heard(call)["code"] == "not_found"
        assert os.read(reading, 1) == b"", "nobody holds the other end"
        os.close(reading)

    @pytest.mark.parametrize("address", ["192.0.2.1", "", "::ffff:192.0.2.1", "localhost", "x"])
    def test_who_calls_from_elsewhere_gets_no_ticket(self, house, dev, ann, address):
        away = msgspec.structs.replace(ann, address=address)
        with pytest.raises(NotFoundError):
            house.handovers.bring(away, dev.address)
        with pytest.raises(NotFoundError):
            house.handovers.fetch(away, opened_by(house, ann, dev))

    def test_who_is_slow_holds_up_only_itself(self, house, dev, ann, people, source):
        tickets = [house.handovers.bring(ann, dev.address) for _ in range(9)]
        with ExitStack() as calls, source.open("rb") as file:
            for ticket in tickets[:8]:
                assert "digest" in brought(calls.enter_context(called(ticket)), file.fileno())
            with called(tickets[8]) as call:
                assert heard(call)["code"] == "not_found"
            bob = near(people.somebody("bob", Contributor=dev.path))
            files, _ = fetched(house.handovers.fetch(bob, opened_by(house, bob, dev)))
            os.close(files[0])

    def test_more_calls_than_there_are_places_are_ended(self, house, dev, ann, hatch, source):
        hatch._free = threading.BoundedSemaphore(1)  # for good: a call that is ending gives back where it took
        first, second, third = (house.handovers.bring(ann, dev.address) for _ in range(3))
        with called(first) as call, source.open("rb") as file:
            assert brought(call, file.fileno())["size"] == len(CONTENT)
            assert not answered(second, file)
        with source.open("rb") as file:
            until(lambda: answered(third, file))

    def test_tickets_that_nobody_uses_are_forgotten(self, house, dev, ann, monkeypatch):
        monkeypatch.setattr(handovers, "_MOST_TICKETS", 2)
        monkeypatch.setattr(handovers, "_LIFE_SECONDS", -1.0)
        for _ in range(2):
            house.handovers.bring(ann, dev.address)
        monkeypatch.undo()
        monkeypatch.setattr(handovers, "_MOST_TICKETS", 2)
        for _ in range(2):
            house.handovers.bring(ann, dev.address)
        with pytest.raises(NotFoundError):
            house.handovers.bring(ann, dev.address)

    def test_after_closing_there_are_no_tickets_and_nobody_answers(self, house, dev, ann, hatch):
        ticket = house.handovers.bring(ann, dev.address)
        hatch.close()
        with pytest.raises(NotFoundError):
            house.handovers.bring(ann, dev.address)
        with pytest.raises(OSError), called(ticket):  # noqa: PT011 - refused, as it comes
            pass
