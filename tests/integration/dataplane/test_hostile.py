"""Callers who mean harm, and workers that answer nonsense."""

import hashlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.support.dataplane import KEY, Plane, Running, backend, plane as running_plane, score, talk

AUTH = b"Authorization: Bearer " + KEY.encode()
POST = b"POST /endpoints/ws/ep/score HTTP/1.1\r\nHost: h\r\n" + AUTH + b"\r\n"
SECOND = b"POST /endpoints/ws/ep/score HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}"

SMUGGLING = {
    "CL.TE": POST + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SECOND,
    "TE.CL": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n8\r\n{}      \r\n0\r\n\r\n" + SECOND,
    "TE.TE": POST + b"Transfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n\r\n0\r\n\r\n" + SECOND,
    "obscured TE": POST + b"Transfer-Encoding: \x0bchunked\r\nContent-Length: 2\r\n\r\n{}" + SECOND,
    "TE with a space": POST + b"Transfer-Encoding : chunked\r\nContent-Length: 2\r\n\r\n{}" + SECOND,
    "TE in a folded line": POST + b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 2\r\n\r\n{}" + SECOND,
    "CL.CL": POST + b"Content-Length: 2\r\nContent-Length: 90\r\n\r\n{}" + SECOND,
    "CL by LF": POST + b"X: y\nContent-Length: 90\r\nContent-Length: 2\r\n\r\n{}" + SECOND,
    "signed CL": POST + b"Content-Length: +2\r\n\r\n{}" + SECOND,
    "chunk with LF": POST + b"Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n" + SECOND,
    "chunk too long": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n" + SECOND,
    "negative chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n" + SECOND,
    "huge chunk": POST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n" + SECOND,
    "absolute form": b"POST http://h/endpoints/ws/ep/score HTTP/1.1\r\nHost: h\r\n"
    + AUTH
    + b"\r\nContent-Length: 2\r\n\r\n{}"
    + SECOND,
    "split by LF LF": b"GET /healthz HTTP/1.1\nHost: h\n\n" + SECOND + b"\r\n\r\n",
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_plane(tmp_path_factory.mktemp("hostile")) as made:
        made.write_table(deployments={"m": backend(made.named_worker("m"), timeout_ms=1500)}, traffic={"m": 100})
        yield made.gateway()


@pytest.mark.parametrize("sent", SMUGGLING.values(), ids=SMUGGLING.keys())
def test_no_second_request_hides_in_a_first(gateway: Running, sent: bytes) -> None:
    """One refusal, and the connection ends before anything after it is taken for a request."""
    came = gateway.raw(sent, 3)
    assert came.startswith(b"HTTP/1.1 400 "), came
    assert came.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in came
    assert score(gateway, 1).json["got"] == 1


def test_pipelined_requests_are_answered_in_order(gateway: Running) -> None:
    last = POST + b"Connection: close\r\nContent-Length: 12\r\n\r\n" + b'{"value": 3}'
    chunked = POST + b'Transfer-Encoding: chunked\r\n\r\n6\r\n{"valu\r\n6;x=y\r\ne": 2}\r\n0\r\nT: x\r\n\r\n'
    came = gateway.raw(POST + b"Content-Length: 12\r\n\r\n" + b'{"value": 1}' + chunked + last)
    assert [came.find(b'"got":%d' % number) for number in (1, 2, 3)] == sorted(
        came.find(b'"got":%d' % number) for number in (1, 2, 3)
    )
    assert came.count(b"HTTP/1.1 200 ") == 3


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (POST + b"X: " + b"a" * 40_000 + b"\r\n\r\n", 431),
        (POST + b"".join(b"X%d: y\r\n" % number for number in range(200)) + b"\r\n", 431),
        (b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 414),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"A" * 100_000, 431),
    ],
)
def test_giants_and_noise_are_turned_away(gateway: Running, sent: bytes, status: int) -> None:
    assert gateway.raw(sent).startswith(b"HTTP/1.1 %d " % status)


