"""Compute, datastore and connection documents, as ``az ml`` takes them."""

import pytest

from regista.entities.compute import without_secrets
from regista.entities.connection import CredentialType
from regista.entities.datastore import CredentialsType, DatastoreType
from regista.entities.documents.compute import parse_compute
from regista.entities.documents.connection import parse_connection
from regista.entities.documents.datastore import parse_datastore
from regista.errors import InvalidError


class TestComputes:
    def test_times_to_idle_are_seconds_whatever_they_were_written_in(self):
        instance = {"name": "ci", "type": "ComputeInstance"}
        for field, value in (
            ("idle_time_before_scale_down", 1800),
            ("idle_time_before_shutdown_minutes", 30),
            ("idle_time_before_shutdown", "PT30M"),
        ):
            assert parse_compute(instance | {field: value}).idle_time == 1800
        assert parse_compute(instance).idle_time == 0

    def test_what_has_no_meaning_here_is_kept_without_secrets(self):
        found = parse_compute(
            {
                "name": "vm",
                "type": "virtualmachine",
                "resource_id": "/x",
                "ssh_settings": {"admin_username": "u", "admin_password": "hidden", "ssh_private_key_file": "hidden"},
                "identity": {"type": "system_assigned"},
                "provisioning_state": "Succeeded",
            }
        )
        assert found.spec == {"ssh_settings": {"admin_username": "u"}, "identity": {"type": "system_assigned"}}
        assert (found.resource_id, found.ignored) == ("/x", ("provisioning_state",))

    def test_secrets_are_found_by_their_names_at_any_depth(self):
        held = [{"a": {"adminUserPassword": "x", "accessToken": "x", "relayConnectionString": "x", "b": ["c"]}}]
        assert without_secrets(held) == [{"a": {"b": ["c"]}}]

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"type": "cray"}, "type: 'cray' is none of"),
            ({"type": "amlcompute", "min_instances": 3, "max_instances": 2}, "min_instances: there are more"),
            ({"type": "amlcompute", "tier": "golden"}, "tier: 'golden'"),
            ({"type": "computeinstance", "idle_time_before_shutdown": "soon"}, "idle_time_before_shutdown"),
            ({"type": "amlcompute", "colour": "red"}, "colour: there is no such field"),
            ({}, "type: this field is required"),
        ],
    )
    def test_the_rest_is_refused(self, fields, said):
        with pytest.raises(InvalidError, match=said):
            parse_compute({"name": "c", **fields})


class TestDatastores:
    BLOB = {"name": "s", "type": "azure_blob", "account_name": "a", "container_name": "c"}  # noqa: RUF012 - read alone

    @pytest.mark.parametrize(
        ("given", "kind", "public"),
        [
            ({"account_key": "x"}, CredentialsType.ACCOUNT_KEY, {}),
            ({"sas_token": "x"}, CredentialsType.SAS, {}),
            (
                {"tenant_id": "t", "client_id": "c", "client_secret": "x", "authority_uri": "u"},
                CredentialsType.SERVICE_PRINCIPAL,
                {"tenant_id": "t", "client_id": "c", "authority_url": "u"},
            ),
            ({"thumbprint": "p", "certificate": "x"}, CredentialsType.CERTIFICATE, {"thumbprint": "p"}),
            ({}, CredentialsType.NONE, {}),
            (None, CredentialsType.NONE, {}),
        ],
    )
    def test_credentials_are_known_by_their_secret(self, given, kind, public):
        found = parse_datastore(self.BLOB | {"credentials": given})
        assert (found.credentials_type, found.credentials) == (kind, public)
        assert list(found.secret.values()) == (["x"] if given else [])

    def test_every_type_can_be_said(self):
        assert parse_datastore(self.BLOB).type is DatastoreType.AZURE_BLOB
        lake = {"name": "l", "type": "one_lake", "one_lake_workspace_name": "w", "artifact": {"name": "house"}}
        assert parse_datastore(lake).spec == {
            "one_lake_workspace_name": "w",
            "artifact_name": "house",
            "artifact_type": "LakeHouse",
        }
        gen1 = {"name": "l", "type": "azure_data_lake_gen1", "store_name": "s"}
        assert parse_datastore(gen1).type is DatastoreType.AZURE_DATA_LAKE_GEN1

    @pytest.mark.parametrize(
        "change",
        [
            {"type": "floppy"},
            {"type": "azure_file"},
            {"credentials": "hidden"},
            {"credentials": {"account_key": 5}},
            {"credentials": {"account_key": "hidden", "sas_token": "hidden"}},
            {"credentials": {"tenant_id": "hidden"}},
            {"credentials": {"password": "hidden"}},
        ],
    )
    def test_the_rest_is_refused_and_no_secret_told(self, change):
        with pytest.raises(InvalidError) as refusal:
            parse_datastore(self.BLOB | change)
        assert "hidden" not in f"{refusal.value.message} {refusal.value.hint}"


class TestConnections:
    def test_each_type_may_call_the_place_as_it_likes(self):
        for field in ("target", "azure_endpoint", "api_base", "url", "endpoint"):
            assert parse_connection({"name": "c", "type": "custom", field: "there"}).target == "there"

    def test_fields_of_some_types_are_metadata(self):
        found = parse_connection(
            {"name": "c", "type": "azure_open_ai", "api_key": "x", "api_version": "1", "metadata": {"a": 1}}
        )
        assert found.metadata == {"a": "1", "ApiVersion": "1"}
        assert (found.credentials_type, found.credentials) == (CredentialType.API_KEY, {"key": "x"})

    def test_nothing_secret_is_in_what_it_looks_like(self):
        found = parse_connection({"name": "c", "type": "git", "credentials": {"type": "pat", "pat": "hidden"}})
        assert found.credentials == {"pat": "hidden"}
        assert "hidden" not in repr(found)

    @pytest.mark.parametrize(
        "change",
        [
            {"type": "No/such"},
            {"credentials": "hidden"},
            {"credentials": {"type": "pat"}},
            {"credentials": {"type": "pat", "pat": ["hidden"]}},
            {"credentials": {"pat": "hidden"}},
            {"credentials": {"type": "magic", "pat": "hidden"}},
            {"api_key": {"hidden": 1}},
            {"name": "a/b"},
        ],
    )
    def test_the_rest_is_refused_and_no_secret_told(self, change):
        with pytest.raises(InvalidError) as refusal:
            parse_connection({"name": "c", "type": "git", **change})
        assert "hidden" not in f"{refusal.value.message} {refusal.value.hint}"
