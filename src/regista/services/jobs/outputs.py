"""Outputs that are to become versions of an asset: where they go, whether they may, and their names when the job has ended."""

from collections.abc import Iterator

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.asset import AssetKind, AssetVersion
from regista.entities.digest import Digest
from regista.entities.documents.outputs import OutputSpec
from regista.entities.job import Job
from regista.entities.manifest import Manifest
from regista.entities.names import check_name, now
from regista.entities.reference import AssetReference, DatastoreReference, parse_reference
from regista.entities.scope import Scope, ScopeAddress, ScopeKind
from regista.errors import InvalidError, UnsupportedError
from regista.interfaces.catalog import Transaction
from regista.services.access.access import require
from regista.services.assets.assets import AssetService
from regista.services.assets.versions import NewVersion, asset_path, what
from regista.services.jobs.plans import PipelinePlan, Plan, job_node
from regista.services.jobs.sources import MODEL_TYPES
from regista.services.scopes.scopes import resolve_scope


def named_outputs(plan: Plan, where: str = "outputs") -> Iterator[tuple[str, OutputSpec]]:
    """Every output of the plan and of its steps that is to be registered, with its place."""
    for name, output in plan.outputs.items():
        if output.name:
            yield f"{where}.{name}", output
    if isinstance(plan, PipelinePlan):
        for node, step in plan.jobs.items():
            for name, output in step.outputs.items():
                if output.name:
                    yield f"jobs.{node}.outputs.{name}", output
            yield from named_outputs(step.plan, f"jobs.{node}.component.outputs")


def kind_of(output: OutputSpec) -> AssetKind:
    """What kind of asset the output becomes."""
    return AssetKind.MODEL if output.type in MODEL_TYPES else AssetKind.DATA


def target_scope(tx: Transaction, caller: Caller, home: Scope, output: OutputSpec) -> Scope:
    """Where the output is registered: the workspace of the job, or the registry that its path names."""
    if not output.path:
        return home
    match parse_reference(output.path):
        case AssetReference(registry=registry) if registry:
            return resolve_scope(tx, caller, ScopeAddress(ScopeKind.REGISTRY, registry))
        case DatastoreReference():
            return home
    raise UnsupportedError(f"{output.path[:200]!r} is no place for an output", hint="Leave the path out.")


def check_outputs(tx: Transaction, caller: Caller, home: Scope, plan: Plan) -> None:
    """Refuse, before anything runs, an output that could not be registered in the end."""
    for where, output in named_outputs(plan):
        kind = kind_of(output)
        check_name(kind, output.name)
        scope = target_scope(tx, caller, home, output)
        path = asset_path(scope, kind, output.name)
        right = f"right to write {what(kind, output.name)} ({where})"
        require(caller, Permission.ASSETS_WRITE, path, read=Permission.ASSETS_WRITE, what=right)


def version_of(job: Job, name: str, output: OutputSpec, manifest: Manifest) -> NewVersion:
    """The version that output *name* is to become; raise ``InvalidError`` where the job left nothing there."""
    if not manifest.files:
        raise InvalidError(f"output {name!r} is empty, and was to become {what(kind_of(output), output.name)}")
    return NewVersion(
        kind=kind_of(output),
        name=output.name,
        version=output.version,
        type=output.type,
        manifest=manifest,
        description=output.description,
        source={
            "node": job_node(job.scope_id, job.name),
            "path": f"azureml://jobs/{job.name}/outputs/{name}",
            "folder": name,
        },
    )


def register_output(
    tx: Transaction, assets: AssetService, caller: Caller, scope: Scope, new: NewVersion, capsule: Digest
) -> AssetVersion:
    """Register what a job left, with its sealed record. The bytes are in the scope's store already."""
    tx.claims.add(scope.id, "", {entry.digest: entry.size for entry in new.manifest.files}, now())
    made = assets.register(tx, caller, scope, new, check=False)
    if not made.capsule:  # the same content may have been registered before, and keeps what was sealed then
        made = msgspec.structs.replace(made, capsule=capsule)
        tx.versions.put(made)
    return made
