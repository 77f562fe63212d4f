"""Makes, changes, tries and deletes webhooks, and does what they tell of."""

import os

from mlflow import MlflowClient
from mlflow.entities.webhook import WebhookEvent, WebhookStatus
from mlflow.exceptions import MlflowException


def code(call):
    try:
        call()
    except MlflowException as refused:
        return refused.error_code
    return "it was done"


client = MlflowClient()
url = os.environ["RECEIVER"]
names = ("registered_model.created", "model_version_alias.created", "model_version_tag.set", "prompt_version.created")
events = [WebhookEvent.from_str(name) for name in names]
hook = client.create_webhook(name="hook", url=f"{url}sdk", events=events, description="of a test", secret="hush")
assert hook.status == WebhookStatus.ACTIVE
assert hook.secret is None
assert client.get_webhook(hook.webhook_id).events == events
assert [one.webhook_id for one in client.list_webhooks()] == [hook.webhook_id]
result = client.test_webhook(hook.webhook_id, event="model_version_tag.set")
assert result.success, result
assert result.response_status == 200
changed = client.update_webhook(webhook_id=hook.webhook_id, name="renamed")
assert (changed.name, changed.events, changed.description) == ("renamed", events, "of a test")

client.create_registered_model("told", tags={"a": "b"})
client.register_prompt(name="prompt", template="Hello {{x}}")

other = client.create_webhook(name="other", url=f"{url}404", events=[events[0]], status="DISABLED")
assert other.status == WebhookStatus.DISABLED
assert client.test_webhook(other.webhook_id).success is False
client.delete_webhook(other.webhook_id)
assert code(lambda: client.get_webhook(other.webhook_id)) == "RESOURCE_DOES_NOT_EXIST"
assert code(lambda: client.delete_webhook(other.webhook_id)) == "RESOURCE_DOES_NOT_EXIST"
plain = "http://example.com"
assert code(lambda: client.create_webhook(name="plain", url=plain, events=events)) == "INVALID_PARAMETER_VALUE"
