"""Connections: of many types, by many credentials, whose secrets are told to those alone who ask and may."""

from azure.ai.ml import entities
from azure.ai.ml.entities import (
    AccessKeyConfiguration,
    AccountKeyConfiguration,
    ApiKeyConfiguration,
    AzureAISearchConnection,
    AzureBlobStoreConnection,
    AzureContentSafetyConnection,
    AzureOpenAIConnection,
    ManagedIdentityConfiguration,
    NoneCredentialConfiguration,
    OpenAIConnection,
    PatTokenConfiguration,
    SasTokenConfiguration,
    ServerlessConnection,
    ServicePrincipalConfiguration,
    UsernamePasswordConfiguration,
    WorkspaceConnection,
)
from recorder import NAME, refused, workspace

ml = workspace()
SECRET = "wonder-land-3"
where = "https://example.org/x"


def made(connection, **expected):
    """Make it, and see that it comes back so, and without its secret."""
    told = ml.connections.create_or_update(connection)
    found = ml.connections.get(connection.name)
    for one in (told, found):
        assert type(one) is type(connection), (one, connection)
        assert one.name == connection.name
        assert one.metadata == connection.metadata or connection.metadata is None, one.metadata
        for field, value in expected.items():
            assert getattr(one, field) == value, (field, getattr(one, field))
        assert SECRET not in str(vars(one.credentials)), vars(one.credentials)
    return found


def plain(suffix, kind, credentials, **more):
    """A connection without a class of its own."""
    return WorkspaceConnection(name=f"{NAME}-{suffix}", type=kind, target=where, credentials=credentials, **more)


git = made(plain("git", "git", PatTokenConfiguration(pat=SECRET), metadata={"a": "b"}), type="git", target=where)
assert git.id.endswith(f"/connections/{NAME}-git"), git.id
user = UsernamePasswordConfiguration(username="ann", password=SECRET)
assert made(plain("feed", "python_feed", user), type="python_feed").credentials.username == "ann"
keys = AccessKeyConfiguration(access_key_id="id", secret_access_key=SECRET)
assert made(plain("s3", "s3", keys), type="s3").credentials.access_key_id == "id"
robot = ServicePrincipalConfiguration(tenant_id="t", client_id="c", client_secret=SECRET)
assert made(plain("lake", "azure_data_lake_gen2", robot)).credentials.client_id == "c"
identity = ManagedIdentityConfiguration(client_id="c", resource_id="r")
assert made(plain("acr", "container_registry", identity)).credentials.resource_id == "r"
made(plain("sas", "azure_synapse_analytics", SasTokenConfiguration(sas_token=SECRET)))
made(plain("open", "git", NoneCredentialConfiguration()), type="git")
custom = plain("custom", "custom", ApiKeyConfiguration(key=SECRET), metadata={"k": "v"})
made(custom, type="custom", metadata={"k": "v"}, is_shared=True)
blob = AzureBlobStoreConnection(
    name=f"{NAME}-blob",
    url=where,
    account_name="acct",
    container_name="c",
    credentials=AccountKeyConfiguration(account_key=SECRET),
)
made(blob, account_name="acct", container_name="c")
azure = AzureOpenAIConnection(
    name=f"{NAME}-aoai", azure_endpoint=where, api_key=SECRET, api_version="2024", open_ai_resource_id="r"
)
made(azure, azure_endpoint=where, api_version="2024", open_ai_resource_id="r")
made(OpenAIConnection(name=f"{NAME}-oai", api_key=SECRET))
made(AzureAISearchConnection(name=f"{NAME}-search", endpoint=where, api_key=SECRET), endpoint=where)
made(AzureContentSafetyConnection(name=f"{NAME}-safe", endpoint=where, api_key=SECRET), endpoint=where)
made(ServerlessConnection(name=f"{NAME}-less", endpoint=where, api_key=SECRET), endpoint=where)
made(entities.APIKeyConnection(name=f"{NAME}-api", api_base=where, api_key=SECRET), api_base=where)

assert ml.connections.get(custom.name).credentials.key != SECRET
assert ml.connections.get(custom.name, populate_secrets=True).credentials.key == SECRET
again = ml.connections.create_or_update(ml.connections.get(custom.name), populate_secrets=True)
assert again.credentials.key == SECRET, "what is saved again without its secret keeps it"
names = {one.name for one in ml.connections.list()}
assert {git.name, custom.name, azure.name} <= names, names
filled = {one.name: one for one in ml.connections.list(populate_secrets=True)}
assert filled[azure.name].credentials.key == SECRET
assert {one.name for one in ml.connections.list(connection_type="s3")} == {f"{NAME}-s3"}
for name in sorted(one for one in names if one.startswith(NAME)):
    ml.connections.delete(name)
refused(git.name, ml.connections.get, git.name)
assert not [one for one in ml.connections.list() if one.name.startswith(NAME)]
