"""Environments: from what an author wrote to a version, from a version to its lock, from a lock to a folder to run in.

document ──▶ EnvironmentSpec ──▶ version (named, or anonymous) ──▶ lock, a blob, set once ──▶ built, on each machine
"""

from collections.abc import Callable

import msgspec

from regista.entities.asset import AssetKind, AssetVersion, content_digest
from regista.entities.digest import Digest, hex_of
from regista.entities.documents.environment import EnvironmentDocument
from regista.entities.environment import EnvironmentSpec, Lock
from regista.entities.manifest import Manifest
from regista.entities.names import now
from regista.errors import InternalError, InvalidError, RegistaError, UnsupportedError
from regista.interfaces.catalog import Catalog, Transaction
from regista.interfaces.runtimes import BuiltEnvironment, Problem, Report, Runtime
from regista.services.environments.curated import CuratedEnvironments
from regista.services.scopes.stores import StoreService

_CONTEXT_FILES = 200
_CONTEXT_BYTES = 256 * 1024
_KNOWN = 32
"""Locks that are kept in memory, at most; a large one has some hundred kilobytes."""

ReadFile = Callable[[Digest], bytes]


class EnvironmentService:
    """Checks, locks and builds environments by a runtime."""

    def __init__(self, catalog: Catalog, stores: StoreService, runtime: Runtime, curated: CuratedEnvironments) -> None:
        self._catalog = catalog
        self._stores = stores
        self._runtime = runtime
        self.curated = curated
        self._known: dict[Digest, Lock] = {}

    def problems(self, spec: EnvironmentSpec) -> list[Problem]:
        """What would keep the environment from being built here; empty when nothing is known of."""
        return self._runtime.problems(spec)

    def check(self, spec: EnvironmentSpec, what: str) -> None:
        """Raise ``UnsupportedError`` when the environment *what* cannot be built here, with every reason there is."""
        found = self.problems(spec)
        if found:
            reasons = "; ".join(problem.what for problem in found)
            raise UnsupportedError(f"{what} cannot be built here: {reasons}", hint=found[0].fix)

    def lock_for(self, version: AssetVersion, report: Report) -> tuple[Digest, Lock]:
        """The version's lock and the blob it is stored in; locked now when it has none, and then for good.

        Of many who lock at once the first wins, and all get what stands."""
        if version.lock is not None and (known := self._known.get(version.lock)):
            return version.lock, known
        store = self._catalog.read(lambda tx: self._stores.of(tx, tx.scopes.get(version.scope_id)))[1]
        if version.lock is not None:
            return version.lock, self._remembered(version.lock, _read_lock(store.get(version.lock), version))
        lock = self._runtime.lock(read_spec(version), report)
        digest = store.put(msgspec.json.encode(lock, order="sorted"))

        def keep(tx: Transaction) -> Digest:
            current = tx.versions.get(version.id)
            if current.lock is None:
                tx.versions.put(msgspec.structs.replace(current, lock=digest, updated_at=now()))
            return current.lock or digest

        stands = self._catalog.write(keep)
        return stands, lock if stands == digest else _read_lock(store.get(stands), version)

    def _remembered(self, digest: Digest, lock: Lock) -> Lock:
        """*lock*, which every step that runs in it needs again; a lock is what its digest says, for good."""
        if len(self._known) >= _KNOWN:
            self._known.clear()
        self._known[digest] = lock
        return lock

    def build(self, lock: Lock, report: Report) -> BuiltEnvironment:
        """The environment of *lock* on this machine, built when it is not here yet."""
        return self._runtime.build(lock, report)


def read_spec(version: AssetVersion) -> EnvironmentSpec:
    """The specification in an environment's version."""
    try:
        return msgspec.convert(version.spec, EnvironmentSpec, strict=False)
    except msgspec.ValidationError as wrong:
        raise InvalidError(f"environment {version.name!r} version {version.version!r} is malformed: {wrong}") from wrong


def context_number(version: AssetVersion) -> str:
    """The version of the anonymous code that an environment's build context is; empty where it has none."""
    context = read_spec(version).context
    return hex_of(content_digest(AssetKind.CODE, "", context, {})) if context else ""


def written_spec(document: EnvironmentDocument, context: Manifest | None, read: ReadFile) -> EnvironmentSpec:
    """The specification in a document whose files have been read in; *context* is the build context's manifest, whose small
    files are *read*. Raise ``InvalidError`` where a file of the author's own machine is still named."""
    if isinstance(document.conda_file, str) and document.conda_file:
        raise InvalidError(
            "conda_file: a server does not read local files", hint="Send the file's content as a mapping."
        )
    if isinstance(document.pip, str) and document.pip:
        raise InvalidError("pip: a server does not read local files", hint="Send the requirements as a list.")
    dockerfile, files = None, {}
    if document.build is not None and context is not None:
        entry = context.find(document.build.dockerfile_path)
        if entry is None:
            raise InvalidError(f"build: the context has no file {document.build.dockerfile_path!r}")
        dockerfile = _text(read(entry.digest), entry.path)
        files = _small_files(context, document.build.dockerfile_path, read)
    return EnvironmentSpec(
        image=document.image or None,
        conda=document.conda_file if isinstance(document.conda_file, dict) else None,
        pip=tuple(document.pip) if not isinstance(document.pip, str) else (),
        dockerfile=dockerfile,
        context=context.digest if context is not None else None,
        context_files=files,
        os_type=document.os_type,
        environment_variables=document.environment_variables,
    )


def _small_files(context: Manifest, dockerfile: str, read: ReadFile) -> dict[str, str]:
    """The text files that a Dockerfile may install from."""
    found = {}
    wanted = (".txt", ".in", ".yml", ".yaml", ".toml", ".cfg")
    for entry in context.files:
        if entry.path != dockerfile and entry.path.endswith(wanted) and entry.size <= _CONTEXT_BYTES:
            found[entry.path] = _text(read(entry.digest), entry.path)
        if len(found) >= _CONTEXT_FILES:
            break
    return found


def _text(content: bytes, path: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as wrong:
        raise InvalidError(f"build: {path!r} is not UTF-8 text") from wrong


def _read_lock(content: bytes, version: AssetVersion) -> Lock:
    try:
        return msgspec.json.decode(content, type=Lock)
    except (msgspec.DecodeError, RegistaError) as wrong:
        raise InternalError(f"the lock of environment {version.name!r} cannot be read: {wrong}") from wrong
