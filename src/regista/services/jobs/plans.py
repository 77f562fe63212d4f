"""What a job is to do, with every reference resolved to one exact version: the normal form that stands in ``Job.spec``.

    CommandPlan    one command with its code, environment, declared inputs and outputs
    PipelinePlan   steps by name; a StepPlan holds a plan of either kind, what its inputs are given, and what they are bound to

Law: running a plan again means the same, whatever was registered, archived or relabelled meanwhile.
"""

from typing import Any

import msgspec

from regista.entities.asset import AssetKind, AssetVersion
from regista.entities.binding import PipelineBinding
from regista.entities.digest import Digest
from regista.entities.documents.command import Distribution, Resources
from regista.entities.documents.inputs import InputSpec
from regista.entities.documents.outputs import OutputSpec
from regista.entities.documents.pipeline import PipelineSettings
from regista.entities.job import Binding, Job
from regista.entities.lineage import Node
from regista.entities.reference import AssetReference
from regista.entities.scope import Scope, ScopeKind
from regista.errors import InternalError

RIGHTS = "regista.rights"
"""The job property that says what the job's own key may do, so that it is never wider than the key of the submission."""


class Source(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An exact version: how to write it, as it was written, its lineage node and its files."""

    reference: str
    node: str
    manifest: Digest
    given: str = ""

    @property
    def version(self) -> tuple[str, AssetKind, str, str]:
        """Scope id, kind, name and version."""
        node = Node.parse(self.node)
        kind, name, version = node.parts
        return node.scope_id, AssetKind(kind), name, version


class CommandPlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="command"):
    """One command. ``timeout`` is in seconds; ``force_rerun`` forbids taking an earlier result."""

    command: str
    environment: Source
    code: Source | None = None
    component: Source | None = None
    inputs: dict[str, InputSpec] = {}
    outputs: dict[str, OutputSpec] = {}
    environment_variables: dict[str, str] = {}
    distribution: Distribution | None = None
    resources: Resources | None = None
    timeout: int | None = None
    is_deterministic: bool = True
    force_rerun: bool = False


class StepPlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A node of a pipeline: ``given`` are inputs that are known, ``bound`` those that come from the pipeline or from other
    steps; ``modes`` and ``outputs`` are what the node says above its component."""

    plan: "CommandPlan | PipelinePlan"
    given: dict[str, Binding] = {}
    bound: dict[str, PipelineBinding] = {}
    modes: dict[str, str] = {}
    outputs: dict[str, OutputSpec] = {}
    compute: str = ""
    display_name: str = ""
    description: str = ""
    tags: dict[str, str] = {}
    properties: dict[str, str] = {}


class PipelinePlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="pipeline"):
    """Steps and what ties them together."""

    jobs: dict[str, StepPlan]
    inputs: dict[str, InputSpec] = {}
    outputs: dict[str, OutputSpec] = {}
    settings: PipelineSettings = PipelineSettings()
    component: Source | None = None


Plan = CommandPlan | PipelinePlan


def encode_plan(plan: Plan) -> dict[str, Any]:
    """The plan as it stands in ``Job.spec``. Law: ``decode_plan(encode_plan(p)) == p``."""
    encoded: dict[str, Any] = msgspec.to_builtins(plan)
    return encoded


def decode_plan(spec: dict[str, Any]) -> Plan:
    """Read ``Job.spec`` of a command or a pipeline."""
    try:
        plan: Plan = msgspec.convert(spec, CommandPlan | PipelinePlan)
    except msgspec.ValidationError as wrong:
        raise InternalError(f"the job's specification cannot be read: {wrong}") from wrong
    return plan


def command_plan(job: Job) -> CommandPlan:
    """The plan of a command job."""
    plan = decode_plan(job.spec)
    if not isinstance(plan, CommandPlan):
        raise InternalError(f"job {job.name!r} is no command")
    return plan


def pipeline_plan(job: Job) -> PipelinePlan:
    """The plan of a pipeline job."""
    plan = decode_plan(job.spec)
    if not isinstance(plan, PipelinePlan):
        raise InternalError(f"job {job.name!r} is no pipeline")
    return plan


def job_node(scope_id: str, name: str) -> str:
    """The job's name in the lineage graph."""
    return f"job:{scope_id}/{name}"


def source_of(scope: Scope, version: AssetVersion, given: str = "") -> Source:
    """*version* of *scope*, as a plan names it."""
    return Source(
        reference=str(exact_reference(scope, version)), node=version.node, manifest=version.manifest, given=given
    )


def exact_reference(scope: Scope, version: AssetVersion) -> AssetReference:
    """A reference to exactly *version* that means the same wherever it stands: a workspace is named by its id."""
    where = {"registry": scope.name} if scope.kind is ScopeKind.REGISTRY else {"workspace_id": scope.id}
    return AssetReference(name=version.name, kind=version.kind, version=version.version, **where)