def test_a_caller_who_leaves_early_harms_nobody(gateway: Running) -> None:
    for sent in (
        b"",
        b"G",
        POST,
        POST + b"Content-Length: 10\r\n\r\n{",
        POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    ):
        with socket.create_connection(("127.0.0.1", gateway.where["port"])) as line:
            line.sendall(sent)
    assert score(gateway, 1).status == 200


@pytest.mark.slow
def test_a_head_that_drips_in_is_given_up(gateway: Running) -> None:
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", gateway.where["port"]), timeout=15) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\n")
        line.settimeout(0.5)
        came = b""
        while not came and time.monotonic() - started < 14:
            try:
                came = line.recv(1000)
            except TimeoutError:
                line.sendall(b"X: y\r\n")
    assert came.startswith(b"HTTP/1.1 408 ")
    assert 9 < time.monotonic() - started < 60


def test_too_many_connections_are_closed_and_the_others_served(plane: Plane) -> None:
    plane.write_table(deployments={"m": backend(plane.named_worker("m"))}, traffic={"m": 100})
    gateway = plane.gateway("--max-connections", "3")
    held = [socket.create_connection(("127.0.0.1", gateway.where["port"]), timeout=2) for _ in range(3)]
    time.sleep(0.2)
    assert gateway.raw(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n", 2) == b""
    held[0].sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert held[0].recv(1000).startswith(b"HTTP/1.1 200 ")
    for line in held:
        line.close()


NONSENSE = {
    "no status line": b"hello\r\n\r\n",
    "both framings": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
    "a header that splits": b"HTTP/1.1 200 OK\r\nX: a\nSet-Cookie: b\r\nContent-Length: 2\r\n\r\n{}",
    "nothing": b"",
    "a half head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "a giant head": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 50_000 + b"\r\n\r\n",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
}


@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE.keys())
def test_a_worker_that_answers_nonsense_is_a_bad_gateway(plane: Plane, nonsense: bytes) -> None:
    with answering(nonsense) as port:
        assert _score_at(plane, port).startswith(b"HTTP/1.1 502 ")


@pytest.mark.parametrize(
    "cut",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
)
def test_an_answer_that_stops_in_the_middle_is_not_made_whole(plane: Plane, cut: bytes) -> None:
    with answering(cut) as port:
        came = _score_at(plane, port)
    assert came.startswith(b"HTTP/1.1 200 ")
    assert not came.endswith(b"0\r\n\r\n")
    assert len(came.partition(b"\r\n\r\n")[2]) < 100


def test_an_answer_without_a_length_lasts_until_the_end(plane: Plane) -> None:
    with answering(
        b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\nHTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nabc"
    ) as port:
        came = _score_at(plane, port)
    assert b"transfer-encoding: chunked" in came
    assert came.endswith(b"3\r\nabc\r\n0\r\n\r\n")


def _score_at(plane: Plane, port: int) -> bytes:
    spec = {"backends": [{"host": "127.0.0.1", "port": port}], "health": ""}
    plane.write_table(keys=[hashlib.sha256(KEY.encode()).hexdigest()], deployments={"m": spec}, traffic={"m": 100})
    return plane.gateway().raw(POST + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}")


class answering:  # noqa: N801 - reads as what it is: with answering(these bytes)
    """A worker that reads a request and sends fixed bytes."""

    def __init__(self, sent: bytes) -> None:
        self._sent = sent
        self._listener = socket.create_server(("127.0.0.1", 0))

    def __enter__(self) -> int:
        threading.Thread(target=self._serve, daemon=True).start()
        return int(self._listener.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            with line:
                line.recv(65536)
                line.sendall(self._sent)


def test_the_helper_itself_hears_a_whole_answer(gateway: Running) -> None:
    assert talk(gateway.where["port"], b"GET /healthz HTTP/1.0\r\n\r\n").endswith(b"}")
