"""The tracking client against a small real server, in scripts of their own, as jobs run it."""

import datetime as dt
import ipaddress
import json
import math
import os
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import regista.agent

SITE = Path(regista.agent.__file__).parent / "site"
TOKEN = "a-token-that-must-not-be-shown"


class Server(ThreadingHTTPServer):
    """Records what it is told. ``refusals`` are answers given before it begins to listen properly."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.metrics, self.params, self.tags, self.files = [], {}, {}, {}
        self.batches, self.tokens, self.refusals, self.rejected = [], set(), [], set()
        self.artifact_uri = "mlflow-artifacts:/0/run-1/artifacts"
        self.lock = threading.Lock()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/ws/dev"

    def take(self, batch) -> str:
        """One transaction, as the real server: all or nothing."""
        rows = [*batch["metrics"], *batch["params"], *batch["tags"]]
        assert len(rows) <= 1000
        assert len(batch["params"]) <= 100
        assert len(batch["tags"]) <= 100
        wrong = [row["key"] for row in rows if row["key"] in self.rejected]
        if wrong:
            return f"{wrong[0]} is not welcome"
        self.batches.append(len(rows))
        self.metrics += [(row["key"], float(row["value"]), row["step"], row["timestamp"]) for row in batch["metrics"]]
        self.params |= {row["key"]: row["value"] for row in batch["params"]}
        self.tags |= {row["key"]: row["value"] for row in batch["tags"]}
        return ""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_):
        pass

    def answer(self, status, body=None, **headers):
        content = json.dumps(body or {}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_POST(self):
        content = self.body()
        with self.server.lock:
            self.server.tokens.add(self.headers.get("Authorization"))
            refusal = self.server.refusals.pop(0) if self.server.refusals else None
            if refusal == "hang up":
                self.close_connection = True
                return
            if refusal:
                self.answer(refusal, {"message": "not now"}, Retry_After="0")
                return
            assert self.path == "/ws/dev/api/2.0/mlflow/runs/log-batch"
            assert len(content) < 1_000_000
            batch = json.loads(content)
            assert batch["run_id"] == "run-1"
            wrong = self.server.take(batch)
        self.answer(400 if wrong else 200, {"error_code": "INVALID_PARAMETER_VALUE", "message": wrong} if wrong else {})

    def do_GET(self):
        assert self.path == "/ws/dev/api/2.0/mlflow/runs/get?run_id=run-1"
        self.answer(200, {"run": {"info": {"artifact_uri": self.server.artifact_uri}}})

    def do_PUT(self):
        content = self.body()
        if self.server.refusals:
            self.answer(self.server.refusals.pop(0))
            return
        self.server.files[self.path] = content
        self.answer(200)


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def job(server, tmp_path):
    """Run a script as a job would run; its standard error."""

    def run(script, *, code=0, **environment):
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(SITE),
            "PYTHONDONTWRITEBYTECODE": "1",
            "MLFLOW_TRACKING_URI": server.uri,
            "MLFLOW_TRACKING_TOKEN": TOKEN,
            "MLFLOW_RUN_ID": "run-1",
        } | environment
        program = [sys.executable, "-S", "-W", "error", "-c", "import regista_tracking as tracking\n" + script]
        done = subprocess.run(program, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == code, done.stderr
        assert TOKEN not in done.stderr + done.stdout
        return done.stderr

    return run


def test_what_a_job_logs_is_recorded_when_it_has_ended(job, server):
    said = job("""
