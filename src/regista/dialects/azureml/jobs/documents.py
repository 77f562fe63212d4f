"""From the body of a job to the document that ``JobService.submit`` takes: the shape of the Azure ML CLI's YAML.

Words are spelled anew here and nothing is judged that the document's own reader judges; what only Azure knows is ``Kept``.
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from regista.dialects.azureml.call import Json
from regista.dialects.azureml.durations import seconds
from regista.dialects.azureml.jobs.kept import Kept, KeptNode
from regista.dialects.azureml.jobs.ports import read_input, read_output
from regista.dialects.azureml.jobs.spelling import DISTRIBUTIONS, fields, mapping, ours, snake, text
from regista.errors import InvalidError, UnsupportedError
from regista.services.jobs.jobs import OWN_PROPERTIES

Locate = Callable[[str, str, str], str]
"""Takes the URI of an input, its type and its place, and says what reference leads to the same content."""

_KINDS = {"command": "command", "pipeline": "pipeline"}
_READ_ONLY = {"status", "parameters", "is_archived", "provisioning_state", "error", "services", "job_type"}
_SAME = ("display_name", "description", "experiment_name", "tags", "environment_variables")
_COMMAND = ("command", "code_id", "environment_id", "distribution", "resources", "limits")
_PIPELINE = ("component_id", "jobs", "settings")
_BOTH = (*_SAME, "compute_id", "inputs", "outputs", "properties")
_SETTINGS = {
    "default_compute",
    "default_datastore",
    "continue_on_step_failure",
    "force_rerun",
    "on_init",
    "on_finalize",
}
_PARENT_INPUT = re.compile(r"(\$\{\{\s*parent\.inputs\.)([A-Za-z_][\w.]*)(\s*\}\})")


class Submission(msgspec.Struct, frozen=True):
    """A job's document, and what is kept beside it."""

    document: Json
    kept: Kept

    @property
    def whole(self) -> Json:
        """The document with what is kept as one of its properties."""
        properties = self.document.get("properties", {}) | self.kept.properties()
        return {**self.document, "properties": properties} if properties else self.document


def read_job(properties: Json, locate: Locate) -> Submission:
    """The job in ``properties`` of a body. Raise ``UnsupportedError`` for a type of job that Regista cannot run, and
    ``InvalidError`` for what is none."""
    given = fields(properties, "properties")
    kind = ours(text(given.get("job_type"), "properties.jobType"), _KINDS)
    if kind not in _KINDS:
        if not kind:
            raise InvalidError("properties.jobType is missing", hint="Command or Pipeline.")
        raise UnsupportedError(f"Regista cannot run jobs of type {kind[:40]!r}", hint="It runs: Command, Pipeline.")
    reader = _Reader(locate)
    document = reader.command(given) if kind == "command" else reader.pipeline(given)
    known = {*_BOTH, *(_COMMAND if kind == "command" else _PIPELINE), *_READ_ONLY}
    more = {key: value for key, value in properties.items() if value is not None and snake(key) not in known}
    reader.kept.raw.update(more)
    return Submission({"type": kind, **_pruned(document)}, reader.kept)


