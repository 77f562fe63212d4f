"""Programs of others, told where the server is: azure-ai-ml's variables, its file, and running them at once."""

import json
import os
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import certifi
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

    def started(*words: str, **environment: str) -> subprocess.Popen[str]:
        told = {name: value for name, value in os.environ.items() if not name.startswith("REGISTA_")}
        told |= {name: value for name, value in run.environment.items() if value is not None} | environment
        command = [sys.executable, "-m", "regista", *words]
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

    def test_one_that_is_not_there_is_named(self, process):
        status, out, err = ended(process("connect", "azureml", "--", "no-such-program-here"))
        assert (status, out) == (127, "")
        assert "no-such-program-here" in err


def _known(path: str) -> list[str]:
    mark = "-----END CERTIFICATE-----"
    return [one[one.index("-----BEGIN") :] + mark for one in Path(path).read_text().split(mark) if "-----BEGIN" in one]


def _authorities(bundle: Path) -> int:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(bundle)
    return context.cert_store_stats()["x509_ca"]
