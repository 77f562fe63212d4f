"""Datastores: the two that are built in, and records of accounts outside, whose secrets are told to who asks and may."""

from importlib.metadata import version

from azure.ai.ml.entities import (
    AccountKeyConfiguration,
    AzureBlobDatastore,
    AzureDataLakeGen1Datastore,
    AzureDataLakeGen2Datastore,
    AzureFileDatastore,
    CertificateConfiguration,
    SasTokenConfiguration,
    ServicePrincipalConfiguration,
)
from azure.ai.ml.entities._datastore.one_lake import OneLakeArtifact, OneLakeDatastore
from recorder import NAME, SERVER, refused, workspace

ml = workspace()
VERSION = tuple(map(int, version("azure-ai-ml").split(".")[:2]))
SECRET = "wonder-land-4"
short = NAME.replace("-", "_")

default = ml.datastores.get_default()
assert (default.name, default.type) == ("workspaceblobstore", "AzureBlob"), default
assert default.account_name.startswith(SERVER.removeprefix("https://") + "/"), default.account_name
assert ml.datastores.get("workspaceartifactstore").container_name != default.container_name
assert ml.datastores.get_default(include_secrets=True).credentials.sas_token
assert {one.name for one in ml.datastores.list()} >= {"workspaceblobstore", "workspaceartifactstore"}
refused("built in", ml.datastores.delete, "workspaceblobstore")


def made(store, secret="", **expected):
    """Make it, see it come back so without its secret, and with it when that is asked for."""
    told = ml.datastores.create_or_update(store)
    found = ml.datastores.get(store.name)
    for one in (told, found):
        assert type(one) is type(store), one
        for field, value in {"name": store.name, "description": store.description, **expected}.items():
            assert getattr(one, field) == value, (field, getattr(one, field))
        assert SECRET not in str(vars(one.credentials)), vars(one.credentials)
    if secret:
        assert getattr(ml.datastores.get(store.name, include_secrets=True).credentials, secret) == SECRET, secret
    return found


robot = ServicePrincipalConfiguration(tenant_id="t", client_id="c", client_secret=SECRET)
key = AccountKeyConfiguration(account_key=SECRET)
blob = AzureBlobDatastore(
    name=f"{short}_blob", account_name="a", container_name="c", credentials=key, description="one", tags={"a": "b"}
)
made(blob, "account_key", account_name="a", container_name="c", tags={"a": "b"}, protocol="https")
sas = SasTokenConfiguration(sas_token=SECRET)
made(AzureBlobDatastore(name=f"{short}_sas", account_name="a", container_name="c", credentials=sas), "sas_token")
bare = made(AzureBlobDatastore(name=f"{short}_none", account_name="a", container_name="c"))
assert type(bare.credentials).__name__ == "NoneCredentialConfiguration", bare.credentials
share = AzureFileDatastore(name=f"{short}_file", account_name="a", file_share_name="f", credentials=key)
made(share, "account_key", file_share_name="f")
lake1 = made(
    AzureDataLakeGen1Datastore(name=f"{short}_gen1", store_name="s", credentials=robot), "client_secret", store_name="s"
)
assert (lake1.credentials.tenant_id, lake1.credentials.client_id) == ("t", "c"), lake1.credentials
proof = CertificateConfiguration(tenant_id="t", client_id="c", thumbprint="print", certificate=SECRET)
lake2 = AzureDataLakeGen2Datastore(name=f"{short}_gen2", account_name="a", filesystem="f", credentials=proof)
if VERSION >= (1, 35):  # the one before cannot read a certificate's answer, whoever sends it
    assert made(lake2, "certificate", filesystem="f").credentials.thumbprint == "print"
lake2.credentials = robot
made(lake2, "client_secret", filesystem="f")
lake3 = OneLakeDatastore(
    name=f"{short}_one",
    artifact=OneLakeArtifact(name="house", type="lake_house"),
    one_lake_workspace_name="w",
    endpoint="e",
    credentials=robot,
)
assert made(lake3, "client_secret", one_lake_workspace_name="w", endpoint="e").artifact.name == "house"

blob.description = "two"
assert ml.create_or_update(blob).description == "two"
named = {one.name for one in ml.datastores.list()}
assert {blob.name, share.name, lake1.name, lake2.name, lake3.name} <= named, named
every = {one.name: one for one in ml.datastores.list(include_secrets=True)}
assert every[blob.name].credentials.account_key == SECRET
for name in sorted(one for one in named if one.startswith(short)):
    ml.datastores.delete(name)
    refused(name, ml.datastores.get, name)