class _Reader:
    """Reads one body."""

    def __init__(self, locate: Locate) -> None:
        self.kept = Kept()
        self._locate = locate

    def command(self, given: Json) -> Json:
        """A command."""
        _refuse_local(given)
        resources = given.get("resources")
        if isinstance(resources, dict) and {"docker_args", "locations"} & set(fields(resources, "resources")):
            self.kept.raw["resources"] = resources
        return {
            **self._said(given),
            **_body(given),
            "command": given.get("command"),
            "code": given.get("code_id"),
            "environment": given.get("environment_id"),
            "inputs": self._inputs(given.get("inputs"), "inputs", self.kept.uris),
        }

    def pipeline(self, given: Json) -> Json:
        """A pipeline with its nodes, or one that runs a component, whose nodes the SDK repeats."""
        inputs = mapping(given.get("inputs"), "inputs")
        self._rename(inputs)
        renamed = {self._ours(name): value for name, value in inputs.items()}
        nodes = {} if given.get("component_id") else mapping(given.get("jobs"), "jobs")
        jobs = {name: self._node(name, value, f"jobs.{name}") for name, value in nodes.items()}
        return {
            **self._said(given),
            "inputs": self._inputs(renamed, "inputs", self.kept.uris, inferred=True),
            "component": given.get("component_id"),
            "jobs": jobs,
            "settings": self._settings(given.get("settings")),
        }

    def _said(self, given: Json) -> Json:
        return {
            **{key: given.get(key) for key in _SAME},
            "properties": _foreign(given.get("properties"), "properties"),
            "compute": compute(given.get("compute_id")),
            "outputs": _outputs(given.get("outputs"), "outputs"),
        }

    def _settings(self, value: object) -> Json:
        settings = fields(value, "settings")
        if more := {key: one for key, one in settings.items() if key not in _SETTINGS}:
            self.kept.raw["settings"] = more
        settings["default_compute"] = compute(settings.get("default_compute"))
        return {key: one for key, one in settings.items() if key in _SETTINGS}

    def _node(self, name: str, value: object, where: str) -> Json:
        given = fields(value, where)
        uris: dict[str, str] = {}
        node = {
            "type": given.pop("type", None),
            "component": given.pop("component_id", None),
            **_body(given, where),
            **{key: given.pop(key, None) for key in (*_SAME, "settings") if key != "experiment_name"},
            "properties": _foreign(given.pop("properties", None), f"{where}.properties"),
            "compute": compute(given.pop("compute_id", None)),
            "inputs": self._inputs(given.pop("inputs", None), f"{where}.inputs", uris),
            "outputs": _outputs(given.pop("outputs", None), f"{where}.outputs"),
        }
        raw = {key: one for key, one in given.items() if key not in {"name", *_COMMAND}}
        if uris or raw:
            self.kept.jobs[name] = KeptNode(uris=uris, raw=raw)
        return node

    def _inputs(self, value: object, where: str, uris: dict[str, str], *, inferred: bool = False) -> Json:
        found = {}
        for name, one in mapping(value, where).items():
            place = f"{where}.{name[:80]}"
            read = read_input(one, place, inferred=inferred)
            if isinstance(read, dict) and isinstance(uri := read.get("path"), str):
                read["path"] = self._locate(uri, str(read["type"]), place)
                if read["path"] != uri:
                    uris[name] = uri
            found[name] = self._bound(read)
        return found

    def _rename(self, inputs: Json) -> None:
        """Parameter groups of the SDK give inputs names with dots: those get names without one here."""
        for name in inputs:
            if "." in name:
                here = name.replace(".", "__")
                if here in inputs or here in self.kept.names:
                    raise InvalidError(f"inputs.{name[:80]}: there is an input {here[:80]!r} as well")
                self.kept.names[here] = name

    def _ours(self, name: str) -> str:
        return next((here for here, given in self.kept.names.items() if given == name), name)

    def _bound(self, value: object) -> object:
        """A binding with the names that inputs have here."""
        if isinstance(value, dict):
            return {key: self._bound(one) if key == "value" else one for key, one in value.items()}
        if isinstance(value, str) and self.kept.names:
            return _PARENT_INPUT.sub(lambda found: f"{found[1]}{self._ours(found[2])}{found[3]}", value)
        return value


def _body(given: Json, where: str = "") -> Json:
    """What a command job and a node say in the same way."""
    limits = fields(given.get("limits"), f"{where}.limits".strip("."))
    limits.pop("job_limits_type", None)
    if isinstance(timeout := limits.get("timeout"), str) and not timeout.isdecimal():
        limits["timeout"] = seconds(timeout, f"{where}.limits.timeout".strip("."))
    distribution = fields(given.get("distribution"), f"{where}.distribution".strip("."))
    if distribution:
        kind = distribution.pop("distribution_type", None) or distribution.get("type")
        distribution["type"] = ours(kind, DISTRIBUTIONS)
    resources = fields(given.get("resources"), f"{where}.resources".strip("."))
    return {"limits": limits, "distribution": distribution, "resources": resources}


def _outputs(value: object, where: str) -> Json:
    return {name: read_output(one, f"{where}.{name[:80]}") for name, one in mapping(value, where).items()}


def compute(value: object) -> object:
    """The name of a compute out of its id."""
    if isinstance(value, str) and (found := re.search(r"/computes/([^/]+)/?$", value, re.IGNORECASE)):
        return found[1]
    return value


def _foreign(value: object, where: str) -> Json:
    """Properties without those that are Regista's to set."""
    return {key: one for key, one in mapping(value, where).items() if not key.startswith(OWN_PROPERTIES)}


def _refuse_local(given: Json) -> None:
    resources = given.get("resources")
    inner = resources.get("properties") if isinstance(resources, dict) else None
    if isinstance(inner, dict) and "IsLocal" in inner:
        raise UnsupportedError("the compute 'local' is not served", hint="Leave the compute out.")


def _pruned(document: Json) -> Json:
    """Without what is null or an empty object, which say nothing. An output may be nothing but its name, and stays."""
    kept = {key: _pruned_field(key, value) for key, value in document.items()}
    return {key: value for key, value in kept.items() if value is not None and value != {}}


def _pruned_field(key: str, value: Any) -> Any:
    if key == "jobs":
        return {name: _pruned(node) for name, node in value.items()}
    if key in {"limits", "distribution", "resources", "settings"}:
        return {inner: one for inner, one in mapping(value, key).items() if one is not None}
    return value