tracking.log_metric("loss", 0.5)
tracking.log_metric("loss", 0.25, step=3)
tracking.log_metrics({"a/b": 1, "c.d": True}, step=-1)
tracking.log_param("rate", 0.1)
tracking.log_params({"layers": [1, 2], "none": None})
tracking.set_tag("team", "ümlaut")
""")
    assert said == ""
    assert [row[:3] for row in server.metrics] == [
        ("loss", 0.5, 0),
        ("loss", 0.25, 3),
        ("a/b", 1.0, -1),
        ("c.d", 1.0, -1),
    ]
    assert server.params == {"rate": "0.1", "layers": "[1, 2]", "none": "None"}
    assert server.tags == {"team": "ümlaut"}
    assert server.tokens == {f"Bearer {TOKEN}"}
    assert all(1.5e12 < row[3] < 4e12 for row in server.metrics), "milliseconds"


def test_no_number_is_a_value_too(job, server):
    job("for v in ('nan', 'inf', '-inf'): tracking.log_metric('x', float(v))\ntracking.log_metric('x', 10**400)")
    values = [row[1] for row in server.metrics]
    assert math.isnan(values[0])
    assert values[1:] == [math.inf, -math.inf, math.inf]


def test_a_tight_loop_becomes_few_requests_in_order(job, server):
    job("for n in range(5000): tracking.log_metric('loss', n, step=n)")
    assert [row[2] for row in server.metrics] == list(range(5000))
    assert len(server.batches) <= 12


def test_no_batch_is_larger_than_the_server_takes(job, server):
    job("""
for n in range(250): tracking.log_param(f"p{n}", "ü" * 6000)
for n in range(250): tracking.set_tag(f"t{n}", n)
""")
    assert len(server.params) == len(server.tags) == 250


@pytest.mark.parametrize("refusals", [[503], [429, 503], ["hang up", "hang up"], [500, 502, 504]], ids=str)
def test_a_server_that_is_busy_is_asked_again(job, server, refusals):
    server.refusals = list(refusals)
    job("tracking.log_metric('loss', 1); tracking.flush()")
    assert [row[:2] for row in server.metrics] == [("loss", 1.0)]


def test_a_server_that_is_away_costs_one_warning_and_no_failure(job):
    said = job(
        "tracking._LAST_PATIENCE = 0.7\nfor n in range(100): tracking.log_metric('loss', n)\n"
        "import time; time.sleep(1.5)\nprint('trained')",
        MLFLOW_TRACKING_URI="http://127.0.0.1:9",
    )
    assert 1 <= said.count("regista_tracking:") <= 2, said
    assert "Traceback" not in said


def test_logging_does_not_wait_for_the_server(job):
    job(
        "import time; begun = time.monotonic()\nfor n in range(1000): tracking.log_metric('loss', n)\n"
        "assert time.monotonic() - begun < 8\ntracking._LAST_PATIENCE = 0.1",
        MLFLOW_TRACKING_URI="http://127.0.0.1:9",
    )


def test_a_row_that_is_refused_takes_no_other_along(job, server):
    server.rejected = {"bad"}
    said = job("for n in range(300): tracking.log_metric('bad' if n == 77 else 'good', n)")
    assert len(server.metrics) == 299
    assert said.count("\n") == 1
    assert "bad is not welcome" in said


def test_a_run_that_is_refused_is_not_asked_a_thousand_times(job, server):
    server.rejected = {"bad"}
    said = job("for n in range(1000): tracking.log_metric('bad', n)")
    assert server.metrics == []
    assert said.count("\n") <= 2


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("log_metric('', 1)", "ValueError"),
        ("log_metric('a' * 251, 1)", "ValueError"),
        ("log_metric('../a', 1)", "ValueError"),
        ("log_metric('a?b', 1)", "ValueError"),
        ("log_metric(3, 1)", "TypeError"),
        ("log_metric('a', 'high')", "TypeError"),
        ("log_metric('a', '1.0')", "TypeError"),
        ("log_metric('a', None)", "TypeError"),
        ("log_metric('a', 1, step=1.5)", "TypeError"),
        ("log_metric('a', 1, step=2**63)", "ValueError"),
        ("log_param('a', 'x' * 6001)", "ValueError"),
        ("set_tag('a', 'x' * 8001)", "ValueError"),
        ("log_artifact('absent')", "FileNotFoundError"),
        ("log_artifact('.', '../up')", "ValueError"),
        ("log_artifact('.', '/etc')", "ValueError"),
    ],
)
def test_wrong_arguments_raise_inside_and_outside_a_job(job, server, call, error):
    for environment in ({}, {"MLFLOW_RUN_ID": ""}):
        assert f"\n{error}: " in job(f"tracking.{call}", code=1, **environment)
    assert server.batches == []


def test_outside_a_job_a_script_runs_and_says_once_that_nothing_is_recorded(job, server):
    said = job("tracking.log_metric('a', 1); tracking.log_param('b', 2); assert tracking.flush()", MLFLOW_RUN_ID="")
    assert said.count("nothing is recorded") == said.count("\n") == 1
    assert server.batches == []


def test_artifacts_are_files_and_folders(job, server, tmp_path):
    (tmp_path / "model/deep").mkdir(parents=True)
    (tmp_path / "model/a b.txt").write_bytes(b"one")
    (tmp_path / "model/deep/ü#?.bin").write_bytes(bytes(3_000_000))
    (tmp_path / "plain.csv").write_bytes(b"")
    server.refusals = [503]
    said = job("tracking.log_artifact('model', 'out/x'); tracking.log_artifact('plain.csv')")
    root = "/ws/dev/api/2.0/mlflow-artifacts/artifacts/0/run-1/artifacts"
    sizes = {path: len(content) for path, content in server.files.items()}
    assert sizes == {
        f"{root}/out/x/model/a%20b.txt": 3,
        f"{root}/out/x/model/deep/%C3%BC%23%3F.bin": 3_000_000,
        f"{root}/plain.csv": 0,
    }, said


def test_the_token_is_not_sent_to_another_server(job, server, tmp_path):
    (tmp_path / "f").write_text("x")
    server.artifact_uri = "http://127.0.0.1:9/elsewhere"
    assert "which only mlflow can write to" in job("tracking.log_artifact('f')")
    assert server.files == {}


def test_an_artifact_that_is_refused_is_a_warning(job, server, tmp_path):
    (tmp_path / "f").write_text("x")
    server.refusals = [403]
    assert "'f' was refused (403)" in job("tracking.log_artifact('f')")


def test_processes_of_a_job_log_each_for_themselves(job, server):
    job("""
