"""Endpoints that are not served: batch, serverless, marketplace. Lists are empty where there is nothing; the rest says so."""

from azure.ai.ml.entities import BatchEndpoint, MarketplaceSubscription, ModelBatchDeployment, ServerlessEndpoint
from recorder import NAME, refused, workspace

ml = workspace()
assert list(ml.batch_endpoints.list()) == []
refused("no batch endpoint", ml.batch_endpoints.get, NAME)
refused("not served yet", ml.batch_endpoints.begin_create_or_update, BatchEndpoint(name=NAME))
refused("no batch endpoint", ml.batch_deployments.list, NAME)
refused("no batch endpoint", ml.batch_deployments.get, "blue", NAME)
refused("no batch endpoint", ml.batch_endpoints.list_jobs, NAME)
refused("no batch endpoint", ml.batch_deployments.list_jobs, NAME, name="blue")
refused("no batch endpoint", ml.batch_endpoints.invoke, endpoint_name=NAME)
ml.batch_endpoints.begin_delete(NAME).result()
ml.batch_deployments.begin_delete("blue", NAME).result()
blue = ModelBatchDeployment(name="blue", endpoint_name=NAME, model="azureml:m:1", compute="cpu")
refused("", ml.batch_deployments.begin_create_or_update, blue)
refused("not served", ml.serverless_endpoints.list)
refused("not served", ml.serverless_endpoints.get, NAME)
serverless = ServerlessEndpoint(name=NAME, model_id="azureml://registries/r/models/m")
refused("not served", ml.serverless_endpoints.begin_create_or_update, serverless)
refused("not served", ml.serverless_endpoints.begin_delete, NAME)
refused("not served", ml.serverless_endpoints.get_keys, NAME)
refused("not served", ml.serverless_endpoints.begin_regenerate_keys, NAME)
refused("not served", ml.marketplace_subscriptions.list)
refused("not served", ml.marketplace_subscriptions.get, NAME)
bought = MarketplaceSubscription(name=NAME, model_id="azureml://registries/r/models/m")
refused("not served", ml.marketplace_subscriptions.begin_create_or_update, bought)
refused("not served", ml.marketplace_subscriptions.begin_delete, NAME)
