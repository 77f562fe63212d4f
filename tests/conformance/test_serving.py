"""Every driver of serving hosts against the contract."""

import hashlib
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import urllib3

from regista.bootstrap.certificates import ensure_certificates
from regista.conformance.serving import KEY, ServingHostContract, stored, until
from regista.drivers.blobs.local import LocalBlobStore
from regista.drivers.executors.process import ProcessExecutor
from regista.drivers.serving.gateway import GatewayOptions
from regista.drivers.serving.process import ProcessServingHost
from regista.drivers.serving.worker import PROGRAM
from regista.drivers.signing.ed25519 import Ed25519Signer
from regista.interfaces.blobs import BlobStore
from regista.interfaces.runtimes import BuiltEnvironment
from regista.interfaces.serving import Route, RouteTarget, ServingHost, ServingKey, ServingOrder, TokenRule
from regista.services.access.tokens import Tokens

pytestmark = pytest.mark.slow


def pid_of(root: Path, key: ServingKey, number: int) -> int:
    """The process of an instance's newest try, by the config file in its command line."""
    folder = root / str(key) / str(number)
    config = os.fsencode(folder / max((one.name for one in folder.iterdir()), key=int) / "work" / "config.json")
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if config in words and os.fsencode(PROGRAM / "__main__.py") == words[1]:
                return int(entry.name)
    raise AssertionError("there is no such process")


class TestProcessServingHost(ServingHostContract):
    """Confined where the machine can."""

    confine: bool | None = None

    @pytest.fixture
    def root(self) -> Iterator[Path]:
        """A short path, so that workers listen on sockets."""
        with tempfile.TemporaryDirectory(prefix="rs") as folder:
            yield Path(folder)

    @pytest.fixture
    def again(self, root: Path, tmp_path: Path) -> Iterator[Callable[[], ServingHost]]:
        ca, certificate, key = ensure_certificates(tmp_path / "tls", ("127.0.0.1",))
        gateway = GatewayOptions(host="127.0.0.1", port=0, certificate=certificate, key=key, ca=ca)
        executors = []

        def make() -> ServingHost:
            executor = ProcessExecutor(confine=self.confine)
            executors.append(executor)
            confined = executor.capabilities().confined
            return ProcessServingHost(root, executor, lambda _python, _report: (), gateway, confined=confined)

        yield make
        for executor in executors:
            executor.close()

    @pytest.fixture
    def host(self, again: Callable[[], ServingHost]) -> Iterator[ServingHost]:
        host = again()
        yield host
        assert isinstance(host, ProcessServingHost)
        until(host.stop_gateway)

    @pytest.fixture
    def store(self, tmp_path: Path) -> BlobStore:
        return LocalBlobStore(tmp_path / "store")

    @pytest.fixture
    def environment(self) -> BuiltEnvironment:
        return BuiltEnvironment(root=Path(sys.prefix), python=Path(sys.executable), read_only=(Path(sys.base_prefix),))

    @pytest.fixture
    def kill(self, root: Path) -> Callable[[ServingKey, int, signal.Signals], None]:
        return lambda key, number, how: os.kill(pid_of(root, key, number), how)

    def test_the_gateway_passes_requests_on(
        self, host: ServingHost, order: Callable[..., ServingOrder], tmp_path: Path
    ) -> None:
        host.deploy(order())
        (instance,) = self.ready(host)
        assert instance.address
        target = RouteTarget(addresses=(instance.address,))
        hashed = hashlib.sha256(b"secret").hexdigest()
        route = Route(path="dev/flights", key_hashes=(hashed,), traffic={"blue": 100}, targets={"blue": target})
        signer = Ed25519Signer(tmp_path / "keys")
        rule = TokenRule(signer=signer.public_key, audiences=("regista:endpoint:1",), callers=("k",))
        signed = Tokens(signer).issue_for("ann", "k", "regista:endpoint:1", None).text
        by_token = msgspec.structs.replace(route, path="dev/tokens", key_hashes=(), tokens=rule)
        until(lambda: host.route([route, by_token]))
        with urllib3.PoolManager(ca_certs=str(tmp_path / "tls" / "ca.pem")) as pool:
            url = f"{host.url}/endpoints/dev/flights/score"
            answer = pool.request("POST", url, body=b"{}", headers={"Authorization": "Bearer secret"})
            assert pool.request("POST", url, body=b"{}").status == 401
            tokens = f"{host.url}/endpoints/dev/tokens/score"
            for place, opens, status in (
                (tokens, signed, 200),
                (tokens, "secret", 401),
                (url, signed, 401),
                (tokens, signed[:-4] + "AAAA", 401),
            ):
                found = pool.request("POST", place, body=b"{}", headers={"Authorization": f"Bearer {opens}"})
                assert found.status == status, found.data
        said = msgspec.json.decode(answer.data)
        assert said["model"] == ["model.bin"]
        until(lambda: host.route([]))


class TestProcessServingHostUnconfined(TestProcessServingHost):
    """Where bubblewrap is missing; and with a path too long for sockets."""

    confine = False

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        return tmp_path / ("long-" * 20)

    def test_an_instance_cannot_spoil_the_store(self, host: ServingHost, store: BlobStore) -> None:
        place = host.place(store, stored(store, {"model.bin": b"weights"}))
        assert (place / "model.bin").stat().st_nlink == 1


def test_the_key_is_the_folder() -> None:
    assert str(KEY).count("/") == 3
