"""How the nodes of a pipeline hang together: who waits for whom, and whether everything that is tied together fits.

Checked here, before anything runs: names on both ends of every binding, types, values of literals, inputs that nobody gives,
outputs that nobody makes, cycles; and the same inside of every nested pipeline, in its own scope.
"""

from collections.abc import Callable, Iterator
from graphlib import CycleError, TopologicalSorter

import msgspec

from regista.entities.binding import NodeOutput, ParentInput, ParentOutput
from regista.entities.documents.command import CommandSpec
from regista.entities.documents.inputs import DATA_TYPES, InputSpec, check_value
from regista.entities.documents.outputs import OutputSpec
from regista.entities.documents.pipeline import Node, PipelineSpec
from regista.entities.documents.reading import invalid, join, suggestion
from regista.entities.reference import is_reference
from regista.errors import InvalidError

MAX_NESTING = 32
ARTIFACTS = "artifacts"
"""The output that every command has: what it left in ``./outputs``."""

_FOLDERS = frozenset(DATA_TYPES) - {"uri_file"}
_ACCEPTS = {
    "uri_folder": _FOLDERS,
    "uri_file": frozenset({"uri_file", "custom_model"}),
    "custom_model": frozenset(DATA_TYPES) - {"mltable"},
    "mltable": frozenset({"mltable", "uri_folder"}),
    "mlflow_model": frozenset({"mlflow_model", "custom_model", "uri_folder"}),
    "triton_model": frozenset({"triton_model", "custom_model", "uri_folder"}),
    "string": frozenset({"string", "number", "integer", "boolean"}),
    "number": frozenset({"number", "integer"}),
}

ComponentOf = Callable[[str], CommandSpec | PipelineSpec | None]
"""What a reference to a component leads to; None while it is not known."""


class PipelineGraph(msgspec.Struct, frozen=True, kw_only=True):
    """Each node with the nodes whose outputs it reads; and an order in which every node comes after those."""

    dependencies: dict[str, frozenset[str]]
    order: tuple[str, ...]

    def ready(self, done: frozenset[str] | set[str]) -> tuple[str, ...]:
        """The nodes that are not *done* and wait for nothing but what is."""
        return tuple(name for name in self.order if name not in done and self.dependencies[name] <= done)

    def downstream(self, name: str) -> frozenset[str]:
        """Every node that needs *name*, directly or through others."""
        found: set[str] = set()
        for other in self.order:
            if self.dependencies[other] & (found | {name}):
                found.add(other)
        return frozenset(found)


def accepts(wanted: str, offered: str) -> bool:
    """Whether content or a value of the type *offered* may go where *wanted* is declared; unknown types fit."""
    return not wanted or not offered or offered == wanted or offered in _ACCEPTS.get(wanted, frozenset())


def bound_type(wanted: str, offered: str) -> str:
    """What an input is that is declared as *wanted* and given what is *offered*.

    A file may stand where a folder is declared, as in Azure ML, and stays a file: its reader is given the path of it."""
    return offered if (wanted, offered) == ("uri_folder", "uri_file") else wanted or offered


def build_graph(spec: PipelineSpec, *, component_of: ComponentOf | None = None, where: str = "") -> PipelineGraph:
    """Check *spec* whole and return how its nodes hang together. Raise ``InvalidError`` with the place of what is wrong.

    Nodes whose component is not known (no *component_of*, or it says None) are checked as far as can be."""
    return _Checker(component_of or (lambda _: None)).graph(spec, where, 0)


