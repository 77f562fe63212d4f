"""From a job's document to a plan: every reference becomes one exact version, with the rights of whoever submits.

A reference is looked up where it stands: one in a job in the job's workspace, one in a component in the component's own scope.
Nothing is written here; environments that have no version yet are collected in ``drafts``, to be added with the job.
"""

from typing import Any

import msgspec

from regista.entities.asset import ANONYMOUS, NO_FILES, AssetKind, content_digest
from regista.entities.digest import hex_of
from regista.entities.documents.command import CommandSpec
from regista.entities.documents.component import parse_component
from regista.entities.documents.environment import EnvironmentDocument
from regista.entities.documents.inputs import DATA_TYPES, InputSpec, check_value
from regista.entities.documents.job import JobDocument
from regista.entities.documents.outputs import OutputSpec
from regista.entities.documents.pipeline import Node, PipelineSpec
from regista.entities.documents.reading import invalid, join, placed
from regista.entities.environment import EnvironmentSpec
from regista.entities.graph import MAX_NESTING, bound_type, build_graph, check_given
from regista.entities.job import Binding
from regista.entities.manifest import Manifest
from regista.entities.reference import AssetReference, asset_reference, is_reference
from regista.entities.scope import Scope
from regista.errors import InvalidError, NotFoundError, UnsupportedError
from regista.services.assets.versions import NewVersion
from regista.services.environments.curated import CuratedEnvironments, curated_for
from regista.services.environments.environments import read_spec, written_spec
from regista.services.jobs.plans import CommandPlan, PipelinePlan, Plan, Source, StepPlan, source_of
from regista.services.jobs.sources import Sources

Body = CommandSpec | PipelineSpec


