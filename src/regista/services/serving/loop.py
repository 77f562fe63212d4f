"""Making deployments real: what stands in the catalog is what runs on the host, sooner or later, whatever is killed.

Every tick looks at everything anew and does the next step of each deployment:

    no order ──▶ prepare, in a thread ──▶ start ──▶ ready: it serves ──▶ route ──▶ told, and what served before stops

Nothing that matters is remembered between two ticks, so that a tick may be the last one, or the first.
"""

import logging
import threading
import time
from collections.abc import Iterator, Sequence

import msgspec

from regista.entities.endpoint import AuthMode, Deployment, DeploymentState, Endpoint
from regista.entities.page import PageRequest
from regista.errors import RegistaError
from regista.interfaces.catalog import Catalog, Transaction
from regista.interfaces.serving import (
    Address,
    Instance,
    InstanceState,
    Route,
    RouteTarget,
    ServingHost,
    ServingKey,
    TokenRule,
)
from regista.services.serving.callers import TokenCallers, audiences
from regista.services.serving.deployments import key_of
from regista.services.serving.endpoints import route_of
from regista.services.serving.leader import Leadership
from regista.services.serving.orders import Prepared, Preparer, target_of
from regista.services.serving.outcomes import Outcomes
from regista.services.serving.preparations import Preparations
from regista.services.serving.routing import Routing, changed, reached

_STARTS = 3
_BUSY_SECONDS = 0.1
_CALM_SECONDS = 1.0
_IDLE_SECONDS = 5.0
_GLANCE_SECONDS = 0.25
_TAKEN_SECONDS = 0.3
_ASKED_SECONDS = 0.01
_IN_TRANSITION = {DeploymentState.CREATING, DeploymentState.UPDATING}
_log = logging.getLogger("regista.serving")

Addresses = dict[ServingKey, tuple[Address, ...]]


class _World(msgspec.Struct):
    """What the catalog says: endpoints, deployments as they are wanted, and those as they serve where that differs; the last
    change of them (see ``routing``), and the one that the gateway had come to."""

    endpoints: list[Endpoint]
    deployments: list[Deployment]
    older: dict[ServingKey, Deployment]
    changed: int
    reached: int

    def serving(self, deployment: Deployment) -> Deployment:
        """The deployment as it serves."""
        return self.older.get(key_of(deployment, deployment.serving_generation), deployment)


class ServingLoop:
    """Ticks in a thread of its own between ``start`` and ``stop``; the *bell* makes the next tick come at once."""

    def __init__(
        self,
        catalog: Catalog,
        host: ServingHost,
        preparer: Preparer,
        leadership: Leadership,
        routing: Routing,
        signer: str = "",
    ) -> None:
        self._callers = TokenCallers(catalog)
        self._signer = signer
        self._catalog = catalog
        self._host = host
        self._leadership = leadership
        self._outcomes = Outcomes(catalog)
        self._preparations = Preparations(preparer, routing.bell.ring)
        self._routing = routing
        self._known: Addresses = {}
        self._whole: set[ServingKey] = set()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to tick."""
        self._routing.tended = True
        self._thread = threading.Thread(target=self._run, name="serving", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Tick no more. Workers and gateway go on without."""
        self._ended.set()
        self._routing.bell.ring()
        if self._thread is not None:
            self._thread.join()
        self._routing.tended = False

    def _run(self) -> None:
        while not self._ended.is_set():
            pause = _CALM_SECONDS
            heard = self._routing.bell.count
            try:
                pause = self.tick()
            except RegistaError as wrong:
                _log.warning("serving has to wait: %s", wrong.message)
            except Exception:  # noqa: BLE001 - whatever it was, the next tick may do better
                _log.exception("a tick of the serving loop failed")
            self._rest(heard, pause)

    def _rest(self, heard: int, seconds: float) -> None:
        """Wait so long, or until the bell rings, or another server has changed something."""
        bell, end = self._routing.bell, time.monotonic() + seconds
        while bell.count == heard and (left := end - time.monotonic()) > 0:
            bell.wait(heard, min(left, _GLANCE_SECONDS))
            try:
                if left > _GLANCE_SECONDS and self._catalog.read(lambda tx: changed(tx) > reached(tx)):
                    return
            except RegistaError:
                continue  # the next tick will say it

    def tick(self) -> float:
        """Do the next step of everything; return the seconds until the next tick."""
        world = self._catalog.read(_everything)
        if not world.endpoints and not self._host.generations() and not self._preparations:
            if world.changed > world.reached and not self._leadership.holds():
                return _CALM_SECONDS
            return _IDLE_SECONDS if self._route(world, {}) else _BUSY_SECONDS
        if not self._leadership.holds():
            return _CALM_SECONDS
        self._hurry(world)
        addresses: Addresses = {}
        self._whole.clear()
        for deployment in world.deployments:
            self._tend(world, deployment, addresses)
        self._known = addresses
        world = self._catalog.read(_everything)  # some serve since a moment ago
        in_force = self._route(world, addresses)
        if in_force:
            self._tell(world)
        calm = self._tidied(world) if in_force else False
        moving = any(one.state in _IN_TRANSITION for one in world.deployments)
        return _BUSY_SECONDS if moving or not calm else _CALM_SECONDS

    def _hurry(self, world: _World) -> None:
        """Have a change in force before workers are looked at: one that hangs keeps a look at it waiting, and somebody may
        be about to take the traffic from it."""
        serving = {key_of(one, one.serving_generation) for one in world.deployments if one.serving_generation}
        if world.changed > world.reached and serving <= self._known.keys():
            self._route(world, self._known)

    def _route(self, world: _World, addresses: Addresses) -> bool:
        """Have the gateway answer as the world is, and wait a moment for it; whether it does."""
        callers = self._callers.of(world.endpoints, world.changed)
        routes = list(_routes(world, addresses, _Rules(self._signer, callers)))
        end = time.monotonic() + _TAKEN_SECONDS
        while not (taken := self._host.route(routes)) and time.monotonic() < end and not self._ended.is_set():
            time.sleep(_ASKED_SECONDS)
        if taken and world.changed > world.reached:
            self._routing.reach(world.changed)
        return taken

    def _tell(self, world: _World) -> None:
        """Say of every deployment that has become ready, and gets its requests now, that it has succeeded."""
        for one in world.deployments:
            ready = one.serving_generation == one.generation and key_of(one) in self._whole
            if ready and one.state is not DeploymentState.SUCCEEDED:
                self._outcomes.succeeded(one)

    def _tend(self, world: _World, deployment: Deployment, addresses: Addresses) -> None:
        """The next step of one deployment. What goes wrong with it keeps no other one waiting."""
        try:
            for row in _wanted(world, deployment):
                instances = self._host.tend(key_of(row), deployment.instance_count)
                if instances is None:
                    self._prepare(row)
                    continue
                ready = [one.address for one in instances if one.state is InstanceState.READY and one.address]
                addresses[key_of(row)] = tuple(ready)
                if row.generation == deployment.generation:
                    self._judge(deployment, instances)
        except (RegistaError, OSError) as wrong:
            _log.warning("deployment %s: %s", deployment.node, wrong)
            serving = key_of(deployment, deployment.serving_generation)
            addresses.setdefault(serving, self._known.get(serving, ()))

    def _prepare(self, row: Deployment) -> None:
        match self._preparations.advance(row):
            case None:
                return
            case Prepared() as prepared:
                self._host.deploy(prepared.order)
                self._outcomes.locked(row, prepared.lock)
            case RegistaError() as wrong:
                said = f"{wrong.message} {wrong.hint}".strip()
                self._host.note(key_of(row), said)
                self._outcomes.failed(row, said)
            case wrong:
                _log.error("deployment %s cannot be prepared", row.node, exc_info=wrong)
                self._outcomes.failed(row, "Regista failed to prepare it: the server's log has the reason")

    def _judge(self, deployment: Deployment, instances: Sequence[Instance]) -> None:
        """Whether the newest generation serves or fails, by its instances."""
        if all(one.state is InstanceState.READY for one in instances):
            self._whole.add(key_of(deployment))
            if deployment.serving_generation != deployment.generation:
                self._outcomes.serves(deployment)
            return
        for one in instances:
            if one.final or one.failures >= _STARTS:
                self._outcomes.failed(deployment, f"instance {one.number} does not start: {one.message}")
                return

    def _tidied(self, world: _World) -> bool:
        """Stop what nobody wants any more, after the gateway has let go of it; whether all of it has ended."""
        counts = {key_of(row): one.instance_count for one in world.deployments for row in _wanted(world, one)}
        kept = {key_of(one) for one in world.deployments}  # with the logs that tell why it failed
        calm = True
        for key in self._host.generations():
            if key in self._preparations:
                continue
            ended = self._host.stop(key, first=counts.get(key, 0))
            calm = calm and ended
            if ended and key not in counts and key not in kept:
                self._host.forget(key)
        return calm


