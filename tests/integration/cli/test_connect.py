"""Programs of others, told where the server is: azure-ai-ml's variables, its file, and running them at once."""

import json
import os
import pty
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import certifi
import psutil
import pytest

from regista.client.programs import IN_THE_WAY

VARIABLES = {
    "ARM_CLOUD_METADATA_URL",
    "REGISTRY_DISCOVERY_ENDPOINT_URL",
    "REQUESTS_CA_BUNDLE",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
}
TELL = "import os, json; print(json.dumps(dict(os.environ)))"


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    """No variable of the machine that runs the tests is meant for us."""
    for name in (*IN_THE_WAY, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def process(run):
    """``regista`` in a process of its own, which ``connect`` may turn into another program."""

    def started(*words: str, terminal: int | None = None, **environment: str) -> subprocess.Popen[str]:
        told = {name: value for name, value in os.environ.items() if not name.startswith("REGISTA_")}
        told |= {name: value for name, value in run.environment.items() if value is not None} | environment
        command = [sys.executable, "-m", "regista", *words]
        if terminal is not None:
            given = {"stdin": terminal, "stdout": terminal, "stderr": terminal}
            return subprocess.Popen(["setsid", "--ctty", *command], env=told, text=True, **given)
        return subprocess.Popen(command, env=told, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    return started


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


class TestTheVariables:
    def test_a_shell_takes_them(self, run, server):
        printed = run("connect", "azureml").out
        script = f'{printed}printf "%s\\n" "$ARM_CLOUD_METADATA_URL" "$IDENTITY_HEADER"'
        said = subprocess.run(["bash", "-ec", script], capture_output=True, text=True, check=True).stdout.split()
        assert said == [f"{server.url}/metadata/endpoints?api-version=2019-05-01", server.owner_key]
        assert set(run.json("connect", "azureml")) == VARIABLES
        assert run("connect", "azureml", "--shell", "fish").out.startswith("set -gx ARM_CLOUD_METADATA_URL '")

    def test_what_would_lead_the_sdk_elsewhere_is_named(self, run):
        assert "AZURE_CLIENT_SECRET" in run("connect", "azureml", AZURE_CLIENT_SECRET="s").err
        assert run("connect", "azureml").err == ""

    def test_a_server_without_tls_is_not_for_this_sdk(self, run):
        said = run.refused("connect", "azureml", REGISTA_URL="http://127.0.0.1:9", REGISTA_KEY="k")
        assert "HTTPS" in said


class TestWhomAProgramTrusts:
    def test_the_usual_authorities_and_ours(self, run, server):
        bundle = Path(run.json("connect", "azureml")["REQUESTS_CA_BUNDLE"])
        assert server.ca.read_text().strip() in bundle.read_text()
        assert _authorities(bundle) > len(_known(certifi.where())) - 1
        assert run.json("connect", "azureml", REQUESTS_CA_BUNDLE=str(bundle))["REQUESTS_CA_BUNDLE"] == str(bundle)

    def test_a_bundle_that_was_trusted_before_stays_trusted(self, run, server, tmp_path):
        other = tmp_path / "house.pem"
        other.write_text(_known(certifi.where())[0])
        bundle = Path(run.json("connect", "azureml", REQUESTS_CA_BUNDLE=str(other))["REQUESTS_CA_BUNDLE"])
        assert _authorities(bundle) == 2
        assert other.read_text().strip() in bundle.read_text()

    def test_a_public_certificate_needs_no_bundle(self, run):
        said = run.json("connect", "azureml", REGISTA_URL="https://regista.example", REGISTA_KEY="k")
        assert set(said) == VARIABLES - {"REQUESTS_CA_BUNDLE"}

    def test_an_authority_that_cannot_be_read_is_named(self, run):
        said = {"REGISTA_URL": "https://regista.example", "REGISTA_KEY": "k", "REGISTA_CA": "/none/ca.pem"}
        assert "/none/ca.pem" in run.refused("connect", "azureml", **said)


class TestTheFileOfFromConfig:
    def test_names_the_workspace_and_where_it_stands(self, run, dev, tmp_path):
        run("connect", "azureml", "-w", dev, "--config", "config.json")
        told = json.loads((tmp_path / "config.json").read_text())
        assert told == {"subscription_id": "default", "resource_group": "default", "workspace_name": dev}

    def test_needs_a_workspace_that_there_is(self, run, tmp_path):
        assert "--workspace-name" in run.misused("connect", "azureml", "--config", "config.json")
        assert "lacking" in run.refused("connect", "azureml", "-w", "lacking", "--config", "config.json")
        assert not (tmp_path / "config.json").exists()


class TestRunningAProgram:
    def test_it_has_the_variables_and_nothing_in_the_way(self, process, dev):
        words = ("connect", "azureml", "--", sys.executable, "-c", TELL)
        status, out, _ = ended(process(*words, AZURE_CLIENT_SECRET="s", KEPT="yes"))
        told = json.loads(out)
        assert status == 0
        assert set(told) > VARIABLES
        assert "AZURE_CLIENT_SECRET" not in told
        assert told["KEPT"] == "yes"
        status, out, _ = ended(process("connect", "mlflow", "-w", dev, "--", sys.executable, "-c", TELL))
        assert json.loads(out)["MLFLOW_TRACKING_URI"].endswith(f"/mlflow/workspaces/{dev}")

    def test_what_it_exits_with_is_passed_on(self, process):
        assert ended(process("connect", "azureml", "--", sys.executable, "-c", "raise SystemExit(37)"))[0] == 37

    def test_its_own_options_are_its_own(self, process):
        script = "import sys; print(sys.argv[1:])"
        words = ("connect", "azureml", "--", sys.executable, "-c", script, "-o", "x", "--profile", "y")
        assert ended(process(*words))[1].strip() == "['-o', 'x', '--profile', 'y']"

    def test_a_signal_reaches_it(self, process):
        script = "import time; print('here', flush=True); time.sleep(60)"
        started = process("connect", "azureml", "--", sys.executable, "-c", script)
        assert started.stdout.readline() == "here\n"
        started.send_signal(signal.SIGTERM)
        assert ended(started)[0] == -signal.SIGTERM

    def test_a_signal_is_its_own_to_answer(self, process):
        script = (
            "import signal, sys, time\n"
            "signal.signal(signal.SIGINT, lambda *_: sys.exit(5))\n"
            "print('here', flush=True)\n"
            "time.sleep(60)"
        )
        started = process("connect", "azureml", "--", sys.executable, "-c", script)
        assert started.stdout.readline() == "here\n"
        started.send_signal(signal.SIGINT)
        assert ended(started)[0] == 5

    def test_what_a_terminal_sends_reaches_it_once(self, process):
        script = (
            "import signal, time\n"
            "told = []\n"
            "signal.signal(signal.SIGINT, lambda *_: told.append(1))\n"
            "print('here', flush=True)\n"
            "while not told: time.sleep(0.01)\n"
            "time.sleep(0.5)\n"
            "print(f'told {len(told)} times', flush=True)"
        )
        ours, theirs = pty.openpty()
        command = ("connect", "azureml", "--", sys.executable, "-c", script)
        started = process(*command, terminal=theirs)
        os.close(theirs)
        with os.fdopen(ours, "r+b", buffering=0) as terminal:
            assert b"here" in _until(terminal, b"here")
            terminal.write(b"\x03")
            assert b"told 1 times" in _until(terminal, b"times")
            assert started.wait(60) == 0

    def test_it_begins_with_the_signals_that_any_program_has(self, process):
        script = "grep -E 'Sig(Blk|Ign)' /proc/self/status"
        _, blocked, _, ignored = ended(process("connect", "azureml", "--", "sh", "-c", script))[1].split()
        own = 0b11 << 31  # the C library's (nptl(7)): it may ignore them in what it spawns once a thread was canceled
        assert (int(blocked, 16) & ~own, int(ignored, 16) & ~own) == (0, 0)

    def test_whoever_kills_what_they_started_kills_it_and_closes_its_door(self, process):
        script = "import os, time; print(os.getpid(), os.environ['IDENTITY_ENDPOINT'], flush=True); time.sleep(60)"
        started = process("connect", "azureml", "--", sys.executable, "-c", script)
        number, door = started.stdout.readline().split()
        program = psutil.Process(int(number))
        started.kill()
        assert ended(started)[0] == -signal.SIGKILL
        assert not program.is_running()
        assert _closes(door)

    def test_has_no_child_that_it_did_not_start(self, process):
        script = "import os\ntry: os.wait()\nexcept ChildProcessError: print('none')"
        assert ended(process("connect", "azureml", "--", sys.executable, "-c", script))[1].strip() == "none"

    def test_one_that_is_not_there_is_named(self, process):
        status, out, err = ended(process("connect", "azureml", "--", "no-such-program-here"))
        assert (status, out) == (127, "")
        assert "no-such-program-here" in err


ASK = """
import json, os, sys, urllib.error, urllib.request
at, secret = os.environ["IDENTITY_ENDPOINT"], os.environ["IDENTITY_HEADER"]
def asked(url, method="GET", **headers):
    request = urllib.request.Request(url, method=method, headers={k.replace("_", "-"): v for k, v in headers.items()})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode(errors="replace")
"""
FOR = "?api-version=2019-08-01&resource=https://management.azure.com"


class TestTheDoorOfAProgram:
    """A token door on loopback that is there for the program alone."""

    def test_gives_it_tokens_and_never_the_key(self, process, server):
        script = f"{ASK}\nprint(json.dumps([dict(os.environ), asked(at + {FOR!r}, X_IDENTITY_HEADER=secret)]))"
        status, out, err = ended(process("connect", "azureml", "--", sys.executable, "-c", script))
        assert (status, err) == (0, "")
        told, (answered, said) = json.loads(out)
        assert server.owner_key not in out
        assert told["IDENTITY_ENDPOINT"].startswith("http://127.0.0.1:")
        assert (answered, said["token_type"]) == (200, "Bearer")
        at = f"{server.url}/subscriptions/default/resourceGroups/default/providers"
        at += "/Microsoft.MachineLearningServices/workspaces?api-version=2025-01-01"
        request = urllib.request.Request(at, headers={"Authorization": f"Bearer {said['access_token']}"})  # noqa: S310
        with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=server.ca)) as found:  # noqa: S310
            assert found.status == 200
        assert _closes(told["IDENTITY_ENDPOINT"])

    def test_a_key_in_the_surroundings_is_not_handed_on(self, process, server):
        words = ("connect", "azureml", "--", sys.executable, "-c", TELL)
        said = {"REGISTA_URL": server.url, "REGISTA_KEY": server.owner_key, "REGISTA_CA": str(server.ca)}
        _, out, _ = ended(process(*words, **said))
        assert json.loads(out)["REGISTA_URL"] == server.url
        assert server.owner_key not in out

    @pytest.mark.parametrize(
        ("call", "status"),
        [
            (f"asked(at + {FOR!r})", 401),
            (f"asked(at + {FOR!r}, X_IDENTITY_HEADER=secret[:-1])", 401),
            (f"asked(at + {FOR!r} + '&secret=' + secret)", 401),
            (f"asked(at + {FOR!r}, X_IDENTITY_HEADER=secret, Host='page.example')", 403),
            ("asked(at.replace('/identity', '/health'), X_IDENTITY_HEADER=secret)", 404),
            ("asked(at, X_IDENTITY_HEADER=secret)", 400),
            (f"asked(at + {FOR!r} + '&a=1' * 50, X_IDENTITY_HEADER=secret)", 400),
            (f"asked(at + {FOR!r}, 'POST', X_IDENTITY_HEADER=secret)", 501),
            (f"asked(at + {FOR!r}, 'OPTIONS', Origin='https://page.example')", 501),
        ],
    )
    def test_opens_for_its_secret_in_its_header_alone(self, process, call, status):
        script = f"{ASK}\nprint(json.dumps({call}))"
        _, out, err = ended(process("connect", "azureml", "--", sys.executable, "-c", script))
        assert json.loads(out)[0] == status
        assert err == ""

    def test_a_server_that_does_not_answer_is_told(self, process):
        script = f"{ASK}\nprint(json.dumps(asked(at + {FOR!r}, X_IDENTITY_HEADER=secret)))"
        away = {"REGISTA_URL": "https://127.0.0.1:9", "REGISTA_KEY": "a-key"}
        _, out, _ = ended(process("connect", "azureml", "--", sys.executable, "-c", script, **away))
        assert json.loads(out)[0] == 502
        assert "a-key" not in out

    def test_no_proxy_stands_between_it_and_the_program(self, process):
        words = ("connect", "azureml", "--", sys.executable, "-c", TELL)
        _, out, _ = ended(process(*words, HTTP_PROXY="http://proxy.example:3128", NO_PROXY="a.example"))
        told = json.loads(out)
        assert told["NO_PROXY"] == told["no_proxy"] == "a.example,127.0.0.1"

    def test_without_a_key_there_is_none(self, process):
        away = {"REGISTA_URL": "https://127.0.0.1:9", "REGISTA_KEY": ""}
        status, out, err = ended(process("connect", "azureml", "--", sys.executable, "-c", TELL, **away))
        assert (status, out) == (1, "")
        assert "key" in err


def _closes(door: str) -> bool:
    """Whether it does within a minute."""
    ended = time.monotonic() + 60
    while time.monotonic() < ended:
        try:
            socket.create_connection(("127.0.0.1", urlsplit(door).port), 5).close()
        except ConnectionRefusedError:
            return True
        time.sleep(0.05)
    return False


def _until(terminal: Any, word: bytes) -> bytes:
    said = b""
    with suppress(OSError):  # how a terminal ends
        while word not in said and (some := terminal.read(1000)):
            said += some
    return said


def _known(path: str) -> list[str]:
    mark = "-----END CERTIFICATE-----"
    return [one[one.index("-----BEGIN") :] + mark for one in Path(path).read_text().split(mark) if "-----BEGIN" in one]


def _authorities(bundle: Path) -> int:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(bundle)
    return context.cert_store_stats()["x509_ca"]
