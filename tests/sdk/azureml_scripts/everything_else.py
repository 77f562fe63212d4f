"""What no other script calls: methods for what Regista does not have, each refused by name, and a few that work.

Where the SDK itself gives up before it asks, its own words are all there is to see."""

import tempfile
from contextlib import suppress
from pathlib import Path

from azure.ai.ml import dsl
from azure.ai.ml.data_transfer import Database
from azure.ai.ml.entities import (
    AzureMLOnlineInferencingServer,
    CapabilityHost,
    CodeConfiguration,
    CommandComponent,
    CronTrigger,
    DataColumn,
    DataImport,
    Environment,
    FeatureSet,
    FeatureSetSpecification,
    FeatureStore,
    FeatureStoreEntity,
    FqdnDestination,
    Index,
    JobSchedule,
    Model,
    ModelPackage,
    Registry,
    WorkspaceConnection,
)
from azure.ai.ml.entities._indexes import ModelConfiguration as EmbeddingsConfiguration
from recorder import NAME, REGISTRY, WORKSPACE, refused, registry, workspace

ml, central = workspace(), registry()
folder = Path(tempfile.mkdtemp())
(folder / "score.py").write_text("def init(): pass\ndef run(data): return data\n")
(folder / "FeatureSetSpec.yaml").write_text("source:\n  type: parquet\n  path: x\nfeatures: []\nindex_columns: []\n")

# Of a workspace: nothing but itself.
refused("not served", ml.workspaces.begin_diagnose, WORKSPACE)
refused("managed networks are not served", ml.workspaces.begin_provision_network)
refused("not served", ml.workspaces.begin_sync_keys)
refused("not served", ml.workspaces.get_keys)
rule = FqdnDestination(name="out", destination="example.com")
refused("not served", ml.workspace_outbound_rules.begin_create, WORKSPACE, rule)
refused("not served", ml.workspace_outbound_rules.begin_update, WORKSPACE, rule)
refused("not served", ml.workspace_outbound_rules.begin_remove, WORKSPACE, "out")
refused("not served", ml.workspace_outbound_rules.get, WORKSPACE, "out")
refused("not served", ml.workspace_outbound_rules.list, WORKSPACE)
refused("", ml.capability_hosts.begin_create_or_update, CapabilityHost(name="host"))
refused("not served", ml.capability_hosts.get, "host")
refused("not served", ml.capability_hosts.begin_delete, "host")
refused("no connection", ml.azure_openai_deployments.list, "lacking")
ml.connections.create_or_update(
    WorkspaceConnection(name=f"{NAME}-c", type="custom", target="https://example.com", credentials=None)
)
refused("not served", ml.azure_openai_deployments.list, f"{NAME}-c")

# Feature stores.
entity = FeatureStoreEntity(name="e", version="1", index_columns=[DataColumn(name="a", type="string")])
refused("not served", ml.feature_store_entities.begin_create_or_update, entity)
refused("not served", ml.feature_store_entities.get, "e", "1")
refused("not served", ml.feature_store_entities.list)
refused("not served", ml.feature_store_entities.archive, "e", "1")
refused("not served", ml.feature_store_entities.restore, "e", "1")
features = FeatureSet(
    name="f", version="1", entities=["azureml:e:1"], specification=FeatureSetSpecification(path=str(folder))
)
refused("", ml.feature_sets.begin_create_or_update, features)
refused("not served", ml.feature_sets.get, "f", "1")
refused("not served", ml.feature_sets.list)
refused("not served", ml.feature_sets.archive, "f", "1")
refused("not served", ml.feature_sets.restore, "f", "1")
refused("not served", ml.feature_sets.list_features, "f", "1")
refused("not served", ml.feature_sets.get_feature, "f", "1", feature_name="x")
refused("not served", ml.feature_sets.begin_backfill, name="f", version="1", data_status=["None"])
list(ml.feature_sets.list_materialization_operations("f", "1"))
refused("not served", ml.feature_stores.begin_create, FeatureStore(name=f"{NAME}-fs", location="eu"))
assert list(ml.feature_stores.list()) == []
for method, arguments in (
    (ml.feature_stores.get, ("lacking",)),
    (ml.feature_stores.begin_update, (FeatureStore(name="lacking"),)),
    (ml.feature_stores.begin_delete, ("lacking",)),
):
    refused("no workspace", method, *arguments)
