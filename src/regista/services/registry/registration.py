"""Registering a version from wherever its content is: sent files, a job's output, a run's artifacts, another version, the web.

Straight from a job's output into a registry is one call that does all or nothing, as promotion is: bytes are copied where
the stores differ, the capsule is sealed, and one transaction writes name, lineage and audit.
"""

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.asset import AssetKind, AssetVersion
from regista.entities.datastore import ARTIFACT_STORE
from regista.entities.lineage import Edge, EdgeType
from regista.entities.manifest import Manifest, ManifestEntry
from regista.entities.names import now
from regista.entities.reference import (
    AssetReference,
    DatastoreReference,
    JobOutputReference,
    LoggedModelReference,
    Reference,
    RunReference,
    UrlReference,
    parse_reference,
)
from regista.entities.scope import Scope, ScopeAddress, ScopeKind
from regista.errors import ConflictError, InvalidError, NotFoundError, UnsupportedError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.access.access import require
from regista.services.assets.assets import AssetService
from regista.services.assets.spec_reader import SpecReader
from regista.services.assets.versions import NewVersion, asset_path, drafted, require_register, resolve_asset, what
from regista.services.content.contents import ContentService, require_download
from regista.services.content.copying import copy_blobs
from regista.services.datastores.placing import files_below, require_ours
from regista.services.environments.curated import CuratedEnvironments
from regista.services.jobs.lookup import readable_job
from regista.services.jobs.places import is_shown, workspace_of
from regista.services.jobs.plans import job_node
from regista.services.jobs.sources import artifact_manifest, inside
from regista.services.provenance.capsules import CapsuleService
from regista.services.scopes.scopes import resolve_scope
from regista.services.scopes.stores import StoreService
from regista.services.tracking.logged_models import readable_model

_TRIES = 100
"""Numbers to try for: each time that one is taken by another, somebody has got a version."""


class _Content(msgspec.Struct):
    """Content that is in a store already: where, what made it (more than one job, where files of several lie together), and
    what it is."""

    scope: Scope
    manifest: Manifest
    node: str
    edge: EdgeType
    folder: str = ""
    others: tuple[str, ...] = ()

    def edges(self, target: str) -> list[Edge]:
        """From what made it to the version *target*."""
        made_by = [node for node in (self.node, *self.others) if node]
        at = now()
        return [Edge(source=node, target=target, type=self.edge, role="output", created_at=at) for node in made_by]


