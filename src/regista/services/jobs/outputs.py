"""Outputs that are to become versions of an asset: where they go, whether they may, and their names when the job has ended."""

from collections.abc import Iterator

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.asset import AssetKind, AssetVersion
from regista.entities.digest import Digest
from regista.entities.documents.outputs import OutputSpec
from regista.entities.documents.reading import placed
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
from regista.services.jobs.places import check_place
from regista.services.jobs.plans import PipelinePlan, Plan, job_node
from regista.services.jobs.sources import MODEL_TYPES
from regista.services.scopes.scopes import resolve_scope


def every_output(plan: Plan, where: str = "outputs") -> Iterator[tuple[str, str, OutputSpec]]:
    """Every output of the plan and of its steps: its place in the document, its name, and itself."""
    for name, output in plan.outputs.items():
        yield f"{where}.{name}", name, output
    if isinstance(plan, PipelinePlan):
        for node, step in plan.jobs.items():
            for name, output in step.outputs.items():
                yield f"jobs.{node}.outputs.{name}", name, output
            yield from every_output(step.plan, f"jobs.{node}.component.outputs")


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


def check_outputs(tx: Transaction, caller: Caller, home: Scope, plan: Plan, job: str) -> None:
    """Refuse, before anything runs, an output that could not be registered or written in the end."""
    for where, name, output in every_output(plan):
        if output.path:
            placed(where, lambda name=name, output=output: check_place(tx, caller, home, output, job, name))  # type: ignore[misc]
        if not output.name:
            continue
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
