"""What serves deployments on this machine: the host, and the loop in the server's process that tells it what to do."""

import socket
import time
from pathlib import Path
from typing import Protocol

from regista.bootstrap.settings import Settings
from regista.drivers.executors.process import ProcessExecutor
from regista.drivers.runtimes.uv.runtime import UvRuntime
from regista.drivers.serving.gateway import GatewayOptions
from regista.drivers.serving.process import ProcessServingHost
from regista.errors import RegistaError
from regista.interfaces.runtimes import Report
from regista.interfaces.serving import ServingHost
from regista.services.house import House
from regista.services.serving.leader import Leadership
from regista.services.serving.loop import ServingLoop
from regista.services.serving.orders import Preparer

NEEDED = ("msgspec>=0.18", "pyyaml>=6", "uvicorn>=0.30")
"""What a scoring worker imports, beside the model's own environment."""

FASTER = (*NEEDED, "httptools>=0.6", "uvloop>=0.19")
"""The same with what makes it faster, where there are builds of it for the environment's Python."""

_STOP_SECONDS = 90.0


class StopServing(Protocol):
    """Ends the loop. Workers and gateway go on, for the next server to find; unless they are asked to end too."""

    def __call__(self, *, workers: bool = False) -> None: ...


def open_host(settings: Settings, runtime: UvRuntime) -> ServingHost:
    """The host below the home of *settings*; nothing is started or written yet."""
    executor = ProcessExecutor(confine=settings.confine, log_limit=settings.log_bytes, rotate_logs=True)

    def layer(python: Path, report: Report) -> tuple[Path, ...]:
        try:
            return (runtime.layer(FASTER, python, report),)
        except RegistaError as wrong:
            report(f"serving without uvloop: {wrong.message}")
            return (runtime.layer(NEEDED, python, report),)

    gateway = GatewayOptions(
        host=settings.host,
        port=settings.gateway_port,
        certificate=settings.tls / "server.pem",
        key=settings.tls / "server.key",
        ca=settings.tls / "ca.pem",
        log_bytes=settings.log_bytes,
    )
    confined = executor.capabilities().confined
    return ProcessServingHost(settings.home / "serving", executor, layer, gateway, confined=confined)


def start_serving(house: House, settings: Settings) -> StopServing:
    """Keep the catalog's deployments running from a thread of this process; return what stops that."""
    host = house.serving
    loop = ServingLoop(
        house.catalog,
        host,
        Preparer(house.catalog, house.stores, house.environments, host),
        Leadership(house.catalog, f"{socket.gethostname()}:{settings.home}"),
        house.routing,
        house.endpoints.signer,
    )
    loop.start()

    def stop(*, workers: bool = False) -> None:
        loop.stop()
        if workers:
            end_all(host)
        if isinstance(host, ProcessServingHost):
            host.close()

    return stop


def end_all(host: ServingHost) -> None:
    """Stop and forget every generation, then the gateway; nobody else may tend them meanwhile."""
    deadline = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < deadline:
        left = [key for key in host.generations() if not host.stop(key)]
        if not left and (not isinstance(host, ProcessServingHost) or host.stop_gateway()):
            break
        time.sleep(0.05)
    for key in host.generations():
        host.forget(key)
