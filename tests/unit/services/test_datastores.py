"""Datastores: two that are always there, and records of accounts outside."""

import msgspec
import pytest

from regista.entities.access import Role
from regista.entities.datastore import CredentialsType, Datastore, DatastoreType, files_container, jobs_container
from regista.entities.journal import AuditQuestion
from regista.entities.page import PageRequest
from regista.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, UnsupportedError
from regista.services.access.access import SYSTEM
from regista.services.datastores.datastores import NewDatastore

LAKE = NewDatastore(
    name="lake",
    type=DatastoreType.AZURE_DATA_LAKE_GEN2,
    spec={"account_name": "acme", "filesystem": "raw"},
    credentials_type=CredentialsType.SERVICE_PRINCIPAL,
    credentials={"client_id": "c", "tenant_id": "t"},
    secret={"client_secret": "hunter2"},
)


@pytest.fixture
def dev(people):
    return people.workspace("dev")


@pytest.fixture
def service(people):
    return people.house.datastores


class TestBuiltIn:
    def test_two_are_there_from_the_start(self, people, dev, service):
        assert [one.name for one in service.list(SYSTEM, dev.address)] == [
            "workspaceblobstore",
            "workspaceartifactstore",
        ]
        blobs = service.get(SYSTEM, dev.address, "workspaceblobstore")
        assert (blobs.is_default, blobs.is_built_in, blobs.type) == (True, True, "AzureBlob")
        assert blobs.spec == {"container_name": files_container(dev.id)}
        artifacts = service.get(SYSTEM, dev.address, "workspaceartifactstore")
        assert artifacts.spec == {"container_name": jobs_container(dev.id)}
        assert service.default(SYSTEM, dev.address) == blobs

    def test_they_stay_as_they_are(self, dev, service):
        same = service.create_or_update(
            SYSTEM, dev.address, NewDatastore(name="workspaceblobstore", description="mine")
        )
        assert same.description == ""
        with pytest.raises(ConflictError):
            service.delete(SYSTEM, dev.address, "workspaceblobstore")

    def test_they_are_opened_by_a_signature_of_the_callers_own(self, people, dev, service):
        bob = people.somebody("bob", reader=dev.path)
        found = service.secrets(bob, dev.address, "workspaceblobstore", seconds=60)
        assert found.credentials_type == "Sas"
        token = found.values["sas_token"].partition("sig=")[2]
        passed = people.house.signatures.verify(token)
        assert (passed.caller.principal.name, passed.container) == ("bob", files_container(dev.id))
        assert token not in repr(found)

    def test_a_registry_has_none(self, people, service):
        with pytest.raises(NotFoundError):
            service.list(SYSTEM, people.registry("central").address)


