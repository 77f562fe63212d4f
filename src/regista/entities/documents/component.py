"""Component documents: a command or a pipeline that can be used again, with declared inputs and outputs."""

from typing import Any

import msgspec

from regista.entities.documents.command import CommandSpec, read_command, read_type
from regista.entities.documents.environment import read_version
from regista.entities.documents.inputs import InputSpec
from regista.entities.documents.outputs import OutputSpec
from regista.entities.documents.pipeline import NODE_TYPES, PipelineSpec, read_pipeline
from regista.entities.documents.reading import Fields


class ComponentDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A component as it was written; what it does, and whether it is the same every time, is in ``spec``."""

    spec: CommandSpec | PipelineSpec
    name: str = ""
    version: str = ""
    display_name: str = ""
    description: str = ""
    tags: dict[str, str] = {}
    properties: dict[str, Any] = {}
    ignored: tuple[str, ...] = ()

    @property
    def type(self) -> str:
        """``command`` or ``pipeline``."""
        return "pipeline" if isinstance(self.spec, PipelineSpec) else "command"

    @property
    def inputs(self) -> dict[str, InputSpec]:
        """The declared inputs."""
        return self.spec.inputs

    @property
    def outputs(self) -> dict[str, OutputSpec]:
        """The declared outputs."""
        return self.spec.outputs

    @property
    def is_deterministic(self) -> bool:
        """Whether the same inputs always give the same outputs, so that a run of it can be used again."""
        return self.spec.is_deterministic


def parse_component(mapping: object, *, where: str = "", anonymous: bool = False) -> ComponentDocument:
    """Read a component document. *anonymous*: a name is not required."""
    fields = Fields.of(mapping, where)
    kind = read_type(fields, NODE_TYPES) or ("pipeline" if fields.take("jobs") else "command")
    spec = read_pipeline(fields, declared=True) if kind == "pipeline" else read_command(fields, declared=True)
    document = ComponentDocument(
        spec=spec,
        name=fields.name("name", "component", required=not anonymous),
        version=read_version(fields),
        display_name=fields.text("display_name"),
        description=fields.text("description"),
        tags=fields.texts("tags"),
        properties=fields.mapping("properties"),
    )
    fields.ignore("id", "creation_context", "latest_version", "auto_delete_setting", "intellectual_property")
    fields.ignore("queue_settings", "identity", "services")
    fields.done()
    return msgspec.structs.replace(document, ignored=tuple(fields.ignored))
