"""The port of the gateway where none was asked for."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from regista.drivers.executors.process import ProcessExecutor
from regista.drivers.serving import gateway as module
from regista.drivers.serving.gateway import Gateway, GatewayOptions
from regista.errors import UnavailableError

GIVEN_BY_LINUX = 32_768
"""Where ip_local_port_range begins unless somebody changed it."""


@pytest.fixture
def gateway(tmp_path):
    nothing = Path("nowhere")
    options = GatewayOptions(host="127.0.0.1", port=0, certificate=nothing, key=nothing, ca=nothing)

    def make():
        return Gateway(tmp_path / "gateway", tmp_path / "s", ProcessExecutor(), options)

    return make


def port_of(gateway):
    return int(gateway.url.rpartition(":")[2])


def test_it_is_none_that_a_connection_is_given(gateway):
    assert 1024 < port_of(gateway()) < GIVEN_BY_LINUX


def test_it_stays(gateway):
    assert port_of(gateway()) == port_of(gateway())


def test_everybody_who_asks_at_once_is_told_the_same(gateway):
    for _ in range(20):
        one = gateway()
        together = threading.Barrier(8)

        def ask(one=one, together=together):
            together.wait()
            return port_of(one)

        with ThreadPoolExecutor(8) as threads:
            assert len({asked.result() for asked in [threads.submit(ask) for _ in range(8)]}) == 1
        (one._root / "port").unlink()


def test_one_that_is_taken_is_not_chosen(gateway, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setattr(module, "_PORTS", range(taken.getsockname()[1], taken.getsockname()[1] + 1))
        with pytest.raises(UnavailableError, match="no free port"):
            gateway().url  # noqa: B018 - the port is chosen when it is asked for
