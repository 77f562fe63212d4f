"""What the table names, with what lives across tables: connections, health, counters, whose turn it is."""

from collections.abc import Iterator
from itertools import count

from .backend import Backend
from .faults import Fault
from .gate import Gate
from .keys import Keys
from .log import log
from .split import Sample, Split
from .table import Address, DeploymentSpec, EndpointSpec, Table, prefix
from .tokens import Tokens


class Deployment:
    """Workers that serve the same version. It lives as long as its name is in the table, so that requests which wait for
    their turn while the workers are replaced go to the new ones."""

    def __init__(self, label: str, name: str, spec: DeploymentSpec) -> None:
        self.name = name
        self.header = name.encode()
        self.backends: list[Backend] = []
        self.gate = Gate(None, 0.0)
        self._label = label
        self._turn = count()
        self.adopt(spec)

    def adopt(self, spec: DeploymentSpec) -> None:
        """Take over a new table's word: workers that are still in it stay as they are."""
        known = {one.address: one for one in self.backends}
        self.spec = spec
        self.timeout = spec.timeout_ms / 1000
        self.backends = [
            known.get(one) or Backend(one, f"{self._label} at {_told(one)}") for one in dict.fromkeys(spec.backends)
        ]
        self.gate.adjust(spec.max_concurrent, spec.max_queue_wait_ms / 1000)

    def pick(self, besides: Backend | None = None) -> Backend:
        """The least busy healthy worker, in turns among equals; raise a ``Fault`` (503) if there is none."""
        ready = [one for one in self.backends if one.healthy and not one.retired and one is not besides]
        if not ready:
            told = f"no instance of deployment {self.name} is ready; see its logs, or try again"
            raise Fault(503, "NoHealthyInstance", told, (b"retry-after", b"1"))
        if len(ready) == 1:
            return ready[0]
        turn = next(self._turn) % len(ready)
        return min(ready[turn:] + ready[:turn], key=_business)


def _business(backend: Backend) -> int:
    return backend.busy


class Endpoint:
    """A stable address over deployments."""

    def __init__(self, name: str, spec: EndpointSpec, deployments: dict[str, Deployment]) -> None:
        self.name = name
        self.spec = spec
        self.deployments = deployments
        self.keys = _guard(spec)
        self.split = Split(spec.traffic)
        self.sample = Sample(spec.mirror)

    def choose(self, pinned: bytes | None) -> Deployment:
        """The deployment for one request: the one it is pinned to by header, else by weight. Raise a ``Fault`` (404)."""
        if pinned is not None:
            named = self.deployments.get(pinned.decode("latin-1"))
            if named is None:
                told = f"endpoint {self.name} has no deployment {pinned.decode('latin-1')[:100]!r}"
                raise Fault(404, "DeploymentNotFound", told)
            return named
        name = self.split.next()
        if name is None:
            told = f"no deployment of endpoint {self.name} gets traffic; set its traffic, or name one in azureml-model-deployment"
            raise Fault(404, "NoTraffic", told)
        return self.deployments[name]


def _guard(spec: EndpointSpec) -> Keys | Tokens | None:
    if spec.auth == "token":
        return Tokens(spec.signer, spec.audiences, spec.callers)
    return Keys(spec.keys) if spec.auth == "key" else None


class Directory:
    """The endpoints by path. A new table changes what is new in it; requests under way keep what they were given."""

    def __init__(self) -> None:
        self.generation = ""
        self._by_prefix: dict[bytes, Endpoint] = {}
        self._endpoints: dict[str, Endpoint] = {}
        self._leaving: list[Backend] = []

    def find(self, path: bytes) -> tuple[Endpoint, bytes]:
        """The endpoint of a path and the rest of the path; raise a ``Fault`` (404)."""
        end = -1
        for _ in range(4):
            end = path.find(b"/", end + 1)
            if end < 0:
                end = len(path)
                break
        endpoint = self._by_prefix.get(path[:end])
        if endpoint is None:
            raise Fault(
                404, "EndpointNotFound", "there is no such endpoint; its address is /endpoints/WORKSPACE/ENDPOINT/score"
            )
        return endpoint, path[end:]

    def backends(self) -> Iterator[tuple[Backend, str]]:
        """Every worker in the table with the path of its health."""
        for endpoint in self._endpoints.values():
            for deployment in endpoint.deployments.values():
                for backend in deployment.backends:
                    yield backend, deployment.spec.health

    @property
    def size(self) -> int:
        return len(self._endpoints)

    @property
    def draining(self) -> int:
        """Requests still under way at workers that have left the table."""
        self._leaving = [one for one in self._leaving if one.busy]
        return sum(one.busy for one in self._leaving)

    def update(self, new: Table) -> None:
        """Put *new* in force, at once and as a whole."""
        before = {id(backend): backend for backend, _ in self.backends()}
        self._endpoints = {name: self._endpoint(name, spec) for name, spec in new.endpoints.items()}
        self._by_prefix = {prefix(name, one.spec).encode(): one for name, one in self._endpoints.items()}
        self.generation = new.generation
        now = {id(backend) for backend, _ in self.backends()}
        for key, backend in before.items():
            if key not in now:
                self._leaving.append(backend)
                backend.retire()
        log.info("table %s in force: %d endpoints, %d workers", new.generation or "-", len(self._endpoints), len(now))

    def _endpoint(self, name: str, spec: EndpointSpec) -> Endpoint:
        old = self._endpoints.get(name)
        deployments = {}
        for one, said in spec.deployments.items():
            known = None if old is None else old.deployments.get(one)
            if known is None:
                known = Deployment(f"{name}/{one}", one, said)
            else:
                known.adopt(said)
            deployments[one] = known
        made = Endpoint(name, spec, deployments)
        if old is not None and old.split.weights == made.split.weights:
            made.split = old.split
        if old is not None and old.sample.percents == made.sample.percents:
            made.sample = old.sample
        return made


def _told(address: Address) -> str:
    return address.uds or f"{address.host}:{address.port}"
