"""Bindings: how the inputs and outputs of a pipeline's nodes are tied to one another.

    ${{parent.inputs.NAME}}                an input of the pipeline
    ${{parent.jobs.NODE.outputs.NAME}}     an output of another node
    ${{parent.outputs.NAME}}               the output of the pipeline that a node's output becomes

A binding is the whole value: there is no text around it. Law: ``parse_binding(str(b)) == b``.
"""

import re

import msgspec

from regista.entities.names import check_name
from regista.errors import InvalidError

_WHOLE = re.compile(r"\s*\$\{\{([^{}]*)\}\}\s*")


class ParentInput(msgspec.Struct, frozen=True, tag="parent_input", tag_field="from"):
    """An input of the pipeline."""

    name: str

    def __str__(self) -> str:
        return f"${{{{parent.inputs.{self.name}}}}}"


class ParentOutput(msgspec.Struct, frozen=True, tag="parent_output", tag_field="from"):
    """An output of the pipeline."""

    name: str

    def __str__(self) -> str:
        return f"${{{{parent.outputs.{self.name}}}}}"


class NodeOutput(msgspec.Struct, frozen=True, tag="node_output", tag_field="from"):
    """An output of a node of the same pipeline."""

    node: str
    name: str

    def __str__(self) -> str:
        return f"${{{{parent.jobs.{self.node}.outputs.{self.name}}}}}"


PipelineBinding = ParentInput | ParentOutput | NodeOutput


def is_whole(text: str) -> bool:
    """Whether *text* is nothing but one pair of ``${{`` and ``}}`` with something between."""
    return _WHOLE.fullmatch(text) is not None


def parse_binding(text: str) -> PipelineBinding | None:
    """Read *text*; None when it is no binding but a plain value. Raise ``InvalidError`` for a malformed binding and for
    one with text around it."""
    if "${{" not in text:
        return None
    match = _WHOLE.fullmatch(text)
    if match is None:
        raise InvalidError(
            f"{text[:200]!r} mixes a binding with other text",
            hint="A binding is the whole value; put the text together inside the command.",
        )
    match match[1].strip().split("."):
        case ["parent", "inputs", name]:
            return ParentInput(check_name("input", name))
        case ["parent", "outputs", name]:
            return ParentOutput(check_name("output", name))
        case ["parent", "jobs", node, "outputs", name]:
            return NodeOutput(check_name("node", node), check_name("output", name))
    raise InvalidError(
        f"{text[:200]!r} is not a binding",
        hint="Write ${{parent.inputs.NAME}}, ${{parent.jobs.NODE.outputs.NAME}} or ${{parent.outputs.NAME}}.",
    )
