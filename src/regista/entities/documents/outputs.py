"""Outputs of jobs, components and nodes. Left empty, an output is a folder that is kept when the job has ended."""

import msgspec

from regista.entities.binding import NodeOutput, ParentInput, ParentOutput, is_whole, parse_binding
from regista.entities.documents.inputs import DATA_TYPES
from regista.entities.documents.reading import Fields, invalid, join, located
from regista.entities.names import check_version

OUTPUT_MODES = ("rw_mount", "upload", "direct")


class OutputSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An output. With a ``name`` the content becomes a version of that asset, in ``path`` (a registry or a datastore) or in
    the workspace. ``binding`` says which output of the pipeline a node's output becomes; ``type`` is "" in a node that
    leaves it to its component."""

    type: str = ""
    mode: str = ""
    path: str = ""
    name: str = ""
    version: str = ""
    description: str = ""
    binding: ParentOutput | None = None


def read_outputs(fields: Fields, *, bindings: bool = False, typed: bool = True) -> dict[str, OutputSpec]:
    """The field ``outputs``. *bindings*: of a node, where a value may be one. Not *typed*: a type that is not written stays
    open, because a component tells it."""
    outputs = {}
    for name, value in fields.each("outputs", "output").items():
        where = join(fields.at("outputs"), name)
        if isinstance(value, str) and bindings and (bound := _binding(value, where)):
            outputs[name] = OutputSpec(binding=bound)
        elif value is None or isinstance(value, dict):
            outputs[name] = _described(Fields(value or {}, where, fields.ignored), bindings=bindings, typed=typed)
        else:
            hint = "Write ${{parent.outputs.NAME}} or {mode: upload}." if bindings else "Write {type: uri_folder}."
            raise invalid(where, f"expected a mapping, found {str(value)[:80]!r}", hint=hint)
    return outputs


def _described(fields: Fields, *, bindings: bool, typed: bool) -> OutputSpec:
    path = fields.text("path")
    # A path may name the job in it, ``…/paths/${{name}}/…``: only a whole value is a binding.
    bound = _binding(path, fields.at("path")) if bindings and is_whole(path) else None
    mode = fields.choice("mode", (*OUTPUT_MODES, "mount"))
    version = fields.text("version")
    spec = OutputSpec(
        type=fields.choice("type", DATA_TYPES) or ("uri_folder" if typed else ""),
        mode="rw_mount" if mode == "mount" else mode,
        path="" if bound else path,
        name=fields.name("name", "data"),
        version=located(fields.at("version"), lambda: check_version(version)) if version else "",
        description=fields.text("description"),
        binding=bound,
    )
    fields.ignore("intellectual_property", "early_available", "datastore")
    fields.done()
    if spec.version and not spec.name:
        raise invalid(fields.at("version"), "a version needs the name of the asset that it is a version of")
    return spec


def _binding(text: str, where: str) -> ParentOutput | None:
    match located(where, lambda: parse_binding(text)):
        case None:
            return None
        case ParentOutput() as bound:
            return bound
        case ParentInput() | NodeOutput():
            raise invalid(where, "an output becomes an output of the pipeline", hint="Write ${{parent.outputs.NAME}}.")
