"""Inputs of jobs, components and nodes: what is declared, and what is given.

x: 5                          a literal; its type is that of the value
x: ${{parent.inputs.y}}       a binding, in a node
x: {path: azureml:flights:3}  content; its type is uri_folder unless it is said
x: {type: number, min: 0}     a declaration, in a component
"""

import math
from typing import Any

import msgspec

from regista.entities.binding import PipelineBinding, parse_binding
from regista.entities.documents.reading import Fields, invalid, join, located, scalar_text
from regista.entities.reference import is_reference, parse_reference

DATA_TYPES = ("uri_file", "uri_folder", "mltable", "mlflow_model", "custom_model", "triton_model")
LITERAL_TYPES = ("string", "number", "integer", "boolean")
INPUT_MODES = ("ro_mount", "rw_mount", "download", "direct", "eval_mount", "eval_download")

Literal = str | int | float | bool


class InputSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An input as it was declared or given. At most one of ``value``, ``path`` and ``binding`` is there.

    ``type`` is "" where only the other end of a binding, or the component, tells it."""

    type: str = ""
    optional: bool = False
    default: Literal | None = None
    min: float | int | None = None
    max: float | int | None = None
    enum: tuple[str, ...] = ()
    description: str = ""
    mode: str = ""
    path: str = ""
    value: Literal | None = None
    binding: PipelineBinding | None = None

    @property
    def is_literal(self) -> bool:
        """Whether it takes a value, not content; false where the type is not known."""
        return self.type in LITERAL_TYPES

    @property
    def is_given(self) -> bool:
        """Whether there is something for it: a value, a path, a binding or a default."""
        return self.value is not None or bool(self.path) or self.binding is not None or self.default is not None


def literal_type(value: Literal) -> str:
    """The type that a bare value has."""
    if isinstance(value, bool):
        return "boolean"
    return "integer" if isinstance(value, int) else "number" if isinstance(value, float) else "string"


def check_value(spec: InputSpec, value: object, *, where: str = "") -> str:
    """Return *value* as the text that the command sees; raise ``InvalidError`` when *spec* does not allow it.

    A boolean is ``True`` or ``False``, as in Azure ML; a number keeps the digits in which it was written as text."""
    text = scalar_text(value)
    if text is None or spec.type in DATA_TYPES:
        raise invalid(where, f"expected {_wanted(spec)}, found {type(value).__name__} {str(value)[:80]!r}")
    number: float | int | None = None
    if spec.type == "boolean":
        if text.lower() not in {"true", "false"}:
            raise invalid(where, f"expected true or false, found {text[:80]!r}")
        text = text.capitalize()
    elif spec.type in {"integer", "number"}:
        number = _number(spec.type, value)
        if number is None:
            raise invalid(where, f"expected {_wanted(spec)}, found {text[:80]!r}")
        text = text.strip() if spec.type == "number" and isinstance(value, str) else str(number)
    _check_bounds(spec, number, where)
    if spec.enum and text not in spec.enum:
        raise invalid(where, f"{text[:80]!r} is none of {', '.join(spec.enum)}")
    return text


def _wanted(spec: InputSpec) -> str:
    words = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "a text"}
    return words.get(spec.type, f"content of type {spec.type}" if spec.type else "a text, a number or a boolean")


def _number(type_: str, value: object) -> float | int | None:
    """*value* as a number of the type, or None. Integers of any size stay exact."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, str) and ("_" in value or not value.isascii()):
        return None  # Python reads these as numbers; the program that gets them may not.
    try:
        if type_ == "integer":
            return int(value) if not isinstance(value, float) or value.is_integer() else None
        return float(value) if isinstance(value, str) else value
    except (ValueError, OverflowError):
        return None


def _check_bounds(spec: InputSpec, number: float | None, where: str) -> None:
    if number is None:
        return
    # Written so that NaN, which compares with nothing, is outside of every bound.
    if spec.min is not None and not number >= spec.min:
        raise invalid(where, f"{number} is less than the minimum {spec.min}")
    if spec.max is not None and not number <= spec.max:
        raise invalid(where, f"{number} is more than the maximum {spec.max}")


