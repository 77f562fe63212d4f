"""The worker's life: load, listen, serve, drain, stop.

Loading happens before listening, on the main thread (scripts may set signal handlers and start event loops in ``init``), so
a worker that accepts a connection is ready. Exit status: 0 stopped as asked, 2 the configuration is wrong, 3 the model or
script did not load, 4 the address is taken."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import io
import json
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from . import config as configuration
from .config import Config
from .faults import StartError
from .logs import log, to_stderr

KEEP_ALIVE = 75  # seconds; longer than a gateway keeps an idle connection, so that the gateway closes first


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM or SIGINT; return the exit status."""
    parser = argparse.ArgumentParser(prog="scoring", description="Serve one version of one model.")
    parser.add_argument("--config", required=True, type=Path, help="JSON file: see config.py")
    to_stderr(log)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a print() of the script reaches the log at once
        sys.stdout.reconfigure(line_buffering=True)
    try:
        config = configuration.read(parser.parse_args(arguments).config)
    except StartError as error:
        log.error("%s", error)
        return 2
    os.environ.update(config.env)
    sys.path.extend(folder for folder in config.layer if folder not in sys.path)
    lacking = [name for name in ("msgspec", "uvicorn") if importlib.util.find_spec(name) is None]
    if lacking:
        log.error("neither the environment nor the layer has %s", " and ".join(lacking))
        return 2
    return _serve(config)


def _serve(config: Config) -> int:
    began = time.monotonic()
    log.info(
        "starting %s version %s, pid %d, Python %s", config.name, config.version, os.getpid(), sys.version.split()[0]
    )
    try:
        app = _loaded(config)
    except StartError as error:
        log.error("cannot start: %s", error)
        return 3
    except BaseException as error:  # a script's sys.exit() in init() is a failure to start as well
        log.error("cannot start: %s: %s\n%s", type(error).__name__, error, traceback.format_exc().rstrip())
        return 3
    try:
        listener = _listener(config)
    except OSError as error:
        log.error("cannot listen: %s", error)
        return 4
    log.info("loaded in %.2f s", time.monotonic() - began)
    return _listen(config, app, listener)


def _loaded(config: Config) -> Any:
    if config.model_dir is not None:
        os.environ["AZUREML_MODEL_DIR"] = str(_model_dir(Path(config.model_dir).resolve(), config.model_folder))
    if config.scoring_script is not None:
        from . import script

        served: Any = script.load(config)
    else:
        from . import models

        served = models.load(Path(str(config.model_dir)))
    from .app import App

    return App(config, served)


def _model_dir(model: Path, folder: str) -> Path:
    from .model_folder import laid_out

    try:
        return laid_out(model, folder, Path.cwd())
    except OSError as error:
        log.warning("the model's files are only at %s, not in a folder %r of it: %s", model, folder, error)
        return model


def _listener(config: Config) -> socket.socket:
    if config.uds is not None:
        with contextlib.suppress(FileNotFoundError):
            Path(config.uds).unlink()
        listener = socket.socket(socket.AF_UNIX)
        before = os.umask(0o077)  # whoever may connect may predict: the gateway's user alone
        try:
            listener.bind(config.uds)
        finally:
            os.umask(before)
    else:
        listener = socket.socket(socket.AF_INET6 if ":" in config.host else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((config.host, config.port or 0))
    listener.listen(1024)
    listener.setblocking(False)
    return listener


def _listen(config: Config, app: Any, listener: socket.socket) -> int:
    loop = _new_loop()
    try:
        loop.run_until_complete(_answer(config, app, listener))
    finally:
        idle = app.engine.close()
        if idle:
            loop.close()
    log.info("stopped")
    if not idle:  # a call that overran its time cannot be stopped, and must not keep the process alive
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
    return 0


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


async def _answer(config: Config, app: Any, listener: socket.socket) -> None:
    server = _server(app, grace=config.request_timeout_ms // 1000 + 5)
    if config.scoring_script is None:
        await app.warm_up(Path(str(config.model_dir)))
    _announce(config, listener)
    await server.serve(sockets=[listener])


def _server(app: Any, grace: int) -> Any:
    """uvicorn, made to end quietly on SIGTERM: by itself it raises the signal again, in new versions only."""
    import uvicorn

    class Server(uvicorn.Server):
        def install_signal_handlers(self) -> None:
            return None

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    quiet: dict[str, Any] = {
        "log_config": None,
        "access_log": False,
        "lifespan": "off",
        "server_header": False,
        "proxy_headers": False,
    }
    server = Server(
        uvicorn.Config(
            app,
            interface="asgi3",
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=grace,
            date_header=False,
            **quiet,
        )
    )

    def stop(number: int, _frame: FrameType | None) -> None:
        log.info("stopping on signal %d; requests in flight are finished", number)
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return server


def _announce(config: Config, listener: socket.socket) -> None:
    where: dict[str, Any] = {"pid": os.getpid()}
    if config.uds is not None:
        where["uds"] = config.uds
        log.info("ready on %s", config.uds)
    else:
        where["host"], where["port"] = listener.getsockname()[:2]
        log.info("ready on %s:%d", where["host"], where["port"])
    if config.ready_file is not None:
        path = Path(config.ready_file)
        draft = path.with_name(path.name + ".tmp")
        draft.write_text(json.dumps(where))
        draft.replace(path)