def _everything(tx: Transaction) -> _World:
    endpoints: list[Endpoint] = []
    cursor: str | None = None
    while True:
        page = tx.endpoints.page(None, PageRequest(limit=1000, cursor=cursor))
        endpoints += page.items
        if not (cursor := page.next):
            break
    deployments = tx.endpoints.deployments(None) if endpoints else []
    older = {}
    for one in deployments:
        if one.serving_generation not in {0, one.generation} and (row := tx.endpoints.generation(one.serving_node)):
            older[key_of(row)] = row
    return _World(endpoints, deployments, older, changed(tx), reached(tx))


def _wanted(world: _World, deployment: Deployment) -> Iterator[Deployment]:
    """The generations that shall run: the one that serves, and the newest unless it failed before it ever served."""
    if deployment.serving_generation not in {0, deployment.generation}:
        yield world.serving(deployment)
    if deployment.state is not DeploymentState.FAILED or deployment.serving_generation == deployment.generation:
        yield deployment


class _Rules(msgspec.Struct):
    """Who signs tokens, and the keys for which they open an endpoint, by its id."""

    signer: str
    callers: dict[str, tuple[str, ...]]

    def of(self, endpoint: Endpoint) -> TokenRule | None:
        """Which tokens open *endpoint*; None for one that keys open."""
        if endpoint.auth_mode == AuthMode.KEY:
            return None
        return TokenRule(signer=self.signer, audiences=audiences(endpoint), callers=self.callers.get(endpoint.id, ()))


def _routes(world: _World, addresses: Addresses, rules: _Rules) -> Iterator[Route]:
    for endpoint in world.endpoints:
        own = [one for one in world.deployments if (one.scope_id, one.endpoint) == (endpoint.scope_id, endpoint.name)]
        targets = {one.name: _target(world, one, addresses) for one in own}
        yield Route(
            path=route_of(endpoint),
            key_hashes=endpoint.key_hashes if endpoint.auth_mode == AuthMode.KEY else (),
            tokens=rules.of(endpoint),
            traffic={name: share for name, share in endpoint.traffic.items() if name in targets},
            mirror={name: share for name, share in endpoint.mirror_traffic.items() if name in targets},
            targets=targets,
        )


def _target(world: _World, deployment: Deployment, addresses: Addresses) -> RouteTarget:
    serving = msgspec.structs.replace(world.serving(deployment), instance_count=deployment.instance_count)
    known = addresses.get(key_of(deployment, deployment.serving_generation), ())
    return msgspec.structs.replace(target_of(serving), addresses=known)
