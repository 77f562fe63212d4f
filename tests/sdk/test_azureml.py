"""The unmodified azure-ai-ml SDK, in two versions, against a real server over TLS, with ``DefaultAzureCredential()``.

What the SDK's methods come to is recorded in ``azureml_record.json``, from which the tables of docs/azureml.md are written.
A change that makes a method work, or stop to, makes this fail until the record says so:

    REGISTA_RECORD=1 python -m pytest tests/sdk/test_azureml.py && python -m scripts.azureml_table --update
"""

import fcntl
import json
import os
import re
from typing import Any

import pytest

from scripts.azureml_table import RECORD, read_record
from tests.support.azureml_client import SCRIPTS, VERSIONS, AzuremlClient, Scopes, azureml_client, scripts

ITS_OWN = ("the SDK's own", "broken")
"""Where the SDK fails before it asks the server."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module", params=VERSIONS, ids=[f"azureml{version}" for version in VERSIONS])
def azureml(request) -> AzuremlClient:
    return azureml_client(request.param)


@pytest.fixture(scope="module")
def scopes(server) -> Scopes:
    """Two workspaces and a registry of this module's own."""
    client = server.client()
    made = [client.workspaces.create(name=name) for name in ("azureml-dev", "azureml-prod")]
    client.registries.create(name="azureml-central")
    return Scopes(made[0].subscription, made[0].resource_group, "azureml-dev", "azureml-prod", "azureml-central")


@pytest.mark.parametrize("script", scripts())
def test_the_sdk_gets_what_it_expects(azureml, server, scopes, tmp_path, script):
    found = azureml.recorded(script, server, tmp_path, scopes)
    assert "Traceback" not in server.log
    if azureml.version == VERSIONS[0] and os.environ.get("REGISTA_RECORD"):
        _keep(script, found)
    expected = _outcomes(read_record()["scripts"].get(script, ()))
    said = _outcomes(found["calls"])
    if azureml.version != VERSIONS[0]:  # what one version fails at by itself, or has no method for, is its own affair
        expected = {call: outcome for call, outcome in expected.items() if call in said and outcome not in ITS_OWN}
        said = {call: outcome for call, outcome in said.items() if call in expected}
    assert said == expected, "the record is stale: see the top of this file"


def test_a_program_that_connect_runs_has_tokens_and_never_the_key(azureml, server, scopes, tmp_path):
    where = (scopes.subscription, scopes.resource_group, scopes.workspace, f"without-a-key-{azureml.version}")
    printed = azureml.connected("_without_a_key", server, tmp_path, *where)
    told = json.loads(printed.strip().splitlines()[-1])
    assert told["IDENTITY_ENDPOINT"].startswith("http://127.0.0.1:")
    assert server.owner_key not in printed
    assert "Traceback" not in server.log


NOTEBOOKS = [path for path in os.environ.get("REGISTA_NOTEBOOK", "").split(os.pathsep) if path]
"""Notebooks that were written for Azure, with the folders beside them that they need; they are not ours to keep here."""

if NOTEBOOKS:

    @pytest.mark.parametrize("notebook", NOTEBOOKS)
    def test_a_notebook_runs_as_it_is(azureml, server, scopes, tmp_path, notebook):
        """``REGISTA_NOTEBOOK`` names notebooks that were written for Azure, with the folders beside them that they need; the Python
        that their environments name has to be on the path (3.8 for those of ``assets-in-registry`` in Azure/azureml-examples)."""
        printed = azureml.run(SCRIPTS / "_notebook.py", server, tmp_path, scopes, notebook)
        assert re.search(r"^CELL (\d+) of \1 done", printed, re.MULTILINE), printed


def _outcomes(calls: Any) -> dict[str, str]:
    return {f"{call['collection']}.{call['method']} ({call['scope']})": call["outcome"] for call in calls}


def _keep(script: str, found: dict[str, Any]) -> None:
    """Write into the record what this script found; other processes of the run write there too."""
    with RECORD.with_suffix(".lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        record = read_record()
        record["methods"] = found["methods"]
        known = set(scripts())
        record["scripts"] = {name: calls for name, calls in record["scripts"].items() if name in known}
        record["scripts"][script] = found["calls"]
        record["scripts"] = dict(sorted(record["scripts"].items()))
        RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    RECORD.with_suffix(".lock").unlink(missing_ok=True)
