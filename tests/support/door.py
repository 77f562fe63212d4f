"""Speaking HTTP to the whole application in this process, without a socket."""

import functools
import logging
import warnings
from typing import Any

import anyio.from_thread
import httpx
from litestar.exceptions import LitestarDeprecationWarning

from regista.bootstrap.application import build_application
from regista.services.house import House


class Door:
    """Speaks HTTP to the application without a socket."""

    def __init__(self, house: House, portal: anyio.from_thread.BlockingPortal) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", LitestarDeprecationWarning
            )  # of Litestar 3, which the project does not take yet
            self.application = build_application(house)
        logging.getLogger("httpx").setLevel(logging.WARNING)
        transport = httpx.ASGITransport(self.application, raise_app_exceptions=False)  # type: ignore[arg-type]  # its types are wider
        self._client = httpx.AsyncClient(transport=transport, base_url="https://regista.test")
        self._portal = portal

    def __call__(self, method: str, path: str, key: str | None = None, **options: Any) -> httpx.Response:
        """One request; paths that do not name a door, and are no whole address, go to the native API."""
        url = path if path.startswith(("/mlflow", "/api", "/health", "https://")) else "/api/v1" + path
        headers = dict(options.pop("headers", {})) | ({"Authorization": f"Bearer {key}"} if key is not None else {})
        return self._portal.call(functools.partial(self._client.request, method, url, headers=headers, **options))
