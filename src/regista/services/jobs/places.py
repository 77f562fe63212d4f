"""Outputs that go to a path of a datastore: ``azureml://[…/workspaces/W/]datastores/workspaceblobstore/paths/P``.

A folder's files go below P, a single file becomes P. ``${{name}}`` stands for the job's name and ``${{output_name}}`` for the
output's, as in Azure ML. The output is the job's all the same: the path is a second name for its bytes.
"""

import re
from collections.abc import Iterable

import msgspec

from regista.entities.access import Caller, Grant
from regista.entities.datastore import ARTIFACT_STORE, BLOB_STORE, ContainerKind
from regista.entities.documents.outputs import OutputSpec
from regista.entities.documents.reading import placed
from regista.entities.job import Job
from regista.entities.manifest import Manifest, ManifestEntry
from regista.entities.reference import DatastoreReference, parse_reference
from regista.entities.scope import Scope, ScopeAddress, ScopeKind
from regista.errors import ForbiddenError, InvalidError
from regista.interfaces.catalog import Transaction
from regista.services.assets.shelf import VersionShelf
from regista.services.datastores.placing import place_files, require_ours, require_placeable
from regista.services.jobs.plans import RIGHTS, job_node
from regista.services.scopes.scopes import resolve_scope

OUTPUTS = "azureml/"
"""The folder of a workspace's datastore where outputs of jobs are shown: ``azureml/JOB/OUTPUT/…``."""

_VARIABLE = re.compile(r"\$\{\{\s*([^{}]*?)\s*\}\}")
_SHOWN = "azureml/${{name}}/${{output_name}}"
"""Where an output is shown in any case: what Azure ML writes when no path is given."""


def datastore_path(output: OutputSpec) -> DatastoreReference | None:
    """The path of a datastore that the output goes to; None for one that goes nowhere else."""
    if not output.path:
        return None
    found = parse_reference(output.path)
    if not isinstance(found, DatastoreReference):
        return None
    shown = re.sub(r"\s", "", found.path) == _SHOWN and found.datastore == BLOB_STORE
    return None if shown else found


def said_path(output: OutputSpec, job: str, name: str) -> str:
    """``output.path`` with its variables filled in."""
    values = {"name": job, "output_name": name}
    return _VARIABLE.sub(lambda found: values.get(found[1], found[0]), output.path)


def workspace_of(tx: Transaction, caller: Caller, home: Scope, found: DatastoreReference) -> Scope:
    """The workspace whose datastore is meant: *home*, where none is named."""
    if not found.workspace:
        return home
    address = ScopeAddress(ScopeKind.WORKSPACE, found.workspace, found.subscription, found.resource_group)
    return resolve_scope(tx, caller, address)


def check_place(tx: Transaction, caller: Caller, home: Scope, output: OutputSpec, job: str, name: str) -> None:
    """Refuse a path where *caller* may not write, or where nobody can."""
    if datastore_path(output) is not None:
        scope, path = _place(tx, caller, home, output, job, name)
        require_placeable(tx, caller, scope, path if output.type == "uri_file" else f"{path}/_")


def place_outputs(
    tx: Transaction, creator: Caller, home: Scope, job: Job, outputs: Iterable[tuple[str, OutputSpec, Manifest]]
) -> None:
    """Write what outputs came to to their paths. Raise where *creator* may not any more, or a file of somebody else stands
    there that the key of the submission could not replace."""
    limited = _limited(creator, home, job)
    for name, output, content in outputs:
        if datastore_path(output) is None or not content.files:
            continue

        def work(name: str = name, output: OutputSpec = output, content: Manifest = content) -> None:
            scope, path = _place(tx, creator, home, output, job.name, name)
            files = _files(output, path, content)
            place_files(tx, creator, limited, scope, files, job_node(job.scope_id, job.name))

        placed(f"output {name!r} cannot be written to {said_path(output, job.name, name)[:200]}", work)


def target_workspace(tx: Transaction, creator: Caller, home: Scope, output: OutputSpec) -> Scope | None:
    """The workspace to whose datastore the output goes; None for one that goes to none."""
    found = datastore_path(output)
    return workspace_of(tx, creator, home, found) if found else None


def is_shown(path: str) -> bool:
    """Whether a path of ``workspaceblobstore`` is where versions and outputs of jobs are shown."""
    return VersionShelf().covers(ContainerKind.FILES, path) or path.startswith(OUTPUTS)


def _place(tx: Transaction, caller: Caller, home: Scope, output: OutputSpec, job: str, name: str) -> tuple[Scope, str]:
    found = parse_reference(said_path(output, job, name))
    if not isinstance(found, DatastoreReference):
        raise InvalidError(f"{output.path[:200]!r} is no path of a datastore")
    scope = workspace_of(tx, caller, home, found)
    require_ours(tx, scope, found.datastore)
    hint = f"Write azureml://datastores/{BLOB_STORE}/paths/FOLDER, or leave the path out."
    if found.datastore == ARTIFACT_STORE:
        raise ForbiddenError(f"datastore {ARTIFACT_STORE!r} shows what jobs left, and is read only", hint=hint)
    if not found.path:
        raise InvalidError(f"{output.path[:200]!r} names no path in the datastore", hint=hint)
    if left := _VARIABLE.search(found.path):
        raise InvalidError(f"a path knows no {left[0]}", hint="It knows ${{name}} and ${{output_name}}.")
    if is_shown(f"{found.path}/"):
        raise ForbiddenError(f"{found.path[:200]!r} is where versions and outputs of jobs are shown", hint=hint)
    return scope, found.path


def _files(output: OutputSpec, path: str, content: Manifest) -> dict[str, ManifestEntry]:
    if output.type != "uri_file":
        return {f"{path}/{entry.path}": entry for entry in content.files}
    if len(content.files) != 1:
        raise InvalidError(f"a uri_file is one file, and the job left {len(content.files)}")
    return {path: content.files[0]}


def _limited(creator: Caller, home: Scope, job: Job) -> Caller:
    """The creator with no more than the key of the submission could."""
    rights = tuple(filter(None, job.properties.get(RIGHTS, "").split(",")))
    return msgspec.structs.replace(creator, limits=(Grant(home.path, rights),))