import multiprocessing, warnings
warnings.simplefilter("ignore")
tracking.log_metric("parent", 1)
def work(n): tracking.log_metric("child", n)
children = [multiprocessing.get_context("fork").Process(target=work, args=(n,)) for n in range(3)]
for c in children: c.start()
for c in children: c.join()
""")
    assert sorted(row[:2] for row in server.metrics) == [
        ("child", 0.0),
        ("child", 1.0),
        ("child", 2.0),
        ("parent", 1.0),
    ]


def test_an_uncaught_error_in_the_job_loses_no_value(job, server):
    assert "ZeroDivisionError" in job("tracking.log_metric('loss', 1)\n1 / 0", code=1)
    assert len(server.metrics) == 1


def test_the_servers_certificate_is_checked(job, server, tmp_path):
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    uri = server.uri.replace("http:", "https:")
    job("tracking.log_metric('a', 1)", MLFLOW_TRACKING_URI=uri, MLFLOW_TRACKING_SERVER_CERT_PATH=str(certificate))
    assert len(server.metrics) == 1
    assert "CERTIFICATE_VERIFY_FAILED" in job("tracking.log_metric('a', 1)", MLFLOW_TRACKING_URI=uri)
    assert len(server.metrics) == 1


def self_signed(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "server.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.key").write_bytes(key.private_bytes(*form))
    return folder / "server.pem", folder / "server.key"


def test_the_module_runs_on_older_pythons():
    import ast

    ast.parse((SITE / "regista_tracking.py").read_text(), feature_version=(3, 8))
