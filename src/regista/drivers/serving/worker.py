"""One instance of a generation: a scoring worker under the executor, started, watched, replaced."""

import shutil
import time
from pathlib import Path

import msgspec

import regista.agent
from regista.drivers.serving.asking import answers
from regista.drivers.serving.folders import GenerationFolder, write_whole
from regista.drivers.serving.tries import Part, Tries, Try
from regista.interfaces.executors import Attempt, Executor
from regista.interfaces.serving import Address, Instance, InstanceState, Probe, ServingOrder

PROGRAM = Path(regista.agent.__file__ or "").with_name("scoring")
HEALTH = "/v2/health/ready"
_FINAL = {2}


class Worker:
    """Everything is on disk but how often in a row a living worker did not answer: that is counted anew after a restart."""

    def __init__(self, folder: GenerationFolder, number: int, executor: Executor) -> None:
        self._folder = folder
        self._number = number
        self._executor = executor
        self._tries = Tries(folder.instance(number), executor)
        self._due = 0.0
        self._strikes = 0

    def tend(self, order: ServingOrder) -> Instance:
        """Start it where it is not running and its back-off is over; say how it stands."""
        latest = self._tries.latest()
        if latest is not None and latest.handle is None:
            latest = self._start(latest, order)  # the host died between making the folder and the start
        if latest is None:
            latest = self._start(self._tries.next(), order)
        if latest.is_running:
            return self._alive(latest, order)
        return self._ended(latest, order)

    def stop(self, grace: float) -> bool:
        """Have it end; whether it has."""
        latest = self._tries.latest()
        if latest is None or not latest.stop(grace):
            return latest is None
        self.clean()
        return True

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        latest = self._tries.latest()
        return latest is not None and latest.is_running

    def rest(self, grace: float) -> bool:
        """Have it end until it is tended again, *grace* seconds after its requests; whether it has."""
        latest = self._tries.latest()
        if latest is None:
            return True
        order = self._folder.order
        return latest.rest(grace + (order.request_timeout if order else 0.0))

    def clean(self) -> None:
        """Remove the sockets of all tries."""
        for one in self._tries.all():
            if socket := self._folder.socket(self._number, one.number):
                shutil.rmtree(socket.parent, ignore_errors=True)

    def log_parts(self) -> list[Part]:
        """What is kept of the logs of its tries, oldest first, as if they were one log."""
        found, before = [], 0
        for one in self._tries.all():
            parts = one.log_parts()
            found += [Part(part.path, before + part.start, before + part.end) for part in parts]
            before += parts[-1].end
        return found

    def _alive(self, latest: Try, order: ServingOrder) -> Instance:
        address = self._address(latest)
        if address is None:
            status = latest.status()
            if status and status.started_at and time.time() - status.started_at > order.probe.start:
                latest.stop(grace=1.0)
            return self._told(InstanceState.STARTING)
        if (latest.directory / "stopping").exists():
            return self._told(InstanceState.WAITING)
        if not self._is_well(address, order.probe):
            latest.stop(grace=1.0)  # it would not hear anything longer
            return self._told(InstanceState.WAITING)
        return Instance(number=self._number, state=InstanceState.READY, address=address)

    def _is_well(self, address: Address, probe: Probe) -> bool:
        """False once it has not answered too often in a row."""
        if time.monotonic() < self._due:
            return True
        self._strikes = 0 if answers(address, HEALTH, probe.timeout) else self._strikes + 1
        self._due = time.monotonic() + probe.period
        return self._strikes < probe.failures

    def _ended(self, latest: Try, order: ServingOrder) -> Instance:
        self._strikes, self._due = 0, time.monotonic() + order.probe.period
        status = latest.status()
        final = status is not None and status.exit_code in _FINAL
        said = latest.how_it_ended(status)
        if self._tries.pause_left() <= 0 and not final:
            if socket := self._folder.socket(self._number, latest.number):
                shutil.rmtree(socket.parent, ignore_errors=True)
            self._start(self._tries.next(), order)
            return self._told(InstanceState.STARTING, said)
        return self._told(InstanceState.WAITING, said, final=final)

    def _told(self, state: InstanceState, message: str = "", *, final: bool = False) -> Instance:
        failures = self._tries.failures() - (state is InstanceState.STARTING)
        return Instance(number=self._number, state=state, failures=max(0, failures), message=message, final=final)

    def _address(self, latest: Try) -> Address | None:
        """Where it listens, once it is ready. A socket is where it was told to be, whatever it says."""
        ready = latest.ready
        if ready is None:
            return None
        if socket := self._folder.socket(self._number, latest.number):
            return Address(uds=str(socket))
        return Address(port=ready.port) if ready.port and 0 < ready.port < 65536 else None

    def _start(self, new: Try, order: ServingOrder) -> Try:
        socket = self._folder.socket(self._number, new.number)
        if socket is not None:
            socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        config = new.work / "config.json"
        write_whole(config, msgspec.json.encode(_config(order, socket, new.work / "ready.json")))
        new.start(
            Attempt(
                id=f"{order.key}/{self._number}/{new.number}",
                directory=new.directory,
                argv=(str(order.environment.python), str(PROGRAM / "__main__.py"), "--config", str(config)),
                cwd=new.work,
                log=new.log,
                env=order.environment.variables | order.variables,
                read_only=_read_only(order),
                writable=(socket.parent,) if socket else (),
            )
        )
        return new


def _config(order: ServingOrder, socket: Path | None, ready: Path) -> dict[str, object]:
    """What ``agent/scoring/config.py`` reads. The variables go another way: they are set before Python starts."""
    said: dict[str, object] = {
        "name": order.name,
        "version": order.version,
        "layer": [str(layer) for layer in order.layers],
        "request_timeout_ms": max(1, int(order.request_timeout * 1000)),
        "max_concurrent": order.concurrency,
        "ready_file": str(ready),
        **({"uds": str(socket)} if socket else {"port": 0}),
    }
    if order.model is not None:
        said |= {"model_dir": str(order.model), "model_folder": order.model_folder}
    if order.code is not None:
        said |= {"code_dir": str(order.code), "scoring_script": order.script}
    return said


def _read_only(order: ServingOrder) -> tuple[Path, ...]:
    places = (order.environment.root, *order.environment.read_only, *order.layers, PROGRAM, order.model, order.code)
    return tuple(dict.fromkeys(place for place in places if place is not None))
