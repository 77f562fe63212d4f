"""Job documents: a command or a pipeline, with everything that it is to run on."""

import msgspec

from regista.entities.asset import AssetKind
from regista.entities.documents.command import CommandSpec, read_command, read_compute, read_type
from regista.entities.documents.inputs import InputSpec, check_value, read_inputs
from regista.entities.documents.outputs import OutputSpec, read_outputs
from regista.entities.documents.pipeline import (
    NODE_TYPES,
    PipelineSettings,
    PipelineSpec,
    read_inline,
    read_pipeline,
    read_settings,
)
from regista.entities.documents.reading import Fields, invalid, join, suggestion

_GIVE = "Give it a path, a value or a default, or make it optional."


class JobDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A job as it was written. Every input of ``spec`` that is not optional is given, except that those of a pipeline
    component by reference are known only when it is resolved."""

    spec: CommandSpec | PipelineSpec
    name: str = ""
    display_name: str = ""
    experiment_name: str = ""
    description: str = ""
    tags: dict[str, str] = {}
    properties: dict[str, str] = {}
    compute: str = ""
    ignored: tuple[str, ...] = ()

    @property
    def type(self) -> str:
        """``command`` or ``pipeline``."""
        return "pipeline" if isinstance(self.spec, PipelineSpec) else "command"


def parse_job(mapping: object, *, where: str = "") -> JobDocument:
    """Read a job document; raise ``InvalidError`` for a wrong field, for an input without value, and for a command that
    speaks of inputs or outputs that there are not."""
    fields = Fields.of(mapping, where)
    kind = read_type(fields, NODE_TYPES) or ("pipeline" if fields.take("jobs") else "command")
    spec = _pipeline(fields) if kind == "pipeline" else read_command(fields)
    document = JobDocument(
        spec=spec,
        name=fields.name("name", "job"),
        display_name=fields.text("display_name"),
        experiment_name=fields.text("experiment_name"),
        description=fields.text("description"),
        tags=fields.texts("tags"),
        properties=fields.texts("properties"),
        compute=read_compute(fields),
    )
    fields.ignore("identity", "services", "queue_settings", "parent_job_name", "notification_settings")
    fields.ignore("id", "status", "creation_context", "log_files", "parameters", "resource_group")
    if kind == "pipeline":
        fields.ignore("limits")
    fields.done()
    for name, given in spec.inputs.items():
        if not given.is_given and not given.optional and not (isinstance(spec, PipelineSpec) and spec.component):
            raise invalid(join(fields.at("inputs"), name), "the job does not say what this input is", hint=_GIVE)
    return msgspec.structs.replace(document, ignored=tuple(fields.ignored))


def _pipeline(fields: Fields) -> PipelineSpec:
    """A pipeline with its own nodes, or one that runs a pipeline component."""
    component = fields.take("component")
    if component is None:
        return read_pipeline(fields)
    if fields.take("jobs") is not None:
        raise invalid(fields.where, "a pipeline has jobs or a component, not both")
    inputs, outputs, settings = read_inputs(fields), read_outputs(fields, typed=False), read_settings(fields)
    if not isinstance(component, dict):
        reference = fields.reference("component", AssetKind.COMPONENT, required=True)
        return PipelineSpec(
            component=reference, inputs=inputs, outputs=outputs, settings=settings or PipelineSettings()
        )
    inline = read_inline(component, fields.at("component"), fields.ignored)
    if not isinstance(inline, PipelineSpec):
        raise invalid(fields.at("component"), "the component of a pipeline job is a pipeline")
    return msgspec.structs.replace(
        inline,
        inputs=given_inputs(inline.inputs, inputs, where=fields.at("inputs")),
        outputs=given_outputs(inline.outputs, outputs, where=fields.at("outputs")),
        settings=settings or inline.settings,
    )


def given_inputs(
    declared: dict[str, InputSpec], given: dict[str, InputSpec], *, where: str = ""
) -> dict[str, InputSpec]:
    """The *declared* inputs of a component with what is *given* to them; raise ``InvalidError`` for one that is not
    declared, or whose value is not allowed."""
    for name, spec in given.items():
        if name not in declared:
            raise invalid(join(where, name), "there is no such input", hint=suggestion(name, declared, "Declared"))
        if spec.value is not None and declared[name].is_literal:
            check_value(declared[name], spec.value, where=join(where, name))
    return {
        name: msgspec.structs.replace(
            spec,
            value=given[name].value if name in given else None,
            path=given[name].path if name in given else "",
            mode=(given[name].mode if name in given else "") or spec.mode,
        )
        for name, spec in declared.items()
    }


def given_outputs(
    declared: dict[str, OutputSpec], given: dict[str, OutputSpec], *, where: str = ""
) -> dict[str, OutputSpec]:
    """The *declared* outputs of a component with where the job wants them; raise ``InvalidError`` for one not declared."""
    for name in given:
        if name not in declared:
            raise invalid(join(where, name), "there is no such output", hint=suggestion(name, declared, "Declared"))
    return {
        name: msgspec.structs.replace(
            given.get(name, spec),
            type=spec.type,
            mode=given.get(name, spec).mode or spec.mode,
            description=spec.description,
        )
        for name, spec in declared.items()
    }