def read_inputs(fields: Fields, *, declared: bool = False, bindings: bool = False) -> dict[str, InputSpec]:
    """The field ``inputs``. *declared*: of a component, where a type is required and nothing is given. *bindings*: of a
    node, where a text may be a binding and a type may be missing. A null is an input that is not given."""
    found = fields.each("inputs", "input").items()
    inputs = {}
    for name, value in found:
        where = join(fields.at("inputs"), name)
        if isinstance(value, dict):
            inputs[name] = _described(Fields(value, where, fields.ignored), declared=declared, bindings=bindings)
        elif declared or isinstance(value, list):
            raise invalid(where, "expected a mapping with a type", hint="Write {type: string} or {type: uri_folder}.")
        elif value is not None:
            inputs[name] = _bare(value, where, bindings=bindings)
    return inputs


def _bare(value: Literal, where: str, *, bindings: bool) -> InputSpec:
    bound = _binding(value, where, bindings=bindings)
    return InputSpec(binding=bound) if bound else InputSpec(type=literal_type(value), value=value)


def _binding(value: object, where: str, *, bindings: bool) -> PipelineBinding | None:
    if not isinstance(value, str):
        return None
    bound = located(where, lambda: parse_binding(value))
    if bound is not None and not bindings:
        raise invalid(where, f"the binding {value[:200]} has no parent here", hint="Only a pipeline's nodes have one.")
    return bound


def _described(fields: Fields, *, declared: bool, bindings: bool) -> InputSpec:
    type_ = fields.choice("type", (*DATA_TYPES, *LITERAL_TYPES))
    value, path = fields.take("value"), fields.text("path")
    if value is not None and (path or scalar_text(value) is None):
        raise fields.wrong("value", "a text, a number or a boolean, and no path beside it")
    bound = _binding(path or value, fields.at("path" if path else "value"), bindings=bindings)
    if declared and (not type_ or path or value is not None):
        raise invalid(fields.where, "a declaration has a type, and neither path nor value")
    spec = InputSpec(
        type=type_ or _type_of(fields, value, bound, bindings=bindings),
        optional=fields.boolean("optional"),
        default=_scalar(fields, "default"),
        min=_bound(fields, "min"),
        max=_bound(fields, "max"),
        enum=_enum(fields),
        description=fields.text("description"),
        mode=_mode(fields),
        path="" if bound else path,
        value=None if bound else value,
        binding=bound,
    )
    fields.ignore("datastore", "path_on_compute", "intellectual_property")
    fields.done()
    return _consistent(spec, fields)


def _type_of(fields: Fields, value: Literal | None, bound: PipelineBinding | None, *, bindings: bool) -> str:
    """The type that is not written: of the value, else of a folder; a node's is told by its component."""
    if value is not None and bound is None:
        return literal_type(value)
    if bindings:
        return ""
    default = fields.take("default")
    return literal_type(default) if isinstance(default, str | int | float) else "uri_folder"


def _mode(fields: Fields) -> str:
    mode = fields.choice("mode", (*INPUT_MODES, "mount"))
    return "ro_mount" if mode == "mount" else mode


def _scalar(fields: Fields, key: str) -> Literal | None:
    value: Any = fields.take(key)
    if value is not None and scalar_text(value) is None:
        raise fields.wrong(key, "a text, a number or a boolean")
    return value  # type: ignore[no-any-return]


def _bound(fields: Fields, key: str) -> float | int | None:
    value = fields.take(key)
    if value is None:
        return None
    number = _number("number", value)
    if number is None or not math.isfinite(number):
        raise fields.wrong(key, "a number")
    return number


def _enum(fields: Fields) -> tuple[str, ...]:
    texts = [scalar_text(value) for value in fields.items("enum")]
    if None in texts:
        raise fields.wrong("enum", "a list of texts")
    return tuple(text for text in texts if text is not None)


def _consistent(spec: InputSpec, fields: Fields) -> InputSpec:
    """Refuse bounds that nothing can meet, and a value or a default that the declaration does not allow."""
    if spec.min is not None and spec.max is not None and spec.min > spec.max:
        raise invalid(fields.where, f"the minimum {spec.min} is more than the maximum {spec.max}")
    if (spec.min is not None or spec.max is not None) and spec.type not in {"number", "integer", ""}:
        raise invalid(fields.where, "min and max belong to a number or an integer")
    if spec.is_literal and spec.path:
        raise invalid(fields.at("path"), f"an input of type {spec.type} has a value, not a path")
    if spec.type in DATA_TYPES and spec.value is not None:
        raise invalid(fields.at("value"), f"an input of type {spec.type} has a path, not a value")
    if spec.is_literal:
        for key in ("value", "default"):
            if (given := getattr(spec, key)) is not None:
                check_value(spec, given, where=fields.at(key))
    if spec.path and is_reference(spec.path):
        located(fields.at("path"), lambda: parse_reference(spec.path))
    return spec
