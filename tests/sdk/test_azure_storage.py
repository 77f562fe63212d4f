"""The unmodified azure-storage-blob client against a real server over TLS."""

import pytest

from regista.dialects.azureblob.app import application
from regista.entities.datastore import files_container
from tests.support.azure_storage_client import run, served
from tests.support.houses import People, open_house
from tests.support.server import running_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def workspace(server, request):
    return server.client().workspaces.create(name=f"blob{abs(hash(request.node.name)) % 10**8}")


def test_the_client_gets_what_it_expects(server, workspace, tmp_path):
    variables = {"WAY": "key", "CONTAINER": files_container(workspace.id), "KEY": server.owner_key}
    assert run("everything", server.url, tmp_path, ca=server.ca, **variables) == "done"
    assert "Traceback" not in server.log


@pytest.mark.parametrize("way", ["sas", "account"])
def test_the_client_may_sign_or_be_given_a_signature(tmp_path, way):
    with open_house(tmp_path / "home") as house, served(application(house)) as url:
        people = People(house)
        dev = people.workspace("dev")
        ann = people.somebody("ann", data_scientist=dev.path)
        container = files_container(dev.id)
        variables = {
            "SAS": house.signatures.issue(ann, container, "rlwc"),
            "PRINCIPAL": ann.principal.id,
            "ACCOUNT_KEY": house.signatures.account_key(ann, dev.id),
        }
        assert run("everything", url, tmp_path, WAY=way, CONTAINER=container, **variables) == "done"


def test_an_upload_goes_on_after_a_restart_of_the_server(tmp_path):
    home = tmp_path / "home"
    for half in ("0", "1"):
        with running_server(home) as server:
            client = server.client()
            workspace = client.workspaces.create(name="dev")
            container = files_container(workspace.id)
            run("stage", server.url, tmp_path, ca=server.ca, CONTAINER=container, KEY=server.owner_key, HALF=half)
