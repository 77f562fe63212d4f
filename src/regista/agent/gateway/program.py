"""The gateway's life: read the table, listen, serve, drain, stop. SIGHUP reads the table and reopens the log; SIGTERM and
SIGINT stop taking connections and let requests under way finish. Exit status: 0 stopped as asked, 2 the arguments or the
table are wrong, 4 the address is taken."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import ssl
from pathlib import Path

import uvloop

from regista.agent.scoring.logs import to_stderr

from . import probe
from .access_log import AccessLog
from .connection import Connections
from .directory import Directory
from .gateway import Gateway
from .log import log
from .table import TableError
from .watch import Watch

BACKLOG = 1024


def main(arguments: list[str]) -> int:
    """Serve until told to stop; return the exit status."""
    to_stderr(log)
    chosen = _parser().parse_args(arguments)
    if (chosen.cert is None) != (chosen.key is None):
        log.error("--cert and --key go together")
        return 2
    with contextlib.suppress(KeyboardInterrupt):
        return uvloop.run(_serve(chosen))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m regista.agent.gateway", description="Answer for endpoints.")
    parser.add_argument("--table", required=True, type=Path, help="routing table, a JSON file replaced by rename")
    parser.add_argument("--listen", default="127.0.0.1:0", help="HOST:PORT; port 0 takes a free one")
    parser.add_argument("--cert", type=Path, help="certificate chain (PEM): speak TLS")
    parser.add_argument("--key", type=Path, help="its private key (PEM)")
    parser.add_argument("--access-log", type=Path, help="append one JSON line per request to this file")
    parser.add_argument("--access-log-bytes", type=int, help="put the file aside when it has so many; one such is kept")
    parser.add_argument("--ready-file", type=Path, help="write {pid, host, port} here once listening")
    parser.add_argument("--max-body", type=int, default=128 * 1024 * 1024, help="bytes of a request's body")
    parser.add_argument("--max-connections", type=int, default=4096)
    parser.add_argument("--grace", type=float, default=30.0, help="seconds for requests under way when stopping")
    return parser


async def _serve(chosen: argparse.Namespace) -> int:
    directory = Directory()
    watch = Watch(chosen.table, directory)
    try:
        watch.load()
        access_log = AccessLog(chosen.access_log, chosen.access_log_bytes)
        secure = _context(chosen)
    except (TableError, OSError) as error:
        log.error("cannot start: %s", error)
        return 2
    gateway = Gateway(directory, access_log, chosen.max_body, secure=secure is not None)
    connections = Connections(gateway, chosen.max_connections)
    host, _, port = chosen.listen.rpartition(":")
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(
            connections.accept,
            host.strip("[]"),
            int(port),
            ssl=secure,
            backlog=BACKLOG,
            ssl_handshake_timeout=None if secure is None else 10.0,
            ssl_shutdown_timeout=None if secure is None else 2.0,
        )
    except (OSError, ValueError) as error:
        log.error("cannot listen on %s: %s", chosen.listen, error)
        return 4
    background = [loop.create_task(watch.run()), loop.create_task(probe.run(directory))]
    _announce(server, chosen.ready_file)
    await _told_to_stop(watch, access_log)
    server.close()
    await connections.drain(chosen.grace)
    for task in background:
        task.cancel()
    access_log.flush()
    log.info("stopped")
    return 0


def _context(chosen: argparse.Namespace) -> ssl.SSLContext | None:
    if chosen.cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(chosen.cert, chosen.key)
    return context


async def _told_to_stop(watch: Watch, access_log: AccessLog) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def again() -> None:
        watch.ask()
        access_log.reopen()

    loop.add_signal_handler(signal.SIGHUP, again)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    log.info("stopping; requests under way are finished")


def _announce(server: asyncio.Server, ready: Path | None) -> None:
    host, port = server.sockets[0].getsockname()[:2]
    log.info("listening on %s:%d, pid %d", host, port, os.getpid())
    if ready is not None:
        draft = ready.with_name(ready.name + ".tmp")
        draft.write_text(json.dumps({"pid": os.getpid(), "host": host, "port": port}))
        draft.replace(ready)