class RegistrationService:
    """Makes versions."""

    def __init__(
        self,
        catalog: Catalog,
        stores: StoreService,
        contents: ContentService,
        assets: AssetService,
        capsules: CapsuleService,
        curated: CuratedEnvironments,
    ) -> None:
        self._catalog = catalog
        self._stores = stores
        self._contents = contents
        self._assets = assets
        self._capsules = capsules
        self._curated = curated

    def create(
        self, caller: Caller, address: ScopeAddress, new: NewVersion, path: str = "", home: ScopeAddress | None = None
    ) -> AssetVersion:
        """Make a version of files that were sent (``new.manifest``) or of what *path* refers to.

        A job's output is one of the workspace that the reference names, else of *home*, else of the target itself. The
        same content under the same name and version again is a quiet success, other content ``AlreadyExistsError``."""
        scope = self._catalog.read(lambda tx: resolve_scope(tx, caller, address))
        new, along = self._normal(caller, scope, new)
        if not path:
            return self._assets.create(caller, address, new, along)
        reference = parse_reference(path, new.kind)
        if isinstance(reference, UrlReference):
            return self._assets.create(caller, address, _from_web(new, reference))
        if along or new.kind in {AssetKind.ENVIRONMENT, AssetKind.COMPONENT}:
            raise UnsupportedError(f"a {new.kind} is registered from its document", hint="Leave the path out.")
        self._catalog.read(lambda tx: require_register(tx, caller, scope, new))
        content = self._content(caller, scope, reference, new.kind, home)
        return self._from_content(caller, scope, msgspec.structs.replace(new, manifest=content.manifest), content, path)

    def _from_content(
        self, caller: Caller, scope: Scope, new: NewVersion, content: _Content, path: str
    ) -> AssetVersion:
        if not new.name:
            raise InvalidError("what comes from a job or another version needs a name", hint="Give --name.")
        new = msgspec.structs.replace(new, source=_source(new, content, path))
        source_name, source = self._stores.for_scope(content.scope)
        target_name, target = self._stores.for_scope(scope)
        if source_name != target_name:
            copy_blobs(source, target, {entry.digest for entry in content.manifest.files})
        self._contents.store_manifest(scope, new.manifest)
        for _ in range(_TRIES):
            if (made := self._named(caller, scope, new, content, path)) is not None:
                return made
        raise ConflictError(f"others take every number of {what(new.kind, new.name)}", hint="Try again.")

    def _named(
        self, caller: Caller, scope: Scope, new: NewVersion, content: _Content, path: str
    ) -> AssetVersion | None:
        """Give the content its name; None where it was to get the next number, and another was given that meanwhile."""
        draft = self._catalog.read(lambda tx: drafted(tx, caller, scope, new))
        if content.edge is EdgeType.PRODUCED and content.node:
            capsule = self._capsules.seal(caller, scope, draft, content.edges(draft.node))
        else:
            capsule = None

        def work(tx: Transaction) -> AssetVersion | None:
            self._content_of(
                tx, caller, scope, parse_reference(path, new.kind), new.kind, content.scope
            )  # still there, still allowed
            taken = tx.versions.find(scope.id, draft.kind, draft.name, draft.version, deleted=True)
            if taken is not None and not (new.version or draft.anonymous):
                return None
            tx.claims.add(scope.id, "", {entry.digest: entry.size for entry in new.manifest.files}, now())
            fixed = msgspec.structs.replace(new, version=draft.version)
            made = self._assets.register(tx, caller, scope, fixed, check=False)
            tx.lineage.add(content.edges(made.node))
            if capsule and not made.capsule:
                made = msgspec.structs.replace(made, capsule=capsule)
                tx.versions.put(made)
            return made

        return self._catalog.write(work)

    def _content(
        self, caller: Caller, scope: Scope, reference: Reference, kind: AssetKind, home: ScopeAddress | None
    ) -> _Content:
        def work(tx: Transaction) -> _Content:
            place = resolve_scope(tx, caller, home) if home else scope
            return self._content_of(tx, caller, scope, reference, kind, place)

        found = self._catalog.read(work)
        if not found.manifest.files:
            raise NotFoundError(f"there is nothing at {reference}", hint="Look at what the job left: regista job show.")
        return found

    def _content_of(
        self, tx: Transaction, caller: Caller, scope: Scope, reference: Reference, kind: AssetKind, place: Scope
    ) -> _Content:
        match reference:
            case JobOutputReference():
                if reference.workspace:
                    named = ScopeAddress(
                        ScopeKind.WORKSPACE, reference.workspace, reference.subscription, reference.resource_group
                    )
                    place = resolve_scope(tx, caller, named)
                return self._job_output(tx, caller, place, reference.job, reference.output, reference.path)
            case RunReference():
                return self._job_output(tx, caller, place, reference.run, "artifacts", reference.path)
            case LoggedModelReference():
                return self._logged_model(tx, caller, place, reference.id)
            case DatastoreReference():
                return self._stored(tx, caller, place, reference)
            case AssetReference():
                found_scope, found = resolve_asset(tx, caller, scope, reference, kind)
                require_download(
                    caller, asset_path(found_scope, found.kind, found.name), what(found.kind, found.name, found.version)
                )
                manifest = Manifest.parse(self._stores.of(tx, found_scope)[1].get(found.manifest))
                return _Content(found_scope, manifest, found.node, EdgeType.PROMOTED, found.folder)
        raise UnsupportedError(
            f"{reference} cannot be registered from", hint="Give a local path, a job's output or an asset."
        )

    def _job_output(self, tx: Transaction, caller: Caller, place: Scope, name: str, output: str, path: str) -> _Content:
        job = readable_job(tx, caller, place, name)
        require(
            caller,
            Permission.ASSETS_DOWNLOAD,
            place.path,
            read=Permission.JOBS_READ,
            what=f"the output of job {name!r}",
        )
        bound = job.outputs.get(output)
        if bound is not None and bound.manifest:
            manifest = Manifest.parse(self._stores.of(tx, place)[1].get(bound.manifest))
        elif output == "artifacts":
            rows = tx.artifacts.below(place.id, f"runs/{name}")
            manifest = Manifest.of(ManifestEntry(row.path, row.digest, row.size) for row in rows)
        else:
            there = ", ".join(sorted(job.outputs)) or "none yet"
            raise NotFoundError(
                f"job {name!r} has no output {output!r}", hint=f"Its outputs: {there}. Its status: {job.status}."
            )
        folder = "" if manifest.find(path.strip("/")) else path.strip("/").rsplit("/", 1)[-1] or output
        return _Content(place, inside(manifest, output, path), job_node(place.id, name), EdgeType.PRODUCED, folder)

    def _stored(self, tx: Transaction, caller: Caller, place: Scope, found: DatastoreReference) -> _Content:
        scope = workspace_of(tx, caller, place, found)
        require_ours(tx, scope, found.datastore)
        if found.datastore == ARTIFACT_STORE or is_shown(f"{found.path}/"):
            raise UnsupportedError(
                f"{str(found)[:200]!r} is where versions and jobs are shown",
                hint="Name the version itself, or azureml://jobs/JOB/outputs/OUTPUT.",
            )
        manifest, jobs = files_below(tx, caller, scope, found.path)
        base = found.path.rpartition("/")[2]
        folder = "" if [entry.path for entry in manifest.files] == [base] else base
        return _Content(scope, manifest, jobs[0] if jobs else "", EdgeType.PRODUCED, folder, jobs[1:])

    def _logged_model(self, tx: Transaction, caller: Caller, place: Scope, model_id: str) -> _Content:
        """Produced by the run that logged it; one that belongs to no run has no past that is known."""
        model = readable_model(tx, caller, place, model_id)
        require_download(caller, place.path, f"logged model {model_id!r}")
        manifest = artifact_manifest(tx.artifacts.below(place.id, f"models/{model_id}"))
        return _Content(place, manifest, job_node(place.id, model.run) if model.run else "", EdgeType.PRODUCED)

    def _normal(self, caller: Caller, scope: Scope, new: NewVersion) -> tuple[NewVersion, tuple[NewVersion, ...]]:
        """The specification of the kind, checked, with every reference exact, and what has to be registered with it."""
        if new.kind not in {AssetKind.ENVIRONMENT, AssetKind.COMPONENT}:
            return new, ()

        def reader(tx: Transaction) -> SpecReader:
            return SpecReader(tx, caller, scope, self._stores, self._curated)

        if new.kind is AssetKind.ENVIRONMENT:
            spec = self._catalog.read(lambda tx: reader(tx).environment(new.spec))
            return msgspec.structs.replace(new, spec=msgspec.to_builtins(spec)), ()
        found = self._catalog.read(lambda tx: reader(tx).read(new.spec))
        return msgspec.structs.replace(new, type=found.type, spec=found.spec), found.environments


def _source(new: NewVersion, content: _Content, path: str) -> dict[str, str]:
    """Where it came from; the folder's name only where it is a folder that it came from."""
    told = {key: value for key, value in new.source.items() if key != "folder"}
    return told | {"node": content.node, "path": path} | ({"folder": content.folder} if content.folder else {})


def _from_web(new: NewVersion, reference: UrlReference) -> NewVersion:
    """Data on the web is registered by its address; its bytes are not ours, and lineage will say so."""
    if new.kind is not AssetKind.DATA:
        raise UnsupportedError(f"a {new.kind} cannot be registered by URL", hint="Download it and give the local path.")
    return msgspec.structs.replace(new, spec={**new.spec, "uri": reference.url})
