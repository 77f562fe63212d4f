"""Everything between a job that a worker has taken and its process: environment, code, inputs, command line, key."""

from pathlib import Path

import msgspec

from regista.entities.asset import AssetVersion
from regista.entities.digest import Digest
from regista.entities.environment import EnvironmentSpec
from regista.entities.job import Binding, Job
from regista.entities.lineage import Node
from regista.entities.manifest import Manifest, ManifestEntry
from regista.entities.scope import Scope
from regista.errors import NotFoundError
from regista.interfaces.blobs import BlobStore
from regista.interfaces.catalog import Transaction
from regista.interfaces.executors import Attempt
from regista.interfaces.runtimes import BuiltEnvironment
from regista.services.environments.environments import read_spec
from regista.services.jobs.attempt_folder import AttemptFolder
from regista.services.jobs.plans import CommandPlan
from regista.services.jobs.workshop import Workshop
from regista.services.working.commands import (
    attempt_of,
    command_line,
    input_folder,
    input_value,
    machine,
    output_value,
    variables,
)
from regista.services.working.staging import materialise, read_manifest


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """The environment that a job runs in: what was asked for, the lock's blob, and the folder on this machine."""

    spec: EnvironmentSpec
    lock: Digest
    built: BuiltEnvironment
    seen: dict[str, str]


class Launch:
    """Prepares one attempt. Everything here can be done again after a crash, and gives the same."""

    def __init__(self, workshop: Workshop, scope: Scope, plan: CommandPlan, folder: AttemptFolder) -> None:
        self._shop = workshop
        self._scope = scope
        self._plan = plan
        self._folder = folder

    def ground(self) -> Ground:
        """The environment, locked and built if it never was."""
        version = self._shop.catalog.read(self._version)
        digest, lock = self._shop.environments.lock_for(version, self._folder.say)
        built = self._shop.environments.build(lock, self._folder.say)
        return Ground(
            spec=read_spec(version), lock=digest, built=built, seen={"regista.python": lock.python, **machine()}
        )

    def _version(self, tx: Transaction) -> AssetVersion:
        scope_id, kind, name, number = self._plan.environment.version
        found = tx.versions.find(scope_id, kind, name, number, deleted=True)
        if found is None:
            raise NotFoundError(f"environment {self._plan.environment.reference} is gone")
        return found

    def stage(self, job: Job) -> dict[str, Binding]:
        """Put code and inputs in their places; return the inputs with what the downloaded ones came to."""
        if self._folder.is_staged:
            return job.inputs
        folder, plan = self._folder, self._plan
        if plan.code:
            store = self._store(plan.code.version[0])
            materialise(store, read_manifest(store, plan.code.manifest), folder.code, link=False)
        if not folder.artifacts.exists():
            folder.artifacts.mkdir()
        inputs = {name: self._staged(name, binding) for name, binding in job.inputs.items()}
        for name, output in plan.outputs.items():
            Path(output_value(folder, name, output)).parent.mkdir(parents=True, exist_ok=True)
            folder.output(name).mkdir(exist_ok=True)
        folder.mark_staged()
        return inputs

    def _staged(self, name: str, binding: Binding) -> Binding:
        if binding.value is not None or binding.mode == "direct":
            return binding
        store = self._store(self._scope_of(binding))
        if binding.manifest is None:
            binding = msgspec.structs.replace(binding, manifest=self._downloaded(name, binding, store))
        if binding.manifest is not None:
            target = input_folder(self._folder, name, binding.mode)
            link = self._shop.shares_files and binding.mode != "rw_mount"
            materialise(store, read_manifest(store, binding.manifest), target, link=link)
        return binding

    def _downloaded(self, name: str, binding: Binding, store: BlobStore) -> Digest:
        """The content of a URL, kept in the workspace's store: what the job read is known from then on."""
        path = self._folder.root / f"download-{name}"
        self._shop.fetch(binding.reference, path)
        file = binding.reference.split("?")[0].split("#")[0].rsplit("/", 1)[-1] or "file"
        size = path.stat().st_size
        manifest = Manifest.of([ManifestEntry(file[-200:], store.add_file(path), size)])
        path.unlink()
        return store.put(manifest.encode())

    def attempt(self, job: Job, number: int, ground: Ground, secret: str) -> Attempt:
        """What the executor is handed."""
        folder, plan, server = self._folder, self._plan, self._shop.server
        outputs = {name: output_value(folder, name, one) for name, one in plan.outputs.items()}
        values = {name: input_value(folder, name, one, self._manifest(one)) for name, one in job.inputs.items()}
        places = {f"AZURE_ML_INPUT_{name}": value for name, value in values.items()}
        places |= {f"AZURE_ML_OUTPUT_{name}": value for name, value in outputs.items()}
        env = variables(job, self._scope, plan, ground.spec, ground.built, places, server, secret)
        argv = command_line(plan, values, outputs)
        return attempt_of(job, number, plan, folder, ground.built, argv, env, server)

    def _manifest(self, binding: Binding) -> Manifest | None:
        """The files of a uri_file, whose name is part of the value; of others they are not looked at."""
        if binding.manifest is None:
            return None
        if binding.type != "uri_file":
            return Manifest()
        return read_manifest(self._store(self._scope_of(binding)), binding.manifest)

    def _scope_of(self, binding: Binding) -> str:
        return binding.scope or (Node.parse(binding.node).scope_id if binding.node else self._scope.id)

    def _store(self, scope_id: str) -> BlobStore:
        if scope_id == self._scope.id:
            return self._shop.stores.for_scope(self._scope)[1]
        return self._shop.catalog.read(lambda tx: self._shop.stores.of(tx, tx.scopes.get(scope_id)))[1]