refused("", ml.feature_stores.begin_provision_network)

# Indexes, schedules, packages, imports, mounts.
embeddings = EmbeddingsConfiguration(
    api_base="", api_key="", api_version="", connection_name=f"{NAME}-c", connection_type="azure_open_ai",
    model_name="m", deployment_name="d", model_kwargs={},
)  # fmt: skip
refused("not served", ml.indexes.list)
refused("not served", ml.indexes.get, "i", version="1")
refused(
    "not served",
    ml.indexes.create_or_update,
    Index(name="i", version="1", path="azureml://datastores/workspaceblobstore/paths/i"),
)
refused(
    "",
    ml.indexes.build_index,
    name="i",
    embeddings_model_config=embeddings,
    input_source="./",
)
(folder / "conda.yml").write_text("dependencies: [python=3.11, pip]\n")
plain = Environment(name=f"{NAME}-e", version="1", conda_file=str(folder / "conda.yml"), image="python:3.11")
ml.environments.create_or_update(plain)
step = CommandComponent(name="step", version="1", command="echo", environment=f"azureml:{plain.name}:1")


@dsl.pipeline(name="nightly", default_compute="cpu")
def nightly():
    step()


nightly_schedule = JobSchedule(name="s", trigger=CronTrigger(expression="0 0 * * *"), create_job=nightly())
refused("no schedules", ml.schedules.begin_create_or_update, nightly_schedule)
assert list(ml.schedules.list()) == []
refused("no schedule", ml.schedules.get, "s")
refused("", ml.schedules.begin_enable, "s")
refused("", ml.schedules.begin_disable, "s")
refused("no schedule", ml.schedules.trigger, "s")
ml.schedules.begin_delete("s").result()
server = AzureMLOnlineInferencingServer(
    code_configuration=CodeConfiguration(code=str(folder), scoring_script="score.py")
)
package = ModelPackage(target_environment="e", inferencing_server=server)
refused("not served", ml.models.package, "m", "1", package)
refused("", central.models.package, "m", "1", package)
table = DataImport(
    name="d",
    path="azureml://datastores/workspaceblobstore/paths/d",
    source=Database(query="select 1", connection="azureml:c"),
)
for client in (ml, central):
    refused("", client.data.import_data, table)
    with suppress(TypeError, ValueError):  # 1.35 stumbles over itself
        assert list(client.data.list_materialization_status("d")) == []
    refused("", client.data.mount, "azureml:d:1", mount_point=str(folder / "mount"))
    client.components.prepare_for_sign(CommandComponent(name="c", command="echo", code=str(folder)))
    assert "score.py" in (folder / "catalog.json.sig").read_text() + (folder / "catalog.json").read_text()
refused("", ml.datastores.mount, "workspaceblobstore", mount_point=str(folder / "mount"))
for client in (ml, central):
    refused("", client.deployment_templates.list)
for method in ("get", "delete", "archive", "restore"):
    refused("", getattr(ml.deployment_templates, method), "t")
refused("", ml.deployment_templates.create_or_update, "t")

checked = CommandComponent(name="c", version="1", command="echo", environment="azureml:e:1")
assert central.components.validate(checked).passed

# Evaluators are models with a mark.
mark = {"is-evaluator": "true", "is-promptflow": "true"}
made = ml.evaluators.create_or_update(
    Model(name=f"{NAME}-evaluator", path=str(folder), type="custom_model", properties=mark)
)
assert ml.evaluators.get(made.name, version=made.version).name == made.name
assert [one.version for one in ml.evaluators.list(made.name)] == [made.version]
ml.evaluators.download(made.name, version=made.version, download_path=str(folder / "fetched"))
assert next((folder / "fetched").rglob("score.py")).read_text().startswith("def init")

# A registry's client makes registries as a workspace's does; what is in a registry is not shared from there.
central.registries.begin_create(Registry(name=f"{NAME}-shelf", location="eu", replication_locations=[])).result()
central.registries.begin_delete(name=f"{NAME}-shelf").result()
for name in ("models", "environments", "data"):
    refused(
        "", getattr(central, name).share, "m", "1", share_with_name="m", share_with_version="1", registry_name=REGISTRY
    )
