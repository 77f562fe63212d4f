"""What references in a job's document lead to, with the rights of whoever submits it: versions, outputs of jobs, artifacts.

Whoever lets a job read bytes must be allowed to download them: a job is its author's program.
"""

import re
from collections.abc import Iterable

from regista.entities.access import Caller, Permission
from regista.entities.asset import AssetKind, AssetVersion
from regista.entities.datastore import ARTIFACT_STORE
from regista.entities.digest import Digest
from regista.entities.graph import ARTIFACTS
from regista.entities.job import Binding, Job
from regista.entities.manifest import Manifest, ManifestEntry
from regista.entities.reference import (
    AssetReference,
    DatastoreReference,
    JobOutputReference,
    LocalPath,
    LoggedModelReference,
    RunReference,
    UrlReference,
    asset_reference,
    parse_reference,
)
from regista.entities.run import Artifact
from regista.entities.scope import Scope, ScopeAddress, ScopeKind
from regista.errors import ConflictError, InvalidError, NotFoundError, RegistaError, UnsupportedError
from regista.interfaces.blobs import BlobStore
from regista.interfaces.catalog import Transaction
from regista.services.access.access import require
from regista.services.assets.versions import asset_path, resolve_asset, what
from regista.services.content.contents import require_download
from regista.services.datastores.placing import files_below, require_ours
from regista.services.jobs.places import OUTPUTS, is_shown, workspace_of
from regista.services.jobs.plans import exact_reference, job_node
from regista.services.scopes.scopes import resolve_scope
from regista.services.scopes.stores import StoreService

MODEL_TYPES = ("custom_model", "mlflow_model", "triton_model")


def job_path(scope: Scope, name: str) -> str:
    """Where a job stands in the tree of scopes."""
    return f"{scope.path}/jobs/{name}"


class Sources:
    """Looks references up inside one transaction, for one caller."""

    def __init__(self, tx: Transaction, caller: Caller, stores: StoreService) -> None:
        self.tx = tx
        self.caller = caller
        self._stores = stores

    def store(self, scope: Scope) -> BlobStore:
        """The store of a scope's bytes."""
        return self._stores.of(self.tx, scope)[1]

    def manifest(self, scope: Scope, digest: Digest) -> Manifest:
        """A manifest out of the scope's store."""
        return Manifest.parse(self.store(scope).get(digest))

    def version(self, text: str, kind: AssetKind, home: Scope, *, download: bool) -> tuple[Scope, AssetVersion]:
        """The version that *text* means where it stands in *home*; with *download* its bytes are needed."""
        scope, version = resolve_asset(self.tx, self.caller, home, asset_reference(text, kind), kind)
        if download:
            path = asset_path(scope, kind, version.name)
            require_download(self.caller, path, what(kind, version.name, version.version))
        return scope, version

    def content(self, text: str, type_: str, mode: str, home: Scope) -> Binding:
        """The content that *text* means as an input of *type_*."""
        match parse_reference(text):
            case AssetReference() as found:
                return self._asset(found, type_, mode, home)
            case JobOutputReference() as found:
                return self._job_output(found, type_, mode, home)
            case RunReference(run=run, path=path):
                job = self._readable_job(home, run)
                rows = self.tx.artifacts.below(home.id, f"runs/{run}", path)
                return self._artifacts(text, rows, path, (type_, mode), home, job_node(home.id, job.name))
            case LoggedModelReference(id=model):
                require_download(self.caller, home.path, f"logged model {model!r}")
                rows = self.tx.artifacts.below(home.id, f"models/{model}")
                return self._artifacts(text, rows, "", (type_, mode), home, "")
            case UrlReference(url=url):
                return _url(url, type_, mode)
            case DatastoreReference() as found:
                return self._stored(found, type_, mode, home)
            case LocalPath():
                raise _unread(text)

    def _asset(self, found: AssetReference, type_: str, mode: str, home: Scope) -> Binding:
        kind = found.kind or (AssetKind.MODEL if type_ in MODEL_TYPES else AssetKind.DATA)
        scope, version = resolve_asset(self.tx, self.caller, home, found, kind)
        if kind not in {AssetKind.MODEL, AssetKind.DATA}:
            raise InvalidError(f"{found} is a {kind}, not data or a model")
        require_download(self.caller, asset_path(scope, kind, version.name), what(kind, version.name, version.version))
        if type_ == "uri_file" and version.file_count != 1:
            raise InvalidError(f"{found} has {version.file_count} files, and a uri_file is one")
        return Binding(
            type=type_ or version.type,
            manifest=version.manifest,
            reference=str(exact_reference(scope, version)),
            node=version.node,
            mode=mode,
        )

    def _job_output(self, found: JobOutputReference, type_: str, mode: str, home: Scope) -> Binding:
        if found.workspace:
            home = resolve_scope(self.tx, self.caller, _workspace_of(found))
        job = self._readable_job(home, found.job)
        digest = output_digest(job, found.output)
        manifest = self._inside(self.manifest(home, digest), found, type_)
        return Binding(
            type=type_ or job.outputs[found.output].type,
            manifest=self.store(home).put(manifest.encode()) if manifest.digest != digest else digest,
            reference=str(found),
            node=job_node(home.id, job.name),
            scope=home.id,
            mode=mode,
        )

    def _stored(self, found: DatastoreReference, type_: str, mode: str, home: Scope) -> Binding:
        scope = workspace_of(self.tx, self.caller, home, found)
        require_ours(self.tx, scope, found.datastore)
        if found.datastore == ARTIFACT_STORE or is_shown(f"{found.path}/"):
            job, _, rest = found.path.removeprefix(OUTPUTS).partition("/")
            output, _, path = rest.partition("/")
            if found.datastore == ARTIFACT_STORE or not (found.path.startswith(OUTPUTS) and output):
                raise UnsupportedError(
                    f"{str(found)[:200]!r} is where versions and jobs are shown",
                    hint="Name the version itself, or azureml://jobs/JOB/outputs/OUTPUT.",
                )
            return self._job_output(JobOutputReference(job=job, output=output, path=path), type_, mode, scope)
        manifest, jobs = files_below(self.tx, self.caller, scope, found.path)
        if type_ == "uri_file" and len(manifest.files) != 1:
            raise InvalidError(f"{found} has {len(manifest.files)} files, and a uri_file is one")
        return Binding(
            type=type_,
            manifest=self.store(scope).put(manifest.encode()),
            reference=str(found),
            node=jobs[0] if jobs else "",
            others=jobs[1:],
            scope=scope.id,
            mode=mode,
        )

    def _inside(self, manifest: Manifest, found: JobOutputReference, type_: str) -> Manifest:
        below = inside(manifest, found.output, found.path)
        if not below.files and found.path:
            raise NotFoundError(f"{found} leads to no file", hint=f"See: regista job show --name {found.job}")
        if type_ == "uri_file" and len(below.files) != 1:
            raise InvalidError(f"{found} has {len(below.files)} files, and a uri_file is one")
        return below

    def _readable_job(self, home: Scope, name: str) -> Job:
        path = job_path(home, name)
        require(self.caller, Permission.ASSETS_DOWNLOAD, path, read=Permission.JOBS_READ, what=f"job {name!r}")
        return self.tx.jobs.get(home.id, name)

    def _artifacts(
        self, text: str, rows: Iterable[Artifact], path: str, kind: tuple[str, str], home: Scope, node: str
    ) -> Binding:
        manifest = artifact_manifest(rows).below(path)
        if not manifest.files:
            raise NotFoundError(f"{text[:200]!r} leads to no file")
        digest = self.store(home).put(manifest.encode())
        return Binding(type=kind[0], manifest=digest, reference=text, node=node, mode=kind[1])


