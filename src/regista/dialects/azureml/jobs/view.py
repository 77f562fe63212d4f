"""What it takes to show jobs of one workspace: its ids, the names of its experiments, where its outputs lie."""

import msgspec

from regista.dialects.azureml.call import Call
from regista.dialects.azureml.ids import asset_id, scope_id
from regista.entities.datastore import BLOB_STORE
from regista.entities.job import Binding, Job
from regista.entities.lineage import Node
from regista.entities.reference import AssetReference, parse_reference
from regista.entities.scope import Scope, ScopeKind
from regista.errors import InvalidError
from regista.services.jobs.plans import Source

_INLINE = "azureml_anonymous"
"""How the SDK calls components that stand in nodes."""

_PUBLIC = "azureml://registries/"


class View:
    """The workspace of a call, as jobs are shown in it. What it has looked up it remembers: it is made for one answer."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.scope: Scope = call.house.scopes.get(call.caller, call.address)
        self.id = scope_id(self.scope)
        self._experiments: dict[int, str] = {}

    def job_id(self, name: str) -> str:
        """The id of a job."""
        return f"{self.id}/jobs/{name}"

    def compute_id(self, name: str) -> str | None:
        """The id of a compute; ``serverless`` is none, nor is nothing."""
        if name.lower() in {"", "serverless"}:
            return name or None
        return f"{self.id}/computes/{name}"

    def experiment(self, job: Job) -> str:
        """The name of the job's experiment."""
        if job.experiment not in self._experiments:
            call = self.call
            found = call.house.experiments.get(call.caller, call.address, job.experiment)
            self._experiments[job.experiment] = found.name
        return self._experiments[job.experiment]

    def source_id(self, source: Source | None) -> str | None:
        """The id of a version that a plan names. A public one that became anonymous here is shown as it was asked for."""
        if source is None:
            return None
        if source.given.lower().startswith(_PUBLIC):
            return source.given
        found = self.reference_id(source.reference)
        return source.given or found if found == source.reference and "/" in source.given else found

    def code_id(self, source: Source | None) -> str | None:
        """The id of a command's code. Of code in a registry there is none: the SDK reads no job that has one there."""
        found = self.source_id(source)
        return None if found and found.lower().startswith(_PUBLIC) else found

    def inline_id(self, job: Job, node: str) -> str:
        """An id for what stands in a node itself, because the SDK shows no node without one. It leads to nothing."""
        return asset_id(self.scope, "components", _INLINE, f"{job.name}_{node}"[:128])

    def reference_id(self, text: str) -> str:
        """The id of the version that an exact reference names; of a version of another workspace, and of anything else, the
        reference as it stands."""
        try:
            found = parse_reference(text)
        except InvalidError:
            return text
        if not isinstance(found, AssetReference) or found.kind is None or not found.version:
            return text
        if found.registry:
            return f"{_PUBLIC}{found.registry}/{found.kind.plural}/{found.name}/versions/{found.version}"
        if found.workspace_id == self.scope.id:
            return asset_id(self.scope, found.kind.plural, found.name, found.version)
        return text

    def output_uri(self, job: Job, output: str) -> str:
        """Where clients find the files of an output: the shelf of outputs in the workspace's own datastore."""
        return f"azureml://datastores/{BLOB_STORE}/paths/azureml/{job.name}/{output}/"

    def registered(self, binding: Binding | None) -> tuple[str, str]:
        """Name and version that an output was registered as; empty where it was not."""
        if binding is None or not binding.node.startswith("version:"):
            return "", ""
        _, name, version = Node.parse(binding.node).parts
        return name, version


def workspace_reference(scope: Scope, text: str) -> str:
    """A reference to a job's output that means the same in any workspace."""
    found = parse_reference(text)
    if isinstance(found, AssetReference) or not hasattr(found, "workspace") or scope.kind is not ScopeKind.WORKSPACE:
        return text
    named = {"workspace": scope.name, "subscription": scope.subscription, "resource_group": scope.resource_group}
    return str(msgspec.structs.replace(found, **named)) if not found.workspace else text
