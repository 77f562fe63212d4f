"""The unmodified azure-ai-ml SDK, in two versions, against a real server over TLS, with ``DefaultAzureCredential()``."""

import pytest

from tests.support.azureml_client import VERSIONS, AzuremlClient, Scopes, azureml_client, scripts

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
    azureml.recorded(script, server, tmp_path, scopes)
    assert "Traceback" not in server.log
