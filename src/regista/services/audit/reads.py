"""Which calls of the services are reads, and of what: the action and the place that the audit names.

A template is filled in with the arguments of the call; ``address`` among them is the scope in which its place lies.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from regista.entities.scope import ScopeAddress

Arguments = Mapping[str, Any]
Places = tuple[tuple[ScopeAddress | None, str], ...]


class Act(msgspec.Struct, frozen=True):
    """How the audit calls one call. Of what is no *read* only refusals are noted here: the service itself writes down
    what it changes."""

    action: str
    tail: str | Callable[[Arguments, Any], str] = ""
    read: bool = True
    sensitive: bool = False
    places: Callable[[Arguments], Places] | None = None

    def named(self, given: Arguments) -> str:
        """``NOUN.VERB``."""
        return self.action.format_map(given) if "{" in self.action else self.action

    def where(self, given: Arguments, found: Any) -> Places:
        """The scopes and what inside them it was about."""
        if self.places is not None:
            return self.places(given)
        tail = self.tail(given, found) if callable(self.tail) else self.tail.format_map(given)
        return ((given.get("address"), tail),)


def _version(given: Arguments, found: Any) -> str:
    """The version that was found; what was asked for when none was."""
    version = getattr(found, "version", "") or given.get("version") or f"@{given.get('label') or 'latest'}"
    return f"/{given['kind'].plural}/{given['name']}/versions/{version}"


def _named_version(given: Arguments, found: Any) -> str:
    """The same where it was found with its name."""
    return _version(given, found[1] if found else None)


def _owner(given: Arguments, _: Any) -> str:
    """Files of a run, a logged model or a version, by the name of their folder."""
    kind, _, name = given["owner"].partition("/")
    plural = {"runs": "jobs", "models": "loggedModels", "traces": "llmTraces"}.get(kind, kind)
    return f"/{plural}/{name}"


def _target(given: Arguments) -> Places:
    """A file that is sent in parts, or by a signed address: as of ``_owner``."""
    target = given["target"]
    return ((target.address, _owner({"owner": target.owner}, None)),)


def _compared(given: Arguments) -> Places:
    return tuple((address, f"/jobs/{name}") for address, name in given["jobs"])


def _promoted(given: Arguments) -> Places:
    asked = given["asked"]
    tail = f"/{asked.kind.plural}/{asked.name}"
    return ((asked.source, tail), (asked.target, tail))


def _read(action: str, tail: str | Callable[[Arguments, Any], str] = "", *, sensitive: bool = False) -> Act:
    return Act(action, tail, sensitive=sensitive)


def _write(action: str, tail: str = "") -> Act:
    return Act(action, tail, read=False)


_JOB, _ENDPOINT = "/jobs/{name}", "/endpoints/{name}"
_DEPLOYMENT = "/endpoints/{endpoint}/deployments/{name}"
_ASSET = "/{kind.plural}/{name}"
_CONTAINER = "/containers/{container}"
"""The book finds out where a container lies."""

ACTS: Mapping[str, Mapping[str, Act]] = {
    "groups": {
        "subscriptions": _read("subscription.list", "/subscriptions"),
        "subscription": _read("subscription.get", "/subscriptions/{name}"),
        "create_subscription": _write("subscription.create", "/subscriptions/{new.name}"),
        "update_subscription": _write("subscription.update", "/subscriptions/{name}"),
        "delete_subscription": _write("subscription.delete", "/subscriptions/{name}"),
        "groups": _read("group.list", "/subscriptions/{subscription}"),
        "group": _read("group.get", "/subscriptions/{subscription}/resourceGroups/{name}"),
        "create_group": _write("group.create", "/subscriptions/{new.subscription}/resourceGroups/{new.name}"),
        "update_group": _write("group.update", "/subscriptions/{subscription}/resourceGroups/{name}"),
        "delete_group": _write("group.delete", "/subscriptions/{subscription}/resourceGroups/{name}"),
    },
    "scopes": {
        "get": _read("{address.kind}.get"),
        "by_id": _read("scope.get", "/scopes/{scope_id}"),
        "page": _read("{kind}.list", "/"),
        "update": _write("{address.kind}.update"),
        "delete": _write("{address.kind}.delete"),
    },
    "stores": {"page": _read("store.list", "/stores")},
    "principals": {
        "page": _read("principal.list", "/principals"),
        "keys": _read("key.list", "/principals/{principal}/keys", sensitive=True),
        "assignments": _read("role.assignments", "{path}"),
        "create": _write("principal.create", "/principals/{name}"),
        "disable": _write("principal.disable", "/principals/{name}"),
        "create_key": _write("key.create", "/principals/{principal}/keys/{name}"),
        "rotate_key": _write("key.rotate", "/principals/{principal}/keys/{key_id}"),
        "revoke_key": _write("key.revoke", "/principals/{principal}/keys/{key_id}"),
        "put_role": _write("role.put", "/roles/{role.name}"),
        "delete_role": _write("role.delete", "/roles/{name}"),
        "assign": _write("role.assign", "{path}"),
    },
    "assets": {
        "get": _read("{kind}.get", _version),
        "named": _read("{kind}.get", _named_version),
        "get_asset": _read("{kind}.get", _ASSET),
        "assets": _read("{kind}.list", "/{kind.plural}"),
        "versions": _read("{kind}.list", _ASSET),
        "manifest": _read("{kind}.manifest", _version),
        "open": _read("{kind}.download", _version, sensitive=True),
        "update": _write("{kind}.update", "/{kind.plural}/{name}/versions/{version}"),
        "update_asset": _write("{kind}.update", _ASSET),
        "set_alias": _write("{kind}.alias", _ASSET),
        "delete": _write("{kind}.delete", "/{kind.plural}/{name}/versions/{version}"),
    },
    "registration": {"create": _write("{new.kind}.create", "/{new.kind.plural}/{new.name}")},
    "promotion": {
        "plan": Act("{asked.kind}.plan", places=_promoted),
        "promote": Act("{asked.kind}.promote", read=False, places=_promoted),
    },
    "traces": {
        "of_version": _read("{kind}.trace", _version),
        "of_job": _read("job.trace", _JOB),
        "of_deployment": _read("deployment.trace", _DEPLOYMENT),
    },
    "comparison": {"compare": Act("job.compare", places=_compared)},
    "jobs": {
        "get": _read("job.get", _JOB),
        "page": _read("job.list", "/jobs"),
        "children": _read("job.list", _JOB),
        "submit": _write("job.submit"),
        "cancel": _write("job.cancel", _JOB),
        "update": _write("job.update", _JOB),
    },
    "job_files": {
        "log": _read("job.log", _JOB, sensitive=True),
        "manifest": _read("job.manifest", _JOB),
        "open": _read("job.download", _JOB, sensitive=True),
    },
    "endpoints": {
        "get": _read("endpoint.get", _ENDPOINT),
        "page": _read("endpoint.list", "/endpoints"),
        "keys": _write("endpoint.keys.read", _ENDPOINT),
        "token": _write("endpoint.token", _ENDPOINT),
        "regenerate": _write("endpoint.keys.regenerate", _ENDPOINT),
        "update": _write("endpoint.update", _ENDPOINT),
        "delete": _write("endpoint.delete", _ENDPOINT),
    },
    "deployments": {
        "get": _read("deployment.get", _DEPLOYMENT),
        "all": _read("deployment.list", "/endpoints/{endpoint}"),
        "log": _read("deployment.log", _DEPLOYMENT, sensitive=True),
        "delete": _write("deployment.delete", _DEPLOYMENT),
    },
    "preflight": {"can_i_deploy": _read("deployment.preflight")},
    "why": {
        "why": _read("endpoint.why", "/endpoints/{endpoint}"),
        "history": _read("endpoint.traffic", "/endpoints/{endpoint}"),
    },
    "experiments": {
        "get": _read("experiment.get", "/experiments/{number}"),
        "get_by_name": _read("experiment.get", "/experiments/{name}"),
        "search": _read("experiment.list", "/experiments"),
    },
    "runs": {
        "get": _read("run.get", _JOB),
        "history": _read("run.metrics", _JOB),
        "update": _write("run.update", _JOB),
        "delete": _write("run.delete", _JOB),
        "log": _write("run.log", _JOB),
    },
    "histories": {"thinned": _read("run.metrics", _JOB), "columns": _read("run.metrics", _JOB)},
    "run_search": {"search": _read("run.list", "/jobs")},
    "logged_models": {
        "get": _read("logged_model.get", "/loggedModels/{model_id}"),
        "search": _read("logged_model.list", "/loggedModels"),
    },
    "llm_traces": {
        "get": _read("llm_trace.get", "/llmTraces/{trace_id}"),
        "get_all": _read("llm_trace.list", "/llmTraces"),
        "search": _read("llm_trace.list", "/llmTraces"),
        "put": _write("llm_trace.put", "/llmTraces/{trace.id}"),
        "change": _write("llm_trace.update", "/llmTraces/{trace_id}"),
        "set_tags": _write("llm_trace.tag", "/llmTraces/{trace_id}"),
        "delete_tag": _write("llm_trace.tag", "/llmTraces/{trace_id}"),
        "link": _write("llm_trace.link", "/jobs/{run}"),
        "delete": _write("llm_trace.delete", "/experiments/{experiment}"),
        "delete_oldest": _write("llm_trace.delete", "/experiments/{experiment}"),
        "assess": _write("llm_trace.assess", "/llmTraces/{trace_id}"),
        "reassess": _write("llm_trace.assess", "/llmTraces/{trace_id}"),
        "delete_assessment": _write("llm_trace.assess", "/llmTraces/{trace_id}"),
    },
    "registered_models": {
        "search": _read("model.list", "/models"),
        "delete": _write("model.delete", "/models/{name}"),
    },
    "model_versions": {"search": _read("model.list", "/models")},
    "imports": {
        "totals": _read("import.count", "/"),
        "experiment": _write("experiment.import", "/experiments"),
        "run": _write("run.import", "/jobs/{new.name}"),
        "model": _write("logged_model.import", "/loggedModels/{new.id}"),
        "name": _write("model.import", "/models/{new.name}"),
        "version": _write("model.import", "/models/{new.name}"),
    },
    "artifacts": {
        "listing": _read("run.manifest", _owner),
        "open": _read("run.download", _owner, sensitive=True),
        "begin": Act("run.upload", _owner, read=False),
        "delete": Act("run.delete_file", _owner, read=False),
    },
    "multipart": {
        name: Act("run.upload", read=False, places=_target) for name in ("create", "part", "complete", "abort")
    },
    "signed_artifacts": {
        "sign_reading": Act("run.signature", sensitive=True, places=_target),
        "sign_writing": Act("run.signature", sensitive=True, places=_target),
        "sign_parts": Act("run.signature", sensitive=True, places=_target),
    },
    "datastores": {
        "get": _read("datastore.get", "/datastores/{name}"),
        "default": _read("datastore.get", "/datastores"),
        "list": _read("datastore.list", "/datastores"),
        "secrets": _write("datastore.secrets", "/datastores/{name}"),
    },
    "computes": {
        "get": _read("compute.get", "/computes/{name}"),
        "list": _read("compute.list", "/computes"),
    },
    "connections": {
        "get": _read("connection.get", "/connections/{name}"),
        "list": _read("connection.list", "/connections"),
        "secrets": _write("connection.secrets", "/connections/{name}"),
    },
    "webhooks": {
        "list": _read("webhook.list", "/webhooks"),
        "get": _read("webhook.get", "/webhooks/{which}"),
        "deliveries": _read("webhook.deliveries", "/webhooks/{which}"),
        "update": _write("webhook.update", "/webhooks/{which}"),
        "delete": _write("webhook.delete", "/webhooks/{which}"),
        "test": _write("webhook.test", "/webhooks/{which}"),
    },
    "files": {
        "get": _read("file.get", _CONTAINER),
        "open": _read("file.download", _CONTAINER, sensitive=True),
        "listing": _read("file.list", _CONTAINER),
        "begin": _write("file.upload", _CONTAINER),
        "delete": _write("file.delete", _CONTAINER),
    },
    "blocks": {"begin": _write("file.upload", _CONTAINER)},
    "signatures": {"issue": _read("file.signature", _CONTAINER, sensitive=True)},
    "audit": {
        "page": _read("audit.list", "{path}", sensitive=True),
        "events": _read("event.list", "/"),
        "settings": _read("audit.settings", "/"),
        "configure": _write("audit.configure", "/"),
    },
    "collection": {"run": _write("installation.collect", "/")},
    "contents": {name: _write("blob.upload") for name in ("missing", "put", "begin", "resume", "commit", "take")},
    "handovers": {"bring": _write("blob.upload")},
}
"""By the house's attribute and the method. A method that takes a caller and is not here is no read, as far as the audit
knows: refusals of it are noted under its own name."""