class _Checker:
    """One walk through a pipeline and the pipelines in it; a component that is referred to twice is walked once."""

    def __init__(self, component_of: ComponentOf) -> None:
        self._component_of = component_of
        self._walked: set[str] = set()

    def graph(self, spec: PipelineSpec, where: str, depth: int) -> PipelineGraph:
        if depth > MAX_NESTING:
            raise invalid(where[:300], f"pipelines inside one another, more than {MAX_NESTING} deep")
        bodies = {name: self._body(node) for name, node in spec.jobs.items()}
        dependencies = {name: frozenset(_sources(node)) for name, node in spec.jobs.items()}
        for name, node in spec.jobs.items():
            _Scope(spec, bodies, where).check(name, node)
        order = _order(dependencies, where)
        _check_outputs(spec, where)
        for name, body in bodies.items():
            self._inside(spec.jobs[name], body, join(where, f"jobs.{name}"), depth)
        return PipelineGraph(dependencies=dependencies, order=order)

    def _body(self, node: Node) -> CommandSpec | PipelineSpec | None:
        return self._component_of(node.component) if isinstance(node.component, str) else node.component

    def _inside(self, node: Node, body: CommandSpec | PipelineSpec | None, where: str, depth: int) -> None:
        if not isinstance(body, PipelineSpec):
            return
        if isinstance(node.component, str):
            if node.component in self._walked:
                return
            self._walked.add(node.component)
        self.graph(body, where, depth + 1)


def _sources(node: Node) -> Iterator[str]:
    for given in node.inputs.values():
        if isinstance(given.binding, NodeOutput):
            yield given.binding.node


def _order(dependencies: dict[str, frozenset[str]], where: str) -> tuple[str, ...]:
    known = {name: [source for source in sources if source in dependencies] for name, sources in dependencies.items()}
    try:
        return tuple(TopologicalSorter({name: sorted(sources) for name, sources in known.items()}).static_order())
    except CycleError as wrong:
        cycle = [str(name) for name in wrong.args[1]]
        shown = " -> ".join(cycle if len(cycle) <= 20 else [*cycle[:19], "…"])
        raise invalid(join(where, "jobs"), f"the nodes wait for one another: {shown}") from wrong


def _check_outputs(spec: PipelineSpec, where: str) -> None:
    """Every output of the pipeline is made by exactly one node."""
    makers: dict[str, str] = {}
    for node_name, node in spec.jobs.items():
        for output_name, output in node.outputs.items():
            if output.binding is None:
                continue
            place = join(where, f"jobs.{node_name}.outputs.{output_name}")
            if output.binding.name in makers:
                raise invalid(place, f"{makers[output.binding.name]} makes the output {output.binding.name!r} already")
            makers[output.binding.name] = f"jobs.{node_name}.outputs.{output_name}"
    for name in spec.outputs:
        if name not in makers and not spec.component:
            hint = f"Give an output of a node the value ${{{{parent.outputs.{name}}}}}."
            raise invalid(join(where, f"outputs.{name}"), "no node makes this output", hint=hint)