class Resolver:
    """Resolves one document. ``drafts`` are anonymous environments by their version, ``needed`` every environment's
    specification by its place in the document."""

    def __init__(self, sources: Sources, workspace: Scope, curated: CuratedEnvironments) -> None:
        self._sources = sources
        self._workspace = workspace
        self._curated = curated
        self.drafts: dict[str, NewVersion] = {}
        self.needed: dict[str, EnvironmentSpec] = {}

    def plan(self, document: JobDocument) -> tuple[Plan, dict[str, Binding]]:
        """The plan of the document, and what its inputs are given."""
        spec, home = document.spec, self._workspace
        if isinstance(spec, CommandSpec):
            return self._command(spec, home, ""), self._given(spec.inputs, spec.inputs, home, "inputs")
        if not spec.component:
            return self._pipeline(spec, home, ""), self._given(spec.inputs, spec.inputs, home, "inputs")
        body, body_home, component = self._component(spec.component, home, "component")
        if not isinstance(body, PipelineSpec):
            raise invalid("component", "the component of a pipeline job is a pipeline")
        check_given(body.inputs, spec.inputs)
        bindings = self._given(body.inputs, spec.inputs, home, "inputs")
        body = msgspec.structs.replace(
            body,
            settings=spec.settings,
            outputs={name: _merged(shown, spec.outputs.get(name)) for name, shown in body.outputs.items()},
        )
        return self._pipeline(body, body_home, "component", component), bindings

    def _command(self, spec: CommandSpec, home: Scope, where: str, component: Source | None = None) -> CommandPlan:
        self._refuse_more_machines(spec, where)
        return CommandPlan(
            command=spec.command,
            environment=self._environment(spec.environment, home, join(where, "environment")),
            code=self._code(spec.code, home, join(where, "code")) if spec.code else None,
            component=component,
            inputs={name: _declared(one) for name, one in spec.inputs.items()},
            outputs=spec.outputs,
            environment_variables=spec.environment_variables,
            distribution=spec.distribution,
            resources=spec.resources,
            timeout=spec.timeout,
            is_deterministic=spec.is_deterministic,
        )

    def _pipeline(
        self, spec: PipelineSpec, home: Scope, where: str, component: Source | None = None, depth: int = 0
    ) -> PipelinePlan:
        if depth > MAX_NESTING:
            raise invalid(where[:300], f"pipelines inside one another, more than {MAX_NESTING} deep")
        found = {name: self._body(node, home, join(where, f"jobs.{name}")) for name, node in spec.jobs.items()}
        inline = {name: msgspec.structs.replace(node, component=found[name][0]) for name, node in spec.jobs.items()}
        build_graph(msgspec.structs.replace(spec, jobs=inline), where=where)
        steps = {}
        for name, node in inline.items():
            body, body_home, source = found[name]
            place = join(where, f"jobs.{name}")
            steps[name] = self._step(node, body, home, place, self._nested(node, body, body_home, place, source, depth))
        return PipelinePlan(
            jobs=steps,
            inputs={name: _declared(one) for name, one in spec.inputs.items()},
            outputs=spec.outputs,
            settings=spec.settings,
            component=component,
        )

    def _nested(self, node: Node, body: Body, home: Scope, where: str, source: Source | None, depth: int) -> Plan:
        inner = join(where, "component") if source else where
        if isinstance(body, PipelineSpec):
            settings = node.settings or body.settings
            return self._pipeline(msgspec.structs.replace(body, settings=settings), home, inner, source, depth + 1)
        plan = self._command(body, home, inner, source)
        return msgspec.structs.replace(
            plan,
            environment_variables=plan.environment_variables | node.environment_variables,
            distribution=node.distribution or plan.distribution,
            resources=node.resources or plan.resources,
            timeout=node.timeout or plan.timeout,
            force_rerun=node.force_rerun,
        )

    def _step(self, node: Node, body: Body, home: Scope, where: str, plan: Plan) -> StepPlan:
        place = join(where, "inputs")
        plain = {name: one for name, one in node.inputs.items() if one.binding is None}
        unbound = {name: one for name, one in body.inputs.items() if name in plain or name not in node.inputs}
        return StepPlan(
            plan=plan,
            given=self._given(unbound, plain, home, place),
            bound={name: one.binding for name, one in node.inputs.items() if one.binding is not None},
            modes={name: one.mode for name, one in node.inputs.items() if one.mode},
            outputs=node.outputs,
            compute=node.compute,
            display_name=node.display_name,
            description=node.description,
            tags=node.tags,
            properties=node.properties,
        )

    def _body(self, node: Node, home: Scope, where: str) -> tuple[Body, Scope, Source | None]:
        if isinstance(node.component, str):
            return self._component(node.component, home, join(where, "component"))
        return node.component, home, None

    def _component(self, text: str, home: Scope, where: str) -> tuple[Body, Scope, Source]:
        def find() -> tuple[Body, Scope, Source]:
            scope, version = self._sources.version(text, AssetKind.COMPONENT, home, download=False)
            return read_component(version.spec), scope, source_of(scope, version, text)

        return placed(where, find)

    def _code(self, text: str, home: Scope, where: str) -> Source:
        if text.lower().startswith(("http:", "https:", "git+", "git@")):
            raise UnsupportedError(
                f"{where}: code is not fetched from {text[:100]!r}", hint="Clone it and name the folder."
            )

        def find() -> Source:
            scope, version = self._sources.version(text, AssetKind.CODE, home, download=True)
            return source_of(scope, version, text)

        return placed(where, find)

    def _environment(self, given: str | EnvironmentDocument, home: Scope, where: str) -> Source:
        if isinstance(given, EnvironmentDocument):
            return self._anonymous(placed(where, lambda: self._written(given, home)), where, "")
        if not given:
            raise invalid(
                where,
                "the command needs an environment",
                hint="Write azureml:NAME@latest, a curated name such as sklearn-1.5, or a mapping with pip or conda_file.",
            )
        return placed(where, lambda: self._named_environment(given, home, where))

    def _named_environment(self, text: str, home: Scope, where: str) -> Source:
        reference = asset_reference(text, AssetKind.ENVIRONMENT)
        try:
            scope, version = self._sources.version(text, AssetKind.ENVIRONMENT, home, download=False)
        except NotFoundError as missing:
            return self._anonymous(curated_for(self._curated, reference, missing), where, text)
        self.needed[where] = read_spec(version)
        return source_of(scope, version, text)

    def _written(self, document: EnvironmentDocument, home: Scope) -> EnvironmentSpec:
        if document.build is None:
            return written_spec(document, None, lambda _: b"")
        scope, version = self._sources.version(document.build.path, AssetKind.CODE, home, download=True)
        store = self._sources.store(scope)
        return written_spec(document, Manifest.parse(store.get(version.manifest)), store.get)

    def _anonymous(self, spec: EnvironmentSpec, where: str, given: str) -> Source:
        """The anonymous version that *spec* is, or will be, in the workspace."""
        builtins = msgspec.to_builtins(spec)
        number = hex_of(content_digest(AssetKind.ENVIRONMENT, "", NO_FILES, builtins))
        self.needed[where] = spec
        self.drafts[number] = NewVersion(
            kind=AssetKind.ENVIRONMENT,
            anonymous=True,
            spec=builtins,
            properties={"regista.given": given} if given else {},
        )
        scope = self._workspace
        reference = AssetReference(name=ANONYMOUS, kind=AssetKind.ENVIRONMENT, version=number, workspace_id=scope.id)
        node = f"version:{scope.id}/{AssetKind.ENVIRONMENT}/{ANONYMOUS}/{number}"
        return Source(reference=str(reference), node=node, manifest=NO_FILES, given=given)

    def _given(
        self, declared: dict[str, InputSpec], given: dict[str, InputSpec], home: Scope, where: str
    ) -> dict[str, Binding]:
        """What each declared input comes to; one without value, path and default is left out."""
        found = {}
        for name, wanted in declared.items():
            binding = self._binding(wanted, given.get(name, wanted), home, join(where, name))
            if binding is not None:
                found[name] = binding
        return found

    def _binding(self, wanted: InputSpec, given: InputSpec, home: Scope, where: str) -> Binding | None:
        type_ = bound_type(wanted.type, given.type)
        path, mode = given.path, given.mode or wanted.mode
        value = given.value if given.value is not None else wanted.default
        if not path and type_ in DATA_TYPES and isinstance(value, str) and is_reference(value):
            path = value
        if path:
            return placed(where, lambda: self._sources.content(path, type_, mode, home))
        if value is None:
            return None
        return Binding(type=type_, value=check_value(wanted, value, where=where))

    @staticmethod
    def _refuse_more_machines(spec: CommandSpec, where: str) -> None:
        processes = spec.distribution.process_count_per_instance if spec.distribution else 1
        machines = spec.resources.instance_count if spec.resources else 1
        if machines > 1 or processes > 1:
            raise UnsupportedError(
                f"{join(where, 'resources')}: this compute runs a command as one process on one machine",
                hint="Leave instance_count and process_count_per_instance at 1.",
            )


def read_component(spec: dict[str, Any]) -> Body:
    """What a component's version holds: a document, or the normal form into which registration brings one."""
    try:
        return parse_component(spec, anonymous=True).spec
    except InvalidError as wrong:
        try:
            body: Body = msgspec.convert(spec, CommandSpec | PipelineSpec)
        except msgspec.ValidationError:
            raise wrong from None
    return body


def _declared(spec: InputSpec) -> InputSpec:
    """What is left of an input as a declaration."""
    return msgspec.structs.replace(spec, value=None, path="", binding=None)


def _merged(shown: OutputSpec, given: OutputSpec | None) -> OutputSpec:
    return merged_output(shown, given) if given else shown


def merged_output(inner: OutputSpec, outer: OutputSpec) -> OutputSpec:
    """The output *inner* of a component with what is said about it from outside. Who gives it a name says what it is."""
    return msgspec.structs.replace(
        inner,
        type=(outer.type if outer.name else "") or inner.type,
        mode=outer.mode or inner.mode,
        path=outer.path or inner.path,
        name=outer.name or inner.name,
        version=outer.version or inner.version,
    )
