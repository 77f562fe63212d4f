"""A real gateway in front of real workers: who may, who answers, and what is told."""

import hashlib
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import urllib3

from tests.support.dataplane import KEY, PINNED, Plane, Running, backend, plane as running_plane, score, until


class Stage:
    """A gateway over a blue and a green worker, shared by the tests of this module."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane
        self.blue = plane.named_worker("blue")
        self.green = plane.named_worker("green")
        self.generation = 0
        self.direct(traffic={"blue": 100})
        self.gateway = plane.gateway("--max-body", "3000000")

    def direct(self, **endpoint: object) -> None:
        """Put a table in force."""
        self.generation += 1
        deployments = {"blue": backend(self.blue, timeout_ms=1000), "green": backend(self.green)}
        self.plane.write_table(str(self.generation), **{"deployments": deployments, **endpoint})
        if hasattr(self, "gateway"):
            until(lambda: self.gateway.call("/healthz").json["generation"] == str(self.generation))

    def lines(self, request_id: str, count: int = 1) -> list[dict[str, object]]:
        def found() -> list[dict[str, object]]:
            return [line for line in self.plane.access_lines() if line["request_id"] == request_id]

        until(lambda: len(found()) >= count)
        return found()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with running_plane(tmp_path_factory.mktemp("stage")) as made:
        yield Stage(made)


@pytest.fixture
def gateway(stage: Stage) -> Running:
    stage.direct(traffic={"blue": 100})
    return stage.gateway


class TestKeys:
    """Who may."""

    def test_the_key_opens_and_nothing_else(self, gateway: Running) -> None:
        assert score(gateway).status == 200
        for key in (None, "", "wrong", KEY + "x", hashlib.sha256(KEY.encode()).hexdigest()):
            answer = score(gateway, key=key)
            assert (answer.status, answer.json["error"]["code"]) == (401, "Unauthorized")
            assert answer.headers["www-authenticate"] == "Bearer"

    def test_an_endpoint_may_be_open(self, stage: Stage) -> None:
        stage.direct(auth="none", traffic={"blue": 100})
        assert score(stage.gateway, key=None).status == 200

    def test_a_rotated_key_stops_working(self, stage: Stage) -> None:
        stage.direct(traffic={"blue": 100}, keys=[hashlib.sha256(b"new").hexdigest()])
        assert score(stage.gateway).status == 401
        assert score(stage.gateway, key="new").status == 200

    def test_the_worker_sees_neither_key_nor_pin(self, plane: Plane) -> None:
        worker = plane.scripted(
            "from azureml.contrib.services.aml_request import rawhttp\n@rawhttp\ndef run(request): return dict(request.headers.pairs())"
        )
        plane.write_table(deployments={"m": backend(worker)}, traffic={"m": 100})
        gateway = plane.gateway()
        sent = {PINNED: "m", "x-mine": "1", "connection": "close, x-mine", "x-kept": "2", "x-forwarded-for": "6.6.6.6"}
        seen = score(gateway, headers=sent).json
        assert seen["x-kept"] == "2"
        assert seen["x-forwarded-for"] == "127.0.0.1"
        assert not {"authorization", PINNED, "x-mine", "connection"} & set(seen)
        assert len(seen["x-ms-request-id"]) == 36


class TestRouting:
    """Who answers."""

    def test_traffic_is_split_exactly(self, stage: Stage) -> None:
        stage.direct(traffic={"blue": 90, "green": 10})
        with ThreadPoolExecutor(8) as many:
            answers = list(many.map(lambda number: score(stage.gateway, number), range(200)))
        assert Counter(answer.json["from"] for answer in answers) == {"blue": 180, "green": 20}
        assert all(answer.headers[PINNED] == answer.json["from"] for answer in answers)
        assert [answer.json["got"] for answer in answers] == list(range(200))

    def test_a_request_may_be_pinned_even_where_no_traffic_goes(self, gateway: Running) -> None:
        assert score(gateway, headers={PINNED: "green"}).json["from"] == "green"

    def test_an_unknown_pin_and_no_traffic_are_said(self, stage: Stage) -> None:
        answer = score(stage.gateway, headers={PINNED: "purple"})
        assert (answer.status, answer.json["error"]["code"]) == (404, "DeploymentNotFound")
        stage.direct(traffic={})
        assert score(stage.gateway).json["error"]["code"] == "NoTraffic"

    def test_a_mirror_gets_copies_and_its_answers_are_thrown_away(self, stage: Stage) -> None:
        stage.direct(traffic={"blue": 100}, mirror={"green": 50})
        before = len([line for line in stage.plane.access_lines() if line.get("mirror")])
        answers = [score(stage.gateway, number) for number in range(40)]
        assert {answer.json["from"] for answer in answers} == {"blue"}

        def copies() -> list[dict[str, object]]:
            return [line for line in stage.plane.access_lines() if line.get("mirror")][before:]

        until(lambda: len(copies()) == 20)
        assert {(line["deployment"], line["status"]) for line in copies()} == {("green", 200)}

    def test_a_slow_mirror_slows_nobody(self, stage: Stage) -> None:
        stage.direct(
            traffic={"blue": 100},
            mirror={"green": 100},
            deployments={"blue": backend(stage.blue), "green": {"backends": [{"port": _silent()}], "timeout_ms": 2000}},
        )
        started = time.monotonic()
        assert [score(stage.gateway).status for _ in range(20)] == [200] * 20
        assert time.monotonic() - started < 10

    def test_other_paths_are_nobodys(self, gateway: Running) -> None:
        key = {"authorization": f"Bearer {KEY}"}
        assert gateway.call("/endpoints/ws/ep/v2/health/ready", headers=key).status == 200
        assert gateway.call("/endpoints/ws/ep/v2/models/blue", headers=key).json["name"] == "blue"
        for path in (
            "/endpoints/ws/ep",
            "/endpoints/ws/ep/",
            "/endpoints/ws/ep/scores",
            "/endpoints/ws/ep/v2x",
            "/endpoints/ws/other/score",
            "/",
            "/metrics",
        ):
            assert gateway.call(path, headers=key).status == 404
        assert gateway.call("/endpoints/ws/ep/score", b"", key, "DELETE").status == 405


class TestLimits:
    """How much, how long, how many."""

    def test_a_slow_deployment_is_given_up(self, gateway: Running) -> None:
        answer = score(gateway, sleep=3)
        assert (answer.status, answer.json["error"]["code"]) == (504, "Timeout")

    def test_too_many_at_one_time_are_told_to_come_back(self, stage: Stage) -> None:
        stage.direct(
            traffic={"green": 100}, deployments={"green": backend(stage.green, max_concurrent=2, max_queue_wait_ms=0)}
        )
        with ThreadPoolExecutor(6) as many:
            answers = list(many.map(lambda _: score(stage.gateway, sleep=0.5), range(6)))
        assert Counter(answer.status for answer in answers) == {200: 2, 429: 4}
        assert all(answer.headers["retry-after"] == "1" for answer in answers if answer.status == 429)

    def test_a_short_queue_spares_the_callers_a_retry(self, stage: Stage) -> None:
        stage.direct(
            traffic={"green": 100},
            deployments={"green": backend(stage.green, max_concurrent=1, max_queue_wait_ms=3000)},
        )
        with ThreadPoolExecutor(6) as many:
            assert {one.status for one in many.map(lambda _: score(stage.gateway, sleep=0.05), range(6))} == {200}

    @pytest.mark.parametrize("chunked", [False, True])
    def test_a_body_that_is_too_large_is_refused(self, gateway: Running, chunked: bool) -> None:
        body = b"1" * 3_000_001
        head = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
        sent = b"POST /endpoints/ws/ep/score HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\n%s\r\n\r\n" % (
            KEY.encode(),
            head,
        )
        came = gateway.raw(sent + (b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else b""))
        assert came.startswith(b"HTTP/1.1 413 ")

    @pytest.mark.parametrize("chunked", [False, True])
    @pytest.mark.parametrize("size", [0, 1, 262_143, 262_144, 262_145, 2_500_000])
    def test_bodies_of_any_size_pass_unharmed(self, stage: Stage, gateway: Running, size: int, chunked: bool) -> None:
        value = "".join(chr(65 + index % 26) for index in range(size))
        body = json.dumps({"value": value}).encode()
        pieces: object = iter([body[at : at + 70_000] for at in range(0, len(body), 70_000)]) if chunked else body
        got = gateway.pool.request(
            "POST",
            gateway.url + "/endpoints/ws/ep/score",
            body=pieces,
            headers={"authorization": f"Bearer {KEY}", PINNED: "green"},
            chunked=chunked,
        )  # type: ignore[arg-type]
        assert got.json()["got"] == value
        assert stage.lines(got.headers["x-ms-request-id"])[0]["received"] == len(body)

    def test_a_caller_who_waits_for_100_continue_gets_it(self, gateway: Running) -> None:
        head = f"POST /endpoints/ws/ep/score HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {KEY}\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", gateway.where["port"]), timeout=5) as line:
            line.sendall(head.encode())
            assert line.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            line.sendall(b"{}")
            assert line.recv(1000).startswith(b"HTTP/1.1 200 ")


class TestTable:
    """New tables."""

    def test_a_broken_table_changes_nothing(self, stage: Stage, gateway: Running) -> None:
        stage.plane.write_raw_table('{"endpoints": ')
        until(lambda: "the table before it stays in force" in gateway.text())
        assert score(gateway).status == 200

    def test_a_table_that_cannot_be_used_at_the_start_ends_the_gateway(self, tmp_path: Path) -> None:
        (tmp_path / "t.json").write_text("{}x")
        command = [sys.executable, "-m", "regista.agent.gateway", "--table", str(tmp_path / "t.json")]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert ended.returncode == 2
        assert "routing table" in ended.stderr


class TestLog:
    """What is told, and what is not."""

    def test_one_line_per_request_and_no_secret_in_it(self, stage: Stage, gateway: Running) -> None:
        answer = gateway.call(
            "/endpoints/ws/ep/score?token=hidden",
            {"value": "private"},
            {"authorization": f"Bearer {KEY}", "x-ms-client-request-id": "mine-1"},
        )
        (line,) = stage.lines(answer.headers["x-ms-request-id"])
        assert {
            name: line[name] for name in ("endpoint", "deployment", "status", "method", "path", "client_request_id")
        } == {
            "endpoint": "ws/ep",
            "deployment": "blue",
            "status": 200,
            "method": "POST",
            "path": "/endpoints/ws/ep/score",
            "client_request_id": "mine-1",
        }
        assert line["sent"] == len(answer.body)
        assert float(str(line["ms"])) > 0
        assert answer.headers["x-ms-client-request-id"] == "mine-1"
        whole = (stage.plane.folder / "access.log").read_text() + gateway.text()
        assert not [secret for secret in (KEY, "hidden", "private") if secret in whole]

    def test_a_caller_who_leaves_is_logged_as_gone(self, stage: Stage, gateway: Running) -> None:
        with socket.create_connection(("127.0.0.1", gateway.where["port"])) as line:
            body = b'{"sleep": 0.8}'
            line.sendall(
                b"POST /endpoints/ws/ep/score HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s"
                % (KEY.encode(), len(body), body)
            )
            time.sleep(0.2)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        gone = until(lambda: [one for one in stage.plane.access_lines() if one["status"] == 499])
        assert gone[-1]["aborted"] is True


def test_a_gateway_may_speak_tls(plane: Plane) -> None:
    cert, key = plane.folder / "cert.pem", plane.folder / "key.pem"
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
    ]
    subprocess.run([*made, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    plane.write_table(deployments={"m": backend(plane.named_worker("m"))}, traffic={"m": 100})
    gateway = plane.gateway("--cert", str(cert), "--key", str(key))
    context = ssl.create_default_context(cafile=str(cert))
    with urllib3.PoolManager(ssl_context=context, retries=False) as pool:
        url = gateway.url.replace("http:", "https:") + "/endpoints/ws/ep/score"
        for value in ("a", "b" * 1_000_000):
            got = pool.request("POST", url, json={"value": value}, headers={"authorization": f"Bearer {KEY}"})
            assert got.json()["got"] == value
    assert b"HTTP/1.1 200" not in gateway.raw(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n", 1)


def test_a_stopping_gateway_finishes_what_is_under_way(plane: Plane) -> None:
    plane.write_table(deployments={"m": backend(plane.named_worker("m"))}, traffic={"m": 100})
    gateway = plane.gateway()
    with ThreadPoolExecutor(1) as one:
        under_way = one.submit(score, gateway, 7, sleep=0.6)
        time.sleep(0.2)
        assert gateway.stop() == 0
        assert under_way.result().json["got"] == 7


def _silent() -> int:
    """A port that accepts and never says a word."""
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_hold, args=(listener,), daemon=True).start()
    return int(listener.getsockname()[1])


def _hold(listener: socket.socket) -> None:
    held = []
    with listener:
        listener.settimeout(5)
        while True:
            try:
                held.append(listener.accept())
            except OSError:
                break
    for line, _ in held:
        line.close()
