"""What every serving host has to do. A driver's tests subclass ``ServingHostContract`` and give it a host."""

import signal
import time
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from regista.entities.digest import Digest, digest_of
from regista.entities.manifest import Manifest, ManifestEntry
from regista.errors import NotFoundError
from regista.interfaces.blobs import BlobStore
from regista.interfaces.runtimes import BuiltEnvironment
from regista.interfaces.serving import Instance, InstanceState, Probe, ServingHost, ServingKey, ServingOrder

T = TypeVar("T")

KEY = ServingKey("0123456789abcdef", "flights", "blue", 1)
SCRIPT = b"""
import json, os
def init():
    print("hello from init")
def run(raw):
    return {"model": sorted(os.listdir(os.environ["AZUREML_MODEL_DIR"])), "pid": os.getpid()}
"""
BROKEN = b"def init():\n    raise RuntimeError('no such table')\ndef run(raw):\n    return 1\n"


def until(holds: Callable[[], T], seconds: float = 20.0) -> T:
    """The first true value of *holds*; fail after *seconds*."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := holds():
            return value
        time.sleep(0.03)
    raise AssertionError("it did not come true in time")


def stored(store: BlobStore, files: dict[str, bytes]) -> Digest:
    """Put a content of *files* into the store."""
    entries = [ManifestEntry(path, store.put(content), len(content)) for path, content in files.items()]
    return store.put(Manifest.of(entries).encode())


class ServingHostContract:
    """Give fixtures ``host``, ``again`` (makes another host over the same state), ``store``, ``environment`` (an
    environment that needs no layer) and ``kill`` (ends an instance's process the hard way)."""

    @pytest.fixture
    def host(self) -> ServingHost:
        raise NotImplementedError

    @pytest.fixture
    def again(self) -> Callable[[], ServingHost]:
        raise NotImplementedError

    @pytest.fixture
    def store(self) -> BlobStore:
        raise NotImplementedError

    @pytest.fixture
    def environment(self) -> BuiltEnvironment:
        raise NotImplementedError

    @pytest.fixture
    def kill(self) -> Callable[[ServingKey, int, signal.Signals], None]:
        raise NotImplementedError

    @pytest.fixture
    def order(self, host: ServingHost, store: BlobStore, environment: BuiltEnvironment) -> Callable[..., ServingOrder]:
        """Makes orders that differ in what is given."""

        def make(script: bytes = SCRIPT, **given: Any) -> ServingOrder:
            model = host.place(store, stored(store, {"model.bin": b"weights"}))
            code = host.place(store, stored(store, {"score.py": script}))
            fields: dict[str, Any] = {
                "key": KEY,
                "name": "flights",
                "probe": Probe(period=0.1, failures=3, timeout=1.0),
            }
            return ServingOrder(environment=environment, model=model, code=code, script="score.py", **fields | given)

        return make

    @pytest.fixture(autouse=True)
    def _leave_nothing(self, host: ServingHost) -> Any:
        yield
        for key in host.generations():
            until(lambda key=key: host.stop(key))  # type: ignore[misc]
            host.forget(key)
        assert host.generations() == []

    def ready(self, host: ServingHost, key: ServingKey = KEY, count: int = 1) -> tuple[Instance, ...]:
        """Tend until *count* instances are ready."""

        def all_ready() -> tuple[Instance, ...]:
            found = host.tend(key, count) or ()
            good = [one for one in found if one.state is InstanceState.READY]
            return found if len(good) == count == len(found) else ()

        return until(all_ready)

    def test_a_key_without_an_order_is_not_tended(self, host: ServingHost) -> None:
        assert host.tend(KEY, 1) is None
        assert host.stop(KEY)
        host.forget(KEY)

    def test_as_many_instances_are_ready_as_were_ordered(
        self, host: ServingHost, order: Callable[..., ServingOrder]
    ) -> None:
        host.deploy(order())
        first, second = self.ready(host, count=2)
        assert first.address != second.address
        assert (first.number, second.number) == (0, 1)

    def test_another_host_finds_what_the_first_started(
        self, host: ServingHost, again: Callable[[], ServingHost], order: Callable[..., ServingOrder]
    ) -> None:
        host.deploy(order())
        (before,) = self.ready(host)
        assert again().tend(KEY, 1) == (before,)
        assert again().generations() == [KEY]

    def test_an_instance_that_was_killed_is_replaced(
        self, host: ServingHost, order: Callable[..., ServingOrder], kill: Callable[..., None]
    ) -> None:
        host.deploy(order())
        (before,) = self.ready(host)
        kill(KEY, 0, signal.SIGKILL)
        until(lambda: (host.tend(KEY, 1) or (before,))[0].state is not InstanceState.READY)
        (after,) = self.ready(host)
        assert after.address != before.address
        assert host.read_log(KEY, 0)[1].count(b"hello from init") == 2

    def test_an_instance_that_does_not_answer_is_replaced(
        self, host: ServingHost, order: Callable[..., ServingOrder], kill: Callable[..., None]
    ) -> None:
        host.deploy(order(probe=Probe(period=0.05, failures=2, timeout=0.2), request_timeout=0.5))
        (before,) = self.ready(host)
        kill(KEY, 0, signal.SIGSTOP)
        until(lambda: (host.tend(KEY, 1) or (before,))[0].state is InstanceState.WAITING)
        (after,) = self.ready(host)
        assert after.address != before.address

    def test_a_script_that_fails_is_told_with_its_own_words(
        self, host: ServingHost, order: Callable[..., ServingOrder]
    ) -> None:
        host.deploy(order(BROKEN))

        def failed() -> Instance | None:
            (one,) = host.tend(KEY, 1) or ()
            return one if one.failures >= 2 else None

        failure = until(failed)
        assert failure is not None
        assert failure.address is None
        assert "no such table" in failure.message

    def test_stopped_is_stopped_for_good(self, host: ServingHost, order: Callable[..., ServingOrder]) -> None:
        host.deploy(order())
        self.ready(host, count=2)
        until(lambda: host.stop(KEY))
        assert host.tend(KEY, 1) is None
        assert b"hello from init" in host.read_log(KEY, 0)[1]

    def test_fewer_instances_can_be_wanted_later(self, host: ServingHost, order: Callable[..., ServingOrder]) -> None:
        host.deploy(order())
        first, _ = self.ready(host, count=2)
        assert self.ready(host, count=1) == (first,)
        until(lambda: host.stop(KEY, first=1))
        assert self.ready(host, count=1) == (first,)

    def test_logs_are_read_on_from_where_they_were(self, host: ServingHost, order: Callable[..., ServingOrder]) -> None:
        host.note(KEY, "locking")
        host.note(KEY, "building")
        assert host.read_log(KEY, None) == (0, b"locking\nbuilding\n")
        assert host.read_log(KEY, None, offset=8) == (8, b"building\n")
        assert host.read_log(KEY, None, offset=-9, limit=5) == (8, b"build")
        assert host.read_log(KEY, 0) == (0, b"")
        host.deploy(order())
        self.ready(host)
        _, whole = host.read_log(KEY, 0)
        assert host.read_log(KEY, 0, offset=len(whole)) == (len(whole), b"")

    def test_contents_are_placed_once_and_verified(self, host: ServingHost, store: BlobStore) -> None:
        digest = stored(store, {"a/b.txt": b"text", "c": b""})
        place = host.place(store, digest)
        assert (place / "a/b.txt").read_bytes() == b"text"
        assert host.place(store, digest) == place

    def test_a_content_that_lacks_a_file_is_not_placed(self, host: ServingHost, store: BlobStore) -> None:
        absent = ManifestEntry("model.bin", digest_of(b"never stored"), 12)
        digest = store.put(Manifest.of([absent]).encode())
        for _ in range(2):
            with pytest.raises(NotFoundError):
                host.place(store, digest)

    def test_there_is_room(self, host: ServingHost) -> None:
        assert host.free_bytes() > 0
