"""What is secret about a datastore or a connection stands in no answer, log, audit record, event or row."""

import logging
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from regista.entities.journal import AuditQuestion
from regista.entities.page import PageRequest
from regista.entities.scope import ScopeAddress, ScopeKind
from regista.services.access.access import SYSTEM
from tests.support.azureml_door import Door
from tests.support.door import Door as NativeDoor
from tests.support.houses import People, open_house
from tests.support.mlflow_door import owner_key

DEV = ScopeAddress(ScopeKind.WORKSPACE, "dev")
SECRET = "xyzzy-plugh"
HELD = {"credentialsType": "AccountKey", "secrets": {"secretsType": "AccountKey", "key": SECRET}}
STORE = {"datastoreType": "AzureBlob", "accountName": "a", "containerName": "c"}

BODIES = {
    "datastores/one": {**STORE, "credentials": HELD},
    "datastores/two": {**STORE, "credentials": {"credentialsType": "Sas", "secrets": {"sasToken": SECRET}}},
    "connections/one": {"category": "Git", "authType": "PAT", "credentials": {"pat": SECRET}},
    "connections/two": {"category": "S3", "authType": "AccessKey",
                        "credentials": {"accessKeyId": "id", "secretAccessKey": SECRET}},
    "connections/keys": {"category": "CustomKeys", "authType": "CustomKeys", "credentials": {"keys": {"a": SECRET}}},
    "computes/one": {"computeType": "AmlCompute", "properties": {"userAccountCredentials": {"adminUserPassword": SECRET}}},
    "computes/two": {"computeType": "VirtualMachine", "properties": {
        "administratorAccount": {"username": "u", "password": SECRET, "privateKeyData": SECRET}}},
}  # fmt: skip
WRONG = {
    "datastores/w": [{**STORE, "credentials": SECRET}, {**STORE, "credentials": [SECRET]},
                     {**STORE, "credentials": {"credentialsType": "Sas", "secrets": {"sasToken": {"a": SECRET}}}}],
    "connections/w": [{"category": "Git", "authType": "PAT", "credentials": SECRET},
                      {"category": "Git", "authType": "PAT", "credentials": {"pat": [SECRET]}},
                      {"category": "Git", "authType": "Magic", "credentials": {"pat": SECRET}}],
    "computes/w": [{"computeType": "Magic", "properties": {"userAccountCredentials": {"adminUserPassword": SECRET}}}],
}  # fmt: skip
NATIVE = {
    "datastores": [{"name": "n", "type": "azure_blob", "account_name": "a", "container_name": "c",
                    "credentials": {"account_key": SECRET}},
                   {"name": "w", "type": "azure_blob", "credentials": SECRET},
                   {"name": "w", "type": "azure_blob", "account_name": "a", "container_name": "c",
                    "credentials": {"account_key": [SECRET]}},
                   {"name": "w", "type": "azure_blob", "account_name": "a", "container_name": "c",
                    "credentials": {"account_key": SECRET, "sas_token": SECRET}}],
    "connections": [{"name": "n", "type": "git", "credentials": {"type": "pat", "pat": SECRET}},
                    {"name": "k", "type": "open_ai", "api_key": SECRET},
                    {"name": "w", "type": "git", "credentials": SECRET},
                    {"name": "w", "type": "git", "credentials": {"type": "none", "pat": SECRET}},
                    {"name": "w", "type": "git", "api_key": [SECRET]}],
    "computes": [{"name": "n", "type": "virtualmachine", "ssh_settings": {"admin_password": SECRET}}],
}  # fmt: skip


@pytest.fixture
def door(tmp_path: Path):
    with open_house(tmp_path, f"sqlite:///{tmp_path / 'catalog.sqlite'}") as house:
        People(house).workspace("dev")
        yield Door(house, owner_key(house))


def _everything_shown(door: Door) -> list[bytes]:
    """Every answer that shows what is there."""
    shown = []
    for noun in ("datastores", "connections", "computes"):
        shown.append(door.send("GET", door.workspace("dev", noun)).content)
        names = [place.partition("/")[2] for place in BODIES if place.startswith(noun)]
        shown += [door.send("GET", door.workspace("dev", f"{noun}/{name}")).content for name in names]
    return shown


def test_no_answer_log_record_event_or_row_holds_a_secret(
    door: Door, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = [door.send("PUT", door.workspace("dev", place), {"properties": body}) for place, body in BODIES.items()]
    assert [answer.status // 100 for answer in shown] == [2] * len(shown), shown
    refused = [
        door.send("PUT", door.workspace("dev", place), {"properties": body})
        for place, bodies in WRONG.items()
        for body in bodies
    ]
    assert {answer.status for answer in refused} <= {400, 501}, refused
    texts = [answer.content for answer in (*shown, *refused)] + _everything_shown(door)
    texts += _natively(door)

    house = door.house
    for noun, service in (("datastores", house.datastores), ("connections", house.connections)):
        found = service.list(SYSTEM, DEV)
        assert len(found) > 2, noun
        texts.append(repr(found).encode())
        for one in found:
            told = service.secrets(SYSTEM, DEV, one.name)
            texts.append(repr(told).encode())
            if noun == "connections":
                assert SECRET in told.values.values(), one.name
    house.audit_book.flush()
    records = house.audit.page(SYSTEM, AuditQuestion(), PageRequest(1000)).items
    assert {"datastore.secrets", "connection.secrets", "connection.put"} <= {record.action for record in records}
    texts += [repr(records).encode(), repr(house.audit.events(SYSTEM, 0, 1000)).encode(), caplog.text.encode()]
    texts += [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert [text[:2000] for text in texts if SECRET.encode() in text] == []


def _natively(door: Door) -> list[bytes]:
    texts = []
    with start_blocking_portal() as portal:
        native = NativeDoor(door.house, portal)
        for noun, bodies in NATIVE.items():
            place = f"/workspaces/dev/{noun}"
            answers = [native("POST", place, door.key, json=body) for body in bodies]
            assert {answer.status_code for answer in answers} <= {201, 400}, (noun, answers)
            listed = native("GET", place, door.key)
            assert "n" in {one["name"] for one in listed.json()}
            texts += [answer.content for answer in (*answers, listed, native("GET", f"{place}/n", door.key))]
    return texts
