"""What a pipeline is: nodes, and what ties them together. How they hang together is checked in ``entities/graph.py``.

jobs:
  train:                          a node; it runs a component, or a command or a pipeline that stands in it
    component: azureml:train:3
    inputs: {data: ${{parent.jobs.prepare.outputs.data}}, rate: 0.1}
    outputs: {model: ${{parent.outputs.model}}}
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from regista.entities.asset import AssetKind
from regista.entities.documents.command import (
    CommandSpec,
    Distribution,
    Resources,
    read_command,
    read_command_body,
    read_compute,
    read_distribution,
    read_resources,
    read_timeout,
    read_type,
)
from regista.entities.documents.environment import read_variables
from regista.entities.documents.inputs import InputSpec, read_inputs
from regista.entities.documents.outputs import OutputSpec, read_outputs
from regista.entities.documents.reading import Fields, invalid, join

NODE_TYPES = ("command", "pipeline")


class PipelineSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Defaults of a pipeline's nodes."""

    default_compute: str = ""
    default_datastore: str = ""
    continue_on_step_failure: bool = True
    force_rerun: bool = False


class Node(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A node. ``component`` is a reference (or a local path), or what stands inline; an inline command's inputs and
    outputs are those of the node. ``type`` is "" where only the component tells it."""

    component: "str | CommandSpec | PipelineSpec"
    type: str = ""
    inputs: dict[str, InputSpec] = {}
    outputs: dict[str, OutputSpec] = {}
    compute: str = ""
    environment_variables: dict[str, str] = {}
    distribution: Distribution | None = None
    resources: Resources | None = None
    timeout: int | None = None
    settings: PipelineSettings | None = None
    display_name: str = ""
    description: str = ""
    tags: dict[str, str] = {}
    properties: dict[str, str] = {}

    @property
    def force_rerun(self) -> bool:
        """Whether the node runs again even if it was run before with everything the same."""
        return self.settings is not None and self.settings.force_rerun


class PipelineSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="pipeline"):
    """A pipeline. ``component`` is there instead of ``jobs`` where a job runs a pipeline component by reference."""

    jobs: dict[str, Node] = {}
    inputs: dict[str, InputSpec] = {}
    outputs: dict[str, OutputSpec] = {}
    settings: PipelineSettings = PipelineSettings()
    component: str = ""
    is_deterministic: bool = True


def read_pipeline(fields: Fields, *, declared: bool = False) -> PipelineSpec:
    """The pipeline in *fields*; *declared*: it is that of a component."""
    outputs = read_outputs(fields)
    return PipelineSpec(
        jobs=_nodes(fields, outputs),
        inputs=read_inputs(fields, declared=declared),
        outputs=outputs,
        settings=read_settings(fields) or PipelineSettings(),
        is_deterministic=fields.boolean("is_deterministic", default=True),
    )


def read_settings(fields: Fields) -> PipelineSettings | None:
    """The field ``settings``."""
    inner = fields.inner("settings")
    if inner is None:
        return None
    settings = PipelineSettings(
        default_compute=read_compute(inner, "default_compute"),
        default_datastore=read_compute(inner, "default_datastore"),
        continue_on_step_failure=inner.boolean("continue_on_step_failure", default=True),
        force_rerun=inner.boolean("force_rerun"),
    )
    inner.ignore("on_init", "on_finalize")
    inner.done()
    return settings


def read_inline(mapping: Mapping[str, Any], where: str, ignored: list[str]) -> CommandSpec | PipelineSpec:
    """A component that stands in a node: like a component document, but its name and version have no meaning."""
    fields = Fields(mapping, where, ignored)
    kind = read_type(fields, NODE_TYPES) or ("pipeline" if "jobs" in mapping else "command")
    spec = read_pipeline(fields, declared=True) if kind == "pipeline" else read_command(fields, declared=True)
    fields.ignore("name", "version", "display_name", "description", "tags", "properties")
    fields.ignore("id", "creation_context", "intellectual_property")
    fields.done()
    return spec


def _nodes(fields: Fields, promised: dict[str, OutputSpec]) -> dict[str, Node]:
    """The nodes of a pipeline whose outputs are *promised*."""
    nodes = {}
    for name, value in fields.each("jobs", "node").items():
        where = join(fields.at("jobs"), name)
        if not isinstance(value, dict):
            raise invalid(where, "expected a mapping", hint="A node has a `component`, or a `command`.")
        nodes[name] = _node(Fields(value, where, fields.ignored), value, promised)
    if not nodes:
        raise invalid(fields.at("jobs"), "a pipeline has at least one node")
    return nodes


def _node(fields: Fields, mapping: Mapping[str, Any], promised: dict[str, OutputSpec]) -> Node:
    kind = read_type(fields, NODE_TYPES)
    bodies = [key for key in ("component", "command", "jobs") if fields.take(key) is not None]
    if len(bodies) != 1:
        raise invalid(
            fields.where,
            f"a node has one of component, command and jobs, this one {' and '.join(bodies) or 'none'}",
            hint="Write `component: azureml:NAME:VERSION`.",
        )
    inputs, outputs = read_inputs(fields, bindings=True), read_outputs(fields, bindings=True, typed=False)
    if bodies == ["component"]:
        node = _component_node(fields, mapping["component"], kind)
    elif bodies == ["command"]:
        node = _command_node(fields, inputs, _kept(outputs, promised))
    else:
        node = _pipeline_node(fields, inputs, _kept(outputs, promised))
    if kind and node.type and kind != node.type:
        raise invalid(fields.at("type"), f"the node is a {node.type}, not a {kind}")
    node = msgspec.structs.replace(
        node,
        type=node.type or kind,
        inputs=inputs,
        outputs=outputs,
        compute=read_compute(fields),
        display_name=fields.text("display_name"),
        description=fields.text("description"),
        tags=fields.texts("tags"),
        properties=fields.texts("properties"),
    )
    fields.ignore("identity", "services", "queue_settings", "comment", "name", "experiment_name")
    fields.done()
    return node


def _component_node(fields: Fields, component: object, kind: str) -> Node:
    inline: str | CommandSpec | PipelineSpec
    if isinstance(component, dict):
        inline = read_inline(component, fields.at("component"), fields.ignored)
        kind = "pipeline" if isinstance(inline, PipelineSpec) else "command"
    else:
        inline = fields.reference("component", AssetKind.COMPONENT, required=True)
    return Node(
        component=inline,
        type=kind if isinstance(component, dict) else "",
        environment_variables=read_variables(fields),
        distribution=read_distribution(fields),
        resources=read_resources(fields),
        timeout=read_timeout(fields),
        settings=read_settings(fields),
    )


def _command_node(fields: Fields, inputs: dict[str, InputSpec], outputs: dict[str, OutputSpec]) -> Node:
    """A node that is its own component: what it declares is what it is given."""
    settings = read_settings(fields)
    return Node(component=read_command_body(fields, _declared(inputs), outputs), type="command", settings=settings)


def _pipeline_node(fields: Fields, inputs: dict[str, InputSpec], outputs: dict[str, OutputSpec]) -> Node:
    settings = read_settings(fields)
    spec = PipelineSpec(
        jobs=_nodes(fields, outputs),
        inputs=_declared(inputs),
        outputs=outputs,
        settings=settings or PipelineSettings(),
    )
    return Node(component=spec, type="pipeline", settings=settings)


def _declared(inputs: dict[str, InputSpec]) -> dict[str, InputSpec]:
    """What is left of given inputs as declarations: everything but the value, the path and the binding."""
    return {name: msgspec.structs.replace(spec, value=None, path="", binding=None) for name, spec in inputs.items()}


def _kept(outputs: dict[str, OutputSpec], promised: dict[str, OutputSpec]) -> dict[str, OutputSpec]:
    """What is left of given outputs as declarations. One that does not say its type has that of the pipeline's output that it
    becomes."""
    return {
        name: OutputSpec(
            type=spec.type or _promise(spec, promised).type or "uri_folder",
            mode=spec.mode,
            description=spec.description,
        )
        for name, spec in outputs.items()
    }


def _promise(spec: OutputSpec, promised: dict[str, OutputSpec]) -> OutputSpec:
    return promised.get(spec.binding.name, OutputSpec()) if spec.binding else OutputSpec()