def _workspace_of(found: JobOutputReference) -> ScopeAddress:
    return ScopeAddress(ScopeKind.WORKSPACE, found.workspace, found.subscription, found.resource_group)


def output_digest(job: Job, output: str) -> Digest:
    """The manifest of a finished job's output; raise ``ConflictError`` while it is not there yet."""
    binding = job.outputs.get(output)
    if binding is not None and binding.manifest is not None:
        return binding.manifest
    if not job.status.is_final:
        raise ConflictError(f"job {job.name!r} is {job.status} and has not written its outputs", hint="Wait for it.")
    declared = ", ".join(sorted(job.outputs)) or "none"
    raise NotFoundError(f"job {job.name!r} left no output {output!r}", hint=f"Its outputs: {declared}.")


def inside(manifest: Manifest, output: str, path: str) -> Manifest:
    """What is at *path*. Azure ML calls the files of ./outputs ``artifacts/outputs/…``: both ways of writing are read."""
    found = manifest.below(path)
    if not found.files and output == ARTIFACTS and (path + "/").startswith("outputs/"):
        found = manifest.below(path.removeprefix("outputs").strip("/"))
    return found


def artifact_manifest(rows: Iterable[Artifact]) -> Manifest:
    """The artifacts of a run as one content."""
    return Manifest.of(ManifestEntry(row.path, row.digest, row.size) for row in rows)


def _unread(text: str) -> RegistaError:
    """Why *text*, which is no reference, cannot be an input."""
    if scheme := re.match(r"[A-Za-z][A-Za-z0-9+.-]*(?=://)", text):
        return UnsupportedError(
            f"Regista reads nothing from {scheme[0]!r} ({text[:200]!r})",
            hint="Register the data, or name it by its https address.",
        )
    return InvalidError(
        f"{text[:200]!r} is a path on the author's machine", hint="The client uploads it: send a reference."
    )


def _url(url: str, type_: str, mode: str) -> Binding:
    if not url.lower().startswith("https://"):
        raise UnsupportedError(f"{url[:200]!r}: only https is downloaded", hint="Use https, or register the data.")
    if type_ != "uri_file":
        raise UnsupportedError(f"{url[:200]!r} is one file, and the input is a {type_}", hint="Declare it uri_file.")
    return Binding(type=type_, reference=url, mode=mode)