class TestRecords:
    def test_a_record_is_made_changed_and_deleted(self, dev, service):
        made = service.create_or_update(SYSTEM, dev.address, LAKE)
        assert (made.type, made.spec, made.is_default) == (LAKE.type, LAKE.spec, False)
        later = service.create_or_update(
            SYSTEM, dev.address, msgspec.structs.replace(LAKE, description="new", secret=None)
        )
        assert (later.description, later.created_at) == ("new", made.created_at)
        assert service.secrets(SYSTEM, dev.address, "lake").values == {"client_secret": "hunter2"}
        service.create_or_update(SYSTEM, dev.address, msgspec.structs.replace(LAKE, secret={}))
        assert service.secrets(SYSTEM, dev.address, "lake").values == {}
        service.delete(SYSTEM, dev.address, "lake")
        service.delete(SYSTEM, dev.address, "lake")
        with pytest.raises(NotFoundError):
            service.get(SYSTEM, dev.address, "lake")

    def test_the_secret_is_in_no_answer_and_no_record(self, people, dev, service):
        service.create_or_update(SYSTEM, dev.address, LAKE)
        service.secrets(SYSTEM, dev.address, "lake")
        shown = [service.get(SYSTEM, dev.address, "lake"), *service.list(SYSTEM, dev.address)]
        records = people.house.catalog.read(lambda tx: tx.journal.audit(AuditQuestion(), PageRequest(100)).items)
        assert "datastore.secrets" in {one.action for one in records}
        assert "hunter2" not in repr([shown, records, service.secrets(SYSTEM, dev.address, "lake")])

    def test_one_is_the_default_and_cannot_be_deleted(self, dev, service):
        service.create_or_update(SYSTEM, dev.address, msgspec.structs.replace(LAKE, is_default=True))
        assert service.default(SYSTEM, dev.address).name == "lake"
        assert [one.name for one in service.list(SYSTEM, dev.address) if one.is_default] == ["lake"]
        with pytest.raises(ConflictError):
            service.delete(SYSTEM, dev.address, "lake")
        service.set_default(SYSTEM, dev.address, "workspaceblobstore")
        assert service.default(SYSTEM, dev.address).name == "workspaceblobstore"
        service.delete(SYSTEM, dev.address, "lake")

    @pytest.mark.parametrize(
        "wrong",
        [
            {"name": "../x"},
            {"name": ""},
            {"spec": {"k": "v" * 20_001}},
            {"spec": {str(n): "" for n in range(51)}},
            {"secret": {"k": "v" * 20_001}},
            {"tags": {"": "x"}},
        ],
    )
    def test_what_cannot_be_is_refused_without_telling_values(self, dev, service, wrong):
        with pytest.raises(InvalidError) as refused:
            service.create_or_update(SYSTEM, dev.address, msgspec.structs.replace(LAKE, **wrong))
        assert "vvv" not in str(refused.value)

    def test_what_lies_there_is_not_read(self, people, dev, service):
        service.create_or_update(SYSTEM, dev.address, LAKE)
        with pytest.raises(UnsupportedError, match="lake"):
            people.house.stored_contents.locate(SYSTEM, dev.address, "lake", "raw/x")
        with pytest.raises(NotFoundError):
            people.house.stored_contents.locate(SYSTEM, dev.address, "nowhere", "x")


class TestRights:
    def test_a_reader_looks_and_changes_nothing(self, people, dev, service):
        service.create_or_update(SYSTEM, dev.address, LAKE)
        bob = people.somebody("bob", reader=dev.path)
        assert len(service.list(bob, dev.address)) == 3
        for change in (
            lambda: service.create_or_update(bob, dev.address, LAKE),
            lambda: service.delete(bob, dev.address, "lake"),
            lambda: service.set_default(bob, dev.address, "lake"),
            lambda: service.secrets(bob, dev.address, "lake"),
        ):
            with pytest.raises(ForbiddenError):
                change()

    def test_who_may_not_read_resources_sees_none(self, people, dev, service):
        people.house.principals.put_role(SYSTEM, Role(name="Scopes", permissions=("scopes/read",)))
        eve = people.somebody("eve", scopes=dev.path)
        assert service.list(eve, dev.address) == []
        for look in (service.get, service.secrets, service.set_default, service.delete):
            for name in ("workspaceblobstore", "lake"):
                with pytest.raises(NotFoundError):
                    look(eve, dev.address, name)

    def test_a_stranger_sees_no_workspace(self, people, dev, service):
        with pytest.raises(NotFoundError):
            service.list(people.somebody("eve"), dev.address)


def test_a_new_workspace_of_an_old_name_begins_anew(people, service):
    old = people.workspace("dev")
    service.create_or_update(SYSTEM, old.address, msgspec.structs.replace(LAKE, is_default=True))
    people.house.scopes.delete(SYSTEM, old.address)
    new = people.workspace("dev")
    assert [one.name for one in service.list(SYSTEM, new.address)] == ["workspaceblobstore", "workspaceartifactstore"]
    assert isinstance(service.default(SYSTEM, new.address), Datastore)
