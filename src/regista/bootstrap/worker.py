"""The worker inside the server's process: it runs jobs on this machine."""

import contextlib
import threading
import uuid
from collections.abc import Callable
from pathlib import Path

import regista.agent
from regista.bootstrap.settings import Settings
from regista.client.trust import bundle
from regista.drivers.downloads.https import HttpsDownloads
from regista.drivers.executors.process import ProcessExecutor
from regista.services.house import House
from regista.services.jobs.workshop import ServerPlace, Workshop
from regista.services.working.roll import Roll
from regista.services.working.worker import Worker, sweep_folders

_PATIENCE = 5.0


def build_workshop(house: House, settings: Settings, executor: ProcessExecutor, url: str = "") -> Workshop:
    """What a worker of *settings* works with; *url* is the server that its jobs report to ("" for none)."""
    settings.work.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Workshop(
        catalog=house.catalog,
        access=house.access,
        stores=house.stores,
        assets=house.assets,
        sealer=house.capsules,
        environments=house.environments,
        executor=executor,
        folder=settings.work,
        bell=house.bell,
        fetch=HttpsDownloads().fetch,
        server=_server(settings, url),
        shares_files=executor.capabilities().confined,
        place=_place(settings.work),
    )


def start_worker(house: House, settings: Settings, url: str = "") -> Callable[[], None]:
    """Run a worker in threads of this process and return what stops it. Processes of jobs run on, and the next worker
    takes them up where they are."""
    executor = ProcessExecutor(confine=settings.confine, log_limit=settings.job_log_bytes)
    workshop = build_workshop(house, settings, executor, url or f"https://{settings.host}:{settings.port}")
    sweep_folders(workshop)
    worker, ended = Worker(workshop, slots=settings.workers), threading.Event()
    roll = enrolled(worker, house, settings)
    thread = threading.Thread(target=worker.run, args=(ended,), name="regista-worker", daemon=True)
    thread.start()

    def stop() -> None:
        ended.set()
        house.bell.ring()
        thread.join(_PATIENCE)
        worker.close()
        roll.leave()
        executor.close()

    return stop


def enrolled(worker: Worker, house: House, settings: Settings) -> Roll:
    """The roll of this machine, with *worker* in it and without the dead."""
    roll = Roll(settings.run / "workers", worker.name)
    roll.enter()
    roll.free_the_dead(house.catalog)
    return roll


def _server(settings: Settings, url: str) -> ServerPlace:
    ca = settings.tls / "ca.pem"
    if not ca.exists():
        return ServerPlace(url=url, site=_site())
    return ServerPlace(url=url, ca=ca, trust=bundle(ca, settings.tls / "trust"), site=_site())


def _place(work: Path) -> str:
    """The name of the folder of jobs in hand, given once and kept beside it."""
    path = work.with_name(f"{work.name}.id")
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    draft.write_text(uuid.uuid4().hex)
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(draft)  # the first of several wins, and nobody reads half a name
    draft.unlink()
    return path.read_text()


def _site() -> Path | None:
    """The folder of modules that every job's Python finds."""
    folder = Path(regista.agent.__file__ or "").parent / "site"
    return folder if folder.is_dir() else None
