"""What a command is, wherever it stands: in a job, in a component, in a node of a pipeline."""

import re
from typing import Any

import msgspec

from regista.entities.asset import AssetKind
from regista.entities.command import check_command
from regista.entities.documents.environment import EnvironmentDocument, read_environment_field, read_variables
from regista.entities.documents.inputs import InputSpec, read_inputs
from regista.entities.documents.outputs import OutputSpec, read_outputs
from regista.entities.documents.reading import Fields, invalid, located, suggestion
from regista.errors import UnsupportedError

DISTRIBUTIONS = ("pytorch", "mpi", "tensorflow", "ray")
UNSUPPORTED_TYPES = (
    "sweep parallel spark automl import data_transfer do_while if_else parallel_for finetuning distillation flow"
).split()


class Resources(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one run of a command needs of its compute; ``shm_size`` is a number with b, k, m or g."""

    instance_count: int = 1
    instance_type: str = ""
    shm_size: str = ""
    max_instance_count: int | None = None
    properties: dict[str, Any] = {}


class Distribution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the processes of a distributed command are started."""

    type: str
    process_count_per_instance: int = 1
    worker_count: int | None = None
    parameter_server_count: int = 0


class CommandSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="command"):
    """A command with everything that it runs with. ``code`` and ``environment`` are references or local paths until the
    client has replaced them; ``timeout`` is in seconds."""

    command: str
    code: str = ""
    environment: str | EnvironmentDocument = ""
    inputs: dict[str, InputSpec] = {}
    outputs: dict[str, OutputSpec] = {}
    environment_variables: dict[str, str] = {}
    distribution: Distribution | None = None
    resources: Resources | None = None
    timeout: int | None = None
    is_deterministic: bool = True


def read_command(fields: Fields, *, declared: bool = False) -> CommandSpec:
    """The command in *fields*; *declared*: it is that of a component."""
    return read_command_body(fields, read_inputs(fields, declared=declared), read_outputs(fields))


def read_command_body(fields: Fields, inputs: dict[str, InputSpec], outputs: dict[str, OutputSpec]) -> CommandSpec:
    """A command whose inputs and outputs have been read already."""
    refuse_includes(fields)
    command = fields.text("command", required=True)
    absent = {name: spec.optional and not spec.is_given for name, spec in inputs.items()}
    located(fields.at("command"), lambda: check_command(command, inputs=absent, outputs=outputs))
    return CommandSpec(
        command=command,
        code=fields.reference("code", AssetKind.CODE),
        environment=read_environment_field(fields),
        inputs=inputs,
        outputs=outputs,
        environment_variables=read_variables(fields),
        distribution=read_distribution(fields),
        resources=read_resources(fields),
        timeout=read_timeout(fields),
        is_deterministic=fields.boolean("is_deterministic", default=True),
    )


def refuse_includes(fields: Fields) -> None:
    """Code from outside the code folder would be missing at run time: better said now."""
    if fields.take("additional_includes"):
        raise UnsupportedError(
            f"{fields.at('additional_includes')}: files from outside the code folder are not supported",
            hint="Put everything that the command needs below `code`.",
        )


def read_resources(fields: Fields) -> Resources | None:
    """The field ``resources``."""
    inner = fields.inner("resources")
    if inner is None:
        return None
    size = inner.text("shm_size").lower()
    if size and not re.fullmatch(r"0*[1-9][0-9]{0,15}[bkmg]?", size):
        raise inner.wrong("shm_size", "a number above 0 and one of b, k, m, g, such as 2g")
    most = inner.take("max_instance_count")
    resources = Resources(
        instance_count=inner.integer("instance_count", 1, least=1, most=100_000),
        instance_type=inner.text("instance_type"),
        shm_size=size,
        max_instance_count=None if most is None else inner.integer("max_instance_count", 1, least=1),
        properties=inner.mapping("properties"),
    )
    inner.ignore("docker_args", "locations")
    inner.done()
    return resources


def read_distribution(fields: Fields) -> Distribution | None:
    """The field ``distribution``."""
    inner = fields.inner("distribution")
    if inner is None:
        return None
    kind = inner.choice("type", DISTRIBUTIONS)
    if not kind:
        raise invalid(inner.at("type"), "this field is required", hint=suggestion("", DISTRIBUTIONS))
    workers = inner.take("worker_count")
    distribution = Distribution(
        type=kind,
        process_count_per_instance=inner.integer("process_count_per_instance", 1, least=1, most=10_000),
        worker_count=None if workers is None else inner.integer("worker_count", 1, least=1, most=100_000),
        parameter_server_count=inner.integer("parameter_server_count", most=100_000),
    )
    inner.ignore("address", "port", "include_dashboard", "dashboard_port")
    inner.ignore("head_node_additional_args", "worker_node_additional_args")
    inner.done()
    return distribution


def read_timeout(fields: Fields) -> int | None:
    """The field ``limits.timeout``, in seconds; None where there is no limit."""
    inner = fields.inner("limits")
    if inner is None or inner.take("timeout") is None:
        if inner is not None:
            inner.done()
        return None
    seconds = inner.integer("timeout", least=1)
    inner.done()
    return seconds


def read_compute(fields: Fields, key: str = "compute") -> str:
    """The name of a compute or a datastore, whichever way it was written: ``azureml:NAME``, ``NAME``, the long form."""
    text = fields.text(key).rstrip("/")
    if match := re.search(r"/(?:computes|datastores)/([^/]+)$", text, re.IGNORECASE):
        return match[1]
    return re.sub(r"^(?:azureml|regista):", "", text, flags=re.IGNORECASE)


def read_type(fields: Fields, allowed: tuple[str, ...]) -> str:
    """The field ``type`` of a job, a component or a node; "" where it is not given. Raise ``UnsupportedError`` for a type
    that Azure ML has and Regista does not, ``InvalidError`` for one that nobody has."""
    kind = fields.text("type").lower()
    if kind in UNSUPPORTED_TYPES:
        raise UnsupportedError(
            f"{fields.at('type')}: Regista cannot run jobs of type {kind!r}",
            hint=f"It runs: {', '.join(allowed)}.",
        )
    return fields.choice("type", allowed)