class _Scope:
    """The names that the nodes of one pipeline can speak of."""

    def __init__(self, spec: PipelineSpec, bodies: dict[str, CommandSpec | PipelineSpec | None], where: str) -> None:
        self._spec = spec
        self._bodies = bodies
        self._where = where

    def check(self, name: str, node: Node) -> None:
        """Check everything that the node gives and takes."""
        where, body = join(self._where, f"jobs.{name}"), self._bodies[name]
        if (
            body is not None
            and node.type
            and node.type != ("pipeline" if isinstance(body, PipelineSpec) else "command")
        ):
            raise invalid(join(where, "type"), f"the component is not a {node.type}")
        declared = None if body is None else body.inputs
        for key, given in node.inputs.items():
            place = join(where, f"inputs.{key}")
            if declared is not None and key not in declared:
                raise invalid(place, "the component has no such input", hint=suggestion(key, declared, "It has"))
            self._check_input(declared[key] if declared else InputSpec(), given, place)
        for key, wanted in (declared or {}).items():
            given_here = key in node.inputs and node.inputs[key].is_given
            if not given_here and not wanted.optional and wanted.default is None:
                raise invalid(join(where, f"inputs.{key}"), "the node does not give this input")
        for key, output in node.outputs.items():
            self._check_output(body, key, output, join(where, f"outputs.{key}"))

    def _check_input(self, wanted: InputSpec, given: InputSpec, place: str) -> None:
        match given.binding:
            case None:
                _check_given(wanted, given, place)
            case ParentInput(name):
                source = self._spec.inputs.get(name)
                if source is None:
                    hint = suggestion(name, self._spec.inputs, "It has")
                    raise invalid(place, f"the pipeline has no input {name!r}", hint=hint)
                _fit_input(wanted.type or given.type, source.type, place, f"the pipeline's input {name!r}")
                needed = wanted.type and not wanted.optional and wanted.default is None
                if needed and source.optional and not source.is_given:
                    raise invalid(place, f"needs a value, and the pipeline's input {name!r} is optional")
            case NodeOutput(node, name):
                offered = self._output_type(node, name, place)
                _fit_input(wanted.type or given.type, offered, place, f"{node}.{name}")
            case ParentOutput():
                hint = "Bind it to the node that makes it: ${{parent.jobs.NODE.outputs.NAME}}."
                raise invalid(place, "an output of the pipeline cannot be an input", hint=hint)

    def _output_type(self, node: str, name: str, place: str) -> str:
        """The type of another node's output, "" where it is not known."""
        if node not in self._bodies:
            raise invalid(place, f"there is no node {node!r}", hint=suggestion(node, self._bodies, "Nodes"))
        body, shown = self._bodies[node], self._spec.jobs[node].outputs.get(name)
        if body is None:
            return shown.type if shown else ""
        if name not in body.outputs:
            if name == ARTIFACTS and isinstance(body, CommandSpec):
                return "uri_folder"
            raise invalid(
                place, f"the node {node!r} has no output {name!r}", hint=suggestion(name, body.outputs, "It has")
            )
        return body.outputs[name].type

    def _check_output(self, body: CommandSpec | PipelineSpec | None, key: str, output: OutputSpec, place: str) -> None:
        type_ = output.type
        if body is not None:
            if key not in body.outputs and not (key == ARTIFACTS and isinstance(body, CommandSpec)):
                raise invalid(place, "the component has no such output", hint=suggestion(key, body.outputs, "It has"))
            made = body.outputs[key].type if key in body.outputs else "uri_folder"
            _fit(type_, made, place, "the component")
            type_ = type_ or made
        if output.binding is not None:
            name = output.binding.name
            if name not in self._spec.outputs:
                hint = suggestion(name, self._spec.outputs, "It has")
                raise invalid(place, f"the pipeline has no output {name!r}", hint=hint)
            _fit(self._spec.outputs[name].type, type_, place, "the node")


def _fit(wanted: str, offered: str, place: str, who: str) -> None:
    if not accepts(wanted, offered):
        raise invalid(place, f"expected {wanted}, {who} is {offered}")


def _fit_input(wanted: str, offered: str, place: str, who: str) -> None:
    _fit(bound_type(wanted, offered), offered, place, who)


def _check_given(wanted: InputSpec, given: InputSpec, place: str) -> None:
    """A value or a path against the declaration. A text given to content is a reference to it."""
    if given.value is not None and wanted.type in DATA_TYPES:
        if not (isinstance(given.value, str) and is_reference(given.value)):
            raise invalid(place, f"expected {wanted.type}, found a value", hint="Write {path: …}.")
    elif given.value is not None:
        check_value(wanted, given.value, where=place)
    elif given.path and wanted.is_literal:
        raise invalid(place, f"expected a {wanted.type}, found a path")
    elif given.path:
        _fit_input(wanted.type, given.type, place, "what is given")


def check_given(declared: dict[str, InputSpec], given: dict[str, InputSpec], *, where: str = "inputs") -> None:
    """Check what a job gives to the inputs of a component: names, values, types, and that nothing needed is missing."""
    for name, value in given.items():
        if name not in declared:
            raise invalid(join(where, name), "there is no such input", hint=suggestion(name, declared, "Declared"))
        if value.binding is not None:
            raise InvalidError(f"{join(where, name)}: a binding has no parent here")
        _check_given(declared[name], value, join(where, name))
    for name, wanted in declared.items():
        if not wanted.optional and wanted.default is None and not (name in given and given[name].is_given):
            raise invalid(join(where, name), "this input is required")
