"""Ending what runs for a home: the server, then the gateway and the workers behind endpoints, then jobs if that is wished."""

import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from regista.bootstrap.settings import Settings
from regista.errors import InvalidError, RegistaError, UnavailableError
from regista.interfaces.executors import AttemptState, Handle

_SERVER_SECONDS = 30.0
_SERVING_SECONDS = 120.0
_JOB_SECONDS = 30.0
_JOB_GRACE = 10.0
_LOOK = 0.05

Say = Callable[[str], None]


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """``run/server.json``: where the server of a home is, for programs of the same user. ``started`` tells it from another
    process that was given its number later: clock ticks since the boot. ``catalog`` is as ``catalog_shown`` has it."""

    url: str
    ca: str
    key_file: str
    pid: int
    version: str
    started: int = 0
    catalog: str = ""


def catalog_shown(url: str) -> str:
    """Where the catalog at *url* is, without what opens it: no user, no password, no parameters."""
    parts = urlsplit(url)
    return f"{parts.scheme.partition('+')[0]}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def started_at(pid: int) -> int:
    """When a process was started, in clock ticks since the boot (proc(5)); 0 for one that is not there."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[19])
    except OSError:
        return 0


def shut_down(settings: Settings, say: Say, *, jobs: bool = False) -> None:
    """End everything of the home of *settings*, kindly; what does not run is passed over, so that doing it again is quiet.

    With *jobs* those that run are canceled, which the next server writes down; without, their processes go on and the next
    server takes up what they leave. Raise ``UnavailableError`` for what does not end; ``InvalidError``, when nothing is done yet,
    where jobs are to be canceled and the catalog is not the one that they are in."""
    if jobs:
        _check_catalog(settings)
    server = _end_server(settings, say)
    serving = _end_serving(settings, say)
    running = dict(_running_jobs(settings))
    if running and jobs:
        _end_jobs(settings, running, say)
    elif running:
        say(f"{_count(len(running), 'job')} goes on; the next `regista up` takes up what it leaves. --jobs cancels it.")
    if not (server or serving or running):
        say(f"Nothing runs for {settings.home}.")


def _check_catalog(settings: Settings) -> None:
    said = _announced(settings)
    if said and said.catalog and said.catalog != catalog_shown(settings.catalog):
        raise InvalidError(
            f"the jobs of {settings.home} are in another catalog: {said.catalog}",
            hint="Give --catalog, or REGISTA_CATALOG, as for `regista up`.",
        )


def _announced(settings: Settings) -> Announcement | None:
    """What the server of the home said last, if it said anything."""
    try:
        return msgspec.json.decode((settings.run / "server.json").read_bytes(), type=Announcement)
    except (OSError, msgspec.DecodeError):
        return None


def _end_server(settings: Settings, say: Say) -> bool:
    """Whether there was one."""
    found = _open_server(settings)
    if found is None:
        return False
    server, pid = found
    try:
        say(f"Ending the server (process {pid}): requests under way are finished.")
        signal.pidfd_send_signal(server, signal.SIGTERM)
        poll = select.poll()
        poll.register(server, select.POLLIN)
        if not poll.poll(_SERVER_SECONDS * 1000):
            raise UnavailableError(
                f"the server (process {pid}) has not ended after {_SERVER_SECONDS:.0f} seconds",
                hint=f"Its log may say why. The hard way is safe too: kill -9 {pid}, and `regista down` again.",
            )
    except ProcessLookupError:
        pass
    finally:
        os.close(server)
    return True


def _open_server(settings: Settings) -> tuple[int, int] | None:
    """A descriptor of exactly the process that announced itself, and its number; None when it is gone."""
    said = _announced(settings)
    if said is None:
        return None
    try:
        opened = os.pidfd_open(said.pid)
    except (OSError, OverflowError):
        return None
    if said.started and said.started == started_at(said.pid):
        return opened, said.pid
    os.close(opened)
    return None


def _end_serving(settings: Settings, say: Say) -> bool:
    """Whether there was anything: the gateway first, so that no request comes to a worker that is gone."""
    from regista.bootstrap.serving import open_host
    from regista.drivers.runtimes.uv.runtime import UvRuntime
    from regista.drivers.serving.process import ProcessServingHost

    host = open_host(settings, UvRuntime(settings.home))
    if not isinstance(host, ProcessServingHost) or not (left := host.rest()):
        return False
    say(f"Ending the gateway and the workers of deployments ({left}): requests under way are finished.")
    end = time.monotonic() + _SERVING_SECONDS
    while left := host.rest():
        if time.monotonic() > end:
            raise UnavailableError(
                f"{_count(left, 'process')} of deployments still ends", hint="Look again later: regista down"
            )
        time.sleep(_LOOK)
    return True


def _running_jobs(settings: Settings) -> Iterator[tuple[str, Handle]]:
    """The jobs whose process runs on this machine, by id."""
    from regista.drivers.executors.process import ProcessExecutor
    from regista.services.jobs.attempt_folder import attempts

    executor = ProcessExecutor(confine=settings.confine)
    for folder in sorted(settings.work.iterdir()) if settings.work.is_dir() else ():
        for attempt in attempts(settings.work, folder.name):
            data = {"id": folder.name, "directory": str(attempt.root), "log": str(attempt.log)}
            handle = Handle(ProcessExecutor.name, data)
            if executor.status(handle).state is AttemptState.RUNNING:
                yield folder.name, handle


def _end_jobs(settings: Settings, running: dict[str, Handle], say: Say) -> None:
    from regista.drivers.executors.process import ProcessExecutor

    say(f"Canceling {_count(len(running), 'job')}.")
    _request_cancel(settings, list(running), say)
    executor = ProcessExecutor(confine=settings.confine)
    for handle in running.values():
        executor.stop(handle, _JOB_GRACE)
    end = time.monotonic() + _JOB_SECONDS
    while left := dict(_running_jobs(settings)):
        if time.monotonic() > end:
            raise UnavailableError(
                f"{_count(len(left), 'job')} still ends: {', '.join(left)}",
                hint="Look again later: regista down --jobs",
            )
        time.sleep(_LOOK)


def _request_cancel(settings: Settings, ids: list[str], say: Say) -> None:
    """Note that it was somebody's wish, so that the jobs end as canceled and not as failed."""
    from regista.bootstrap.house import build_house
    from regista.services.access.access import SYSTEM

    try:
        house = build_house(settings)
    except RegistaError as wrong:
        say(f"The catalog cannot be told that they are canceled: {wrong.message}")
        return
    try:
        for one in ids:
            job = house.catalog.read(lambda tx, one=one: tx.jobs.by_id(one))  # type: ignore[misc]
            scope = house.catalog.read(lambda tx, job=job: tx.scopes.get(job.scope_id))  # type: ignore[misc]
            house.jobs.cancel(SYSTEM, scope.address, job.name)
    finally:
        house.catalog.close()


def _count(number: int, noun: str) -> str:
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"
